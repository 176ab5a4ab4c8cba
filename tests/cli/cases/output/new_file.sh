ckpt show good/golden_matrix.ckpt conv1.weight --raw -o "$tmp/w.bin" && od -An -tx1 "$tmp/w.bin"
ls "$tmp"
