. ../tests/cli/prune.bash; printf 'ckpt-record 1\nbegin 1 1 1\nbegin 1 2 2\n' > runs/net-record.txt
exec 3< runs/net-record.txt; flock -n 3; ckpt prune runs --policy keep_checkpoint_max=1 --yes --json > out; echo $?
ckpt prune runs --policy keep_checkpoint_max=1 --yes --json --prefix net_1; cat out
