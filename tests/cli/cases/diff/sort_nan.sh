# A value that became NaN is the largest change, whatever is sorted by; there is no distance.
ckpt edit good/train_momentum.ckpt --set momentum=nan --set learning_rate=1000 -o $tmp/b.ckpt && cd $tmp
cp "$OLDPWD"/good/train_momentum.ckpt a.ckpt
for key in max_abs max_rel rms l2 cosine; do ckpt diff a.ckpt b.ckpt --sort $key | sed -n 2p; done
ckpt diff a.ckpt b.ckpt momentum --json
