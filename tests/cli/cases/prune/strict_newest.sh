mkdir "$tmp/runs"; cp good/lenet.ckpt "$tmp/runs/net-1_1.ckpt"; cd "$tmp"
ckpt prune runs --policy keep_checkpoint_max=1 --strict-mindspore --explain --yes
cp runs/net-1_1.ckpt runs/net-1_2.ckpt; head -c 1000 runs/net-1_1.ckpt > runs/net-1_3.ckpt; touch -d 2026-01-01 runs/net-1_2.ckpt
ckpt prune runs --policy keep_checkpoint_max=1 --strict-mindspore --explain --yes
