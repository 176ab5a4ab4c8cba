ckpt diff good/lenet.ckpt <(cat good/lenet.ckpt) 2>&1 | sed 's|/dev/fd/[0-9]*|/dev/fd/N|'
ckpt diff good/train_momentum.ckpt good/train_loss_scale.ckpt --long | head -1
