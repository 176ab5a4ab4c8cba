# 20,000 tensors.
python3 - > "$tmp/many.ckpt" << 'END'
import sys
for i in range(20000):
    name = b"block%d.weight" % i
    tensor = b"\x08\x03\x12\x04Int8\x1a\x03abc"
    value = b"\x0a" + bytes([len(name)]) + name + b"\x12" + bytes([len(tensor)]) + tensor
    sys.stdout.buffer.write(b"\x0a" + bytes([len(value)]) + value)
END
cd "$tmp"
ckpt info many.ckpt
ckpt list many.ckpt | tail -1
ckpt list --total many.ckpt 'block1999?.*'
ckpt list --tree many.ckpt | wc -l
ckpt check many.ckpt
ckpt show many.ckpt block7777.weight
