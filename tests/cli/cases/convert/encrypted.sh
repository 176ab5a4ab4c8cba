# What was secret is not made readable by all.
printf %s "$(python3 -c "import json; print(json.load(open(\"good/enc_gcm_16.json\"))[\"key\"])")" > $tmp/hex
key=$(cat $tmp/hex) ckpt convert good/enc_gcm_16.ckpt -o $tmp/out.npz --key-env key && stat -c %a $tmp/out.npz
