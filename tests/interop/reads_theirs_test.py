"""Our reader sees what MindSpore wrote: names, types, dims, bytes. What they are is known from what was saved."""

import json
import os
import subprocess
import unittest

import mindspore
import numpy as np
from mindspore import Parameter, Tensor, nn

from interop import CKPT, TempDirTest, read_many, read_ours, run
import theirs

# How NumPy and MindSpore call what a file calls ..., as far as NumPy has it.
NUMPY_TYPES = {"Bool": np.bool_, "Int8": np.int8, "Int16": np.int16, "Int32": np.int32, "Int64": np.int64,
               "UInt8": np.uint8, "UInt16": np.uint16, "UInt32": np.uint32, "UInt64": np.uint64,
               "Float16": np.float16, "Float32": np.float32, "Float64": np.float64,
               "Complex64": np.complex64, "Complex128": np.complex128}
OTHER_TYPES = {"BFloat16": (mindspore.bfloat16, 2), "Int4": (mindspore.qint4x2, 1),
               "Float8E4M3FN": (mindspore.float8_e4m3fn, 1), "Float8E5M2": (mindspore.float8_e5m2, 1),
               "HiFloat8": (mindspore.hifloat8, 1)}
# Of these, what asnumpy() can give, which is what MindSpore saves by when it saves in the background.
ASYNCHRONOUS_TYPES = list(NUMPY_TYPES) + ["BFloat16"]
CIPHERS = [("AES-GCM", 16), ("AES-GCM", 24), ("AES-GCM", 32), ("AES-CBC", 16), ("AES-CBC", 24), ("AES-CBC", 32),
           ("SM4-CBC", 16)]


def content(dtype, count):
    """Any bytes of a type, the same at every run: NaN, infinities and all else among them."""
    size = OTHER_TYPES[dtype][1] if dtype in OTHER_TYPES else np.dtype(NUMPY_TYPES[dtype]).itemsize
    values = np.random.default_rng(len(dtype) * 31 + count).integers(0, 256, count * size, dtype=np.uint8)
    return (values & 1 if dtype == "Bool" else values).tobytes()


def tensor(dtype, dims):
    bytes_of_it = content(dtype, int(np.prod(dims, dtype=np.int64)))
    if dtype in OTHER_TYPES:
        return theirs.tensor(bytes_of_it, dims, OTHER_TYPES[dtype][0])
    return Tensor(np.frombuffer(bytes_of_it, NUMPY_TYPES[dtype]).reshape(dims).copy())


def value(dtype, dims):
    return ("tensor", dtype, tuple(dims), content(dtype, int(np.prod(dims, dtype=np.int64))))


def named(**tensors):
    """A list as save_checkpoint takes it."""
    return [{"name": name, "data": data} for name, data in tensors.items()]


class ReadsTheirs(TempDirTest):
    def save(self, what, name="file.ckpt", **options):
        path = self.dir / name
        mindspore.save_checkpoint(what, str(path), **options)
        theirs.wait_for_background_saves()
        return path

    def assert_file(self, expected, path, **options):
        self.assert_same(expected, read_ours(path, **options))


