# What a type does not have is refused when it is planned; the plan has what will be stored.
for value in x=1.5 global_step=1.5 global_step=2147483648 global_step=nan x=1e300; do
  ckpt edit run/mlp-1_4.ckpt --set $value --dry-run
  echo "$value: exit $?"
done
ckpt edit run/mlp-1_4.ckpt --set global_step=7.0 --set loss=0.1 --set ok=true --set big=16777217 --dry-run
ckpt edit run/mlp-1_4.ckpt --set global_step=7.0 --set loss=0.1 --set ok=true --set big=16777217 -o "$tmp/out.ckpt"
ckpt show "$tmp/out.ckpt" global_step
ckpt show "$tmp/out.ckpt" loss
