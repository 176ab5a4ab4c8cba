# The last one counts, as it does for MindSpore.
ckpt convert bad/name_twice_apart.ckpt -o $tmp/out.npz; echo $?
ckpt convert bad/name_twice_apart.ckpt -o $tmp/out.npz --drop-unsupported && ckpt list $tmp/out.npz
