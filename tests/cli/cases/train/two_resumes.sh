# Two resumes of one run at once: the second is refused, and the first one and its files know nothing of it.
cd "$tmp"
set -m  # else a script's work in the background ignores SIGINT
ckpt-train --threads 1 --synthetic 320 --epochs 1 --save-steps 100000 --directory run > /dev/null
: > out
ckpt-train --threads 1 --synthetic 320 --epochs 1000000 --save-steps 100000 --directory run --resume run/CKP-1_10.ckpt > out 2> err &
until grep -q '^epoch 2 ' out || ! kill -0 $! 2> /dev/null; do sleep 0.02; done
before=$(ls run)
ckpt-train --threads 1 --synthetic 320 --epochs 3 --directory run --resume run/CKP-1_10.ckpt; echo "exit $?"
[ "$(ls run)" = "$before" ] && echo "nothing was made"
kill -INT $!
wait $!; echo "exit $?"
ckpt check run/*.ckpt | sed -E 's/[0-9]+_[0-9]+/N_N/'
