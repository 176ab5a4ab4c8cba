"""Files that are nearly checkpoints, the same at every run: bytes altered, and records put together from odd parts."""

import random

TYPES = ["Float32", "Float32", "Float32", "Int8", "Int64", "UInt16", "Bool", "BFloat16", "BFloat16", "Float16", "Float64",
         "Int4", "str", "str", "Complex64", "Uint8", "Bool_", "random_op", "float32", ""]
SIZES = {"Float32": 4, "Int8": 1, "Int64": 8, "UInt16": 2, "Bool": 1, "BFloat16": 2, "Float16": 2, "Float64": 8, "Int4": 1,
         "str": 4, "Complex64": 8, "Uint8": 1, "Bool_": 1}
DIMS = [[], [0], [1], [2], [2], [3], [2, 3], [2, 0, 3], [0, 4], [-1], [-5], [2, -1], [2**31 - 1, 0], [2**31], [2**31, 0],
        [65536] * 4, [2**32, 2**32], [1] * 33, [2**62, 2]]


def varint(number):
    number &= 2**64 - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def record(name, dims, dtype, content):
    return field(1, field(1, name) + field(2, dims + field(2, dtype) + field(3, content)))


class Maker:
    def __init__(self, seed, samples):
        self.random = random.Random(seed)
        self.samples = samples

    def altered(self):
        """A sample with some bytes changed, left out, put in, or cut off."""
        content = bytearray(self.random.choice(self.samples))
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            place = self.random.randrange(len(content) + 1)
            how = self.random.choice(["change", "change", "flip", "leave out", "put in", "cut", "double"])
            if how == "change":
                content[place:place + 1] = bytes([self.random.choice([0, 1, 2, 8, 10, 18, 26, 127, 128, 255])])
            elif how == "flip" and place < len(content):
                content[place] ^= 1 << self.random.randrange(8)
            elif how == "leave out":
                del content[place:place + self.random.choice([1, 2, 8])]
            elif how == "put in":
                content[place:place] = self.random.randbytes(self.random.choice([1, 2, 8]))
            elif how == "cut":
                del content[place:]
            elif how == "double":
                content += content[place:]
        return bytes(content)

    def built(self):
        """A few records of odd parts, some of one name."""
        names = [b"a", b"a", b"b", b"", b"c\xff", b"w.__param_key__3", b" "]
        return b"".join(self.record(self.random.choice(names[:2] * 6 + names)) for _ in range(self.random.randint(1, 4)))

    def record(self, name):
        kind = self.random.choices(["tensor", "map", "nothing", "both", "stranger"], [20, 3, 1, 1, 1])[0]
        parts = [field(1, name)]
        if kind in ("tensor", "both"):
            parts.append(field(2, self.tensor(TYPES, DIMS)))
        if kind in ("map", "both"):
            types = ["int32", "float32", "float16", "int64", "Float32", ""]
            parts.append(field(3, b"".join(field(1, self.tensor(types, [[2], [2, 2], [1], [0], []]))
                                           for _ in range(self.random.choice([3, 3, 3, 2, 0, 4])))))
        if self.random.random() < 0.1:
            self.random.shuffle(parts)
        whole = field(1, b"".join(parts))
        if kind == "stranger":
            whole += self.random.choice([field(2, b"normal"), varint(5 << 3) + b"\x01", field(900, b"x"),
                                         bytes([7 << 3 | 3, 7 << 3 | 4]), b"crc_num" + bytes(10)])
        return whole

    def tensor(self, types, dims_choices):
        dtype = self.random.choice(types)
        dims = self.random.choice(dims_choices)
        parts = [self.dims(dims), field(2, dtype.encode()), field(3, self.content(dtype, dims))]
        if self.random.random() < 0.1:
            self.random.shuffle(parts)
        if self.random.random() < 0.05:
            parts.append(self.random.choice(parts))
        if self.random.random() < 0.05:
            del parts[self.random.randrange(len(parts))]
        return b"".join(parts)

    def dims(self, dims):
        if self.random.random() < 0.1:
            return field(1, b"".join(varint(dim) for dim in dims))
        return b"".join(b"\x08" + varint(dim) for dim in dims)

    def content(self, dtype, dims):
        elements = 1
        for dim in dims:
            elements *= abs(dim)
        size = elements * SIZES.get(dtype, 4)
        if dims == [0] and self.random.random() < 0.5:
            size = SIZES.get(dtype, 4)
        if dtype == "str":
            text = self.random.choice(["", "a", "ab", "h\u00e9", "a\0", "\0", "\U0001F600"])
            return text.encode("utf-32-le") + self.random.choice([b"", b"", b"", b"\0\0", b"\xff" * 4, b"\0\xd8\0\0"])
        size = self.random.choices([size, size // 2, size * 2, size + 1, max(0, size - 1), 0], [12, 2, 2, 1, 1, 1])[0]
        content = self.random.randbytes(min(size, 64)) if size <= 64 else bytes(8)
        if dtype == "Bool":
            content = bytes(byte & 1 for byte in content)
        if self.random.random() < 0.03:
            content += b"crc_num" + bytes(10)
        return content
