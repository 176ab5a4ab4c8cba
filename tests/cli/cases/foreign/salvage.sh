ckpt convert good/lenet.ckpt -o $tmp/lenet.safetensors && ckpt convert good/lenet.ckpt -o $tmp/lenet.npz
cp ../tests/fuzz/corpus/fuzz_onnx/raw.onnx $tmp
for file in lenet.safetensors lenet.npz raw.onnx; do
  ckpt salvage $tmp/$file -o $tmp/out.ckpt
  ckpt edit $tmp/$file -o $tmp/out.ckpt --drop "fc*"
done
ckpt salvage bad/other_gzip.ckpt -o $tmp/out.ckpt
echo $?
ls $tmp
