# What is wrong with a header's length, and with a name that comes twice, is said as that.
cd "$tmp"
printf '\0\0\0\0\0\0\0\0' > zero.safetensors
printf '\0\0\0\0\0\0\0\200{}' > huge.safetensors
printf '\0\0\0\0\0\0\0\200{}' > huge
printf 'P\0\0\0\0\0\0\0{}' > beyond.safetensors
entry='"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
printf 'i\0\0\0\0\0\0\0{%s,%s}x' "$entry" "$entry" > twice.safetensors
for file in zero.safetensors huge.safetensors huge beyond.safetensors twice.safetensors; do
  ckpt list $file
  echo "exit $?"
done
