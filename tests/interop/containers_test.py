"""safetensors, NumPy, onnx and MindSpore read what `ckpt convert` writes, and write what it reads."""

import json
import unittest

import ml_dtypes
import numpy as np
import onnx
import safetensors
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

from interop import CKPT, TempDirTest, read_ours, run

NUMPY_TYPES = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float16,
               np.float32, np.float64, np.complex64, np.complex128]
OUR_NAMES = {"bool": "Bool", "int8": "Int8", "int16": "Int16", "int32": "Int32", "int64": "Int64", "uint8": "UInt8",
             "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "float16": "Float16", "float32": "Float32",
             "float64": "Float64", "complex64": "Complex64", "complex128": "Complex128", "bfloat16": "BFloat16",
             "float8_e4m3fn": "Float8E4M3FN", "float8_e5m2": "Float8E5M2"}
SHAPES = [(), (1,), (7,), (2, 3), (2, 0, 3), (2, 1, 3, 4)]


def random_array(dtype, shape):
    dtype = np.dtype(dtype)
    count = int(np.prod(shape)) * dtype.itemsize
    values = np.random.default_rng(count + dtype.num).integers(0, 256, count, dtype=np.uint8)
    if dtype == np.bool_:
        values &= 1
    return np.frombuffer(values.tobytes(), dtype).reshape(shape)


def value_of(array):
    """What an array is in a checkpoint, in the form that read_ours gives."""
    native = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return ("tensor", OUR_NAMES[array.dtype.name], array.shape, native.tobytes())


class ContainerTest(TempDirTest):
    def convert(self, source, target, *options):
        run(CKPT, "convert", self.dir / source, "-o", self.dir / target, *options)
        return self.dir / target

    def assert_read(self, source, arrays):
        """Ours finds these arrays in a file of theirs."""
        path = self.convert(source, "read.ckpt", "--force")
        self.assert_same({name: value_of(array) for name, array in arrays.items()}, read_ours(path))

    def assert_same_arrays(self, expected, found):
        self.assertEqual(set(expected), set(found))
        for name, array in expected.items():
            with self.subTest(name):
                self.assertEqual((array.dtype, array.shape), (found[name].dtype, found[name].shape))
                self.assertEqual(array.tobytes(), found[name].tobytes())


