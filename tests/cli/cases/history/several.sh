# Two runs in a folder, one of which fails; a file that is none of theirs; a NaN.
mkdir "$tmp/runs"
cp run/mlp-1_4.ckpt "$tmp/runs/b-1_4.ckpt"
cp run/mlp-2_4.ckpt "$tmp/runs/b-10_4.ckpt"
cp run/mlp-3_4.ckpt "$tmp/runs/b-10_4_breakpoint.ckpt"
cp run/mlp-4_4.ckpt "$tmp/runs/a=1-2_4.ckpt"
cp good/lenet.ckpt "$tmp/runs/"
cd "$tmp"
ckpt history runs
ckpt history runs --prefix b --json head.bias
ckpt history runs --csv head.bias
head -c 500 runs/b-10_4.ckpt > cut && mv cut runs/b-10_4.ckpt
ckpt history runs --prefix b
echo "exit $?"
