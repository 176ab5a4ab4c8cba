# A file that is in one folder only is added, or removed: where --fail-on asks for neither, it is no reason to fail.
mkdir "$tmp/one" "$tmp/two"
cp good/lenet.ckpt "$tmp/one/same.ckpt"
cp good/lenet.ckpt "$tmp/two/same.ckpt"
cp good/lenet.ckpt "$tmp/two/more.ckpt"
cd "$tmp"
for what in any added removed changed nan; do
  ckpt diff one two --fail-on $what
  echo "$what: exit $?"
  ckpt diff two one --fail-on $what -q
  echo "$what, the other way: exit $?"
done
ckpt diff one two -q
echo "exit $?"
ckpt diff one two --fail-on removed --junit
