ckpt convert good/lenet.ckpt -o $tmp/lenet.safetensors && ckpt convert good/lenet.ckpt -o $tmp/lenet.npz
for file in good/lenet.ckpt $tmp/lenet.safetensors $tmp/lenet.npz; do ckpt show $file "conv1.weight[0,0,:2]"; done
ckpt show ../tests/fuzz/corpus/fuzz_onnx/raw.onnx w
ckpt show ../tests/fuzz/corpus/fuzz_onnx/typed.onnx s
ckpt show ../tests/fuzz/corpus/fuzz_npz/v1.npy v1
ckpt show --json ../tests/fuzz/corpus/fuzz_onnx/raw.onnx w
