# The best by live validation stays, however old it is.
cd "$tmp"
ckpt-train --threads 1 --synthetic 640 --epochs 6 --save-steps none --save-seconds 1000000 --keep-max 1 \
  --best accuracy --directory run > out
best=$(sed -n 's/^best accuracy .*: //p' out)
value=$(sed -n 's/^best accuracy \([0-9.]*\):.*/\1/p' out)
[ -e "run/$best" ] && sed -E 's/[1-6]/N/' <<< "$best"
sed -n 's/.*validation loss.*accuracy //p' out | sort -r | head -n 1 | grep -qx "$value" && echo "none was better"
ckpt-train --threads 1 --synthetic 640 --eval "run/$best" | grep -q "accuracy $value," && echo "and it is that good"
# A loss is not compared with the accuracies of the run: the best of them would be deleted, and nothing is.
ckpt-train --threads 1 --synthetic 640 --epochs 7 --directory run --resume run/CKP-6_20.ckpt --best loss; echo "exit $?"
[ -e "run/$best" ] && echo "and it is there still"
