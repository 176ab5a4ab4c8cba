cat good/enc_b_gcm.ckpt | ckpt list - --key-env KEY
cat good/enc_b_gcm.ckpt | ckpt list -
echo "exit $?"
cat good/enc_a_cbc.ckpt | ckpt list - --key-env KEY --enc-mode AES-CBC
cat bad/enc_tag_altered.ckpt | ckpt check - --key-env KEY
echo "exit $?"
