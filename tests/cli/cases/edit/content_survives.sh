ckpt edit good/train_momentum.ckpt -o $tmp/all.ckpt
ckpt hash -s good/train_momentum.ckpt $tmp/all.ckpt | cut -c1-64 | uniq | wc -l
ckpt edit good/train_momentum.ckpt --strip-optimizer -o $tmp/weights.ckpt && ckpt list $tmp/weights.ckpt
stat -c %a $tmp/weights.ckpt
