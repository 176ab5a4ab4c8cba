# A cast is a change of type; whether it is one of values is a matter of tolerance.
ckpt edit good/lenet.ckpt --cast BFloat16 -o "$tmp/half.ckpt"
ckpt diff good/lenet.ckpt "$tmp/half.ckpt" --rtol 0.01
echo "exit $?"
ckpt diff good/lenet.ckpt "$tmp/half.ckpt" --fail-on changed -q
echo "exit $?"
ckpt edit good/append_basic.ckpt --cast Float64 -o "$tmp/double.ckpt"
ckpt diff good/append_basic.ckpt "$tmp/double.ckpt"
