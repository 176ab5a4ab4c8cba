ckpt convert good/lenet.ckpt -o $tmp/lenet.safetensors && ckpt convert good/lenet.ckpt -o $tmp/lenet.npz
ckpt hash -s good/lenet.ckpt $tmp/lenet.safetensors $tmp/lenet.npz
ckpt hash --json good/lenet.ckpt > $tmp/manifest
(cd $tmp && ckpt hash --check manifest lenet.safetensors)
