# What did not happen is not counted. A plan does not read the values.
ckpt edit run/mlp-1_4.ckpt --set big=100000 --set learning_rate=1e30 -o "$tmp/in.ckpt"
ckpt edit "$tmp/in.ckpt" --cast learning_rate=Float16 -o "$tmp/out.ckpt"
echo "exit $?"
ckpt edit "$tmp/in.ckpt" --cast learning_rate=Float16 --keep learning_rate --dry-run
echo "exit $?"
