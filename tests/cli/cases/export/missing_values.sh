ckpt export graphs/train_mlp/mlp-graph.meta -o "$tmp/m.onnx"; ckpt export graphs/train_mlp/mlp-graph.meta --allow-missing -o "$tmp/m.onnx" && cd "$tmp" && ckpt graph m.onnx