class Types(ReadsTheirs):
    def test_every_type_in_every_rank(self):
        for dtype in [*NUMPY_TYPES, *OTHER_TYPES]:
            with self.subTest(dtype):
                shapes = {"scalar": (), "one": (1,), "vector": (5,), "matrix": (2, 3), "rank5": (2, 1, 3, 1, 2)}
                path = self.save(named(**{name: tensor(dtype, dims) for name, dims in shapes.items()}))
                self.assert_file({name: value(dtype, dims) for name, dims in shapes.items()}, path)

    def test_saved_in_the_background(self):
        for how in (True, "thread", "process"):
            with self.subTest(how):
                saved = {dtype: tensor(dtype, (2, 3)) for dtype in ASYNCHRONOUS_TYPES}
                saved["scalar"] = tensor("Float32", ())
                expected = {dtype: value(dtype, (2, 3)) for dtype in ASYNCHRONOUS_TYPES}
                expected["scalar"] = value("Float32", ())
                self.assert_file(expected, self.save(named(**saved), f"{how}.ckpt", async_save=how))

    def test_tensors_without_elements(self):
        saved = {"a": tensor("Float32", (2,)), "zero": Tensor(np.zeros((2, 0, 3), np.float32)),
                 "b": tensor("Int8", (3,))}
        whole = {"a": value("Float32", (2,)), "zero": ("tensor", "Float32", (2, 0, 3), b""), "b": value("Int8", (3,))}
        self.assert_file(whole, self.save(named(**saved), "background.ckpt", async_save=True))
        del whole["zero"]  # an erratum of MindSpore: FORMAT.md, section 14
        self.assert_file(whole, self.save(named(**saved)))

    def test_nothing(self):
        self.assertEqual(self.save([]).stat().st_size, 0)
        self.assertEqual(self.save([], crc_check=True).stat().st_size, 17)


class Inputs(ReadsTheirs):
    def test_a_list_of_parameters(self):
        parameters = [Parameter(tensor("Float32", (2,)), name="x.weight"), Parameter(tensor("Int32", ()), name="step")]
        self.assert_file({"x.weight": value("Float32", (2,)), "step": value("Int32", ())}, self.save(parameters))

    def test_a_dict(self):
        saved = {"p": Parameter(tensor("Float16", (3,)), name="another"), "text": "h\u00e9", "array":
                 np.arange(6, dtype=np.int64).reshape(2, 3)}
        self.assert_file({"p": value("Float16", (3,)), "text": ("string", "h\u00e9"),
                          "array": theirs.array_value(np.arange(6, dtype=np.int64).reshape(2, 3), "Int64")},
                         self.save(saved))

    def test_what_load_checkpoint_gives(self):
        path = self.save(named(a=tensor("Float32", (2,)), b=tensor("UInt16", (3,))), append_dict={"s": "x", "n": 1})
        loaded = mindspore.load_checkpoint(str(path))
        self.assert_file(read_ours(path), self.save(loaded, "again.ckpt"))

    def test_a_cell(self):
        net = nn.SequentialCell(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dense(4, 3))
        expected = {parameter.name: theirs.array_value(parameter.asnumpy(), "Float32")
                    for parameter in net.get_parameters()}
        self.assertIn("1.moving_mean", expected)
        self.assert_file(expected, self.save(net))

    def test_a_choice(self):
        path = self.save(named(**{"keep.a": tensor("Float32", (2,)), "drop.b": tensor("Float32", (2,))}),
                         choice_func=lambda name: name.startswith("keep"), append_dict={"drop.c": 1})
        self.assertEqual(list(read_ours(path)), ["keep.a", "drop.c"])

    def test_names(self):
        names = ["", " ", "a\0b", "tab\t", "new\nline", "\u4e2d\u6587.weight", "\U0001F600", "e\u0301", "../up", "a[0]",
                 "quote\"'", "%s", "Upper", "upper", "n" * 1024, "n" * 5000]
        path = self.save(named(**{name: tensor("Float32", (2,)) for name in names}))
        self.assert_file({name: value("Float32", (2,)) for name in names}, path)


