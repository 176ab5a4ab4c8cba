umask 027; ckpt export good/lenet.ckpt -o "$tmp/x.onnx"; stat -c %a "$tmp/x.onnx"
