# What `list` shows, in quotes, is what `show` takes.
ckpt list good/names_odd.ckpt | sed '1d; s/  .*//' | while IFS= read -r name; do
  ckpt show good/names_odd.ckpt "\"$name\"[0]" | cut -c1-60
done
