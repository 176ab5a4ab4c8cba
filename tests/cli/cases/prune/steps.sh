. ../tests/cli/prune.bash; ckpt prune runs --policy keep_every_steps=4 --steps-per-epoch 5 --prefix net --explain
