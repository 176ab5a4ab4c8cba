ckpt list bad/cut_in_content.ckpt 2> /dev/null
ckpt list bad/cut_in_content.ckpt > /dev/null
