ckpt list good/lenet.ckpt | head -1
echo "${PIPESTATUS[@]}"
ckpt show --full good/lenet.ckpt fc1.weight | head -1
echo "${PIPESTATUS[@]}"
