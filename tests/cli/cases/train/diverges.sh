cd "$tmp"
ckpt-train --synthetic 320 --epochs 3 --directory run --lr 1e30 > out; echo "exit $?"
ls run
