# As the umask says; what came from an encrypted file is for its owner alone.
umask 027
ckpt show good/lenet.ckpt fc3.bias --raw -o "$tmp/plain"
ckpt show good/enc_b_gcm.ckpt s --key-env KEY --raw -o "$tmp/secret"
stat -c '%a %n' "$tmp"/*
