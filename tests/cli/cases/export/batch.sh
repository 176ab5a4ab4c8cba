cd "$tmp" && ckpt export "$OLDPWD/good/lenet.ckpt" --input batchx1x32x32 -o l.onnx && ckpt graph l.onnx | grep puts
