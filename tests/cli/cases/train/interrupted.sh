# Ctrl-C saves, and says how to go on.
cd "$tmp"
set -m  # else a script's work in the background ignores SIGINT
: > out
ckpt-train --synthetic 320 --epochs 1000000 --save-steps 100000 --directory run > out 2> err &
until grep -q '^epoch 2 ' out; do sleep 0.02; done
kill -INT $!
wait $!; echo "exit $?"
sed -E 's/step [0-9]+ of epoch [0-9]+/step N of epoch N/; s/[0-9]+_[0-9]+/N_N/' err
ls run | sed -E 's/[0-9]+_[0-9]+/N_N/'
ckpt check run/*.ckpt | sed -E 's/[0-9]+_[0-9]+/N_N/'
