# Going on, in a new process and from any step, is as if nothing had been: the same bytes.
cp bad/cut_in_content.ckpt good/lenet.ckpt "$tmp"
cd "$tmp"
train() { ckpt-train --synthetic 320 --threads 1 --save-steps 4 --keep-max 100 "$@" > out || cat out; }
tensors() { ckpt hash --json "$1" | sed 's/.*"tensors"//'; }
for optimizer in sgd adam; do
  train --optimizer $optimizer --epochs 3 --directory whole-$optimizer
  train --optimizer $optimizer --epochs 1 --directory part-$optimizer
  train --optimizer $optimizer --epochs 3 --directory part-$optimizer --resume part-$optimizer/CKP-1_10.ckpt
  train --optimizer $optimizer --epochs 3 --directory part-$optimizer --resume whole-$optimizer/CKP-2_6.ckpt
  ls part-$optimizer/*3_10.ckpt
  for file in part-$optimizer/*3_10.ckpt; do
    [ "$(tensors "$file")" = "$(tensors whole-$optimizer/CKP-3_10.ckpt)" ] && echo same || echo different
  done
done
echo "a schedule, which is in the file:"
train --schedule cosine --warm-up 1 --epochs 3 --seed 7 --directory whole
train --epochs 3 --directory part --resume whole/CKP-1_8.ckpt
[ "$(tensors part/CKP-3_10.ckpt)" = "$(tensors whole/CKP-3_10.ckpt)" ] && echo same || echo different
train --epochs 4 --directory part --resume whole/CKP-3_10.ckpt
echo "a file of MindSpore's first versions, which counted no steps:"
train --epochs 2 --seed 1 --directory counted
ckpt edit counted/CKP-1_8.ckpt -o CKP-1_8.ckpt --drop global_step --drop epoch_num --drop step_num --drop seed \
  --cast learning_rate=Float64 --cast momentum=Float64
train --epochs 2 --directory uncounted --resume CKP-1_8.ckpt --momentum 0.9
[ "$(tensors uncounted/CKP-2_10.ckpt)" = "$(tensors counted/CKP-2_10.ckpt)" ] && echo same || echo different
echo "what is no such file:"
train --epochs 3 --resume part-sgd/CKP-3_10.ckpt
train --optimizer adam --epochs 4 --resume part-sgd/CKP-3_10.ckpt
train --batch 16 --epochs 4 --resume part-sgd/CKP-3_10.ckpt --optimizer sgd
train --batch 16 --epochs 4 --resume part-sgd/CKP-1_4.ckpt --optimizer sgd
train --hold-out 32 --epochs 4 --resume part-sgd/CKP-2_4.ckpt --optimizer sgd
train --network mlp --epochs 4 --resume part-sgd/CKP-3_10.ckpt
train --epochs 4 --resume nowhere.ckpt
train --epochs 4 --resume lenet.ckpt
train --epochs 4 --resume cut_in_content.ckpt
# From an older file another run begins: what was saved after it is of another training. Its schedule begins at its rate.
train() { ckpt-train --threads 1 --synthetic 320 --save-steps 5 "$@" > out; echo "exit $?"; }
train --epochs 2 --optimizer adam --lr 0.002 --directory older
train --epochs 2 --directory older --resume older/CKP-1_5.ckpt --schedule cosine --metrics older/CKP_1.csv --log-steps 1
ls older | tr '\n' ' '; echo
sed -n 2p older/CKP_1.csv | cut -d , -f 1,2,5
train --epochs 3 --directory older --resume older/CKP_1-2_10.ckpt --beta1 0.8 --lr 0.001
train --epochs 4 --directory older --resume older/CKP_1-3_10.ckpt --dampening 0.5
rm older/CKP_1-record.txt; mkdir older/CKP_1-record.txt
train --epochs 4 --directory older --resume older/CKP_1-3_10.ckpt
