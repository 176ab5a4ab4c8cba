# Another task: what fits is taken, what does not is named; frozen parameters stay.
cd "$tmp"
ckpt-train --threads 1 --synthetic 320 --labels 0-5 --hold-out 20 --epochs 1 --save-steps 100 --directory first > out || cat out
ckpt-train --threads 1 --synthetic 320 --labels 6-9 --epochs 1 --save-steps 100 --directory second --finetune first/CKP-1_5.ckpt \
  --freeze 'conv*' --optimizer adam > out
ckpt diff first/CKP-1_5.ckpt second/CKP-1_*.ckpt --only weights --all | grep -o '^ *[a-z.0-9]* *[a-z]*'
ckpt list second/CKP-1_*.ckpt 'moment1.*' | cut -d ' ' -f 1
ckpt-train --threads 1 --synthetic 320 --network mlp --finetune first/CKP-1_5.ckpt; echo "exit $?"
# More classes in the images than the network has.
printf '\x00\x00\x08\x01\x00\x00\x00\x01\x09' > t10k-labels-idx1-ubyte
printf '\x00\x00\x08\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00' > t10k-images-idx3-ubyte
ckpt-train --threads 1 --data . --eval first/CKP-1_5.ckpt; echo "exit $?"
ckpt-train --threads 1 --data . --labels 4-9 --eval first/CKP-1_5.ckpt | cut -d , -f 3
