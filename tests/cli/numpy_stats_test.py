#!/usr/bin/env python3
"""What `ckpt stats` says of values, against NumPy: every type, special values, quantiles, histograms, pipes, CSV.

    numpy_stats_test.py CKPT [unittest's arguments]
"""

import csv
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

import numpy

from numpy_test import TYPES, record, sample

CKPT = pathlib.Path()
FRACTIONS = [0, 0.001, 0.25, 0.5, 0.9, 0.999, 1]


def arrays_of_every_type():
    source = random.Random(7)
    for name, dtype in TYPES.items():
        for dims in ((), (1,), (7,), (50, 60), (3, 1, 1501)):
            array = sample(source, dtype, dims).copy()
            if name in ("Float64", "Complex128"):  # whose squares NumPy's sums have no room for
                parts = array.reshape(-1).view("<f8")
                parts[numpy.abs(parts) > 1e150] = 2.5
            yield f"{name}.{len(dims)}.{array.size}", name, array
    for name in ("Float16", "Float32", "Float64"):
        dtype = TYPES[name]
        tiny = numpy.finfo(dtype).smallest_subnormal
        edges = [0.0, -0.0, tiny, -tiny, numpy.finfo(dtype).tiny, numpy.nan, numpy.inf, -numpy.inf, 1.0, -2.5]
        yield f"{name}.edges", name, numpy.array(edges, dtype)
        yield f"{name}.nothing_finite", name, numpy.array([numpy.nan, numpy.inf], dtype)
        yield f"{name}.same", name, numpy.full((9, 9), 0.1, dtype)
        yield f"{name}.empty", name, numpy.zeros((0, 3), dtype)
    random_state = numpy.random.default_rng(11)
    yield "large", "Float32", random_state.normal(3, 0.5, (400, 500)).astype("<f4")
    yield "large16", "Float16", random_state.normal(0, 10, 100000).astype("<f2")


