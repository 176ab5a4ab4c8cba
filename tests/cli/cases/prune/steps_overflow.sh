mkdir "$tmp/runs"; cp good/lenet.ckpt "$tmp/runs/net-18446744073709551615_1.ckpt"; cd "$tmp"; ckpt prune runs --policy keep_every_steps=4 --steps-per-epoch 2000000000
