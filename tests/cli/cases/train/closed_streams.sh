# Where standard streams are closed no file gets their text.
cd "$tmp"
ckpt-train --threads 1 --synthetic 320 --epochs 1 --save-steps 5 --keep-max 0 --directory run <&- >&- 2>&-; echo "exit $?"
cut -d ' ' -f 1 run/CKP-record.txt
