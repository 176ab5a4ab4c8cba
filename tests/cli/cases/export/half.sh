ckpt export good/lenet.ckpt --half -o "$tmp/l.onnx" && cp good/lenet.ckpt "$tmp" && cd "$tmp" && ckpt list l.onnx "conv*" "fc1*" && ckpt export lenet.ckpt --verify l.onnx
