. ../tests/cli/prune.bash; cp runs/net-1_1.ckpt runs/-1_1.ckpt; cp runs/net-1_1.ckpt runs/-1_2.ckpt
ckpt prune runs --policy keep_checkpoint_max=1 --prefix '' --explain; ckpt prune runs --policy keep_checkpoint_max=1 --prefix= --pin=-1_1.ckpt --yes; ls runs | wc -l
rm runs/-*; ckpt prune runs --policy keep_checkpoint_max=1 --prefix ''; echo $?
