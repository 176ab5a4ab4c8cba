mkdir "$tmp/a" "$tmp/b"
cp good/lenet.ckpt good/train_momentum.ckpt good/append_str.ckpt "$tmp/a"
cp good/lenet.ckpt good/scalar_f32.ckpt "$tmp/b"
cp good/train_loss_scale.ckpt "$tmp/b/train_momentum.ckpt"
cd "$tmp"
ckpt diff a b --top 2
echo "exit $?"
ckpt diff a b --json --top 1
ckpt diff a b --markdown --top 1
ckpt diff a b --junit 'learning_rate' 's' 'conv1.weight'
ckpt diff a a
echo "exit $?"
head -c 100 a/lenet.ckpt > b/lenet.ckpt
ckpt diff a b -q
echo "exit $?"
