# Every sample; the encrypted ones with their key.
. ../tests/cli/keys.bash
for file in good/*.ckpt; do
  echo "== $(basename $file .ckpt)"
  KEY=$(key_of $file) ckpt list -l $file $(options_of $file) 2>&1
  echo "exit $?"
done
