#!/usr/bin/env bash
# MindSpore's tutorial "Saving and loading model parameters" from end to end:  tutorial.sh FOLDER [OPTION...]
#
# FOLDER is made, and everything goes into it. OPTIONs are those of every training: --data DIR, --network resnet50, or
# --synthetic 1024 for a run of seconds. `ckpt` and `ckpt-train` must be on the PATH.
set -euo pipefail
[ $# -ge 1 ] || { echo "tutorial.sh FOLDER [OPTION...]" >&2; exit 2; }
folder=$1
options=("${@:2}")
mkdir "$folder"
cd "$folder"

stage() { printf '\n== %s\n' "$1"; }
run() { printf '$ %s\n' "$*" && "$@"; }
newest() { ls -t "$@" | head -n 1; }
train() { run ckpt-train "${options[@]}" --epochs 3 --save-steps 32 --keep-max 10 --prefix net "$@"; }

stage "Train, with CheckpointConfig(save_checkpoint_steps=32, keep_checkpoint_max=10)"
train --directory run
run ls run
last=$(newest run/*.ckpt)

stage "The same script again: the prefix gets a number"
train --directory run --epochs 1 --seed 2
run ls run

stage "Load for evaluation"
run ckpt-train "${options[@]}" --eval "$last"

stage "Resume after a kill: as if nothing had happened"
# Of two epochs: the third, with which it is compared, can only come from the run that resumes.
ckpt-train "${options[@]}" --epochs 2 --save-steps 32 --keep-max 10 --prefix net --directory killed >/dev/null 2>&1 &
killed=$!
while kill -0 $killed 2>/dev/null && ! ls killed/*.ckpt >/dev/null 2>&1; do sleep 0.01; done
kill -KILL $killed 2>/dev/null || true
wait $killed 2>/dev/null || true
train --directory killed --resume "$(newest killed/*.ckpt)"
run ls killed
run ckpt diff "$last" "killed/$(basename "$last")"

stage "Fine-tune: another task, a new head, the convolutions as they are"
train --directory tuned --labels 5-9 --finetune "$last" --freeze '*conv*'

stage "The best by live validation"
train --directory best --best accuracy --save-steps none --save-seconds 86400 --keep-max 1 | tee best.txt
best=best/$(sed -n 's/^best accuracy .*: //p' best.txt)  # which the last one need not be

stage "Export for inference, ONNX and GEIR"
run ckpt export "$best" --graph best/net-graph.meta -o net.onnx
run ckpt export "$best" --graph best/net-graph.meta --format geir -o net.pb
run ckpt graph net.onnx
run ls
