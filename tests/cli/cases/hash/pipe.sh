cat good/lenet.ckpt | ckpt hash -s -
