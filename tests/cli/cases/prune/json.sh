. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=1 --prefix net_1 --json
