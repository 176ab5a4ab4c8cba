# The metrics file: appended to, cut back to the step that is resumed from; nobody else's file is touched.
cd "$tmp"
train() { ckpt-train --threads 1 --synthetic 320 --log-steps 4 --save-steps 1 --keep-max 100 --directory run "$@" > out; }
shape() { sed -E 's/[0-9]+\.[0-9]+(e-[0-9]+)?/X/g' "$1"; }
train --epochs 2 --metrics run/run.csv --best loss
shape run/run.csv
train --epochs 2 --metrics run/run.csv; echo "exit $?"
train --epochs 2 --metrics run/run.csv --resume run/CKP-1_9.ckpt; echo "exit $?"
rm -f run/CKP-1_10.ckpt run/CKP-2_*.ckpt
train --epochs 2 --metrics run/run.csv --resume run/CKP-1_9.ckpt; echo "exit $?"
cut -d , -f 1,2 run/run.csv | tr '\n' ' '; echo
train --epochs 1 --metrics run.jsonl
shape run.jsonl | sed 's/X/0.5/g'
printf '{"schema":"ckpt.metrics/1","step":12,' >> run.jsonl
train --epochs 2 --metrics run.jsonl --resume run/CKP_1-1_10.ckpt --log-steps 100
wc -l < run.jsonl
train --epochs 1 --prefix a/b --directory other --metrics other/run.csv; echo "exit $?"
ls other 2>/dev/null
train --epochs 1 --directory other --metrics run.jsonl/run.csv; echo "exit $?"
ls other
# A run that resumes elsewhere, or behind a newer one, is another one: its lines do not go into this file.
cp run.jsonl before.jsonl
train --epochs 3 --metrics run.jsonl --resume run/CKP_1-2_10.ckpt --directory elsewhere; echo "exit $?"
ckpt-train --threads 1 --synthetic 320 --epochs 1 --prefix CKP --directory run > out
train --epochs 3 --metrics run.jsonl --resume run/CKP_1-2_10.ckpt --prefix CKP; echo "exit $?"
diff run.jsonl before.jsonl && ls elsewhere run/*3_*.ckpt run/CKP_3* 2>/dev/null
echo mine > mine.csv
train --epochs 3 --metrics mine.csv --resume run/CKP-2_10.ckpt; echo "exit $?"
cat mine.csv
