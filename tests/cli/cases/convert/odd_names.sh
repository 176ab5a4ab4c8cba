# A name is data: what would be an odd path in an archive is not written.
ckpt convert good/names_odd.ckpt -o $tmp/out.npz; echo $?
ckpt convert good/names_odd.ckpt -o $tmp/out.safetensors && ckpt hash -s good/names_odd.ckpt $tmp/out.safetensors
