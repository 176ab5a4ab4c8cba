# 12 TiB, most of it a hole: only headers are read, and memory is bounded.
python3 - "$tmp/large.ckpt" << 'END'
import sys
def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])
with open(sys.argv[1], "wb") as out:
    for i in range(3):
        size = 1 << 42
        tensor = b"\x08" + varint(size // 4) + b"\x12\x07Float32\x1a" + varint(size)
        name = b"\x0a\x07layer.%d" % i
        head = name + b"\x12" + varint(len(tensor) + size)
        out.write(b"\x0a" + varint(len(head) + len(tensor) + size) + head + tensor)
        out.seek(size - 1, 1)
        out.write(b"\x40")
END
ulimit -v "${memory_limit:-1000000}"
cd "$tmp"
ckpt info large.ckpt
ckpt list --total large.ckpt
ckpt show large.ckpt layer.1
ckpt show large.ckpt 'layer.2[::100000000000]'
ckpt show large.ckpt 'layer.2[-3:]' --json
ckpt check --headers-only large.ckpt
