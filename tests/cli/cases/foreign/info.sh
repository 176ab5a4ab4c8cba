cp good/lenet.ckpt ../tests/fuzz/corpus/fuzz_onnx/raw.onnx $tmp && cd $tmp
ckpt convert lenet.ckpt -o lenet.safetensors && ckpt convert lenet.ckpt -o lenet.npz
ckpt info lenet.safetensors
ckpt info --json lenet.npz
ckpt info lenet.ckpt lenet.safetensors lenet.npz raw.onnx
