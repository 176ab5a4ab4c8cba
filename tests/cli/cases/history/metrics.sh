# What was measured, beside the checkpoints: found by itself, by the run's name, or named; CSV and JSON lines.
mkdir "$tmp/run"
cp run/mlp-[1-4]_4.ckpt "$tmp/run/"
cd "$tmp"
printf '%s\n' step,epoch,loss,accuracy,images_per_second,validation_loss 2,1,2.5,0.125,9000.5, 4,1,2.25,0.5,9000.5,0.75 \
  6,2,1.5,0.625,9000.5, 8,2,1.25,0.75,9000.5,0.5 11,3,nan,0.75,9000.5, > run/losses.csv
ckpt history run body.bias
ckpt history run body.bias --json
# Damage is said, and costs the lines that have it.
printf '%s\n' 12,3,0.5,0.75,9000.5,0.25 13,4,0.2#5,0.75,9000.5, 14,4 garbage 15,4,0.125,0.875,9000.5, >> run/losses.csv
printf 16,4,0.1 >> run/losses.csv
ckpt history run body.bias
sed -i /garbage/d\;/#/d\;/^14/d run/losses.csv
ckpt history run body.bias > half
# Two runs: each has that of its name.
cp run/mlp-1_4.ckpt run/mlp_1-1_4.ckpt
ckpt history run body.bias --prefix mlp_1
mv run/losses.csv run/mlp.csv
printf '%s\n' '{"step":3,"loss":NaN,"note":"a","lr":1e-3}' '{"step":5,"loss":1}' > run/mlp_1-losses.jsonl
ckpt history run body.bias --prefix mlp_1
ckpt history run body.bias --prefix mlp_1 --json
ckpt history run body.bias --prefix mlp_1 --metrics run/mlp.csv
ckpt history run --metrics run/mlp.csv; echo "exit $?"
ckpt history run --prefix mlp --metrics run/mlp-1_4.ckpt; echo "exit $?"
ckpt history run --prefix mlp --metrics run; echo "exit $?"
ckpt history run --prefix mlp --metrics nowhere; echo "exit $?"
