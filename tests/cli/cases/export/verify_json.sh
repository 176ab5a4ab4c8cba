cp graphs/mlp.ckpt graphs/mlp.mindir "$tmp" && cd "$tmp" && ckpt export mlp.ckpt --graph mlp.mindir --digest -o m.onnx && ckpt export mlp.ckpt --verify m.onnx --json
