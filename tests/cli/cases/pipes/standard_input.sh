for verb in info list check; do
  ckpt $verb - < good/append_str.ckpt
  echo "exit $?"
done
