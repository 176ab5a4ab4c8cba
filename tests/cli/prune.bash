# Makes $tmp/runs: the checkpoints of two runs as MindSpore leaves them, ten minutes apart.
mkdir "$tmp/runs"
for step in 1 2 3 4 5; do
  cp good/lenet.ckpt "$tmp/runs/net-1_$step.ckpt"
  touch -d "2026-01-01 12:$((step * 10 - 10)) UTC" "$tmp/runs/net-1_$step.ckpt"
done
cp good/lenet.ckpt "$tmp/runs/net_1-10_2.ckpt"
cp good/lenet.ckpt "$tmp/runs/net_1-9_10.ckpt"
touch "$tmp/runs/net-graph.meta" "$tmp/runs/net-1_5_breakpoint.ckpt" "$tmp/runs/notes.txt" "$tmp/runs/other.ckpt"
cd "$tmp"
