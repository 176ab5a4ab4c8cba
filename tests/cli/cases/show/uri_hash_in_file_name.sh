# The first # behind an existing file splits; a name of a tensor may have more of them.
cp good/lenet.ckpt "$tmp/a#b.ckpt"
ckpt show "$tmp/a#b.ckpt#fc3.bias[0]"
ckpt show "$tmp/a#b.ckpt" 'fc3.bias[1]'
