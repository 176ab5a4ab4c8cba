cat good/lenet.ckpt | ckpt list -
ckpt info <(cat good/lenet.ckpt) | sed 's:^/dev/fd/.*:(pipe):'
ckpt check <(cat bad/crc_wrong.ckpt) | sed 's:^/dev/fd/[0-9]*:(pipe):'
