# A NaN is new in an entry that has no partner, or one of another size, too; what went away has none.
python3 - "$tmp" << 'END'
import struct, sys
def field(key, content):
    return bytes([key, len(content)]) + content
def record(name, values):
    tensor = b"\x08" + bytes([len(values)]) + field(0x12, b"Float32") + field(0x1A, struct.pack("<%df" % len(values), *values))
    return field(0x0A, field(0x0A, name) + field(0x12, tensor))
nan, inf = float("nan"), float("inf")
def write(name, *records):
    with open(sys.argv[1] + "/" + name, "wb") as out:
        out.write(b"".join(records))
write("a.ckpt", record(b"x", [1]), record(b"old", [nan, 1]))
write("added.ckpt", record(b"x", [1]), record(b"old", [nan, 1]), record(b"y", [nan]))
write("longer.ckpt", record(b"x", [1, inf]), record(b"old", [nan, 2]))
END
cd "$tmp"
for pair in "a added" "added a" "a longer" "longer a"; do
  set -- $pair
  for what in nan inf nan:x inf:x; do
    ckpt diff $1.ckpt $2.ckpt --no-renames -q --fail-on $what
    echo "$pair $what: exit $?"
  done
done
