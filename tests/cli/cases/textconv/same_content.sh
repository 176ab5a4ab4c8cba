# Slices, dialect and trailer are no part of it; nor is the container.
ckpt edit good/lenet.ckpt --profile classic --crc -o $tmp/a.ckpt
ckpt convert good/lenet.ckpt -o $tmp/b.npz
for file in $tmp/a.ckpt $tmp/b.npz; do cmp <(ckpt textconv good/lenet.ckpt) <(ckpt textconv $file) && echo same; done
