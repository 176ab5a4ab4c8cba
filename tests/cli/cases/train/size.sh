# A ResNet takes images of any size: that of its training is known from the run's graph.
cd "$tmp"
train() { ckpt-train --threads 1 --synthetic 16 --batch 8 --optimizer sgd --no-sync --save-steps 2 "$@"; }
train --network resnet18 --size 24 --epochs 1 --directory run > out || cat out
grep -o '3 images of.*' out
ckpt export run/CKP-1_2.ckpt --check --json
ckpt export run/CKP-1_2.ckpt --network resnet18 --input 1x3x40x40 --check --json
dims() { grep -o '"dims".*'; }
train --eval run/CKP-1_2.ckpt --json | dims
train --eval run/CKP-1_2.ckpt --json --size 40 | dims
train --resume run/CKP-1_2.ckpt --epochs 2 --directory run | grep -o '3 images of.*'
ckpt graph run/CKP-graph.meta | grep inputs
rm run/CKP-1_2.ckpt
echo nothing > run/CKP-graph.meta
train --eval run/CKP-2_2.ckpt --json | dims
