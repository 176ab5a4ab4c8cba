cat good/lenet.ckpt | ckpt convert - -o $tmp/out.npz; echo $?; ls $tmp
