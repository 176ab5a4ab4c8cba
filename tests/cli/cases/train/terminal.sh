# On a terminal the line that is written over is erased before something else is said.
cd "$tmp"
script -qefc 'echo $$ > pid; exec ckpt-train --synthetic 320 --epochs 1000000 --save-steps 100000 --directory run' shown > /dev/null &
until grep -aq 'epoch [0-9]*/1000000 .* images' shown 2> /dev/null || ! kill -0 $! 2> /dev/null; do sleep 0.02; done
kill -TERM "$(cat pid)"
wait $!; echo "exit $?"
grep -aoP '\r\x1b\[Kckpt-train: stopped' shown | cat -v
