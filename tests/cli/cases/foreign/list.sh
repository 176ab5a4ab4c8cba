ckpt convert good/lenet.ckpt -o $tmp/lenet.safetensors && ckpt convert good/lenet.ckpt -o $tmp/lenet.npz
ckpt list $tmp/lenet.safetensors
ckpt list $tmp/lenet.npz "fc*" -l
ckpt list ../tests/fuzz/corpus/fuzz_onnx/raw.onnx -l
ckpt list ../tests/fuzz/corpus/fuzz_npz/v1.npy