class Appended(ReadsTheirs):
    def test_every_kind(self):
        generator = mindspore.Generator()
        generator.manual_seed(7)
        state = generator.get_state()
        append = {"int": 20, "big": 2**63 - 1, "float": 0.01, "true": True, "text": "a note", "empty": "",
                  "unicode": "\u4e2d\U0001F600", "nul": "a\0b", "parameter": Parameter(tensor("Float64", (2,)), name="other"),
                  "tensor": tensor("UInt8", (3,)), "generator": generator}
        path = self.save(named(w=tensor("Float32", (2, 3))), append_dict=append)
        scalar = lambda number, kind, dtype: theirs.array_value(np.array(number, kind), dtype)
        self.assert_file({
            "w": value("Float32", (2, 3)), "int": scalar(20, np.int64, "Int64"),
            "big": scalar(2**63 - 1, np.int64, "Int64"), "float": scalar(0.01, np.float32, "Float32"),
            "true": scalar(True, np.bool_, "Bool"), "text": ("string", "a note"), "empty": ("string", ""),
            "unicode": ("string", "\u4e2d\U0001F600"), "nul": ("string", "a\0b"), "parameter": value("Float64", (2,)),
            "tensor": value("UInt8", (3,)), "generator": theirs.array_value(state.asnumpy(), "UInt8")}, path)

    def test_a_key_that_is_a_parameters_replaces_it(self):
        path = self.save(named(w=tensor("Float32", (2,)), v=tensor("Int8", (2,))), append_dict={"w": 5})
        self.assert_file({"w": theirs.array_value(np.array(5, np.int64), "Int64"), "v": value("Int8", (2,))}, path)


class Protected(ReadsTheirs):
    """CRC trailers and encryption."""

    def save_some(self, **options):
        path = self.save(named(w=tensor("Float32", (2, 3)), b=tensor("BFloat16", (4,))), append_dict={"s": "x", "n": 1},
                         **options)
        return {"w": value("Float32", (2, 3)), "b": value("BFloat16", (4,)), "s": ("string", "x"),
                "n": theirs.array_value(np.array(1, np.int64), "Int64")}, path

    def check(self, path, *options, env=None):
        done = subprocess.run([CKPT, "check", "--json", "--for", "2.10", *options, str(path)], capture_output=True,
                              env={**os.environ, **(env or {})})
        return json.loads(done.stdout)

    def test_a_crc(self):
        for how in (False, True, "process"):
            with self.subTest(how):
                expected, path = self.save_some(crc_check=True, async_save=how)
                self.assertTrue(read_many([path])[0].trailer)
                self.assert_file(expected, path)
                self.assertEqual(self.check(path)["verdict"], "ok")
                os.remove(path)

    def test_encrypted(self):
        for mode, size in CIPHERS:
            for how in (False, True):
                with self.subTest(mode=mode, size=size, how=how):
                    key = bytes(range(100, 100 + size))
                    expected, path = self.save_some(enc_key=key, enc_mode=mode, async_save=how)
                    self.assert_file(expected, path, key=key)
                    checked = self.check(path, "--key-env", "KEY", env={"KEY": key.hex()})
                    self.assertEqual(checked["verdict"], "ok", checked)
                    os.remove(path)

    def test_encrypted_with_a_crc_is_a_file_nobody_loads(self):
        key = bytes(16)
        _, path = self.save_some(enc_key=key, crc_check=True)
        with self.assertRaises(ValueError):
            theirs.load(path, dec_key=key)
        rules = {finding["rule"] for finding in self.check(path, "--key-env", "KEY", env={"KEY": key.hex()})["findings"]}
        self.assertIn("trailer-in-clear", rules)


class CommandLine(ReadsTheirs):
    def test_list_and_show(self):
        path = self.save(named(**{"a.weight": tensor("Float32", (2, 3)), "b": tensor("Int8", ())}),
                         append_dict={"note": "x"})
        listed = json.loads(run(CKPT, "list", "--json", path))["tensors"]
        self.assertEqual([(entry["name"], entry["kind"], entry["dtype"], entry["dims"], entry["bytes"]) for entry in listed],
                         [("a.weight", "tensor", "Float32", [2, 3], 24), ("b", "tensor", "Int8", [], 1),
                          ("note", "string", "str", [0], 4)])
        self.assertEqual(run(CKPT, "show", "--raw", path, "a.weight"), content("Float32", 6))
        self.assertEqual(run(CKPT, "show", "--raw", path, "b"), content("Int8", 1))


if __name__ == "__main__":
    unittest.main()
