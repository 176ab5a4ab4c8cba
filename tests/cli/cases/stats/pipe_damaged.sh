# What is whole in front of the damage is shown, as of a file: between entries, in a large one, in slices, behind a block.
ckpt edit good/lenet.ckpt --set note=hello -o $tmp/whole.ckpt
size=$(stat -c %s $tmp/whole.ckpt)
for cut in 300 5000 100000 $((size - 3)); do
  head -c $cut $tmp/whole.ckpt > $tmp/cut.ckpt
  ckpt stats $tmp/cut.ckpt > $tmp/of_file
  echo "exit $?"
  cat $tmp/cut.ckpt | ckpt stats - > $tmp/of_pipe
  echo "exit $?"
  cmp $tmp/of_file $tmp/of_pipe && wc -l < $tmp/of_pipe
done
cat bad/slices_unfinished.ckpt | ckpt stats -
cat bad/cut_in_content.ckpt | ckpt stats - --json
cat bad/enc_second_cut.ckpt | ckpt stats - --key-env KEY
cat bad/other_gzip.ckpt | ckpt stats -
