"""MindSpore loads what `ckpt edit` and `ckpt salvage` write: the values are NumPy's, the rest is as it was."""

import os
import stat
import subprocess
import unittest

import ml_dtypes
import mindspore
import numpy as np

from interop import CKPT, SAMPLES, TempDirTest, run
import theirs

RUN = SAMPLES / "run/mlp-8_4.ckpt"
KEY = bytes(range(16))
OTHER_KEY = bytes(range(16, 48))


def array_of(value):
    kind, dtype, dims, content = value
    assert kind == "tensor", kind
    return np.frombuffer(content, dtype.lower()).reshape(dims)


class Edits(TempDirTest):
    def setUp(self):
        super().setUp()
        self.before = theirs.load(RUN)

    def edited(self, *options, source=RUN, name="out.ckpt", **load):
        keys = {"KEY": KEY.hex(), "OTHER": OTHER_KEY.hex()}
        run(CKPT, "edit", source, "-o", self.dir / name, *options, env=os.environ | keys)
        return theirs.load(self.dir / name, **load)

    def test_nothing_to_do(self):
        self.assert_same(self.before, self.edited())
        self.assertEqual(RUN.read_bytes(), (self.dir / "out.ckpt").read_bytes())

    def test_renamed_kept_and_dropped(self):
        found = self.edited("--rename", "body.*=trunk.*", "--rename-regex", r"s/^moments\.body/moments.trunk/",
                            "--drop", "gate.*", "--drop", "*.bias")
        expected = {name.replace("body.", "trunk."): value for name, value in self.before.items()
                    if not name.startswith("gate.") and not name.endswith(".bias")}
        self.assert_same(expected, found)

    def test_without_the_optimizer(self):
        expected = {name: value for name, value in self.before.items() if name.startswith(("body", "gate", "head", "stem"))}
        self.assert_same(expected, self.edited("--strip-optimizer"))

    def test_casts_round_as_numpy_does(self):
        random = np.random.default_rng(4)
        values = np.concatenate([random.integers(0, 2**32, 50_000, dtype=np.uint32).view(np.float32),
                                 np.float32([0, -0.0, np.inf, -np.inf, np.nan, 65504, 65520, 1e-8, 2**-24, 2**-25])])
        mindspore.save_checkpoint([{"name": "w", "data": mindspore.Tensor(values)}], str(self.dir / "theirs.ckpt"))
        for ours, dtype in {"Float16": np.float16, "Float64": np.float64, "BFloat16": ml_dtypes.bfloat16}.items():
            with self.subTest(ours):
                found = self.edited("--cast", ours, source=self.dir / "theirs.ckpt", name=f"{ours}.ckpt")["w"]
                self.assertEqual((ours, values.shape), found[1:3])
                with np.errstate(all="ignore"):
                    expected = values.astype(dtype)
                got = np.frombuffer(found[3], dtype)
                nan = np.isnan(expected.astype(np.float64))
                np.testing.assert_array_equal(nan, np.isnan(got.astype(np.float64)))
                self.assertEqual(expected[~nan].tobytes(), got[~nan].tobytes())

    def test_set_values(self):
        found = self.edited("--set", "learning_rate=0.25", "--set", "global_step=7", "--set", "epoch_num=4",
                            "--set", "note=h\u00e9", "--set", "done=true")
        self.assertEqual(("string", "h\u00e9"), found["note"])
        self.assertEqual(0.25, array_of(found["learning_rate"]).item())
        self.assertEqual(self.before["global_step"][1:3], found["global_step"][1:3])
        self.assertEqual(7, array_of(found["global_step"]).item())
        self.assertEqual((4, True), (array_of(found["epoch_num"]).item(), array_of(found["done"]).item()))

    def test_split_and_merged_again(self):
        run(CKPT, "edit", RUN, "--split", "-o", self.dir / "{group}.ckpt")
        parts = sorted(self.dir.glob("*.ckpt"))
        self.assertEqual(["optimizer.ckpt", "weights.ckpt"], [part.name for part in parts])
        merged = self.edited(*parts[1:], source=parts[0])
        self.assert_same(dict(sorted(self.before.items())), dict(sorted(merged.items())))

    def test_every_form(self):
        for profile in ("classic", "modern"):
            self.assert_same(self.before, self.edited("--profile", profile, "--crc", name=f"{profile}.ckpt", crc_check=True))
        with_crc = self.dir / "modern.ckpt"
        self.assert_same(self.before, self.edited("--no-crc", source=with_crc, name="plain.ckpt"))

    def test_encrypted_with_another_key_and_in_clear(self):
        self.assert_same(self.before, self.edited("--new-key-env", "KEY", name="a.ckpt", dec_key=KEY, dec_mode="AES-GCM"))
        self.assert_same(self.before, self.edited("--key-env", "KEY", "--new-key-env", "OTHER", "--new-enc-mode", "AES-CBC",
                                                  source=self.dir / "a.ckpt", name="b.ckpt", dec_key=OTHER_KEY,
                                                  dec_mode="AES-CBC"))
        self.assert_same(self.before, self.edited("--key-env", "OTHER", "--enc-mode", "AES-CBC", "--decrypt",
                                                  source=self.dir / "b.ckpt", name="c.ckpt"))

    def test_in_place(self):
        path = self.dir / "mine.ckpt"
        path.write_bytes(RUN.read_bytes())
        path.chmod(0o640)
        run(CKPT, "edit", "--in-place", path, "--set", "learning_rate=0.5")
        self.assert_same(self.before | {"learning_rate": ("tensor", "Float32", (), np.float32(0.5).tobytes())},
                         theirs.load(path))
        self.assertEqual(0o640, stat.S_IMODE(path.stat().st_mode))


class Salvage(TempDirTest):
    def salvaged(self, content):
        damaged, saved = self.dir / "damaged.ckpt", self.dir / "saved.ckpt"
        damaged.write_bytes(content)
        done = subprocess.run([CKPT, "salvage", damaged, "-o", saved, "--force"], capture_output=True, check=False)
        self.assertEqual(1, done.returncode, done.stderr)
        return theirs.load(saved)

    def test_cut(self):
        before = theirs.load(RUN)
        names = list(before)
        content = RUN.read_bytes()
        for kept in range(1, len(names)):
            at = content.index(names[kept].encode())  # in the middle of its record
            with self.subTest(names[kept]):
                self.assert_same({name: before[name] for name in names[:kept]}, self.salvaged(content[:at]))

    def test_one_record_of_many(self):
        before = theirs.load(RUN)
        content = RUN.read_bytes()
        for lost in before:
            damaged = bytearray(content)
            at = content.index(lost.encode())
            damaged[at - 2:at] = b"\xff\xff"  # the key and length of its name
            with self.subTest(lost):
                self.assert_same({name: value for name, value in before.items() if name != lost}, self.salvaged(damaged))


if __name__ == "__main__":
    unittest.main()
