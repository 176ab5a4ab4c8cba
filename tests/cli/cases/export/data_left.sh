cp good/lenet.ckpt "$tmp" && cd "$tmp" && ckpt export lenet.ckpt --external-data -o m.onnx && ckpt export lenet.ckpt -f -o m.onnx && ls && ckpt export lenet.ckpt --external-data -f -o m.onnx
