. ../tests/cli/prune.bash; ckpt prune runs --policy keep_best=1
