# Without --force nothing is replaced.
echo old > $tmp/out.npz
ckpt convert good/lenet.ckpt -o $tmp/out.npz; echo $?
cat $tmp/out.npz
ckpt convert good/lenet.ckpt -o $tmp/out.npz --force && ckpt list $tmp/out.npz fc3.bias
ls $tmp