class Safetensors(ContainerTest):
    types = [t for t in NUMPY_TYPES if t != np.complex128]
    narrow = [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]

    def arrays(self, types):
        return {f"{np.dtype(t).name}.{len(shape)}.{i}": random_array(t, shape)
                for t in types for i, shape in enumerate(SHAPES)}

    def save(self, name, arrays, metadata=None):
        specs = {key: safetensors.TensorSpec(dtype=array.dtype.name, shape=array.shape, data_ptr=array.ctypes.data,
                                             data_len=array.nbytes) for key, array in arrays.items()}
        safetensors.serialize_file(specs, str(self.dir / name), metadata)

    def test_we_read_theirs(self):
        arrays = self.arrays(self.types + self.narrow)
        self.save("theirs.safetensors", arrays, {"format": "pt", "anything": "at all"})
        with safetensors.safe_open(self.dir / "theirs.safetensors", "np") as file:
            order = list(file.offset_keys())
        self.assert_read("theirs.safetensors", {name: arrays[name] for name in order})

    def test_they_read_ours(self):
        arrays = self.arrays(self.types)
        save_file(arrays, self.dir / "theirs.safetensors")
        self.convert("theirs.safetensors", "middle.ckpt")
        path = self.convert("middle.ckpt", "ours.safetensors")
        self.assert_same_arrays(arrays, load_file(path))
        with safetensors.safe_open(path, "np") as file:
            self.assertEqual({"format": "ms"}, file.metadata())

    def test_they_read_our_narrow_types(self):
        arrays = self.arrays(self.narrow)
        self.save("theirs.safetensors", arrays)
        self.convert("theirs.safetensors", "middle.ckpt")
        data = self.convert("middle.ckpt", "ours.safetensors").read_bytes()
        found = dict(safetensors.deserialize(data))
        self.assertEqual(set(arrays), set(found))
        kinds = {"bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}
        for name, array in arrays.items():
            self.assertEqual((kinds[array.dtype.name], list(array.shape), array.tobytes()),
                             (found[name]["dtype"], list(found[name]["shape"]), bytes(found[name]["data"])))

    def test_tensors_are_aligned(self):
        """PyTorch views the bytes where they lie, and cannot where that is no multiple of an element."""
        arrays = {"a": random_array(np.int8, (3,)), "b": random_array(np.float64, (2,)), "c": random_array(np.int16, (5,)),
                  "d": random_array(np.float32, (1,))}
        np.savez(self.dir / "arrays.npz", **arrays)
        data = self.convert("arrays.npz", "ours.safetensors").read_bytes()
        length = int.from_bytes(data[:8], "little")
        self.assertEqual(0, (8 + length) % 8)
        header = json.loads(data[8:8 + length])
        self.assertEqual(["b", "d", "c", "a"], [name for name in header if name != "__metadata__"])
        for name, array in arrays.items():
            self.assertEqual(0, header[name]["data_offsets"][0] % array.itemsize, name)
        self.assert_same_arrays(arrays, load_file(self.dir / "ours.safetensors"))

    def test_odd_names(self):
        arrays = {name: random_array(np.int32, (2,)) for name in
                  ["", " ", '"', "\\", "\n", "\x01", "\x7f", "grün", "\U0001F600", "a" * 1000, "a/b", "../c", "str:x"]}
        save_file(arrays, self.dir / "theirs.safetensors")
        self.convert("theirs.safetensors", "middle.ckpt")
        self.assert_same_arrays(arrays, load_file(self.convert("middle.ckpt", "ours.safetensors")))


class Npz(ContainerTest):
    def arrays(self):
        return {f"{np.dtype(t).name}.{i}": random_array(t, shape) for t in NUMPY_TYPES for i, shape in enumerate(SHAPES)}

    def test_we_read_theirs(self):
        arrays = self.arrays()
        np.savez(self.dir / "plain.npz", **arrays)
        np.savez_compressed(self.dir / "packed.npz", **arrays)
        for name in ("plain.npz", "packed.npz"):
            with self.subTest(name):
                self.assert_read(name, arrays)

    def test_fortran_order_and_other_byte_orders(self):
        arrays = {}
        for t in NUMPY_TYPES:
            array = random_array(t, (3, 4, 5))
            arrays[f"{np.dtype(t).name}.f"] = np.asfortranarray(array)
            arrays[f"{np.dtype(t).name}.big"] = array.astype(np.dtype(t).newbyteorder(">"))
            arrays[f"{np.dtype(t).name}.both"] = np.asfortranarray(array.astype(np.dtype(t).newbyteorder(">")))
        np.savez(self.dir / "plain.npz", **arrays)
        np.savez_compressed(self.dir / "packed.npz", **arrays)
        for name in ("plain.npz", "packed.npz"):
            with self.subTest(name):
                self.assert_read(name, arrays)

    def test_large_fortran_order(self):
        """More than is turned in memory at once."""
        arrays = {"w": np.asfortranarray(random_array(np.float32, (1000, 17, 700)))}
        np.savez(self.dir / "large.npz", **arrays)
        self.assert_read("large.npz", arrays)

    def test_one_array(self):
        for version in [(1, 0), (2, 0), (3, 0)]:
            with self.subTest(version):
                array = random_array(np.float32, (2, 3))
                with open(self.dir / "weights.npy", "wb") as file:
                    np.lib.format.write_array(file, array, version=version)
                self.assert_read("weights.npy", {"weights": array})

    def test_texts(self):
        np.savez(self.dir / "texts.npz", a=np.array("grün"), b=np.array(""), c=np.array("\U0001F600").astype(">U3"))
        found = read_ours(self.convert("texts.npz", "texts.ckpt"))
        self.assertEqual({"a": ("string", "grün"), "b": ("string", ""), "c": ("string", "\U0001F600")}, found)
        with np.load(self.convert("texts.ckpt", "ours.npz")) as ours:
            self.assertEqual({"a": "grün", "b": "", "c": "\U0001F600"}, {name: str(ours[name]) for name in ours})
        with safetensors.safe_open(self.convert("texts.ckpt", "ours.safetensors"), "np") as file:
            metadata = file.metadata()
        self.assertEqual({"format": "ms", "str:a": "grün", "str:b": "", "str:c": "\U0001F600\0\0"}, metadata)

    def test_they_read_ours(self):
        arrays = self.arrays()
        np.savez(self.dir / "theirs.npz", **arrays)
        self.convert("theirs.npz", "middle.ckpt")
        with np.load(self.convert("middle.ckpt", "ours.npz"), allow_pickle=False) as ours:
            self.assertEqual(list(arrays), ours.files)
            self.assert_same_arrays(arrays, ours)

    def test_pickles_are_refused(self):
        np.savez(self.dir / "objects.npz", good=np.zeros(3), bad=np.array([{}, None], dtype=object))
        with self.assertRaisesRegex(AssertionError, "bad.*Python objects"):
            self.convert("objects.npz", "out.ckpt")
        self.assertFalse((self.dir / "out.ckpt").exists())


class Onnx(ContainerTest):
    TYPES = NUMPY_TYPES + Safetensors.narrow

    def model(self, tensors):
        node = helper.make_node("Identity", ["x"], ["y"])
        value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
        graph = helper.make_graph([node], "test", value[:1], value[1:], initializer=tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])

    def arrays(self):
        return {f"{np.dtype(t).name}.{i}": random_array(t, shape) for t in self.TYPES for i, shape in enumerate(SHAPES)}

    def test_raw_data(self):
        arrays = self.arrays()
        onnx.save(self.model([numpy_helper.from_array(array, name) for name, array in arrays.items()]),
                  self.dir / "raw.onnx")
        self.assert_read("raw.onnx", arrays)

    def test_typed_fields(self):
        tensors = []
        for t in self.TYPES:
            # Values that each type has exactly; onnx's own reader says what they are.
            values = [0, 1] if t == np.bool_ else [0, 1, 2, 64, 100] + ([-1, -100] if np.dtype(t).kind == "i" else [])
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(t))
            tensors.append(helper.make_tensor(np.dtype(t).name, kind, [len(values)], np.array(values).astype(t)))
            self.assertFalse(tensors[-1].HasField("raw_data"))
        onnx.save(self.model(tensors), self.dir / "typed.onnx")
        self.assert_read("typed.onnx", {tensor.name: numpy_helper.to_array(tensor) for tensor in tensors})

    def test_external_data(self):
        arrays = {name: array for name, array in self.arrays().items() if array.size > 0}
        for one_file in (True, False):
            with self.subTest(one_file=one_file):
                folder = self.dir / str(one_file)
                folder.mkdir()
                model = self.model([numpy_helper.from_array(array, name) for name, array in arrays.items()])
                onnx.save(model, folder / "model.onnx", save_as_external_data=True, size_threshold=0,
                          all_tensors_to_one_file=one_file, location="weights.bin" if one_file else None)
                self.assertGreater(len(list(folder.iterdir())), 1)
                self.assert_read(f"{one_file}/model.onnx", arrays)


