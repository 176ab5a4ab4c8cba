ckpt convert good/lenet.ckpt -o $tmp/a.npz && ln -s a.npz $tmp/b.npz
ckpt convert $tmp/a.npz -o $tmp/b.npz --force; echo $?
