ckpt convert good/lenet.ckpt -o $tmp/lenet.safetensors && ckpt convert good/lenet.ckpt -o $tmp/lenet.npz
cat $tmp/lenet.safetensors | ckpt list -; echo $?
