cp good/train_momentum.ckpt $tmp/a.ckpt && chmod 640 $tmp/a.ckpt
ckpt edit --in-place $tmp/a.ckpt 2>&1 | sed "s#$tmp#TMP#"
ckpt edit --in-place $tmp/a.ckpt --crc --set learning_rate=0.5
stat -c %a $tmp/a.ckpt; ckpt check -q $tmp/a.ckpt; ckpt show $tmp/a.ckpt learning_rate
