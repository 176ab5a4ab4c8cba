#!/usr/bin/env python3
"""What `ckpt diff` says of two files, against NumPy; and what must hold for any two files.

    numpy_diff_test.py CKPT [unittest's arguments]
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import numpy

from numpy_test import TYPES, record, sample

CKPT = pathlib.Path()
SPECIAL = {"NaN": numpy.nan, "Infinity": numpy.inf, "-Infinity": -numpy.inf}


def number(value):
    return SPECIAL.get(value, value)


def text_record(name, text):
    return record(name, "str", (0,), text.encode("utf-32-le"))


class Diffs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tmp = pathlib.Path(folder.name)

    def save(self, file, arrays):
        types = {numpy.dtype(dtype): name for name, dtype in TYPES.items()}
        path = self.tmp / file
        with open(path, "wb") as out:
            for name, array in arrays.items():
                if isinstance(array, str):
                    out.write(text_record(name, array))
                else:
                    out.write(record(name, types[array.dtype], array.shape, array.tobytes()))
        return path

    def diff(self, *arguments, code=None):
        done = subprocess.run([CKPT, "diff", *arguments], capture_output=True, check=False)
        self.assertEqual(done.stderr, b"", arguments)
        if code is not None:
            self.assertEqual(done.returncode, code, (arguments, done.stdout))
        self.assertIn(done.returncode, (0, 1))
        return done.stdout.decode()

    def document(self, a, b, *options, code=None):
        document = json.loads(self.diff(a, b, "--json", *options, code=code))
        return document, {row["name"]: row for row in document["tensors"]}


def pairs_of_every_type():
    """Of each type two arrays of any bits, a part of which is the same; and NaN, infinities and zeros among them."""
    source = random.Random(5)
    for name, dtype in TYPES.items():
        for dims in ((), (1,), (6, 7), (2, 1, 700), (40, 300)):
            a = sample(source, dtype, dims).copy()
            b = sample(source, dtype, dims).copy()
            if a.dtype.kind in "fc":
                for array in (a, b):
                    parts = array.reshape(-1).view(array.real.dtype)
                    largest = 1e100 if parts.dtype.itemsize == 8 else numpy.inf
                    parts[numpy.abs(parts) > largest] = 1.5  # whose squares NumPy's sums have no room for
                    if array.size > 100:
                        parts[source.randrange(100)] = numpy.nan
                        parts[source.randrange(100)] = numpy.inf
                        parts[source.randrange(100)] = 0
                        parts[7] = -0.0
            if a.size > 1:
                a.reshape(-1)[::3] = b.reshape(-1)[::3]
            yield f"{name}.{len(dims)}.{a.size}", a, b


class Metrics(Diffs):
    def check(self, row, a, b):
        what = row["name"]
        wide = "c16" if a.dtype.kind == "c" else "f8"
        with numpy.errstate(all="ignore"):
            x, y = a.reshape(-1).astype(wide), b.reshape(-1).astype(wide)
            both = numpy.isfinite(x) & numpy.isfinite(y)
            same = (a == b).reshape(-1) | (numpy.isnan(x) & numpy.isnan(y))
            d = numpy.where(both, numpy.abs(x - y), 0)
            self.assertEqual(row["elements"], a.size, what)
            self.assertEqual(row["changed_elements"], (~same).sum(), what)
            self.assertEqual(row["from_zero"], (~same & (x == 0)).sum(), what)
            self.assertEqual(row["new_nan"], (numpy.isnan(y) & ~numpy.isnan(x)).sum(), what)
            self.assertEqual(row["lost_nan"], (numpy.isnan(x) & ~numpy.isnan(y)).sum(), what)
            if a.dtype.kind != "c":
                self.assertEqual(row["new_inf"], (numpy.isinf(y) & (x != y)).sum(), what)
                self.assertEqual(row["lost_inf"], (numpy.isinf(x) & (x != y)).sum(), what)
            rel = numpy.where(both & (x != 0), d / numpy.abs(x), 0)
            self.assertEqual(row["first"]["index"], numpy.argmin(same), what)
            count = both.sum()
            norm = lambda v: numpy.sqrt(numpy.sum(numpy.abs(v[both]) ** 2))
            expected = {"max_abs": d.max(), "max_rel": rel.max(), "mean_abs": d.sum() / count, "l2": norm(x - y),
                        "rms": norm(x - y) / numpy.sqrt(count), "relative_update": norm(x - y) / norm(x),
                        "cosine": numpy.sum((x * numpy.conj(y)).real[both]) / (norm(x) * norm(y))}
        for key, value in expected.items():
            if numpy.isfinite(value):
                numpy.testing.assert_allclose(number(row[key]), value, rtol=1e-9, atol=1e-14, err_msg=f"{what} {key}")
        if a.dtype.kind != "c" and d.max() > 0:
            self.assertEqual(row["worst"]["index"], numpy.argmax(d), what)
            at = tuple(row["worst"]["at"])
            self.assertEqual(at, numpy.unravel_index(numpy.argmax(d), a.shape), what)
            for side, array in (("a", a), ("b", b)):  # the shortest decimal that is this number
                self.assertEqual(array.dtype.type(number(row["worst"][side])), array[at], what)

    def test_of_every_type(self):
        pairs = list(pairs_of_every_type())
        a = self.save("a.ckpt", {name: x for name, x, _ in pairs})
        b = self.save("b.ckpt", {name: y for name, _, y in pairs})
        document, rows = self.document(a, b, code=1)
        changed = [(name, x, y) for name, x, y in pairs if not numpy.array_equal(x, y, equal_nan=x.dtype.kind in "fc")]
        self.assertGreater(len(changed), 60)
        self.assertEqual(document["counts"]["changed"], len(changed))
        for name, x, y in changed:
            self.check(rows[name], x, y)

    def test_tolerances_are_numpys(self):
        """numpy.isclose, but that its b is the reference."""
        source = numpy.random.default_rng(3)
        a = source.normal(0, 1, 5000).astype("<f4")
        b = (a * (1 + source.normal(0, 1e-3, a.size))).astype("<f4")
        first, second = self.save("a.ckpt", {"w": a}), self.save("b.ckpt", {"w": b})
        for atol, rtol in ((0, 1e-3), (1e-3, 0), (1e-4, 1e-3), (0, 1), (1, 0)):
            close = numpy.isclose(b.astype("f8"), a.astype("f8"), rtol=rtol, atol=atol)
            document, rows = self.document(first, second, "--atol", str(atol), "--rtol", str(rtol), "--all",
                                           code=0 if close.all() else 1)
            self.assertEqual(rows["w"]["outside_tolerance"], (~close).sum())
            self.assertEqual(rows["w"]["change"], "within_tolerance" if close.all() else "changed")
            self.assertFalse(document["identical"])

    def test_ulp_is_numpys_nextafter(self):
        for dtype in ("<f2", "<f4", "<f8"):
            a = numpy.array([1, -1, 0.1, 65000, 1e-7, 0], dtype)
            b = a.copy()
            for _ in range(3):
                b = numpy.nextafter(b, numpy.finfo(dtype).max)
            first, second = self.save("a.ckpt", {"w": a}), self.save("b.ckpt", {"w": b})
            _, rows = self.document(first, second, "--ulp", "2", code=1)
            self.assertEqual((rows["w"]["max_ulp"], rows["w"]["outside_tolerance"]), (3, a.size))
            self.document(first, second, "--ulp", "3", code=0)

    def test_narrow_types_against_float32(self):
        source = numpy.random.default_rng(4)
        a = source.normal(0, 1, (30, 40)).astype("<f4")
        half = a.astype("<f2")
        first, second = self.save("a.ckpt", {"w": a}), self.save("b.ckpt", {"w": half})
        _, rows = self.document(first, second, "--rtol", "1e-3", code=1)
        row = rows["w"]
        self.assertEqual((row["change"], row["values"]), ("dtype_changed", "within_tolerance"))
        self.assertEqual((row["a"]["dtype"], row["b"]["dtype"]), ("Float32", "Float16"))
        self.assertEqual(row["max_abs"], numpy.abs(a.astype("f8") - half.astype("f8")).max())
        self.document(first, second, "--rtol", "1e-3", "--fail-on", "changed", code=0)
        self.document(first, second, "--rtol", "1e-5", "--fail-on", "changed", code=1)


class Names(Diffs):
    def network(self, layers=40):
        source = numpy.random.default_rng(8)
        arrays = {}
        for i in range(layers):
            arrays[f"backbone.layer{i}.conv.weight"] = source.normal(0, 1, (8, 3, 3, 3)).astype("<f4")
            arrays[f"backbone.layer{i}.conv.bias"] = source.normal(0, 1, (8,)).astype("<f4")
            arrays[f"backbone.layer{i}.bn.gamma"] = source.normal(0, 1, (8,)).astype("<f4")
            arrays[f"backbone.layer{i}.bn.beta"] = source.normal(0, 1, (8,)).astype("<f4")
        return arrays

    def test_160_renamed_by_a_regex(self):
        arrays = self.network()
        self.assertEqual(len(arrays), 160)
        source = numpy.random.default_rng(9)
        new_name = lambda name: name.replace("backbone.layer", "net.blocks.")
        for noise in (0, 1e-4):
            renamed = {new_name(name): (array + noise * source.normal(0, 1, array.shape)).astype("<f4")
                       for name, array in arrays.items()}
            a, b = self.save("a.ckpt", arrays), self.save("b.ckpt", renamed)
            document, rows = self.document(a, b, code=1)
            self.assertEqual(document["counts"] | {"renamed": 0}, dict.fromkeys(document["counts"], 0))
            self.assertEqual(document["counts"]["renamed"], 160)
            for name in arrays:
                self.assertEqual(rows[new_name(name)]["a"]["name"], name)
            # What was found can be kept, and is expected then.
            names = self.tmp / f"names.{noise}"
            self.diff(a, b, "--write-map", names, "-q", code=1)
            self.assertEqual(dict(line.split("\t") for line in names.read_text().splitlines()),
                             {name: new_name(name) for name in arrays})
            tolerance = ("--atol", "1e-2")
            self.document(a, b, "--map", names, *tolerance, code=0)
            self.document(a, b, "--rename-regex", r"s/backbone\.layer/net.blocks./", *tolerance, code=0)

    def test_twelve_blocks_of_equal_shape_by_name(self):
        source = numpy.random.default_rng(10)
        a = {f"encoder.{i}.dense.weight": source.normal(0, 1, (16, 16)).astype("<f4") for i in range(12)}
        b = {f"bert.layer.{i}.dense.weight": source.normal(0, 1, (16, 16)).astype("<f4") for i in range(12)}
        document, rows = self.document(self.save("a.ckpt", a), self.save("b.ckpt", b), code=1)
        self.assertEqual(document["counts"]["renamed"], 12)
        for i in range(12):
            self.assertEqual(rows[f"bert.layer.{i}.dense.weight"]["a"]["name"], f"encoder.{i}.dense.weight")


class Properties(Diffs):
    def files(self):
        """Networks of any names, shapes and types, and what may have become of them."""
        source = random.Random(12)
        for case in range(12):
            arrays = {}
            for i in range(source.randrange(1, 14)):
                dtype = source.choice(list(TYPES.values()))
                dims = tuple(source.choice((1, 2, 3, 5)) for _ in range(source.randrange(4)))
                arrays[f"cell{i}.{source.choice(('weight', 'bias'))}"] = sample(source, dtype, dims)
            arrays["note"] = "of %d" % case
            other = {}
            for name, array in arrays.items():
                what = source.randrange(6)
                if what == 0:
                    continue
                if what == 1 and not isinstance(array, str):
                    array = sample(source, array.dtype.str, array.shape)
                if what == 2 and not isinstance(array, str):
                    array = array.reshape((-1,))
                if what == 3:
                    name = "new." + name
                other[name] = array
            other["extra"] = numpy.zeros(3, "<f4")
            yield self.save(f"a{case}.ckpt", arrays), self.save(f"b{case}.ckpt", other)

    def test_of_a_file_with_itself_there_is_none(self):
        for a, _ in self.files():
            document, rows = self.document(a, a, code=0)
            self.assertEqual(rows, {})
            self.assertTrue(document["identical"])
            self.assertEqual(sum(document["counts"].values()), document["counts"]["identical"])
            self.assertRegex(self.diff(a, a, code=0), r"^\d+ tensors?, (all )?identical\n$")

    def test_is_symmetric_where_it_should_be(self):
        swapped = {"added": "removed", "removed": "added"}
        for a, b in self.files():
            there, _ = self.document(a, b, "--all")
            back, _ = self.document(b, a, "--all")
            for change, count in there["counts"].items():
                self.assertEqual(back["counts"][swapped.get(change, change)], count, change)
            keys = lambda row: (json.dumps(row["a"]), json.dumps(row["b"]))
            rows = {keys(row): row for row in there["tensors"]}
            self.assertEqual(len(rows), len(back["tensors"]))
            for row in back["tensors"]:
                other = rows[json.dumps(row["b"]), json.dumps(row["a"])]
                self.assertEqual(other["change"], swapped.get(row["change"], row["change"]))
                for key in ("elements", "changed_elements", "max_abs", "mean_abs", "rms", "l2"):
                    self.assertEqual(other.get(key), row.get(key), key)
                if "cosine" in row:
                    cosines = [number(r["cosine"]) for r in (other, row)]  # NaN where squares have no double
                    numpy.testing.assert_allclose(cosines[0], cosines[1], atol=1e-12)
                self.assertEqual(other.get("new_nan"), row.get("lost_nan"))

    def test_junit_and_markdown_have_the_same_rows(self):
        for a, b in self.files():
            document, rows = self.document(a, b)
            root = xml.etree.ElementTree.fromstring(self.diff(a, b, "--junit"))
            suite = root.find("testsuite")
            self.assertEqual(len(suite.findall("testcase")), sum(document["counts"].values()))
            self.assertEqual(int(suite.get("failures")), len(suite.findall("testcase/failure")))
            self.assertEqual(len(suite.findall("testcase/failure")), len(rows))
            table = [line for line in self.diff(a, b, "--markdown").splitlines() if line.startswith("| ")]
            self.assertEqual(len(table), len(rows) + 1 if rows else 0)


if __name__ == "__main__":
    CKPT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
