. ../tests/cli/prune.bash; ckpt prune runs --policy 'keep_checkpoint_max=2, keep_checkpoint_per_n_minutes=0 , keep_every_minutes=20' --prefix net --explain
ckpt prune runs --policy keep_every_minutes=20 --prefix net --strict-mindspore; echo $?
ckpt prune runs --policy keep_every_minutes=20,keep_checkpoint_per_n_minutes=10; echo $?
