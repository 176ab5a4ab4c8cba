. ../tests/cli/prune.bash; head -c 1000 runs/net-1_5.ckpt > runs/net-1_1.ckpt; touch -d 2026-01-01 runs/net-1_1.ckpt
ckpt prune runs --policy keep_checkpoint_max=3 --prefix net --explain --strict-mindspore; ckpt prune runs --policy keep_checkpoint_max=3 --prefix net --explain
