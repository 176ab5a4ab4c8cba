cat good/train_momentum.ckpt | ckpt stats - --group weights --total
cat good/lenet.ckpt | ckpt stats - fc1.weight --quantiles 0.5 --json
cat good/map.ckpt | ckpt stats - --csv
cat bad/cut_in_content.ckpt | ckpt stats -
echo "exit $?"
