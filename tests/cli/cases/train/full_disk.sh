# Saves that fail are reported, and training goes on to its end.
cd "$tmp"
(ulimit -f 100; ckpt-train --synthetic 320 --epochs 2 --save-steps 5 --directory run > out); echo "exit $?"
grep -c '^epoch' out
ls run
