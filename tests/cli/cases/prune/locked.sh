. ../tests/cli/prune.bash; printf 'ckpt-record 1\nbegin 1 1 1\nbegin 1 2 2\nbegin 1 3 3\nbegin 1 4 4\nbegin 1 5 5\n' > runs/net-record.txt; exec 3< runs/net-record.txt; flock -n 3
ckpt prune runs --policy keep_checkpoint_max=1 --prefix net --yes; echo $?; ls runs/net-*.ckpt | wc -l
