ckpt convert good/dtypes.ckpt -o $tmp/out.npz --drop-unsupported && ckpt list $tmp/out.npz
