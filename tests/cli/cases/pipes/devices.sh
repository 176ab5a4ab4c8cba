# Not empty files, either.
ckpt list /dev/null
echo "exit $?"
head -c 100000 /dev/zero | ckpt list -
echo "exit $?"
