mkfifo "$tmp/pipe"
exec 3<> "$tmp/pipe" 4> "$tmp/pipe" 3<&-
ckpt list missing.ckpt >&4
echo "exit $?"
ckpt list bad/cut_in_content.ckpt >&4
echo "exit $?"
