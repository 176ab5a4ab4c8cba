cp run/mlp-8_4.ckpt "$tmp"
cd "$tmp"
ckpt-train --threads 1 --synthetic 640 --epochs 5 --save-steps 1000 --directory run > out || cat out
good() { sed -E 's/"accuracy":(0\.[89][0-9]*|1|1\.0),/"accuracy":0.9,/; s/"loss":[0-9.e-]+/"loss":0.3/'; }
ckpt-train --threads 1 --synthetic 640 --eval run/CKP-5_20.ckpt --json | good
ckpt-train --threads 1 --synthetic 640 --eval run/CKP-5_20.ckpt --batch 100 --json --logits logits.npy | good
ckpt-train --threads 1 --synthetic 640 --eval run/CKP-5_20.ckpt --logits run/CKP-5_20.ckpt; echo "exit $?"
head -c 128 logits.npy | grep -ao 'f4.*(128, 10)'
# The last line of the training says the same.
ckpt-train --threads 1 --synthetic 640 --eval run/CKP-5_20.ckpt | cut -d ' ' -f 2- > said
grep '^test images: ' out | cut -d ' ' -f 3- | diff said - && echo same
ckpt-train --threads 1 --synthetic 640 --eval mlp-8_4.ckpt; echo "exit $?"
ckpt-train --threads 1 --synthetic 640 --network lenet5 --eval mlp-8_4.ckpt; echo "exit $?"
ckpt-train --threads 1 --synthetic 640 --eval nowhere.ckpt; echo "exit $?"
