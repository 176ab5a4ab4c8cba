# One checkpoint has the optimizer's entries, too: its weights are alike, and it is another.
cp graphs/train_mlp/mlp-1_2.ckpt "$tmp" && cd "$tmp" && ckpt edit mlp-1_2.ckpt --strip-optimizer -o weights.ckpt && ckpt export weights.ckpt --graph "$OLDPWD/graphs/mlp.mindir" --digest -o m.onnx
for of in weights mlp-1_2; do ckpt export $of.ckpt --verify m.onnx; echo $?; done
