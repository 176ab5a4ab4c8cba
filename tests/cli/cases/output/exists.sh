# An existing file is refused, and left alone.
echo precious > "$tmp/w.bin"
ckpt show good/golden_matrix.ckpt conv1.weight --raw -o "$tmp/w.bin"
echo "exit $?"
cat "$tmp/w.bin"
ckpt show good/golden_matrix.ckpt conv1.weight --raw --force -o "$tmp/w.bin" && wc -c < "$tmp/w.bin"
ls "$tmp"
