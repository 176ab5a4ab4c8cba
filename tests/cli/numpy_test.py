#!/usr/bin/env python3
"""Values as NumPy sees them: --npy files, --raw bytes, --json numbers and slices, against NumPy itself.

    numpy_test.py CKPT [unittest's arguments]
"""

import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import numpy

CKPT = pathlib.Path()

# What MindSpore calls it, what NumPy does.
TYPES = {"Bool": "?", "Int8": "i1", "Int16": "<i2", "Int32": "<i4", "Int64": "<i8", "UInt8": "u1", "UInt16": "<u2",
         "UInt32": "<u4", "UInt64": "<u8", "Float16": "<f2", "Float32": "<f4", "Float64": "<f8", "Complex64": "<c8",
         "Complex128": "<c16"}


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(key, content):
    return bytes([key]) + varint(len(content)) + content


def record(name, type_name, dims, content):
    tensor = b"".join(b"\x08" + varint(dim) for dim in dims) + field(0x12, type_name.encode()) + field(0x1A, content)
    return field(0x0A, field(0x0A, name.encode()) + field(0x12, tensor))


def sample(random_source, dtype, dims):
    """Bits of every kind: for floating point that is NaN, infinities, denormals and all."""
    count = int(numpy.prod(dims))
    if dtype == "?":
        return numpy.array([random_source.random() < 0.5 for _ in range(count)], dtype).reshape(dims)
    bits = random_source.randbytes(count * numpy.dtype(dtype).itemsize)
    return numpy.frombuffer(bits, dtype).reshape(dims)


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        source = random.Random(20)
        cls.tmp = tempfile.TemporaryDirectory()
        cls.file = pathlib.Path(cls.tmp.name) / "values.ckpt"
        cls.arrays = {}
        with open(cls.file, "wb") as file:
            for name, dtype in TYPES.items():
                for dims in ((), (1,), (7,), (4, 5), (3, 1, 6), (2, 3, 4, 5)):
                    array = sample(source, dtype, dims)
                    key = f"{name}.{len(dims)}.{array.size}"
                    cls.arrays[key] = array
                    file.write(record(key, name, dims, array.tobytes()))
            # The shortest decimals that still tell numbers apart are hardest at the edges.
            for name, dtype in (("Float16", "<f2"), ("Float32", "<f4"), ("Float64", "<f8")):
                info = numpy.finfo(dtype)
                edges = [0.0, -0.0, info.max, info.min, info.tiny, info.smallest_subnormal, info.eps, 1 / 3, 1e-5, 1e15]
                with numpy.errstate(over="ignore"):
                    array = numpy.array(edges, dtype)
                array = numpy.concatenate([array, numpy.nextafter(array, numpy.ones_like(array))])
                cls.arrays[f"{name}.edges"] = array
                file.write(record(f"{name}.edges", name, array.shape, array.tobytes()))
            for name, dtype in TYPES.items():
                if numpy.dtype(dtype).kind not in "iu":
                    continue
                info = numpy.iinfo(dtype)
                array = numpy.array([info.min, info.max, 0], dtype)
                cls.arrays[f"{name}.edges"] = array
                file.write(record(f"{name}.edges", name, array.shape, array.tobytes()))
            large = numpy.arange(30 * 40 * 50, dtype="<f4").reshape(30, 40, 50)
            cls.arrays["large"] = large
            file.write(record("large", "Float32", large.shape, large.tobytes()))

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def show(self, *arguments):
        done = subprocess.run([CKPT, "show", self.file, *arguments], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        return done.stdout

    def same(self, array, expected, what):
        self.assertEqual((array.dtype, array.shape), (expected.dtype, expected.shape), what)
        self.assertEqual(array.tobytes(), expected.tobytes(), what)

    def test_npy(self):
        for name, expected in self.arrays.items():
            self.same(numpy.load(io.BytesIO(self.show(name, "--npy")), allow_pickle=False), expected, name)

    def test_npy_in_a_file_can_be_mapped(self):
        out = pathlib.Path(self.tmp.name) / "large.npy"
        self.show("large", "--npy", "-o", out)
        self.same(numpy.load(out, mmap_mode="r"), self.arrays["large"], "large")

    def test_raw(self):
        for name, expected in self.arrays.items():
            self.assertEqual(self.show(name, "--raw"), expected.tobytes(), name)

    def test_json(self):
        special = {"NaN": numpy.nan, "Infinity": numpy.inf, "-Infinity": -numpy.inf}
        for name, expected in self.arrays.items():
            document = json.loads(self.show(name, "--json"))
            self.assertEqual(tuple(document["dims"]), expected.shape)
            values = document["values"]
            if expected.dtype.kind == "c":
                values = [complex(value) for value in values]
            elif expected.dtype.kind == "f":
                values = [special[value] if isinstance(value, str) else value for value in values]
            # Exactly these numbers; of NaN there is only one in JSON.
            with numpy.errstate(over="ignore", invalid="ignore"):
                array = numpy.array(values, expected.dtype).reshape(expected.shape)
                numpy.testing.assert_array_equal(array, expected, name)
            if expected.dtype.kind == "f":
                numpy.testing.assert_array_equal(numpy.signbit(array[array == 0]), numpy.signbit(expected[expected == 0]))

    def test_text_has_the_same_values(self):
        for name, expected in self.arrays.items():
            if expected.dtype.kind in "cb" or name == "large":
                continue
            text = self.show(name, "--full").decode().split("\n", 1)[1]
            values = text.replace("[", " ").replace("]", " ").replace(",", " ").split()
            number = int if expected.dtype.kind in "iu" else float
            with numpy.errstate(over="ignore", invalid="ignore"):
                array = numpy.array([number(value) for value in values], expected.dtype).reshape(expected.shape)
                numpy.testing.assert_array_equal(array, expected, name)

    def test_slices(self):
        source = random.Random(3)

        def term(dim):
            kind = source.randrange(4)
            if kind == 0:
                return str(source.randrange(-dim, dim))
            bound = lambda: source.choice(["", str(source.randrange(-dim - 3, dim + 4))])
            step = source.choice(["", "", "1", "2", "3", "-1", "-2", "-7"])
            return f"{bound()}:{bound()}" + (f":{step}" if step else "")

        names = [name for name in self.arrays if self.arrays[name].ndim > 0 and not name.endswith("edges")]
        for _ in range(150):
            name = source.choice(names)
            expected = self.arrays[name]
            terms = [term(dim) for dim in expected.shape[:source.randrange(1, expected.ndim + 1)]]
            if source.random() < 0.3:
                # An ellipsis in front of the last terms: these are of the last axes.
                terms = [term(dim) for dim in expected.shape[-len(terms):]]
                terms.insert(0, "...")
            text = ",".join(terms)
            with self.subTest(f"{name}[{text}]"):
                wanted = eval(f"array[{text}]", {"array": expected})  # NumPy itself says what it is
                got = numpy.load(io.BytesIO(self.show(f"{name}[{text}]", "--npy")), allow_pickle=False)
                self.same(got, numpy.asarray(wanted), text)

    def test_summary_has_the_edges(self):
        text = self.show("large").decode().split("\n", 1)[1]
        with numpy.printoptions(threshold=1000, edgeitems=3, floatmode="unique"):
            theirs = numpy.array2string(self.arrays["large"], separator=", ", formatter={"float": lambda x: f"{int(x)}"})
        numbers = lambda shown: shown.replace("[", " ").replace("]", " ").replace(",", " ").split()
        self.assertEqual(numbers(text), numbers(theirs))


if __name__ == "__main__":
    CKPT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
