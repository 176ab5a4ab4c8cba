ckpt convert good/lenet.ckpt -o $tmp/out --to safetensors && cd $tmp && ckpt info out | head -n 2
