. ../tests/cli/prune.bash; ln -s net-1_1.ckpt runs/net-1_9.ckpt; ckpt prune runs --policy keep_checkpoint_max=1 --prefix net --yes; ls runs/net-*
