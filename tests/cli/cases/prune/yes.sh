. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=1 --yes; ls runs; ckpt prune runs --policy keep_checkpoint_max=1 --yes
