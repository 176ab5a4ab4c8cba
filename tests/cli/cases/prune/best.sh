. ../tests/cli/prune.bash; printf 'ckpt-record 1\nbegin 1 1 1\nmetric 1 1 0.5\nbegin 1 2 2\nmetric 1 2 0.25\nbegin 1 3 3\npin 1 3\nbegin 1 4 4\nbegin 1 5 5\n' > runs/net-record.txt
ckpt prune runs --policy keep_best=1 --mode min --prefix net --explain; ckpt prune runs --policy keep_best=1 --prefix net --yes; cat runs/net-record.txt
