# What cannot be asked for: a sentence each, before anything is read or made.
try() { ckpt-train --synthetic 100 --directory "$tmp/run" "$@"; echo "exit $?"; }
try --network lenet6
try --epochs 0
try --batch 101
try --epochs 1 --bach 32
try --epochs 0x10
try --batch 0101
try --seed 9223372036854775808
try --save-steps many
try --save-steps none --keep-max none
try --schedule step
try --schedule step --milestones 4,2
try --schedule cosine --lr-min 1
try --schedule cosine --power 2
try --stair
try --momentum 0.5 --optimizer adam
try --weight-decay 1e39
try --dampening 0.5
try --beta1 0.5
try --beta1 1 --optimizer adam
try --beta2 0 --optimizer adam
try --eps 0 --optimizer adam
try --optimizer sgd --nesterov --momentum 0
try --optimizer sgd --nesterov --dampening 0.5
try --loss-scale 0
try --loss-scale 1e38
try --lr inf
try --std 1e400
try --loss hinge
try --log-steps 5
try --labels 20-29
try --labels 3,x
try --labels 3,4-3
try --std 0
try --resume a.ckpt --finetune b.ckpt
try --json
try --eval a.ckpt --best loss
try --eval a.ckpt --logits -
try --eval -
try --metrics -
try --keep-best 2
try --freeze 'conv9*'
try --prefix a/b
try --metrics run.txt
try --hold-out 100
try --size 40
try --network mlp --channels 3
try --network resnet18 extra
try -- --epochs
ckpt-train --synthetic 0; echo "exit $?"
ckpt-train --synthetic 100 --data .; echo "exit $?"
ckpt-train --data run/mlp-1_4.ckpt; echo "exit $?"
ls "$tmp"
