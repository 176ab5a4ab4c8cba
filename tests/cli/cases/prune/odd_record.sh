. ../tests/cli/prune.bash; mkdir runs/net-record.txt; for name in link fifo notes; do cp runs/net-1_1.ckpt runs/$name-1_1.ckpt; cp runs/net-1_1.ckpt runs/$name-1_2.ckpt; done
ln -s notes.txt runs/link-record.txt; mkfifo runs/fifo-record.txt; echo mine > runs/notes-record.txt
ckpt prune runs --policy keep_checkpoint_max=1 --yes; echo $?; ckpt prune runs --policy keep_checkpoint_max=1 --prefix net_1; echo $?
ckpt prune runs --policy keep_checkpoint_max=1 --prefix notes --json --yes; ls runs/*-*_*.ckpt | wc -l
