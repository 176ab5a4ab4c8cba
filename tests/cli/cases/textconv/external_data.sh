# Git hands over a lone file: what a model has in others is said as it stands there, whether they are there or not.
cp ../tests/fuzz/corpus/fuzz_onnx/external.onnx "$tmp/model.onnx"
cd "$tmp"
ckpt textconv model.onnx
echo "exit $?"
head -c 24 /dev/zero > data
ckpt textconv model.onnx
echo "exit $?"
rm model.onnx
ckpt textconv model.onnx
echo "exit $?"
