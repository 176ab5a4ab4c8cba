# Every encrypted sample, with its key.
. ../tests/cli/keys.bash
for file in good/enc_*.ckpt; do
  KEY=$(key_of $file) ckpt list -b $file $(options_of $file) | sed "s:^:$(basename $file) :"
done
