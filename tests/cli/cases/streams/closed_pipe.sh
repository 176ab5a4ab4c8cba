# Whoever reads has enough: quiet, exit 0. The pipe is closed before anything is written.
mkfifo "$tmp/pipe"
exec 3<> "$tmp/pipe" 4> "$tmp/pipe" 3<&-
for command in "info good/lenet.ckpt" "list good/lenet.ckpt" "list --json good/lenet.ckpt" "show good/lenet.ckpt fc1.weight" \
    "show good/lenet.ckpt fc1.weight --raw" "show good/lenet.ckpt fc1.weight --json" "show --full good/lenet.ckpt fc1.weight" \
    "check good/lenet.ckpt" "check bad/crc_wrong.ckpt" rules "document man" --help; do
  ckpt $command >&4
  echo "$command: $?"
done
