for file in bad/other_gzip.ckpt bad/other_lfs_pointer.ckpt good/enc_gcm_16.ckpt bad/enc_tag_altered.ckpt; do ckpt textconv $file; echo $?; done
