ckpt export good/lenet.ckpt --digest -o "$tmp/l.onnx" && strings -n 64 "$tmp/l.onnx" | grep -c "$(ckpt hash -s good/lenet.ckpt | cut -c1-64)"
