ckpt export good/lenet.ckpt -o "$tmp/l.onnx" --json
