. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=1 --pin net-1_2.ckpt --prefix net --explain
