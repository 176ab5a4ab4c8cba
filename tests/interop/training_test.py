"""Our reader sees what training runs leave behind: Model.train with ModelCheckpoint, as its users run it."""

import json
import unittest

import mindspore
import numpy as np
from mindspore import nn
from mindspore.dataset import NumpySlicesDataset
from mindspore.train import Callback, CheckpointConfig, Model, ModelCheckpoint

from interop import CKPT, CKPT_WRITE, TempDirTest, read_ours, run
import theirs

STEPS_AN_EPOCH = 4


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(4, 3)
        self.bn = nn.BatchNorm1d(3)

    def construct(self, x):
        return self.bn(self.fc(x))


class FailAt(Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_step_end(self, run_context):
        if run_context.original_args().cur_step_num == self.step:
            raise RuntimeError("on purpose")


def data():
    random = np.random.default_rng(1)
    columns = (random.random((32, 4), np.float32), random.random((32, 3), np.float32))
    return NumpySlicesDataset(columns, ["x", "y"], shuffle=False).batch(32 // STEPS_AN_EPOCH)


class Training(TempDirTest):
    def train(self, optimizer, config, epochs=2, callbacks=()):
        """Trains in self.dir; gives the network with its optimizer, as it is at the end."""
        net = Net()
        model = Model(net, nn.MSELoss(), optimizer(net))
        saver = ModelCheckpoint("net", str(self.dir), config)
        try:
            model.train(epochs, data(), callbacks=[saver, *callbacks], dataset_sink_mode=False)
        except RuntimeError as error:
            self.assertIn("on purpose", str(error))
        return model.train_network

    def assert_holds(self, path, network, added=(), **options):
        """The file has every parameter of the network, with its present value, and `added` behind them."""
        found = read_ours(path, **options)
        self.assertEqual(list(found)[len(found) - len(added):], list(added))
        expected = {parameter.name: theirs.value_of(parameter) for parameter in network.get_parameters()}
        self.assertEqual(set(found), set(expected) | set(added))
        for name, value in expected.items():
            self.assert_same_value(name, value, found[name])
        return found

    def files(self):
        return sorted(path.name for path in self.dir.glob("*.ckpt"))

    def group_of(self, path, name):
        listed = json.loads(run(CKPT, "list", "--json", path))["tensors"]
        return next(entry["group"] for entry in listed if entry["name"] == name)

    def test_momentum_with_append_info(self):
        config = CheckpointConfig(save_checkpoint_steps=STEPS_AN_EPOCH, keep_checkpoint_max=5,
                                  append_info=["epoch_num", "step_num", {"lr": 0.5, "note": "x", "best": True}])
        network = self.train(lambda net: nn.Momentum(net.trainable_params(), 0.1, 0.9), config)
        self.assertEqual(self.files(), ["net-1_4.ckpt", "net-2_4.ckpt"])
        added = ["epoch_num", "step_num", "lr", "note", "best"]
        found = self.assert_holds(self.dir / "net-2_4.ckpt", network, added)
        self.assertEqual(found["epoch_num"], theirs.array_value(np.array(2, np.int64), "Int64"))
        self.assertEqual(found["step_num"], theirs.array_value(np.array(8, np.int64), "Int64"))
        self.assertEqual(found["lr"], theirs.array_value(np.array(0.5, np.float32), "Float32"))
        self.assertEqual(found["note"], ("string", "x"))
        self.assertEqual(found["best"], theirs.array_value(np.array(True), "Bool"))
        earlier = read_ours(self.dir / "net-1_4.ckpt")
        self.assertEqual(list(earlier), list(found))
        self.assertEqual(earlier["step_num"], theirs.array_value(np.array(4, np.int64), "Int64"))
        self.assertNotEqual(earlier["fc.weight"], found["fc.weight"])
        self.assertEqual(self.group_of(self.dir / "net-2_4.ckpt", "moments.fc.weight"), "optimizer")
        self.assertEqual(self.group_of(self.dir / "net-2_4.ckpt", "fc.weight"), "weights")

    def test_adam_with_a_crc_and_a_list_of_rates(self):
        config = CheckpointConfig(save_checkpoint_steps=3, keep_checkpoint_max=2, crc_check=True, async_save=True)
        rates = [0.1 / (step + 1) for step in range(2 * STEPS_AN_EPOCH)]
        network = self.train(lambda net: nn.Adam(net.trainable_params(), rates), config)
        self.assertEqual(self.files(), ["net-2_2.ckpt", "net-2_4.ckpt"])
        found = self.assert_holds(self.dir / "net-2_4.ckpt", network)
        self.assertEqual(list(found)[-1], "learning_rate")
        self.assertEqual(found["learning_rate"][2], (len(rates),))
        self.assertEqual(self.group_of(self.dir / "net-2_4.ckpt", "moment2.fc.weight"), "optimizer")

    def test_encrypted(self):
        key = bytes(range(16))
        config = CheckpointConfig(save_checkpoint_steps=STEPS_AN_EPOCH, enc_key=key, enc_mode="AES-GCM")
        network = self.train(lambda net: nn.RMSProp(net.trainable_params(), 0.1), config, epochs=1)
        self.assert_holds(self.dir / "net-1_4.ckpt", network, key=key)

    def test_loss_scale_and_groups(self):
        net = Net()
        groups = [{"params": net.fc.trainable_params(), "lr": 0.5}, {"params": net.bn.trainable_params()}]
        network = nn.TrainOneStepWithLossScaleCell(nn.WithLossCell(net, nn.MSELoss()), nn.Momentum(groups, 0.1, 0.9),
                                                   mindspore.Tensor(1024, mindspore.float32))
        path = self.dir / "scaled.ckpt"
        mindspore.save_checkpoint(network, str(path))
        found = self.assert_holds(path, network)
        self.assertTrue({"scale_sense", "learning_rate_group_0"} <= set(found), list(found))

    def test_saved_because_of_an_exception(self):
        config = CheckpointConfig(save_checkpoint_steps=100, exception_save=True)
        network = self.train(lambda net: nn.SGD(net.trainable_params(), 0.1, 0.9), config, callbacks=[FailAt(6)])
        self.assertEqual(self.files(), ["net-2_2_breakpoint.ckpt"])
        self.assert_holds(self.dir / "net-2_2_breakpoint.ckpt", network)

    def test_resuming_from_a_file_that_we_copied(self):
        """The next steps are those of the training that was not interrupted: equal losses, outputs and parameters."""
        optimizers = {"momentum": lambda net: nn.Momentum(net.trainable_params(), 0.1, 0.9),
                      "adam": lambda net: nn.Adam(net.trainable_params(), 0.01)}
        for name, optimizer in optimizers.items():
            with self.subTest(name):
                network = self.train(optimizer, CheckpointConfig(save_checkpoint_steps=STEPS_AN_EPOCH), epochs=1)
                saved = max(self.dir.glob("*-1_4.ckpt"), key=lambda path: path.stat().st_mtime_ns)
                copy = self.dir / f"{name}.copy.ckpt"
                run(CKPT_WRITE, "copy", saved, copy)
                net = Net()
                fresh = nn.TrainOneStepCell(nn.WithLossCell(net, nn.MSELoss()), optimizer(net))
                fresh.set_train()
                self.assertEqual(mindspore.load_param_into_net(fresh, mindspore.load_checkpoint(str(copy))), ([], []))
                for batch in data().create_tuple_iterator():
                    there, here = network(*batch), fresh(*batch)
                    self.assertEqual(theirs.value_of(there), theirs.value_of(here))
                values = {parameter.name: theirs.value_of(parameter) for parameter in fresh.get_parameters()}
                for parameter in network.get_parameters():
                    self.assert_same_value(parameter.name, theirs.value_of(parameter), values[parameter.name])


if __name__ == "__main__":
    mindspore.set_context(mode=mindspore.GRAPH_MODE, device_target="CPU")
    unittest.main()
