for i in a b; do ckpt export good/lenet.ckpt -o "$tmp/$i.onnx"; done; cmp "$tmp/a.onnx" "$tmp/b.onnx" && echo same
