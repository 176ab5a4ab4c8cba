ckpt export good/lenet.ckpt --network lenet5 -o "$tmp/l.onnx" && cd "$tmp" && ckpt graph l.onnx && ls