class Stats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tmp = tempfile.TemporaryDirectory()
        cls.file = pathlib.Path(cls.tmp.name) / "values.ckpt"
        cls.arrays = {}
        with open(cls.file, "wb") as file:
            for key, name, array in arrays_of_every_type():
                cls.arrays[key] = array
                file.write(record(key, name, array.shape, array.tobytes()))

    @classmethod
    def tearDownClass(cls):
        cls.tmp.cleanup()

    def stats(self, *arguments, file=None, stdin=None):
        done = subprocess.run([CKPT, "stats", file or self.file, *arguments], stdin=stdin, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        return done.stdout.decode()

    def document(self, *arguments, **streams):
        document = json.loads(self.stats("--json", *arguments, **streams))
        self.assertEqual([row["name"] for row in document["tensors"]], list(self.arrays))
        return {row["name"]: row for row in document["tensors"]}

    def values(self, array):
        """As doubles, complex ones by their magnitude; and which of them are finite."""
        with numpy.errstate(over="ignore", invalid="ignore"):
            values = numpy.abs(array.astype("c16")) if array.dtype.kind == "c" else array.astype("f8")
        values = values.reshape(-1)
        return values, numpy.isfinite(values)

    def check(self, row, array):
        what = row["name"]
        values, finite = self.values(array)
        self.assertEqual(row["count"], array.size, what)
        self.assertEqual(row["finite"], finite.sum(), what)
        self.assertEqual(row["nan"], numpy.isnan(values).sum(), what)
        self.assertEqual(row["positive_inf"], numpy.isposinf(values).sum(), what)
        self.assertEqual(row["negative_inf"], numpy.isneginf(values).sum(), what)
        self.assertEqual(row["zeros"], (values == 0).sum(), what)
        if array.dtype.kind == "f":
            small = numpy.abs(values) < float(numpy.finfo(array.dtype).tiny)
            self.assertEqual(row["denormals"], (small & (values != 0)).sum(), what)
        self.assertEqual(row["first_non_finite"], None if finite.all() else numpy.argmin(finite), what)
        if not finite.any():
            self.assertEqual([row[key] for key in ("min", "max", "mean", "std", "l2", "min_index")], [None] * 6, what)
            return
        kept = values[finite]
        # NumPy's magnitude may be off in the last bit.
        near = {"rtol": 1e-15 if array.dtype.kind == "c" else 0}
        numpy.testing.assert_allclose([row["min"], row["max"]], [kept.min(), kept.max()], err_msg=what, **near)
        if array.dtype.kind != "c":
            self.assertEqual(row["min_index"], numpy.flatnonzero(values == kept.min())[0], what)
            self.assertEqual(row["max_index"], numpy.flatnonzero(values == kept.max())[0], what)
        scale = numpy.abs(kept).max()
        numpy.testing.assert_allclose(row["mean"], kept.mean(), rtol=1e-10, atol=1e-12 * scale, err_msg=what)
        numpy.testing.assert_allclose(row["std"], kept.std(), rtol=1e-10, atol=1e-12 * scale, err_msg=what)
        numpy.testing.assert_allclose(row["l2"], numpy.linalg.norm(kept), rtol=1e-10, err_msg=what)

    def test_every_type(self):
        rows = self.document()
        for name, array in self.arrays.items():
            self.check(rows[name], array)

    def test_from_a_pipe(self):
        with open(self.file, "rb") as file:
            data = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
            rows = self.document(file="-", stdin=data.stdout)
            data.stdout.close()
            data.wait()
        for name, array in self.arrays.items():
            self.check(rows[name], array)

    def check_quantiles(self, rows, may_be_approximate):
        approximate = set()
        for name, array in self.arrays.items():
            values, finite = self.values(array)
            got = rows[name]["quantiles"]
            self.assertEqual([q["fraction"] for q in got], FRACTIONS)
            if not finite.any():
                self.assertEqual([q["value"] for q in got], [None] * len(FRACTIONS))
                continue
            expected = numpy.quantile(values[finite], FRACTIONS)
            got_values = numpy.array([q["value"] for q in got])
            if all(q["exact"] for q in got):
                scale = numpy.abs(values[finite]).max()
                numpy.testing.assert_allclose(got_values, expected, rtol=1e-12, atol=1e-12 * scale, err_msg=name)
                continue
            # Good to one part in 128 where float has normal numbers.
            approximate.add(name)
            float32 = numpy.finfo("<f4")
            known = (numpy.abs(expected) >= float32.tiny) & (numpy.abs(expected) <= float32.max)
            self.assertTrue(known.any(), name)
            numpy.testing.assert_allclose(got_values[known], expected[known], rtol=1 / 128, err_msg=name)
        self.assertEqual(approximate, may_be_approximate)

    def test_quantiles(self):
        fractions = ",".join(map(str, FRACTIONS))
        large = {name for name, array in self.arrays.items()
                 if array.size > 4096 and array.dtype.itemsize > 1}
        self.check_quantiles(self.document("--quantiles", fractions), large)
        self.check_quantiles(self.document("--quantiles", fractions, "--exact"), set())

    def test_histograms(self):
        for bins in (1, 7, 20, 256):
            rows = self.document("--histogram", "--bins", str(bins))
            for name, array in self.arrays.items():
                values, finite = self.values(array)
                low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0, 0)
                if array.dtype.kind == "c" or (low == high and abs(low) > 1e15):  # NumPy cannot make bins of 1e20 ± 0.5
                    continue
                if not finite.any():
                    self.assertNotIn("histogram", rows[name])
                    continue
                got = rows[name]["histogram"]
                with numpy.errstate(over="ignore", invalid="ignore"):
                    counts, edges = numpy.histogram(values[finite], bins)
                self.assertTrue(got["exact"])
                self.assertEqual((got["low"], got["high"]), (edges[0], edges[-1]), name)
                self.assertEqual(got["counts"], counts.tolist(), name)

    def test_csv_has_the_same(self):
        rows = self.document("--quantiles", "0.5")
        table = list(csv.DictReader(io.StringIO(self.stats("--csv", "--quantiles", "0.5"))))
        self.assertEqual([row["name"] for row in table], list(self.arrays))
        for row in table:
            expected = rows[row["name"]]
            for key in ("count", "finite", "min", "max", "mean", "std", "l2", "zeros", "denormals", "nan",
                        "positive_inf", "negative_inf", "min_index", "max_index"):
                self.assertEqual(None if row[key] == "" else float(row[key]), expected[key], (row["name"], key))
            median = expected["quantiles"][0]["value"]
            self.assertEqual(None if row["q0.5"] == "" else float(row["q0.5"]), median)
            self.assertEqual(row["dims"], "x".join(map(str, expected["dims"])))

    def test_sums_are_of_all_values(self):
        weights = {name: array for name, array in self.arrays.items() if name.startswith("Float32.")}
        document = json.loads(self.stats("--json", "Float32.*"))
        values = numpy.concatenate([self.values(array)[0] for array in weights.values()])
        together = document["sums"]["all"] | {"name": "all", "first_non_finite": None}
        kept = values[numpy.isfinite(values)]
        self.assertEqual((together["count"], together["finite"]), (values.size, kept.size))
        self.assertEqual((together["min"], together["max"]), (kept.min(), kept.max()))
        numpy.testing.assert_allclose([together["mean"], together["std"], together["l2"]],
                                      [kept.mean(), kept.std(), numpy.linalg.norm(kept)], rtol=1e-9)


if __name__ == "__main__":
    CKPT = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
