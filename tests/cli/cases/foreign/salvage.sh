ckpt convert good/lenet.ckpt -o $tmp/lenet.safetensors && ckpt convert good/lenet.ckpt -o $tmp/lenet.npz
ckpt salvage $tmp/lenet.safetensors -o $tmp/out.ckpt; echo $?
ckpt edit $tmp/lenet.npz -o $tmp/out.ckpt --drop "fc*"; echo $?
