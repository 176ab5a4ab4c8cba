. ../tests/cli/prune.bash; printf 'ckpt-record 1\nbegin 1 1 1\nbegin 1 2 2\nbegin 1 3 3\n' > runs/net-record.txt
ckpt prune runs --policy keep_checkpoint_max=1 --prefix net --explain
