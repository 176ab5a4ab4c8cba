cp good/train_momentum.ckpt $tmp/m-weights.ckpt && cd $tmp
ckpt edit --split -f -o "m-{group}.ckpt" m-weights.ckpt; ls
ckpt edit --split --strip-optimizer --set epoch_num=3 -o "n-{group}.ckpt" m-weights.ckpt; ls
ckpt edit --split -o "n-{group}.ckpt" m-weights.ckpt; ls
