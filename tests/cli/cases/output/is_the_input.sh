# Noticed under another name, too.
cp good/golden_matrix.ckpt "$tmp/in.ckpt"
ln -s in.ckpt "$tmp/link"
ln "$tmp/in.ckpt" "$tmp/hard"
cd "$tmp"
for out in in.ckpt ./in.ckpt link hard; do
  ckpt show in.ckpt conv1.weight --raw -f -o $out
  echo "exit $?"
done
wc -c < in.ckpt
