# What fails leaves no file, and no temporary one.
ckpt convert good/map.ckpt -o $tmp/out.npz
ckpt convert bad/cut_in_content.ckpt -o $tmp/out.npz
ckpt convert bad/other_gzip.ckpt -o $tmp/out.npz
ckpt convert good/lenet.ckpt -o $tmp/out.onnx
ckpt convert good/enc_gcm_16.ckpt -o $tmp/out.npz
ls -A $tmp
