# Every sample; the encrypted ones with their key.
. ../tests/cli/keys.bash
for file in good/*.ckpt; do
  echo "== $(basename $file .ckpt)"
  KEY=$(key_of $file) ckpt check -  $(options_of $file) 2>&1 < $file
  echo "exit $?"
done
