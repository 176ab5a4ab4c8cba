ckpt export graphs/mlp.ckpt --graph graphs/mlp.mindir -o "$tmp/m.onnx" && cp graphs/mlp.ckpt "$tmp" && cd "$tmp" && ckpt export mlp.ckpt --verify m.onnx
