# An empty pattern matches nothing, or with --regex everything: a condition with one would never fail.
a=run/mlp-1_4.ckpt
b=run/mlp-8_4.ckpt
for option in --fail-on=changed: --fail-on=any: '--fail-on=changed:head*,nan:' '--tolerance==atol:1'; do
  ckpt diff $a $b "$option"
  echo "exit $?"
  ckpt diff $a $b "$option" --regex
  echo "exit $?"
done
ckpt diff $a $b ''
echo "exit $?"
ckpt list $a ''
echo "exit $?"
ckpt stats $a 'head*' ''
echo "exit $?"
ckpt history run ''
echo "exit $?"
ckpt edit $a --cast =Float16 -o "$tmp/out.ckpt"
echo "exit $?"
