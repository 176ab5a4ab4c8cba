cp good/lenet.ckpt "$tmp" && cd "$tmp" && echo key > k.onnx && ckpt export lenet.ckpt --key-file k.onnx -f -o k.onnx; cat k.onnx
