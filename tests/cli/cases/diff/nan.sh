# NaN and infinities that come and go; scalars; changes from zero; a vector of zeros.
python3 - "$tmp" << 'END'
import struct, sys
def field(key, content):
    return bytes([key, len(content)]) + content
def record(name, values, dims=True):
    tensor = (b"\x08" + bytes([len(values)]) if dims else b"") + field(0x12, b"Float32")
    tensor += field(0x1A, struct.pack("<%df" % len(values), *values))
    return field(0x0A, field(0x0A, name) + field(0x12, tensor))
nan, inf = float("nan"), float("inf")
with open(sys.argv[1] + "/a.ckpt", "wb") as out:
    out.write(record(b"breaks", [1, 2, 3, 4]) + record(b"heals", [nan, inf, 1, 1]) + record(b"same", [nan, -0.0, inf, 1]))
    out.write(record(b"starts", [0, 0, 0]) + record(b"sign", [inf, 1]) + record(b"loss", [0.5], False))
with open(sys.argv[1] + "/b.ckpt", "wb") as out:
    out.write(record(b"breaks", [1, nan, inf, 4.5]) + record(b"heals", [1, 2, 1, 1]) + record(b"same", [nan, 0.0, inf, 1]))
    out.write(record(b"starts", [0, 3, 4]) + record(b"sign", [-inf, 1]) + record(b"loss", [nan], False))
END
cd "$tmp"
ckpt diff a.ckpt b.ckpt --all
ckpt diff a.ckpt b.ckpt --json
ckpt diff a.ckpt b.ckpt --long
ckpt diff a.ckpt b.ckpt --fail-on nan --top 1
echo "exit $?"
ckpt diff b.ckpt a.ckpt --fail-on nan --top 1
echo "exit $?"
ckpt diff b.ckpt a.ckpt --fail-on inf:breaks,inf:heals -q
echo "exit $?"
ckpt diff b.ckpt a.ckpt --fail-on inf:'s*,removed' -q
echo "exit $?"
ckpt diff a.ckpt b.ckpt --atol 1e9 --all
