. ../tests/cli/prune.bash; echo 'ckpt-record 1' > runs/net-record.txt; exec 3< runs/net-record.txt; flock -n 3
ckpt prune runs --policy keep_checkpoint_max=1 --prefix net --yes; echo $?; ls runs/net-*.ckpt | wc -l
