. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=3 --strict-mindspore --prefix net --explain
