ckpt salvage bad/cut_in_content.ckpt -o $tmp/s.ckpt; echo $?
ckpt list $tmp/s.ckpt && ckpt check -q $tmp/s.ckpt
ckpt salvage --partial bad/cut_in_content.ckpt -o $tmp/p.ckpt; ckpt show $tmp/p.ckpt b
