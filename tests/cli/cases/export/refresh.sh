cp graphs/train_mlp/mlp-1_2.ckpt "$tmp/new.ckpt" && ckpt export graphs/mlp.mindir -o "$tmp/old.onnx" && cd "$tmp" && ckpt export new.ckpt --graph old.onnx -o new.onnx
ckpt export new.ckpt --verify old.onnx
ckpt export new.ckpt --verify new.onnx --json
