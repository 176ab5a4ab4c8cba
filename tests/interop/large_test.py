"""Tensors above 512 MiB, which are cut into records, and encryption in several blocks: both ways.

One at a time: MindSpore reads a file into memory whole, copies it, and refuses to if that much is not *free*.
"""

import os
import unittest

import mindspore
from mindspore import Tensor

from interop import CKPT_WRITE, TempDirTest, expected_of, make_memory_free, numbers, read_many, read_ours, run
import theirs

MIB = 1 << 20
COUNT = 512 * MIB // 4 + 1  # one value above what MindSpore puts in one record


class Large(TempDirTest):
    def assert_loads(self, name):
        path = self.dir / name
        make_memory_free(path.stat().st_size + 256 * MIB)
        expected, options = expected_of(path)
        self.assert_same(expected, theirs.load(path, **options))
        os.remove(path)

    def assert_numbers(self, path, count, slices, **options):
        file = read_many([path], **options)[0]
        self.assertIsNone(file.error)
        self.assertEqual(file.slices[b"numbers"], slices)
        self.assert_same({"numbers": ("tensor", "Int32", (count,), numbers(count).tobytes())}, file.by_name())
        os.remove(path)


class Ours(Large):
    def test_slices_of_512_mib_and_a_rest(self):
        run(CKPT_WRITE, "large", self.dir, "sliced-modern")
        self.assert_loads("sliced-modern.ckpt")

    def test_slices_of_equal_size(self):
        run(CKPT_WRITE, "large", self.dir, "sliced-classic")
        self.assert_loads("sliced-classic.ckpt")

    def test_several_encrypted_blocks(self):
        for mode in ("AES-GCM", "AES-CBC", "SM4-CBC"):
            with self.subTest(mode):
                run(CKPT_WRITE, "large", self.dir, f"blocks-{mode}")
                self.assert_loads(f"exact-{mode}.ckpt")
                self.assert_loads(f"blocks-{mode}.ckpt")


class Theirs(Large):
    def save(self, count, **options):
        path = self.dir / "theirs.ckpt"
        mindspore.save_checkpoint([{"name": "numbers", "data": Tensor(numbers(count))}], str(path), **options)
        return path

    def test_slices_of_512_mib_and_a_rest(self):
        self.assert_numbers(self.save(COUNT, crc_check=True), COUNT, 2)

    def test_slices_of_equal_size(self):
        path = self.save(COUNT, async_save="thread")
        theirs.wait_for_background_saves()
        self.assert_numbers(path, COUNT, 2)

    def test_several_encrypted_blocks(self):
        key = bytes(range(16))
        for mode in ("AES-GCM", "AES-CBC", "SM4-CBC"):
            with self.subTest(mode):
                count = 17 * MIB  # of 4 bytes each: 64 MiB and 4
                self.assert_numbers(self.save(count, enc_key=key, enc_mode=mode), count, 1, key=key)


if __name__ == "__main__":
    unittest.main()
