# As MindSpore leaves them.
cp good/str.ckpt "$tmp/x.ckpt"
chmod 0400 "$tmp/x.ckpt"
cd "$tmp"
ckpt list x.ckpt
ckpt check x.ckpt
