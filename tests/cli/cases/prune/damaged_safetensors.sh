mkdir "$tmp/runs"; for step in 1 2; do ckpt convert good/lenet.ckpt -o "$tmp/runs/net-1_$step.safetensors"; done > "$tmp/log"; cd "$tmp"
head -c 1000 runs/net-1_2.safetensors > runs/net-1_3.safetensors; cp runs/net-1_2.safetensors runs/net-1_4.ckpt
ckpt prune runs --policy keep_checkpoint_max=1 --explain
