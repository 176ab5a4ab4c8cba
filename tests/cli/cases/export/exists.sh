echo old > "$tmp/x.onnx"; ckpt export good/lenet.ckpt -o "$tmp/x.onnx"; echo $?; cat "$tmp/x.onnx"; ckpt export good/lenet.ckpt -f -o "$tmp/x.onnx" && wc -c < "$tmp/x.onnx"
