# A kill, and then --resume: the same checkpoints, record and best as without it. Where a checkpoint ends an epoch the
# kill falls into the validation, which takes most of the time here; the last epoch's, too. (On a busy machine it may come
# too late, when all is done; the files must be the same then, too.)
cd "$tmp"
options=(--threads 1 --synthetic 4320 --hold-out 4000 --epochs 3 --save-steps 5 --keep-max 100 --best accuracy)
metrics() { grep -a '^metric' "$1/CKP-record.txt"; }
tensors() { ckpt hash --json "$1" | sed 's/.*"tensors"//'; }
ckpt-train "${options[@]}" --directory whole > /dev/null 2>&1
for after in 2_5 3_10; do
  run=killed-$after
  ckpt-train "${options[@]}" --directory $run > /dev/null 2>&1 &
  until [ -e $run/CKP-$after.ckpt ] || ! kill -0 $! 2> /dev/null; do sleep 0.01; done
  kill -KILL $! 2> /dev/null
  wait $! 2> /dev/null
  newest=$(ls $run/*.ckpt | sort -V | tail -n 1)
  ckpt-train "${options[@]}" --directory $run --resume "$newest" > /dev/null 2> err || grep -q "3 epochs are trained already" err || cat err
  diff <(ls $run) <(ls whole) && diff <(metrics $run) <(metrics whole)
  for file in whole/*.ckpt; do
    [ "$(tensors "$file")" = "$(tensors "$run/${file##*/}")" ] || echo "$file differs"
  done
done
ls whole
