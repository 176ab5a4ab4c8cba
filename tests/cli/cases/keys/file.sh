# The bytes themselves: a newline at the end counts, and is the first thing to suspect.
printf '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f' > "$tmp/key"
(cat "$tmp/key"; echo) > "$tmp/newline"
cat "$tmp/key" "$tmp/key" "$tmp/key" > "$tmp/long"
: > "$tmp/empty"
printf '0123456789abcde\n' > "$tmp/sixteen"
for key in key newline long empty sixteen; do
  echo "$key:"
  ckpt list good/enc_b_gcm.ckpt --key-file "$tmp/$key"
done
echo "pipe:"
ckpt list good/enc_b_gcm.ckpt --key-file <(cat "$tmp/key")
