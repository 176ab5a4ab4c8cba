# No space for the first line: nothing is left of a run that cannot begin, and an empty file is not in the way of the next.
cd "$tmp"
train() { ckpt-train --threads 1 --synthetic 320 --epochs 1 --directory run "$@" > /dev/null; echo "exit $?"; }
(ulimit -f 0; train --directory none --metrics none.csv 2>&1 | grep exit)
ls none.csv none/* 2> /dev/null
for name in m.csv m.jsonl; do
  (ulimit -f 0; train --metrics $name 2>&1 | grep 'exit\|m\.csv\|metrics')
  train --metrics $name
  train --metrics $name
  wc -l < $name
done
