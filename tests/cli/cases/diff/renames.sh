ckpt edit good/lenet.ckpt --rename-regex 's/^fc(\d)/head.\1/' --set note=3 -o "$tmp/renamed.ckpt"
cp good/lenet.ckpt "$tmp"
cd "$tmp"
ckpt diff lenet.ckpt renamed.ckpt
ckpt diff lenet.ckpt renamed.ckpt -q --write-map map.txt
echo "exit $?"
tr "\t" "|" < map.txt
ckpt diff lenet.ckpt renamed.ckpt -q --write-map map.txt
echo "exit $?"
ckpt diff lenet.ckpt renamed.ckpt -q --write-map map.txt --force
echo "exit $?"
ckpt diff lenet.ckpt renamed.ckpt --map map.txt
echo "exit $?"
ckpt diff lenet.ckpt renamed.ckpt --map map.txt --fail-on removed,renamed -a
echo "exit $?"
ckpt diff lenet.ckpt renamed.ckpt --rename-regex 's/^fc(\d)/head.\1/' --json
ckpt diff lenet.ckpt renamed.ckpt --no-renames --top 4
printf 'fc1.weight head.1.weight\n' > wrong.txt
ckpt diff lenet.ckpt renamed.ckpt --map wrong.txt
echo "exit $?"
printf 'fc1.weigth\thead.1.weigth\nfc1.bias\thead.1.bias\n' > typo.txt
ckpt diff lenet.ckpt renamed.ckpt -q --map typo.txt
echo "exit $?"
