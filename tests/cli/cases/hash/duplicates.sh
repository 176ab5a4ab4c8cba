cp good/train_momentum.ckpt $tmp/copy.ckpt; cp good/train_momentum.ckpt $tmp/one.ckpt; cd $tmp; ckpt hash --duplicates one.ckpt copy.ckpt | head -20
