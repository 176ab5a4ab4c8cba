ckpt export graphs/tiny_resnet.mindir --fold-batch-norm -o "$tmp/t.onnx" && cd "$tmp" && ckpt graph t.onnx | tail -n +6
