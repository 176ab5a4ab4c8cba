# What a link points to is replaced; the link stays.
echo old > "$tmp/target"
ln -s target "$tmp/link"
ckpt show good/golden_matrix.ckpt conv1.weight --raw -f -o "$tmp/link"
readlink "$tmp/link"
wc -c < "$tmp/target"
