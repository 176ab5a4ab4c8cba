# A norm's parameters get other names, and get them back.
ckpt convert good/train_momentum.ckpt -o $tmp/pt.safetensors --names pytorch
ckpt list $tmp/pt.safetensors "*bn*" "*fc*"
ckpt convert $tmp/pt.safetensors -o $tmp/ms.ckpt --names mindspore
diff <(ckpt list good/train_momentum.ckpt | sed 1d | sort) <(ckpt list $tmp/ms.ckpt | sed 1d | sort) && echo same
grep -ao "\"format\":\"[a-z]*\"" $tmp/pt.safetensors
