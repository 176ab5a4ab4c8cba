. ../tests/cli/prune.bash; printf 'ckpt-record 1\nbegin 1 1 1\nbegin 1 2 2\nbegin 1 3 3\nbegin 1 4 4\nbegin 1 5 5\n' > runs/net-record.txt
ckpt prune runs --policy keep_every_steps=4 --explain
