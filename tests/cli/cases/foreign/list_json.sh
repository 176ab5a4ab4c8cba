ckpt convert good/dtypes.ckpt -o $tmp/types.safetensors --drop-unsupported
ckpt list --json $tmp/types.safetensors
ckpt list --json ../tests/fuzz/corpus/fuzz_npz/packed.npz
ckpt list --json ../tests/fuzz/corpus/fuzz_onnx/typed.onnx
