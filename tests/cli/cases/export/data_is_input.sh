cp good/lenet.ckpt "$tmp/l.onnx.data" && cd "$tmp" && ckpt export l.onnx.data --external-data -f -o l.onnx; cmp l.onnx.data "$OLDPWD/good/lenet.ckpt" && ls
