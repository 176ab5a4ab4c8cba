ckpt convert good/lenet.ckpt -o $tmp/out.safetensors --crc && grep -ao "\"crc_num\":\"[0-9]*\"" $tmp/out.safetensors
