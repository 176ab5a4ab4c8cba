cd "$tmp" && ckpt export "$OLDPWD/good/lenet.ckpt" --input 1x1x32x32 -o l.pb && ckpt graph l.pb
