cat good/crc.ckpt | ckpt info --json -
cat good/crc.ckpt | ckpt list --json -
cat bad/cut_in_content.ckpt | ckpt check --json -
