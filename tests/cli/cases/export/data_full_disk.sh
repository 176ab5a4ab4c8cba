cp good/lenet.ckpt "$tmp" && cd "$tmp" && ckpt export lenet.ckpt --half --external-data -o m.onnx && cp m.onnx old && cp m.onnx.data old.data
(trap '' XFSZ; ulimit -f 50; ckpt export lenet.ckpt --external-data -f -o m.onnx)
ls && cmp m.onnx old && cmp m.onnx.data old.data && echo kept
