. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=2 --explain --dry-run
