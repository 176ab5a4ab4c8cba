mkfifo "$tmp/fifo"
cat good/slices.ckpt > "$tmp/fifo" &
ckpt list -l "$tmp/fifo"
