"""Our load_checkpoint and load_param_into_net beside MindSpore's: the same files into the same networks."""

import json
import os
import random
import subprocess
import unittest

import mindspore
import numpy as np
from mindspore import nn

from interop import TempDirTest
import theirs

CKPT_LOAD = os.environ["CKPT_LOAD"]
FLOATS = ["Float16", "Float32", "Float64", "BFloat16"]
INTEGERS = ["Int8", "Int16", "Int32", "Int64"]
OTHERS = ["UInt8", "UInt32", "Bool"]
SIZES = {"Float16": 2, "Float32": 4, "Float64": 8, "BFloat16": 2, "Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8,
         "UInt8": 1, "UInt32": 4, "Bool": 1}
DTYPES = {name: getattr(mindspore, name.lower() if name != "Bool" else "bool_") for name in SIZES}


def some_tensor(rng, dtype, dims):
    """Finite values, some of which a narrower type does not have."""
    count = int(np.prod(dims, dtype=int))
    if dtype == "Bool":
        return theirs.tensor(bytes(rng.choice([0, 1]) for _ in range(count)), dims, DTYPES[dtype])
    if dtype in INTEGERS or dtype in OTHERS:
        return theirs.tensor(rng.randbytes(SIZES[dtype] * count), dims, DTYPES[dtype])
    values = np.array([rng.choice([0.1, -1.5, 1e6, 3.0, 1e-9, 65520.0]) for _ in range(count)], np.float64)
    if dtype == "BFloat16":
        return theirs.tensor((values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).tobytes(), dims,
                             DTYPES[dtype])
    with np.errstate(over="ignore"):
        return theirs.tensor(values.astype(dtype.lower()).tobytes(), dims, DTYPES[dtype])


class Holder(nn.Cell):
    """A network with parameters of any names."""

    def __init__(self, params):
        super().__init__()
        for i, (name, dtype, dims) in enumerate(params):
            content = bytes(SIZES[dtype] * int(np.prod(dims, dtype=int)))
            self.insert_param_to_cell(f"p{i}", theirs.parameter(name, content, dims, DTYPES[dtype]), False)


class Params(TempDirTest):
    def ours(self, cases):
        told = "\n".join(json.dumps(case) for case in cases)
        done = subprocess.run([CKPT_LOAD], input=told.encode(), capture_output=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode(errors="replace"))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def theirs_of(self, case):
        network = Holder([(name, dtype, tuple(dims)) for name, dtype, dims in case["net"]])
        try:
            found = mindspore.load_checkpoint(case["file"], specify_prefix=case["specify"] or None,
                                              filter_prefix=case["filter"] or None)
            missing, unused = mindspore.load_param_into_net(network, found, strict_load=case["strict"])
        except (RuntimeError, ValueError) as error:
            return {"refused": str(error)}
        values = [theirs.value_of(param) for param in network.get_parameters()]
        return {"param_not_load": missing, "ckpt_not_load": unused, "values": [value[3].hex() for value in values],
                "dims": [list(value[2]) for value in values]}

    def random_case(self, rng, number):
        parts = ["conv", "fc", "weight", "bias", "w", "moments", "net"]
        names = list({".".join(rng.choices(parts, k=rng.randrange(1, 4))) for _ in range(8)})
        shapes = [(), (1,), (2,), (2, 3), (3, 2), (2, 3, 1), (2, 1)]
        path = str(self.dir / f"{number}.ckpt")
        saved = []
        for name in rng.sample(names, rng.randrange(1, len(names) + 1)):
            dtype = rng.choice(rng.choice([FLOATS, INTEGERS, OTHERS, ["Float32"]]))
            saved.append((name, dtype, rng.choice(shapes)))
        mindspore.save_checkpoint([{"name": n, "data": some_tensor(rng, t, d)} for n, t, d in saved], path)
        net = []
        for name in rng.sample(names, rng.randrange(1, len(names) + 1)):
            same = next((s for s in saved if s[0].endswith(name)), None)
            dtype, dims = same[1:] if same and rng.random() < 0.95 else (rng.choice(FLOATS), rng.choice(shapes))
            if rng.random() < 0.1:
                dtype = rng.choice(FLOATS if dtype in FLOATS else INTEGERS if dtype in INTEGERS else OTHERS)
            net.append([name, dtype, list(dims)])
        if rng.random() < 0.2:
            net.append(["accu_grads.w", "Float32", [1]])
        strict = rng.random() < 0.3
        return {"file": path, "net": net, "strict": strict, "suffixes": not strict, "ones": True,
                "specify": rng.choice([[], [], [], ["conv", "fc"], ["n"]]), "filter": rng.choice([[], [], [], ["w"]])}

    def test_random_networks(self):
        rng = random.Random(8)
        cases = [self.random_case(rng, number) for number in range(400)]
        loaded = refused = 0
        for case, here in zip(cases, self.ours(cases)):
            there = self.theirs_of(case)
            # What it does to a network's shape is its own.
            if there.get("dims") not in (None, [dims for _, _, dims in case["net"]]):
                continue
            self.assertEqual("refused" in here, "refused" in there, (case, here, there))
            if "refused" in here:
                refused += 1
                continue
            loaded += any(set(value) != {"0"} for value in here["values"])
            del there["dims"]
            self.assertEqual(here, there, case)
        self.assertGreater(loaded, 100)
        self.assertGreater(refused, 30)

    def test_every_pair_of_types(self):
        rng = random.Random(9)
        cases = []
        for source in SIZES:
            path = str(self.dir / f"{source}.ckpt")
            mindspore.save_checkpoint([{"name": "w", "data": some_tensor(rng, source, (64,))}], path)
            for target in SIZES:
                for strict in (False, True):
                    cases.append({"file": path, "net": [["w", target, [64]]], "strict": strict, "suffixes": False,
                                  "ones": False, "specify": [], "filter": []})
        for case, here in zip(cases, self.ours(cases)):
            there = self.theirs_of(case)
            there.pop("dims", None)
            if "refused" in here and "refused" in there:
                continue
            self.assertEqual(here, there, case)

    def test_optimizers(self):
        """A network and its optimizer, trained there, into the same names here."""
        optimizers = {"moments.weight": lambda net: nn.Momentum(net.trainable_params(), 0.1, 0.9),
                      "moment2.weight": lambda net: nn.Adam(net.trainable_params(), 0.01)}
        for state, optimizer in optimizers.items():
            net = nn.Dense(3, 2)
            train = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), optimizer(net))
            train(mindspore.Tensor(np.ones((4, 3), np.float32)), mindspore.Tensor(np.ones((4, 2), np.float32)))
            path = str(self.dir / "net.ckpt")
            mindspore.save_checkpoint(train, path)
            params = [[p.name, str(p.dtype), list(p.shape)] for p in train.get_parameters()]
            here, = self.ours([{"file": path, "net": params, "strict": True, "suffixes": False, "ones": False,
                                "specify": [], "filter": []}])
            self.assertEqual(here["param_not_load"], [])
            self.assertEqual(here["ckpt_not_load"], [])
            self.assertEqual(here["values"], [theirs.value_of(p)[3].hex() for p in train.get_parameters()])
            self.assertIn(state, [name for name, _, _ in params])


if __name__ == "__main__":
    mindspore.set_context(mode=mindspore.GRAPH_MODE, device_target="CPU")
    unittest.main()
