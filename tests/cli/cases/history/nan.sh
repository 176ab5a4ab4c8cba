mkdir "$tmp/run"
cp good/golden_matrix.ckpt "$tmp/run/x-1_1.ckpt"
ckpt edit good/golden_matrix.ckpt -o "$tmp/run/x-2_1.ckpt"
cp bad/values_nan_inf.ckpt "$tmp/run/x-3_1.ckpt"
cd "$tmp"
ckpt history run
ckpt history run --json
ckpt history run --csv
