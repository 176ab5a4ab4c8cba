# Each is named for what it is.
for file in bad/other_*.ckpt; do ckpt list $file; done
