{ ckpt list missing.ckpt; echo "$?" >&3; } 3>&1 | true
