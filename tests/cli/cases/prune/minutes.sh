. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_per_n_minutes=20 --prefix net --explain
