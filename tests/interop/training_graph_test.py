"""Our training graph, run step by step in double precision, is MindSpore's: parameters as it saves them, losses, gradients,
what a few steps make of every parameter, and the operators of its graph.meta, which its own parser reads."""

import collections
import json
import os
import unittest

import mindspore
import numpy as np
from mindspore import nn
from mindspore.train import anf_ir_pb2

import zoo
from interop import CKPT, TempDirTest, read_ours, run

STEPS = 3
PLUMBING = {"Depend", "Load", "MakeTuple", "TupleGetItem", "UpdateState"}


class Small(nn.Cell):
    """What LeNet has not: normalisation, a padded pool, a shortcut, a mean."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, pad_mode="pad", padding=1), nn.BatchNorm2d(4)
        self.conv3, self.bn3 = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, eps=1e-3)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(3, 2, pad_mode="same")
        self.pad = nn.Pad(((0, 0), (0, 0), (1, 1), (1, 1)))
        self.average, self.flatten = nn.AvgPool2d(2, 1), nn.Flatten()
        self.mean = mindspore.ops.ReduceMean(keep_dims=True)
        self.fc = nn.Dense(4, 10)

    def construct(self, x):
        x = self.pool(self.pad(self.relu(self.bn1(self.conv1(x)))))
        x = self.relu(self.bn2(self.conv2(x)) + self.bn3(self.conv3(x)))
        x = self.average(x) * 0.5
        return self.fc(self.flatten(self.mean(x, (2, 3))))


def randomise(net):
    """Numbers that exercise everything: an initialisation leaves biases and statistics at 0 and 1."""
    random = np.random.default_rng(5)
    for parameter in net.get_parameters():
        size = parameter.shape
        near_one = parameter.name.endswith(("gamma", "moving_variance"))
        spread = 0.1 if len(size) == 1 else 1.5 / np.sqrt(np.prod(size[1:]))
        value = random.uniform(-spread, spread, size).astype(np.float32) + np.float32(near_one)
        parameter.set_data(mindspore.Tensor(value))


def data(shape, one_hot):
    random = np.random.default_rng(1)
    images = random.random((STEPS, *shape), np.float32)
    labels = random.integers(0, 10, (STEPS, shape[0])).astype(np.int32)
    return images, np.eye(10, dtype=np.float32)[labels] if one_hot else labels


class TrainingGraph(TempDirTest):
    def ours(self, steps, images, labels, network, shape, **told):
        images.tofile(self.dir / "images")
        labels.tofile(self.dir / "labels")
        told |= {"network": str(network), "input": shape, "classes": 10, "steps": steps,
                 "checkpoint": str(self.dir / "before.ckpt"), "images": str(self.dir / "images"),
                 "labels": str(self.dir / "labels"), "save": str(self.dir / "ours.ckpt"),
                 "meta": str(self.dir / "ours.meta")}
        return json.loads(run(os.environ["CKPT_TRAIN_STEPS"], input=json.dumps(told).encode()))

    def assert_near(self, name, ours, their, tolerance):
        """Relative to the tensor's own size: small tensors count as large ones do."""
        ours, their = np.asarray(ours, np.float64).ravel(), np.asarray(their, np.float64).ravel()
        worst, size = np.abs(ours - their).max(), np.sqrt(np.mean(their**2))
        self.assertLessEqual(worst, tolerance * size + 1e-7, f"{name}: off by {worst}, typical {size}")

    def check(self, net, network, shape, optimizer, one_hot=False, scale=1.0):
        """Trains in MindSpore and here; gives the cell and the numbers."""
        randomise(net)
        images, labels = data(shape, one_hot)
        loss = nn.SoftmaxCrossEntropyWithLogits(sparse=not one_hot, reduction="mean")
        kind, arguments = optimizer
        rate = arguments["learning_rate"]
        cell = nn.TrainOneStepCell(nn.WithLossCell(net, loss),
                                   getattr(nn, kind)(net.trainable_params(), loss_scale=scale, **arguments), scale)
        cell.set_train()
        mindspore.save_checkpoint(cell, str(self.dir / "before.ckpt"))
        told = {"kind": kind, **arguments, "loss_scale": scale, "learning_rate": rate if isinstance(rate, list) else [rate]}
        self.ours(0, images, labels, network, shape, optimizer=told, one_hot=one_hot)
        self.assert_same(read_ours(self.dir / "before.ckpt"), read_ours(self.dir / "ours.ckpt"))

        losses = [float(cell(mindspore.Tensor(x), mindspore.Tensor(y)).asnumpy()) for x, y in zip(images, labels)]
        ours = self.ours(STEPS, images, labels, network, shape, optimizer=told, one_hot=one_hot)
        np.testing.assert_allclose(ours["losses"], losses, rtol=2e-6 if STEPS == 1 else 2e-5)
        found = mindspore.load_checkpoint(str(self.dir / "ours.ckpt"))
        self.assertEqual(list(found), [parameter.name for parameter in cell.get_parameters()])
        for parameter in cell.get_parameters():
            self.assert_near(parameter.name, found[parameter.name].asnumpy(), parameter.asnumpy(), 2e-4)
        self.check_meta(cell)
        return images, labels, told

    def check_meta(self, cell):
        """MindSpore's messages read it, and it has the operators, parameters and attributes of its own."""
        ours, their = anf_ir_pb2.ModelProto(), anf_ir_pb2.ModelProto()
        ours.ParseFromString((self.dir / "ours.meta").read_bytes())
        their.ParseFromString(cell.get_func_graph_proto())
        self.check_pruned(cell.get_func_graph_proto())
        self.assertTrue(ours.IsInitialized())

        def described(model):
            nodes = collections.Counter()
            for node in model.graph.node:
                if node.op_type not in PLUMBING:
                    shape = tuple(d.size for d in node.output_type.tensor_type.shape.dim)
                    attributes = {a.name: a.value.SerializeToString(deterministic=True) for a in node.attribute
                                  if a.name not in ("input_names", "output_names", "data_format")}
                    scope = node.scope.split("/")[0]
                    nodes[node.op_type, scope, shape, tuple(sorted(attributes.items()))] += 1
            parameters = {p.name: p.type.SerializeToString() for p in model.graph.parameters}
            return nodes, parameters, [o.type.SerializeToString() for o in model.graph.outputs]

        mine, expected = described(ours), described(their)
        self.assertEqual(mine[0] - expected[0], expected[0] - mine[0])
        self.assertEqual(mine[1:], expected[1:])
        names = [node.name for node in ours.graph.node]
        self.assertEqual(names, [str(i + 1) for i in range(len(names))])
        known = {p.name for p in ours.graph.parameters} | {c.key for c in ours.graph.const_vals}
        for node in ours.graph.node:
            self.assertLessEqual({i.name for i in node.input}, known, node.full_name)
            known.add(node.name)
        self.assertEqual(len({node.full_name for node in ours.graph.node}), len(names))

    def check_pruned(self, their):
        """For `ckpt export` both are the same network, and a checkpoint of the training has its weights."""
        (self.dir / "their.meta").write_bytes(their)

        def described(name):
            seen = json.loads(run(CKPT, "graph", "--json", self.dir / name))
            types = [(each["dtype"], each["dims"]) for each in seen["outputs"]]
            parameters = sorted((each["name"], each["dims"]) for each in seen["parameters"])
            return seen["format"], seen["inputs"], types, parameters, seen["operators"], seen["problems"]

        self.assertEqual(described("ours.meta"), described("their.meta"))
        run(CKPT, "export", self.dir / "ours.ckpt", "--graph", self.dir / "ours.meta", "-o", self.dir / "ours.onnx")

    def check_gradients(self, net, images, labels, network, shape):
        """Loss and gradients of one batch: after the first step a moment is the gradient."""
        randomise(net)
        cell = nn.TrainOneStepCell(net, nn.Momentum(net.trainable_params(), 0.1, 0.9))
        mindspore.save_checkpoint(cell, str(self.dir / "before.ckpt"))
        loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
        net.set_train()

        def forwards(x, y):
            return loss(net(x), y)

        value, gradients = mindspore.value_and_grad(forwards, None, cell.weights)(mindspore.Tensor(images[0]), mindspore.Tensor(labels[0]))
        told = {"kind": "Momentum", "learning_rate": [0.1]}
        ours = self.ours(1, images, labels, network, shape, optimizer=told)
        np.testing.assert_allclose(ours["losses"][0], float(value.asnumpy()), rtol=2e-6)
        found = mindspore.load_checkpoint(str(self.dir / "ours.ckpt"))
        for parameter, gradient in zip(cell.weights, gradients):
            self.assert_near(parameter.name, found["moments." + parameter.name].asnumpy(), gradient.asnumpy(), 2e-5)

    def test_lenet_momentum(self):
        net = zoo.LeNet5()
        shape = (2, 1, 32, 32)
        optimizer = ("Momentum", {"learning_rate": 0.1, "momentum": 0.9})
        images, labels, _ = self.check(net, "lenet5", shape, optimizer)
        self.check_gradients(net, images, labels, "lenet5", shape)

    def test_lenet_sgd_with_everything(self):
        optimizer = ("SGD", {"learning_rate": [0.1, 0.05, 0.02], "momentum": 0.9, "dampening": 0.25,
                             "weight_decay": 0.01})
        self.check(zoo.LeNet5(), "lenet5", (2, 1, 32, 32), optimizer, one_hot=True, scale=128.0)

    def test_small_net_adam(self):
        """A network from its MindIR, exported as one exports it: not in training."""
        net, shape = Small(), (4, 3, 16, 16)
        mindspore.export(net.set_train(False), mindspore.Tensor(np.zeros(shape, np.float32)),
                         file_name=str(self.dir / "net"), file_format="MINDIR")
        optimizer = ("Adam", {"learning_rate": [0.01, 0.02, 0.03], "weight_decay": 0.01})
        images, labels, _ = self.check(net, self.dir / "net.mindir", shape, optimizer)
        self.check_gradients(net, images, labels, self.dir / "net.mindir", shape)

    def test_resnet18_is_saved_alike(self):
        """Names, order, types and first values; also where a part is frozen."""
        for kind, rate, frozen in (("Momentum", [0.1, 0.2], ""), ("Adam", 0.1, "layer1.0.")):
            with self.subTest(kind):
                net = zoo.ResNet(zoo.Basic, [2, 2, 2, 2], 10)
                for parameter in net.get_parameters():
                    if frozen and parameter.name.startswith(frozen):
                        parameter.requires_grad = False
                extra = {} if kind == "Adam" else {"momentum": 0.9}
                cell = nn.TrainOneStepCell(net, getattr(nn, kind)(net.trainable_params(), rate, **extra))
                mindspore.save_checkpoint(cell, str(self.dir / "before.ckpt"))
                told = {"kind": kind, "learning_rate": rate if isinstance(rate, list) else [rate]}
                images = np.zeros(1, np.float32)
                self.ours(0, images, images, "resnet18", (2, 3, 32, 32), optimizer=told, frozen=frozen)
                self.assert_same(read_ours(self.dir / "before.ckpt"), read_ours(self.dir / "ours.ckpt"))
                (self.dir / "before.ckpt").unlink()


if __name__ == "__main__":
    mindspore.set_context(mode=mindspore.GRAPH_MODE, device_target="CPU")
    unittest.main()
