cat bad/other_pytorch.ckpt | ckpt list -
echo "exit $?"
