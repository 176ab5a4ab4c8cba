# A key of the right size with a newline in it: that is the first thing to suspect when it does not fit.
printf '0123456789abcde\n' > "$tmp/key"
ckpt list good/enc_b_gcm.ckpt --key-file "$tmp/key"
echo "exit $?"
