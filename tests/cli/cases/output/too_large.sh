# A full disk, as far as that can be had: nothing is left behind.
ulimit -f 8
ckpt show good/lenet.ckpt fc1.weight --raw -o "$tmp/x"
echo "exit $?"
ls "$tmp"
