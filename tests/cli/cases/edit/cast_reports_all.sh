ckpt edit good/train_momentum.ckpt --set learning_rate=1e30 --set momentum=nan --set global_step=70000 -o $tmp/in.ckpt && cd $tmp
ckpt edit in.ckpt --cast learning_rate=Float16 --cast momentum=Int32 --cast global_step=Int8 -o out.ckpt; echo $?
ckpt show out.ckpt global_step
ckpt edit in.ckpt --keep learning_rate --keep momentum --cast learning_rate=Float8E4M3FN -o out.ckpt -f --json; echo $?
