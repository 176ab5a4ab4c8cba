ckpt salvage bad/name_not_utf8.ckpt -o $tmp/out.ckpt; echo $?
ckpt list $tmp/out.ckpt
ckpt salvage bad/name_not_utf8.ckpt --json; echo $?
ckpt check $tmp/out.ckpt >/dev/null; echo $?
