. ../tests/cli/prune.bash; ckpt prune runs --policy keep_checkpoint_max=1 --pin net-1_9.ckpt --yes; echo $?
ln -s net-1_1.ckpt runs/net-1_9.ckpt; ckpt prune runs --policy keep_checkpoint_max=1 --pin net-1_9.ckpt --yes; echo $?
mkdir other; ckpt prune runs --policy keep_checkpoint_max=1 --pin other/net-1_2.ckpt --yes; echo $?; ls runs/*-*_*.ckpt | wc -l
