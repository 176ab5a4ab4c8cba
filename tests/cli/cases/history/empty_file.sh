# A save that was cut off before its first byte.
cp run/mlp-1_4.ckpt run/mlp-8_4.ckpt "$tmp"
: > "$tmp/mlp-9_4.ckpt"
ckpt history "$tmp"
echo "exit $?"
