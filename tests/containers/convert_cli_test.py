"""What `ckpt convert` says and leaves behind, and that other commands take foreign files as they are.

Needs nothing but Python: files are samples, or made here byte by byte.
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

CKPT, SAMPLES = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(2))


def safetensors(tensors, metadata=None):
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


class Convert(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ckpt-convert-"))
        self.addCleanup(shutil.rmtree, self.dir)

    def run_ckpt(self, *arguments, code=0):
        done = subprocess.run([CKPT, *map(str, arguments)], cwd=self.dir, capture_output=True, text=True, umask=0o022)
        self.assertEqual(code, done.returncode, done.stderr)
        return done

    def refused(self, *arguments):
        """The messages; nothing may have been written."""
        before = sorted(self.dir.iterdir())
        done = self.run_ckpt("convert", *arguments, code=2)
        self.assertEqual(before, sorted(self.dir.iterdir()))
        self.assertEqual("", done.stdout)
        return done.stderr

    def digest(self, path):
        return json.loads(self.run_ckpt("hash", "--json", path).stdout)["content"]

    def write(self, name, content):
        (self.dir / name).write_bytes(content)
        return name

    def test_there_and_back(self):
        sample = SAMPLES / "good" / "golden_matrix.ckpt"
        self.run_ckpt("convert", sample, "-o", "a.safetensors")
        self.run_ckpt("convert", "a.safetensors", "-o", "b.npz")
        self.run_ckpt("convert", "b.npz", "-o", "c.ckpt")
        self.assertEqual(sample.read_bytes(), (self.dir / "c.ckpt").read_bytes())
        for path in ("a.safetensors", "b.npz", "c.ckpt"):
            self.assertEqual(self.digest(sample), self.digest(path))
        self.assertEqual([0o644, 0o644, 0o400], [(self.dir / path).stat().st_mode & 0o777
                                                 for path in ("a.safetensors", "b.npz", "c.ckpt")])

    def test_other_commands_take_them(self):
        self.write("any", safetensors({"w": ("F32", [2], struct.pack("<2f", 1, 2)), "b": ("BOOL", [], b"\1")}))
        tensors = json.loads(self.run_ckpt("list", "--json", "any").stdout)["tensors"]
        self.assertEqual([("w", "Float32", [2], "F32"), ("b", "Bool", [], "BOOL")],
                         [(t["name"], t["dtype"], t["dims"], t["stored"]["type"]) for t in tensors])
        self.assertEqual("w  Float32 [2]\n[1, 2]\n", self.run_ckpt("show", "any", "w").stdout)
        self.assertEqual(2, json.loads(self.run_ckpt("info", "--json", "any").stdout)["tensors"])
        self.run_ckpt("check", "any")

    def test_damage_is_named(self):
        self.write("cut", safetensors({"w": ("F32", [2], struct.pack("<2f", 1, 2))})[:-1])
        self.assertIn('"w"', self.run_ckpt("list", "cut", code=2).stderr)
        self.assertIn("7 bytes follow the header", self.refused("cut", "-o", "out.ckpt"))
        self.assertIn("salvage", self.refused(SAMPLES / "bad" / "cut_in_content.ckpt", "-o", "out.npz"))

    def test_what_does_not_fit_is_refused_by_name(self):
        sample = SAMPLES / "good" / "bf16.ckpt"
        error = self.refused(sample, "-o", "out.npz")
        self.assertIn("NumPy has no type BFloat16", error)
        self.assertIn("--drop-unsupported", error)
        self.assertIn("nothing is left", self.refused(sample, "-o", "out.npz", "--drop-unsupported"))
        done = self.run_ckpt("convert", SAMPLES / "good" / "dtypes.ckpt", "-o", "out.npz", "--drop-unsupported")
        self.assertIn("is left out: NumPy has no type BFloat16", done.stderr)
        (self.dir / "out.npz").unlink()
        self.assertIn("map parameters", self.refused(SAMPLES / "good" / "map.ckpt", "-o", "out.safetensors"))

    def test_targets(self):
        sample = SAMPLES / "good" / "golden_matrix.ckpt"
        self.assertIn("ckpt export", self.refused(sample, "-o", "x.onnx"))
        self.assertIn("ckpt show", self.refused(sample, "-o", "x.npy"))
        self.assertIn("--to ckpt", self.refused(sample, "-o", "x"))
        self.assertIn("--profile is for checkpoints", self.refused(sample, "-o", "x.npz", "--profile", "classic"))
        self.assertIn("--crc is for", self.refused(sample, "-o", "x.npz", "--crc"))
        self.run_ckpt("convert", sample, "-o", "x", "--to", "npz")
        self.assertEqual(b"PK", (self.dir / "x").read_bytes()[:2])

    def test_existing_files(self):
        sample = SAMPLES / "good" / "golden_matrix.ckpt"
        self.write("there.npz", b"old")
        self.assertIn("--force", self.refused(sample, "-o", "there.npz"))
        self.assertEqual(b"old", (self.dir / "there.npz").read_bytes())
        self.run_ckpt("convert", sample, "-o", "there.npz", "--force")
        os.symlink("there.npz", self.dir / "link.npz")
        self.assertIn("is the input itself", self.refused("there.npz", "-o", "link.npz", "--force"))

    def test_names(self):
        four = ("F32", [1], b"\0\0\0\0")
        self.write("torch.safetensors", safetensors({"bn.weight": four, "bn.bias": four, "fc.weight": ("F32", [1, 1], four[2])}))
        self.run_ckpt("convert", "torch.safetensors", "--names", "mindspore", "-o", "ms.ckpt")
        names = [t["name"] for t in json.loads(self.run_ckpt("list", "--json", "ms.ckpt").stdout)["tensors"]]
        self.assertEqual(["bn.gamma", "bn.beta", "fc.weight"], names)
        self.run_ckpt("convert", "ms.ckpt", "--names", "pytorch", "-o", "back.safetensors")
        self.assertEqual(self.digest("torch.safetensors"), self.digest("back.safetensors"))
        self.assertIn(b'"format":"pt"', (self.dir / "back.safetensors").read_bytes())

    def test_names_that_meet(self):
        four = ("F32", [1], b"\0\0\0\0")
        self.write("both", safetensors({"bn.gamma": four, "bn.beta": four, "bn.weight": four}))
        self.assertIn('makes it "bn.weight", which is another entry\'s name',
                      self.refused("both", "--names", "pytorch", "-o", "out.npz"))

    def test_encrypted_input_makes_a_private_file(self):
        (self.dir / "key").write_bytes(json_key(SAMPLES / "good" / "enc_gcm_16.json"))
        self.run_ckpt("convert", SAMPLES / "good" / "enc_gcm_16.ckpt", "--key-file", "key", "-o", "out.npz")
        self.assertEqual(0o600, (self.dir / "out.npz").stat().st_mode & 0o777)

    def test_of_two_entries_with_one_name_the_last_counts(self):
        sample = SAMPLES / "bad" / "name_twice_apart.ckpt"
        self.assertIn("a later entry has its name", self.refused(sample, "-o", "out.npz"))
        self.run_ckpt("convert", sample, "-o", "out.npz", "--drop-unsupported")


def json_key(path):
    return bytes.fromhex(json.loads(path.read_text())["key"])


if __name__ == "__main__":
    unittest.main()
