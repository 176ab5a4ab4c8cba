# Through three formats, and every byte is where it was.
ckpt convert good/golden_matrix.ckpt -o $tmp/a.safetensors
ckpt convert $tmp/a.safetensors -o $tmp/b.npz
ckpt convert $tmp/b.npz -o $tmp/c.ckpt
cmp good/golden_matrix.ckpt $tmp/c.ckpt && echo same
stat -c "%a %n" $tmp/a.safetensors $tmp/b.npz $tmp/c.ckpt
