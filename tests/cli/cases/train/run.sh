# A training, its files, and the numbered prefix of the next one.
cd "$tmp"
words() { sed -E 's/[0-9]+\.[0-9]+/X/g; s/, [0-9,X]+ images\/s//'; }
ckpt-train --threads 1 --synthetic 320 --epochs 2 --save-steps 4 --keep-max 3 --directory run --prefix lenet | words
ls run
ckpt check run/*.ckpt
ckpt list run/lenet-2_10.ckpt | head -n 20
ckpt-train --threads 1 --synthetic 320 --epochs 1 --save-steps 100 --keep-max 3 --directory run --prefix lenet | words
ls run
ckpt graph run/lenet-graph.meta | head -n 4
ckpt-train --threads 1 --synthetic 320 --epochs 1 --keep-max none --directory one > out
ls one
