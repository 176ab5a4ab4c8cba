# A name that is a formula, and one with everything that CSV minds.
python3 - > "$tmp/names.ckpt" << 'END'
import struct, sys
field = lambda key, content: bytes([key, len(content)]) + content
for name in (b"=1+1", b'a,"b"\n'):
    tensor = b"\x08\x01" + field(0x12, b"Float32") + field(0x1A, struct.pack("<f", 0.1))
    sys.stdout.buffer.write(field(0x0A, field(0x0A, name) + field(0x12, tensor)))
END
ckpt stats --csv "$tmp/names.ckpt"
