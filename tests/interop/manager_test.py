"""Our ModelCheckpoint beside MindSpore's: the same configurations, steps and times give the same files."""

import itertools
import json
import os
import pathlib
import random
import subprocess
import time
import unittest
from unittest import mock

import mindspore
import numpy as np
from mindspore import nn
from mindspore.dataset import NumpySlicesDataset
from mindspore.train import CheckpointConfig, Model, ModelCheckpoint
from mindspore.train.callback import RunContext
from mindspore.train.model import _InternalCallbackParam
from mindspore.train.callback._checkpoint import _chg_ckpt_file_name_if_same_exist

from interop import TempDirTest, read_ours
import theirs

CKPT_RUN = os.environ["CKPT_RUN"]
BEGIN = 1_700_000_000


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.w = mindspore.Parameter(mindspore.Tensor([1.5], mindspore.float32), name="w")

    def construct(self, x):
        return x * self.w


def names_in(directory):
    return sorted(name for name in os.listdir(directory) if not name.endswith("-record.txt"))


def ours(directory, prefix, config, steps, end):
    told = {"directory": str(directory), "prefix": prefix, "config": config, "begin": BEGIN, "steps": steps, "end": end}
    done = subprocess.run([CKPT_RUN], input=json.dumps(told).encode(), capture_output=True)
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode(errors="replace"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[0], [[n for n in names if not n.endswith("-record.txt")] for names in lines[1:]]


class TheirTime:
    """The clock that MindSpore asks; files it writes are of that time."""

    def __init__(self, directory):
        self.directory = directory
        self.now = BEGIN

    def set_file_times(self):
        """What was written since the last call has the real time, which is after all times of a run."""
        for entry in os.scandir(self.directory):
            if entry.stat().st_mtime > self.now:
                os.utime(entry.path, (self.now, self.now))


def refused_or_policy(config):
    try:
        policy = CheckpointConfig(**config).get_checkpoint_policy()
    except ValueError as error:
        return {"refused": str(error)}
    del policy["saved_network"]
    return policy


def theirs_of(directory, prefix, config, steps, end):
    """What is in the directory after each step, and after the end."""
    network = Net()
    clock = TheirTime(directory)
    listings = []
    with mock.patch("mindspore.train.callback._checkpoint.time.time", lambda: clock.now):
        saver = ModelCheckpoint(prefix, str(directory), CheckpointConfig(**config))
        saver._graph_saved = True  # this network is not compiled; Model.train below saves one
        params = _InternalCallbackParam()
        params.train_network = network
        for epoch, step, steps_per_epoch, now in steps:
            clock.now = now
            params.cur_epoch_num, params.cur_step_num, params.batch_num = epoch, step, steps_per_epoch
            saver.step_end(RunContext(params))
            clock.set_file_times()
            listings.append(names_in(directory))
        clock.now = end
        saver.end(RunContext(params))
        clock.set_file_times()
        listings.append(names_in(directory))
    return listings


class Manager(TempDirTest):
    def setUp(self):
        super().setUp()
        self.count = 0

    def directories(self):
        self.count += 1
        pair = self.dir / f"{self.count}a", self.dir / f"{self.count}b"
        for directory in pair:
            directory.mkdir()
        return pair

    def assert_same_run(self, config, steps, end, runs=1):
        here, there = self.directories()
        for _ in range(runs):
            _, found = ours(here, "r", config, steps, end)
            found = [[n for n in names if not n.endswith("-graph.meta")] for names in found]
            self.assertEqual(theirs_of(there, "r", config, steps, end), found, (config, steps))

    def test_configurations(self):
        """What is refused, and what the four numbers come to."""
        words = ["save_checkpoint_steps", "save_checkpoint_seconds", "keep_checkpoint_max",
                 "keep_checkpoint_per_n_minutes"]
        directory, _ = self.directories()
        for values in itertools.product([None, 0, 2, -1], repeat=4):
            config = dict(zip(words, values))
            here, _ = ours(directory, "r", config, [], BEGIN)
            there = refused_or_policy(config)
            self.assertEqual("refused" in here, "refused" in there, (config, here, there))
            if "refused" not in here:
                self.assertEqual(here, there, config)

    def test_steps_and_numbers(self):
        steps = [[(s - 1) // 4 + 1, s, 4, BEGIN + s] for s in range(1, 18)]
        for save, keep in itertools.product([1, 2, 3, 5, 100], [None, 0, 1, 2, 5, 50]):
            self.assert_same_run({"save_checkpoint_steps": save, "keep_checkpoint_max": keep}, steps, BEGIN + 20)

    def test_reruns(self):
        steps = [[1, s, 4, BEGIN + s] for s in range(1, 5)]
        self.assert_same_run({"keep_checkpoint_max": 2}, steps, BEGIN + 20, runs=4)

    def test_trained_twice_with_one_callback(self):
        """Names that are used again: what they had counts, and goes."""
        once = [[(s - 1) // 2 + 1, s, 2, BEGIN + s] for s in range(1, 9)]
        again = [[epoch, step + 8, 2, now + 10] for epoch, step, _, now in once]
        for keep in (1, 2, 3, 5, 8, 20):
            self.assert_same_run({"keep_checkpoint_max": keep}, once + again, BEGIN + 40)

    def test_random_runs(self):
        rng = random.Random(6)
        for _ in range(120):
            config = {"save_checkpoint_steps": rng.choice([None, 0, 1, 2, 3, 7]),
                      "save_checkpoint_seconds": rng.choice([None, 0, 1, 30, 100]),
                      "keep_checkpoint_max": rng.choice([None, 0, 0, 1, 3]),
                      "keep_checkpoint_per_n_minutes": rng.choice([None, 0, 1, 2, 10])}
            if not any(config.values()):
                continue
            per_epoch = rng.choice([1, 4, 7])
            now, steps = BEGIN, []
            for step in range(1, rng.randrange(3, 25)):
                now += rng.choice([0.5, 7, 20, 59, 61, 119, 700])
                steps.append([(step - 1) // per_epoch + 1, step, per_epoch, now])
            self.assert_same_run(config, steps, now + rng.choice([0.25, 300]))

    def test_numbers_of_reruns(self):
        """The choice of a prefix, for directories with odd names in them."""
        rng = random.Random(7)
        parts = ["r", "_", "-", "1", "9", "007", "25", "a", "x.", "_breakpoint", ".ckpt", ".safetensors", ".meta", "3_2"]
        for _ in range(150):
            here, _ = self.directories()
            for _ in range(rng.randrange(0, 6)):
                name = rng.choice(["r", "r", "", "q"]) + "".join(rng.choices(parts, k=rng.randrange(0, 5)))
                name += rng.choice([".ckpt", ".ckpt", "-1_1.ckpt", ""])
                if name not in ("", ".", "..", "r"):
                    (here / name).touch()
            expected = _chg_ckpt_file_name_if_same_exist(str(here), "r")
            before = set(os.listdir(here))
            _, found = ours(here, "r", {}, [[7, 7, 7, BEGIN]], BEGIN)
            new = set(found[0]) - before
            self.assertEqual(new, {f"{expected}-7_7.ckpt", f"{expected}-graph.meta"}, sorted(before))

    def test_model_train(self):
        """All of it, with Model.train: names, the graph's name, appended values, and the entry that it loads."""
        info = ["epoch_num", "step_num", {"lr": 0.5, "best": True, "note": "x", "count": 3}]
        there, here = self.directories()
        columns = (np.ones((8, 1), np.float32), np.ones((8, 1), np.float32))
        for _ in range(2):
            data = NumpySlicesDataset(columns, ["x", "y"], shuffle=False).batch(2)
            model = Model(net := Net(), nn.MSELoss(), nn.Momentum(net.trainable_params(), 0.0, 0.9))
            config = CheckpointConfig(save_checkpoint_steps=3, keep_checkpoint_max=2, append_info=info)
            model.train(3, data, callbacks=[ModelCheckpoint("r", str(there), config)], dataset_sink_mode=False)
        steps = [[(s - 1) // 4 + 1, s, 4, BEGIN + s] for s in range(1, 13)]
        for _ in range(2):
            ours(here, "r", {"save_checkpoint_steps": 3, "keep_checkpoint_max": 2, "epoch_num": True, "step_num": True,
                             "values": info[2]}, steps, BEGIN + 20)
        self.assertEqual(names_in(there), names_in(here))
        for name in names_in(here):
            if not name.endswith(".ckpt"):
                continue
            their_values, our_values = read_ours(there / name), theirs.load(here / name)
            self.assertEqual(list(our_values), ["w", "epoch_num", "step_num", "lr", "best", "note", "count"])
            for key in our_values:
                self.assert_same_value(key, their_values[key], our_values[key])


if __name__ == "__main__":
    mindspore.set_context(mode=mindspore.GRAPH_MODE, device_target="CPU")
    unittest.main()
