cp graphs/mlp.mindir "$tmp/m.onnx"; ckpt export "$tmp/m.onnx" -o "$tmp/m.onnx" -f
