ckpt export graphs/mlp.mindir -o "$tmp/m.onnx"; ckpt export good/lenet.ckpt --graph "$tmp/m.onnx" -o "$tmp/new.onnx"
