for option in '--rename=head.bias=' '--rename-regex=s//x/' '--rename==x'; do
  ckpt edit run/mlp-1_4.ckpt "$option" --dry-run
  echo "exit $?"
done
