"""MindSpore loads what our writer writes: names, types, shapes, bytes."""

import os
import pathlib
import shutil
import stat
import unittest

import mindspore
import numpy as np

from interop import CKPT_WRITE, SAMPLES, TempDirTest, expected_of, read_ours, run
import theirs


class EveryKind(TempDirTest):
    """The files of `write_checkpoints small`, one after the other."""

    def test_loads_with_the_same_names_types_shapes_and_bytes(self):
        run(CKPT_WRITE, "small", self.dir)
        files = sorted(path for path in self.dir.glob("*.ckpt") if pathlib.Path(f"{path}.json").exists())
        self.assertEqual(len(files), 6 * (3 + 7))
        for path in files:
            with self.subTest(path.name):
                expected, options = expected_of(path)
                self.assert_same(expected, theirs.load(path, **options))
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o400)

    def test_appended_values(self):
        run(CKPT_WRITE, "small", self.dir)
        found = theirs.load(self.dir / "appended.ckpt")
        self.assertEqual(list(found), ["w", "epoch", "least", "lr", "minus zero", "tiny", "train", "frozen", "note"])
        del found["w"]

        # MindSpore's own writer is what they must equal.
        append = {"epoch": 20, "least": -2**63, "lr": 0.01, "minus zero": -0.0, "tiny": 1e-320, "train": True,
                  "frozen": False, "note": "h\u00e9"}
        own = self.dir / "own.ckpt"
        mindspore.save_checkpoint([], str(own), append_dict=append)
        self.assert_same(theirs.load(own), found)

    def test_mindspore_overwrites_our_file_and_we_its(self):
        path = self.dir / "one.ckpt"
        mindspore.save_checkpoint([{"name": "w", "data": mindspore.Tensor(np.float32([1, 2]))}], str(path))
        run(CKPT_WRITE, "copy", SAMPLES / "good/crc.ckpt", path)
        self.assertEqual(list(theirs.load(path)), ["a", "b"])
        mindspore.save_checkpoint([{"name": "w", "data": mindspore.Tensor(np.float32([1, 2]))}], str(path))
        self.assertEqual(list(read_ours(path)), ["w"])


class Checksum(TempDirTest):
    def test_mindspore_verifies_our_crc_and_sees_every_flipped_byte(self):
        run(CKPT_WRITE, "small", self.dir)
        content = (self.dir / "scalars-crc.ckpt").read_bytes()
        flipped = self.dir / "flipped.ckpt"
        for place in range(0, len(content), 97):
            changed = bytearray(content)
            changed[place] ^= 0x10
            flipped.write_bytes(changed)
            with self.assertRaises(ValueError, msg=f"byte {place}"):
                theirs.load(flipped, crc_check=True)


class Encrypted(TempDirTest):
    def test_wrong_keys_and_flipped_bytes_are_refused(self):
        run(CKPT_WRITE, "small", self.dir)
        path = self.dir / "dtypes-AES-GCM-32.ckpt"
        _, options = expected_of(path)
        with self.assertRaises(ValueError):
            theirs.load(path, dec_key=bytes(32), dec_mode="AES-GCM")
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        flipped = self.dir / "flipped.ckpt"
        flipped.write_bytes(content)
        with self.assertRaises(ValueError):
            theirs.load(flipped, **options)


class Copied(TempDirTest):
    """Writer::copy of files that MindSpore wrote, and of some made by hand."""

    def test_copies_load_as_their_originals(self):
        key = bytes(range(16))
        for name in ("dtypes", "dtype_int4", "append_info", "append_str", "train_momentum", "train_adam_list_lr",
                     "names_odd", "zero_async", "crc", "slices", "slices_in_element", "map", "map_two_slices",
                     "model_type", "unknown_everywhere", "bf16_as_float32", "order_tensor_first", "scalar_dims0",
                     "dims_packed"):
            path = SAMPLES / "good" / f"{name}.ckpt"
            with self.subTest(name):
                expected = theirs.load(path)
                copies = {"plain": [], "crc": ["CRC"], "encrypted": [key.hex()]}
                options = {"plain": {}, "crc": {"crc_check": True}, "encrypted": {"dec_key": key}}
                for kind, how in copies.items():
                    copy = self.dir / f"{name}-{kind}.ckpt"
                    run(CKPT_WRITE, "copy", path, copy, *how)
                    self.assert_same(expected, theirs.load(copy, **options[kind]))


class Extended(TempDirTest):
    """Writer::extend of files that MindSpore wrote."""

    def extend(self, options, load_options, key=None):
        path = self.dir / "own.ckpt"
        mindspore.save_checkpoint([theirs.parameter("w", bytes(range(24)), (2, 3), mindspore.float32)], str(path),
                                  append_dict={"epoch": 3}, **options)
        expected = theirs.load(path, **load_options)
        run(CKPT_WRITE, "extend", path, *([key.hex()] if key else []))
        found = theirs.load(path, **load_options)
        self.assertEqual(list(found), ["w", "epoch", "added", "note"])
        self.assertEqual(found.pop("note"), ("string", "added"))
        self.assertEqual(found.pop("added")[1:3], ("Int16", (2, 2)))
        self.assert_same(expected, found)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o400)
        os.remove(path)

    def test_plain(self):
        self.extend({}, {})

    def test_with_a_crc(self):
        self.extend({"crc_check": True}, {"crc_check": True})

    def test_encrypted(self):
        for mode, sizes in (("AES-GCM", (16, 24, 32)), ("AES-CBC", (16, 24, 32)), ("SM4-CBC", (16,))):
            for size in sizes:
                with self.subTest(mode=mode, size=size):
                    key = bytes(range(size))
                    self.extend({"enc_key": key, "enc_mode": mode}, {"dec_key": key, "dec_mode": mode}, key)

    def test_of_another_dialect(self):
        path = self.dir / "old.ckpt"
        shutil.copy(SAMPLES / "good/model_type.ckpt", path)
        expected = theirs.load(path)
        run(CKPT_WRITE, "extend", path)
        found = theirs.load(path)
        self.assertEqual(found.pop("note"), ("string", "added"))
        del found["added"]
        self.assert_same(expected, found)


if __name__ == "__main__":
    unittest.main()
