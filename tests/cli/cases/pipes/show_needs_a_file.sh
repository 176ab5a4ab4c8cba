cat good/lenet.ckpt | ckpt show - fc3.bias
echo "exit $?"
ckpt show <(cat good/lenet.ckpt) fc3.bias 2>&1 | sed 's:/dev/fd/[0-9]*:(pipe):'
