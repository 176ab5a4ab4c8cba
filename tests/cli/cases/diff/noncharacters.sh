# XML has no U+FFFE and U+FFFF, not even as a reference.
not="$(printf '\357\277\276 \357\277\277')"
ckpt edit good/scalar_f32.ckpt --set "$not <&>=1" --set "text=$not" -o "$tmp/a.ckpt"
ckpt edit $tmp/a.ckpt --set "text=none" -o "$tmp/b.ckpt" --set "$not <&>=2"
cd "$tmp"
ckpt diff a.ckpt b.ckpt --junit
