# No file that was given is replaced, through a link either; and that is said before anything is compared.
cp run/mlp-1_4.ckpt "$tmp/a.ckpt"
cp run/mlp-8_4.ckpt "$tmp/b.ckpt"
cd "$tmp"
ln -s b.ckpt link
ln b.ckpt hard
printf 'head.bias\thead.bias\r\n' > map.txt
sha256sum a.ckpt b.ckpt map.txt > before
for out in a.ckpt b.ckpt link hard ./b.ckpt; do
  ckpt diff a.ckpt b.ckpt --write-map $out -f
  echo "exit $?"
done
ckpt diff a.ckpt b.ckpt --map map.txt --write-map map.txt -f
echo "exit $?"
mkdir one two
cp a.ckpt one/x.ckpt
cp b.ckpt two/x.ckpt
ckpt diff one two --write-map new.txt
echo "exit $?"
ckpt diff one/x.ckpt two --write-map two/x.ckpt -f
echo "exit $?"
sha256sum --check --quiet before && cmp two/x.ckpt b.ckpt && echo "as before"
ls
