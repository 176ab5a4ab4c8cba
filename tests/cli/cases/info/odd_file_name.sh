# Names of files are as untrusted as those of tensors.
cp good/scalar_f32.ckpt "$tmp/"$'red\e[31m\n.ckpt'
cp good/scalar_f32.ckpt "$tmp/"$'not-utf8-\xff.ckpt'
cd "$tmp"
ckpt info *.ckpt
ckpt info --json *.ckpt
ckpt info $'not there\e[0m'
