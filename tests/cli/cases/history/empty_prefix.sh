mkdir "$tmp/runs"; cp good/lenet.ckpt "$tmp/runs/-1_1.ckpt"; cp good/lenet.ckpt "$tmp/runs/net-1_1.ckpt"; cd "$tmp"
ckpt history runs --prefix '' --csv | head -2; ckpt history runs --prefix net_1; echo $?
