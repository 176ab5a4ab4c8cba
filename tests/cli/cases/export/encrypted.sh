ckpt export good/enc_gcm_16.ckpt -o "$tmp/x.onnx"
