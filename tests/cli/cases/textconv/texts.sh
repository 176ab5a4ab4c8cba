for file in good/str.ckpt good/str_empty.ckpt good/names_odd.ckpt; do ckpt textconv $file | cut -c1-60; done
