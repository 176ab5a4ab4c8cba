# Weights that are not finite are noticed where the loss is: no file has them, and none that has them is gone on with.
cd "$tmp"
ckpt-train --threads 1 --synthetic 960 --epochs 2 --lr 1e15 --directory run > out 2> err; echo "exit $?"
grep -c 'step [0-9]* of epoch [12]: ' err
[ -e "$(sed -n 's/.*the last checkpoint without NaN and infinities is //p' err)" ] && echo "and that is there"
ckpt check --values run/*.ckpt > found; echo "exit $?"
for file in run/*.ckpt; do ckpt list "$file" conv1.weight > found || echo "$file has none of the weights"; done
# In the last step there is no loss after it, and nothing that is the best.
ckpt-train --threads 1 --synthetic 32 --epochs 1 --lr 1e30 --best accuracy --save-steps 1000 --directory last; echo "exit $?"
ckpt-train --threads 1 --synthetic 320 --epochs 1 --save-steps 1000 --directory good > out; echo "exit $?"
offset=$(ckpt list good/CKP-1_10.ckpt fc1.weight --json | grep -o '"extents":\[\[[0-9]*' | cut -d '[' -f 3)
cp good/CKP-1_10.ckpt bad.ckpt && chmod u+w bad.ckpt
printf '\x00\x00\xc0\x7f' | dd of=bad.ckpt bs=1 seek="$offset" conv=notrunc status=none
ckpt-train --threads 1 --synthetic 320 --eval bad.ckpt > out; echo "exit $?"
ckpt-train --threads 1 --synthetic 320 --resume bad.ckpt --epochs 2; echo "exit $?"
ckpt-train --threads 1 --synthetic 320 --finetune bad.ckpt --epochs 1; echo "exit $?"
