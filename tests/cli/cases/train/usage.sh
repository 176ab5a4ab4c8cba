# What cannot be asked for: a sentence each, before anything is read or made.
try() { ckpt-train --synthetic 100 --directory "$tmp/run" "$@"; echo "exit $?"; }
try --network lenet6
try --epochs 0
try --batch 101
try --epochs 1 --bach 32
try --save-steps many
try --save-steps none --keep-max none
try --schedule step
try --schedule step --milestones 4,2
try --schedule cosine --lr-min 1
try --labels 3,x
try --labels 3,4-3
try --std 0
try --resume a.ckpt --finetune b.ckpt
try --json
try --keep-best 2
try --freeze 'conv9*'
try --prefix a/b
try --metrics run.txt
try --hold-out 100
try --size 40
try --network mlp --channels 3
try --network resnet18 extra
ckpt-train --synthetic 0; echo "exit $?"
ckpt-train --synthetic 100 --data .; echo "exit $?"
ls "$tmp"
