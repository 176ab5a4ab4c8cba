# On a terminal the line that is written over is erased before something else is said.
cd "$tmp"
script -qefc 'echo $$ > pid; exec ckpt-train --synthetic 20000 --epochs 999 --save-steps 100000 --directory run' shown > /dev/null &
until grep -aq "images/s" shown 2> /dev/null; do sleep 0.02; done
kill -TERM "$(cat pid)"
wait $!; echo "exit $?"
grep -azoP '(\x1b\[K|\n)\Kckpt-train: stopped' shown | tr '\0' '\n'
