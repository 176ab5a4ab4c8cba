ckpt edit graphs/mlp.ckpt --rename "fc3.weight=weight" -o "$tmp/part.ckpt" && cp graphs/mlp.mindir "$tmp" && cd "$tmp" && ckpt export part.ckpt --graph mlp.mindir -o m.onnx
