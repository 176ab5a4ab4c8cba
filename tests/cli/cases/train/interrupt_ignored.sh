# A script's work in the background ignores Ctrl-C, which is meant for the script; SIGTERM still saves and ends it.
cd "$tmp"
trap '' INT
: > out
ckpt-train --synthetic 320 --epochs 1000000 --save-steps 100000 --directory run > out 2> err &
trained() { until [ "$(grep -c '^epoch ' out)" -gt "$1" ] || ! kill -0 $! 2> /dev/null; do sleep 0.02; done; }
trained 1
kill -INT $!
trained $(($(grep -c '^epoch ' out) + 2))
kill -TERM $! && wait $!; echo "exit $?"
