mkdir "$tmp/directory"
mkfifo "$tmp/fifo"
for out in "$tmp/no/such/x" "$tmp/directory" "$tmp/fifo" /dev/full /dev/null; do
  ckpt show good/golden_matrix.ckpt conv1.weight --raw -f -o "$out"
  echo "exit $?"
done
ls "$tmp"
