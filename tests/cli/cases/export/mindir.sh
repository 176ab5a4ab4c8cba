ckpt export graphs/mlp.mindir -o "$tmp/m.onnx" && ckpt list "$tmp/m.onnx"
