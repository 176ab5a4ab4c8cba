# A run that was stopped while it validated an epoch does that first when it resumes, even if there is no other epoch:
# its record, its metrics and the best are those of a run that was not stopped. Without --best it leaves what a kill
# meanwhile leaves: the step's checkpoint, its line, and no word on how good it is.
cd "$tmp"
train() { ckpt-train --threads 1 --synthetic 320 --save-steps 10 --keep-max 2 "$@" | sed -E 's/[0-9]+ images.s|[0-9]+,[0-9]+ images.s/N images\/s/'; }
record() { grep -a '^metric' "$1/CKP-record.txt"; ls "$1"; }
lines() { sed -E 's/("images_per_second":)[0-9.]+/\1X/; s/^(([^,]*,){5})[0-9.]+/\1X/' "$1"; }
for end in csv jsonl; do
  train --epochs 3 --best loss --directory whole-$end --metrics whole-$end/run.$end > whole-$end.out
  train --epochs 1 --best loss --directory part-$end --metrics part-$end/run.$end > /dev/null
  for epoch in 2 3; do
    train --epochs $epoch --directory part-$end --resume part-$end/CKP-$((epoch - 1))_10.ckpt --metrics part-$end/run.$end > /dev/null
    tail -n 1 part-$end/run.$end | sed -E 's/[0-9]+\.[0-9]+/X/g; s/^/> /'
    train --epochs $epoch --best loss --directory part-$end --resume part-$end/CKP-${epoch}_10.ckpt --metrics part-$end/run.$end > part-$end.out
    cut -d , -f 1 part-$end.out | sed -E 's/(loss|accuracy) [0-9.]+/\1 X/'
  done
  tail -n 2 whole-$end.out | diff - <(tail -n 2 part-$end.out) && echo "the same best"
  diff <(record whole-$end) <(record part-$end) && echo "the same record and files"
  diff <(lines whole-$end/run.$end) <(lines part-$end/run.$end) && echo "the same metrics"
done
train --epochs 3 --best loss --directory part-csv --resume part-csv/CKP-3_10.ckpt
