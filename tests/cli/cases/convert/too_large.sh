# A full disk, as far as that can be had: nothing is left behind.
ulimit -f 8
for format in ckpt safetensors npz; do
  ckpt convert good/lenet.ckpt -o $tmp/out.$format
  echo "exit $?"
done
ls -A $tmp
