. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=1 --pin runs/net-1_2.ckpt --pin ./runs//net-1_3.ckpt --prefix net --yes; ls runs/net-*.ckpt
