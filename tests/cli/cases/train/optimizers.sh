# Each optimizer with what it has; both kinds of labels make the same of the same images.
cd "$tmp"
train() { ckpt-train --threads 1 --synthetic 160 --epochs 1 --save-steps 5 --directory "$1" "${@:2}" > out || cat out; }
train sparse
train one-hot --loss one-hot
ckpt diff sparse/CKP-1_5.ckpt one-hot/CKP-1_5.ckpt --rtol 1e-3 --atol 1e-5 | tail -n 1
for labels in sparse one-hot; do grep -ac SparseSoftmaxCrossEntropyWithLogits $labels/CKP-graph.meta; done
train nesterov --nesterov
train decayed --weight-decay 0.1 --loss-scale 64
train sgd --optimizer sgd --dampening 0.5
train adam --optimizer adam --beta1 0.8 --beta2 0.99 --eps 1e-6
train adam-nesterov --optimizer adam --beta1 0.8 --beta2 0.99 --eps 1e-6 --nesterov
for other in nesterov decayed sgd; do
  ckpt diff sparse/CKP-1_5.ckpt $other/CKP-1_5.ckpt --only weights --quiet; echo "exit $?"
done
ckpt diff adam/CKP-1_5.ckpt adam-nesterov/CKP-1_5.ckpt --only weights --quiet; echo "exit $?"
# The optimizer is the file's, and so is its momentum.
ckpt-train --threads 1 --synthetic 160 --epochs 2 --directory adam --resume adam/CKP-1_5.ckpt > out; echo "exit $?"
ckpt-train --threads 1 --synthetic 160 --epochs 2 --directory sgd --keep-max 100 --resume sgd/CKP-1_5.ckpt --momentum 0.5 > out; echo "exit $?"
ckpt-train --threads 1 --synthetic 160 --epochs 1 --directory sgd --resume sgd/CKP-1_5.ckpt; echo "exit $?"
