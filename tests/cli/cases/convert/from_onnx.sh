ckpt convert ../tests/fuzz/corpus/fuzz_onnx/raw.onnx -o $tmp/out.ckpt && ckpt list $tmp/out.ckpt
