# The run's graph beside the checkpoint tells the input, if it is of this network; here it is the usual one.
cp good/lenet.ckpt "$tmp/lenet-1_2.ckpt"
cp graphs/train_mlp/mlp-graph.meta "$tmp/mlp-graph.meta"
cp graphs/train_lenet5/lenet5-graph.meta "$tmp/lenet5-graph.meta"
cd "$tmp"
ckpt export lenet-1_2.ckpt -o alone.onnx
cp lenet5-graph.meta lenet-graph.meta
ckpt export lenet-1_2.ckpt -o with.onnx
cmp alone.onnx with.onnx && echo same
cp mlp-graph.meta lenet-graph.meta
ckpt export lenet-1_2.ckpt --check --json
head -c 5000 lenet5-graph.meta > lenet-graph.meta
ckpt export lenet-1_2.ckpt --network lenet5 --check; echo "exit $?"
ckpt export lenet-1_2.ckpt --input 4x1x32x32 --check; echo "exit $?"
ckpt export lenet-1_2.ckpt --verify with.onnx
