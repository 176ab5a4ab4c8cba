# The keys of the encrypted samples: 00 01 02 ..., as long as the name says.
key_of() {
  local size=16
  case $1 in *_24.ckpt) size=24 ;; *_32.ckpt) size=32 ;; esac
  case $1 in *enc_wrong_key*) printf ff; size=15 ;; esac
  for ((i = 0; i < size; ++i)); do printf %02x $i; done
}

options_of() {
  case $1 in
    *enc_no_key*) ;;
    *enc_a_cbc*) echo --key-env KEY --enc-mode AES-CBC ;;
    *enc*) echo --key-env KEY ;;
  esac
}
