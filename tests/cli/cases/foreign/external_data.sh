# An ONNX model's data may lie beside it, and nowhere else.
cp ../tests/fuzz/corpus/fuzz_onnx/external.onnx $tmp/model.onnx
ckpt show $tmp/model.onnx w; echo $?
head -c 24 /dev/zero > $tmp/data
ckpt show $tmp/model.onnx w; echo $?
ckpt list --json $tmp/model.onnx
rm $tmp/data && ln -s /etc/hostname $tmp/data
ckpt show $tmp/model.onnx w; echo $?
