# Content in front of its type, larger than the buffer: a file can be read, a pipe cannot.
python3 - > "$tmp/content_first.ckpt" << 'END'
import sys
def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])
field = lambda key, content: bytes([key]) + varint(len(content)) + content
tensor = field(0x1A, bytes(400000)) + b"\x08" + varint(100000) + field(0x12, b"Float32")
sys.stdout.buffer.write(field(0x0A, field(0x0A, b"w") + field(0x12, tensor)))
END
cd "$tmp"
ckpt list content_first.ckpt
cat content_first.ckpt | ckpt list -
echo "exit $?"
