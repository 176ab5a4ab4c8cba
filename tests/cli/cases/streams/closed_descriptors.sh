# A closed standard output is a failure, a closed standard error leaves nobody to tell.
ckpt list good/golden_matrix.ckpt >&-
echo "exit $?"
ckpt list missing.ckpt 2>&-
echo "exit $?"
