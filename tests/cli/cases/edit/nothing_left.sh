ckpt edit good/lenet.ckpt --keep "conv9*" -o $tmp/out.ckpt
echo $?
ckpt edit good/lenet.ckpt --drop "*" -o $tmp/out.ckpt
echo $?
ckpt edit bad/empty.ckpt --split -o "$tmp/x-{group}.ckpt"
echo $?
ckpt edit good/lenet.ckpt --split -o "x-{group}.ckpt" --dry-run
ls $tmp
