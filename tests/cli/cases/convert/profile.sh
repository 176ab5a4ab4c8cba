for profile in classic modern; do
  ckpt convert good/train_momentum.ckpt -o $tmp/$profile.ckpt --profile $profile
  ckpt info $tmp/$profile.ckpt | grep dialect
done
