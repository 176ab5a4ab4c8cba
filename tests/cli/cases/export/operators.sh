ckpt export --operators | head -1; ckpt export --operators | grep -E "^(Conv2D|BatchNorm|ReLU) "
