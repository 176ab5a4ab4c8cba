# What a map may have on its lines.
map() {
  printf "$1" > "$tmp/map.txt"
  ckpt diff run/mlp-1_4.ckpt run/mlp-8_4.ckpt -q --map "$tmp/map.txt"
  echo "exit $?"
}
map '\xEF\xBB\xBFhead.bias\thead.bias\r\n\r\nbody.bias\tbody.bias'
map 'head.bias\thead.bias\nhead.bias\thead.bias\n'
map 'head.bias\thead.bias\nhead.bias\tbody.bias\n'
map '\nhead.bias\tbody.bias\nbody.bias\tbody.bias\n'
map 'head.bias\thead.bias\tbody.bias\n'
map '\nhead.bais\thead.bias\n'
map 'head.bias\thead.bais\n'
ckpt diff run/mlp-1_4.ckpt run/mlp-8_4.ckpt -q --map <(printf 'head.bias\thead.bias\n')
echo "exit $?"
for odd in /dev/zero . ; do
  ckpt diff run/mlp-1_4.ckpt run/mlp-8_4.ckpt -q --map $odd
  echo "exit $?"
done
