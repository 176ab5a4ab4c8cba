ckpt show good/dtypes.ckpt p.int16 --npy -o "$tmp/x.npy"
head -c 6 "$tmp/x.npy" | od -An -tx1
