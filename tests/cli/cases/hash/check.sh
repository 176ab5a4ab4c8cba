ckpt hash --json good/train_momentum.ckpt > $tmp/m.json
ckpt hash --check $tmp/m.json good/train_momentum.ckpt; echo $?
ckpt edit good/train_momentum.ckpt --drop bn.beta --set learning_rate=0.5 --set note=new -o $tmp/changed.ckpt && cd $tmp
ckpt hash --check m.json changed.ckpt; echo $?
ckpt hash --check m.json changed.ckpt --json; echo $?
