# A few bytes that claim to be many: an answer at once, in little memory.
ulimit -v "${memory_limit:-4000000}"
for file in bad/claims_*.ckpt bad/dims_16_gib.ckpt; do
  ckpt list $file
  ckpt check $file
  ckpt show $file a
done
