. ../tests/cli/prune.bash; head -c 1000 runs/net-1_5.ckpt > x && mv x runs/net-1_5.ckpt; ckpt prune runs --policy keep_checkpoint_max=1 --prefix net --explain