class MindSpore(ContainerTest):
    @classmethod
    def setUpClass(cls):
        global mindspore
        import mindspore

    types = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float16,
             np.float32, np.float64]

    def parameters(self):
        return [{"name": f"{np.dtype(t).name}.{i}", "data": mindspore.Tensor(random_array(t, shape).copy())}
                for t in self.types for i, shape in enumerate(SHAPES) if 0 not in shape]

    def assert_same_parameters(self, expected, found):
        self.assertEqual({p["name"] for p in expected}, set(found))
        for parameter in expected:
            self.assert_same_value(parameter["name"], value_of(parameter["data"].asnumpy()),
                                   value_of(found[parameter["name"]].asnumpy()))

    def test_it_loads_our_safetensors(self):
        parameters = self.parameters()
        mindspore.save_checkpoint(parameters, str(self.dir / "theirs.ckpt"))
        path = self.convert("theirs.ckpt", "ours.safetensors")
        self.assert_same_parameters(parameters, mindspore.load_checkpoint(str(path), format="safetensors"))

    def with_small_scalars(self):
        """Its checksum takes a scalar integer for a length: others than small ones make it fail."""
        parameters = [p for p in self.parameters() if p["data"].shape or not np.issubdtype(p["data"].asnumpy().dtype, np.integer)]
        return parameters + [{"name": f"scalar.{np.dtype(t).name}", "data": mindspore.Tensor(np.array(i * 7, t))}
                             for i, t in enumerate(self.types[1:9])]

    def test_our_checksum_is_its_own(self):
        mindspore.save_checkpoint(self.with_small_scalars(), str(self.dir / "theirs"), format="safetensors", crc_check=True)
        path = self.convert("theirs.safetensors", "ours.safetensors", "--crc")
        numbers = []
        for name in (self.dir / "theirs.safetensors", path):
            with safetensors.safe_open(name, "np") as file:
                numbers.append(file.metadata()["crc_num"])
        self.assertEqual(numbers[0], numbers[1])

    def test_it_accepts_our_checksum_and_notices_damage(self):
        parameters = self.with_small_scalars()
        mindspore.save_checkpoint(parameters, str(self.dir / "theirs.ckpt"))
        path = self.convert("theirs.ckpt", "ours.safetensors", "--crc")
        self.assert_same_parameters(parameters,
                                    mindspore.load_checkpoint(str(path), format="safetensors", crc_check=True))
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.chmod(0o600)
        path.write_bytes(data)
        with self.assertRaises(ValueError):
            mindspore.load_checkpoint(str(path), format="safetensors", crc_check=True)

    def test_we_read_its_safetensors(self):
        parameters = self.parameters()
        parameters.append({"name": "bf16", "data": mindspore.Tensor([1.5, -2.0], mindspore.bfloat16)})
        mindspore.save_checkpoint(parameters, str(self.dir / "theirs"), format="safetensors")
        path = self.convert("theirs.safetensors", "ours.ckpt")
        found = mindspore.load_checkpoint(str(path))
        self.assertEqual([1.5, -2.0], found.pop("bf16").float().asnumpy().tolist())
        self.assert_same_parameters(parameters[:-1], found)

    def test_int4_keeps_its_mark(self):
        data = mindspore.Tensor(np.array([[1, 2, 3]], np.int8), mindspore.qint4x2)
        mindspore.save_checkpoint([{"name": "t", "data": data}], str(self.dir / "theirs"), format="safetensors")
        self.convert("theirs.safetensors", "middle.ckpt")
        path = self.convert("middle.ckpt", "ours.safetensors")
        with safetensors.safe_open(path, "np") as file:
            self.assertEqual({"format": "ms", "t": "Int4"}, file.metadata())
        self.assertEqual(mindspore.qint4x2, mindspore.load_checkpoint(str(path), format="safetensors")["t"].dtype)


if __name__ == "__main__":
    unittest.main()
