"""NumPy reads what `ckpt show --npy` writes, and finds in it what was saved."""

import io
import subprocess
import unittest

import mindspore
import numpy as np
from mindspore import Tensor

from interop import CKPT, TempDirTest, run
import theirs

TYPES = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.float16,
         np.float32, np.float64, np.complex64, np.complex128]


def bytes_of(dtype, shape):
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    values = np.random.default_rng(count).integers(0, 256, count, dtype=np.uint8)
    return (values & 1 if dtype == np.bool_ else values).tobytes()


class Npy(TempDirTest):
    def setUp(self):
        super().setUp()
        self.path = self.dir / "arrays.ckpt"

    def save(self, tensors, **options):
        mindspore.save_checkpoint([{"name": name, "data": data} for name, data in tensors.items()], str(self.path),
                                  **options)

    def npy(self, tensor):
        return np.load(io.BytesIO(run(CKPT, "show", "--npy", self.path, tensor)), allow_pickle=False)

    def raw(self, tensor):
        return run(CKPT, "show", "--raw", self.path, tensor)

    def assert_same_array(self, expected, found):
        self.assertEqual((expected.dtype, expected.shape), (found.dtype, found.shape))
        self.assertEqual(expected.tobytes(), found.tobytes())

    def test_every_type_and_rank(self):
        shapes = [(), (1,), (7,), (2, 3), (2, 1, 3, 4)]
        arrays = {f"{np.dtype(dtype).name}.{len(shape)}": np.frombuffer(bytes_of(dtype, shape), dtype).reshape(shape)
                  for dtype in TYPES for shape in shapes}
        self.save({name: Tensor(array.copy()) for name, array in arrays.items()})
        for name, array in arrays.items():
            with self.subTest(name):
                self.assert_same_array(array, self.npy(name))
                self.assertEqual(array.tobytes(), self.raw(name))

    def test_slices(self):
        array = np.arange(4 * 5 * 6, dtype=np.int32).reshape(4, 5, 6)
        self.save({"x": Tensor(array)})
        for text in ("0", "-1", "1:3", "...", ":,2", "1,2,3", "::2,1:5:3,::-1", "-2:,:,-1", "3:1", ":,::-2", "0,...,1"):
            with self.subTest(text):
                expected = eval(f"array[{text}]")  # NumPy's own reading of these is what ours must be
                self.assert_same_array(np.ascontiguousarray(expected).reshape(np.shape(expected)),
                                       self.npy(f"x[{text}]"))

    def test_a_tensor_without_elements(self):
        self.save({"zero": Tensor(np.zeros((2, 0, 3), np.float32)), "a": Tensor(np.float32([1]))}, async_save="thread")
        theirs.wait_for_background_saves()
        self.assert_same_array(np.zeros((2, 0, 3), np.float32), self.npy("zero"))

    def test_what_numpy_has_no_type_for(self):
        bfloat16 = theirs.tensor(bytes_of(np.uint16, (2, 3)), (2, 3), mindspore.bfloat16)
        self.save({"b": bfloat16})
        self.assertEqual(self.raw("b"), bytes_of(np.uint16, (2, 3)))
        bits = np.frombuffer(bytes_of(np.uint16, (2, 3)), np.uint16).reshape(2, 3)
        self.assert_same_array(bits, self.npy("b"))
        done = subprocess.run([CKPT, "show", "--npy", self.path, "b"], capture_output=True)
        self.assertIn(b"BFloat16", done.stderr, "that these are bits has to be said")


if __name__ == "__main__":
    unittest.main()
