. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=none --strict-mindspore --prefix net
