"""The trainer beside MindSpore: the same images, the same logits per image, files that either goes on with."""

import gzip
import json
import os
import pathlib
import unittest

import mindspore
import numpy as np
import onnxruntime
from mindspore import dataset, nn
from mindspore.dataset import transforms, vision
from mindspore.train import CheckpointConfig, Model, ModelCheckpoint

import zoo
from interop import CKPT, TempDirTest, read_ours, run

CKPT_TRAIN = os.environ["CKPT_TRAIN"]
FASHION_MNIST = pathlib.Path("/usr/share/datasets/fashion-mnist")  # of Debian's dataset-fashion-mnist
TRAIN, TEST = 600, 256


def idx(array):
    head = (0x0800 + array.ndim).to_bytes(4, "big") + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return head + array.tobytes()


def beginning(name, count, rank):
    """The first values of one of the package's files, as MNIST's own are: not packed."""
    with gzip.open(FASHION_MNIST / f"{name}.gz") as file:
        head = file.read(4 + 4 * rank)
        shape = (count, *(int.from_bytes(head[8 + 4 * i:12 + 4 * i], "big") for i in range(rank - 1)))
        return np.frombuffer(file.read(int(np.prod(shape))), np.uint8).reshape(shape)


def numbers(value):
    """The content of a tensor as read_ours gives it."""
    _, dtype, _, content = value
    return np.frombuffer(content, {"Float32": np.float32, "Int32": np.int32}[dtype]).astype(np.float64)


def doubles(parameters):
    return {name: parameter.asnumpy().astype(np.float64) for name, parameter in parameters.items()}


class Trainer(TempDirTest):
    def setUp(self):
        super().setUp()
        mindspore.set_seed(1)
        self.data = self.folder("data", 0, TRAIN)

    def folder(self, name, first, last):
        """MNIST's four files, with some of the training images."""
        folder = self.dir / name
        folder.mkdir()
        for part, begin, end in (("train", first, last), ("t10k", 0, TEST)):
            for kind, rank in (("images-idx3", 3), ("labels-idx1", 1)):
                name = f"{part}-{kind}-ubyte"
                (folder / name).write_bytes(idx(beginning(name, end, rank)[begin:]))
        return folder

    def images(self, part, channels=1, folder=None):
        """As MindSpore's tutorials feed them."""
        images = dataset.MnistDataset(str(folder or self.data), part, shuffle=False)
        steps = [vision.Resize((32, 32), vision.Inter.LINEAR), vision.Rescale(1 / 255.0, 0.0),
                 vision.Rescale(1 / 0.3081, -0.1307 / 0.3081), vision.HWC2CHW()]
        images = images.map(steps, "image").map(transforms.TypeCast(mindspore.int32), "label")
        columns = list(images.create_tuple_iterator(output_numpy=True, num_epochs=1))
        return np.repeat(np.stack([x for x, _ in columns]), channels, 1), np.stack([y for _, y in columns])

    def train(self, *options):
        return run(CKPT_TRAIN, "--data", self.data, *options)

    def evaluate(self, path, *options):
        told = self.train("--eval", path, "--json", "--logits", self.dir / "logits.npy", *options)
        return json.loads(told), np.load(self.dir / "logits.npy")

    def assert_evaluated(self, path, logits, labels, tolerance, *options):
        told, ours = self.evaluate(path, *options)
        self.assertLessEqual(np.abs(ours - logits).max(), tolerance)
        self.assertEqual(told["images"], len(labels))
        self.assertEqual(told["accuracy"], np.mean(logits.argmax(1) == labels))
        largest = logits.max(1, keepdims=True).astype(np.float64)
        loss = np.log(np.exp(logits - largest).sum(1)) + largest[:, 0] - logits[np.arange(len(labels)), labels]
        self.assertAlmostEqual(told["loss"], loss.mean(), 4)

    def assert_mindspore_agrees(self, net, path, channels, tolerance, *options):
        missing = mindspore.load_param_into_net(net, mindspore.load_checkpoint(str(path)))
        self.assertEqual(missing[0], [])
        net.set_train(False)
        images, labels = self.images("test", channels)
        logits = net(mindspore.Tensor(images)).asnumpy()
        self.assert_evaluated(path, logits, labels, tolerance, *options)

    def test_mindspore_evaluates_our_lenet(self):
        self.train("--epochs", "2", "--save-steps", "1000", "--directory", self.dir)
        self.assert_mindspore_agrees(zoo.LeNet5(), self.dir / "CKP-2_18.ckpt", 1, 1e-4)

    def test_mindspore_evaluates_our_resnet18(self):
        self.train("--network", "resnet18", "--epochs", "1", "--batch", "60", "--save-steps", "1000", "--directory",
                   self.dir, "--hold-out", "360", "--lr", "0.005")
        net = zoo.ResNet(zoo.Basic, (2, 2, 2, 2), 10)
        self.assert_mindspore_agrees(net, self.dir / "CKP-1_4.ckpt", 3, 1e-3)

    def model_trained(self, epochs):
        """A LeNet of Model.train, the whole set in a step: so the order of the images does not count."""
        net = zoo.LeNet5()
        loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
        model = Model(net, loss, nn.Momentum(net.trainable_params(), 0.1, 0.9, weight_decay=1e-3))
        images, labels = self.images("train")
        batches = dataset.NumpySlicesDataset((images, labels), ["x", "y"], shuffle=False).batch(TRAIN)
        saver = ModelCheckpoint("net", str(self.dir), CheckpointConfig(save_checkpoint_steps=1, keep_checkpoint_max=9))
        model.train(epochs, batches, callbacks=[saver], dataset_sink_mode=False)
        return net

    def test_what_model_train_saved_is_evaluated(self):
        net = self.model_trained(3)
        net.set_train(False)
        images, labels = self.images("test")
        logits = net(mindspore.Tensor(images)).asnumpy()
        self.assert_evaluated(self.dir / "net-3_1.ckpt", logits, labels, 1e-4)

    def step_away(self, before, their, ours):
        """How far each tensor of ours is from what a step of MindSpore's made of it, as a part of what the step moved.
        The statistics of a BatchNorm and single numbers are the same to the last digits in each step."""
        away = {}
        for name, expected in their.items():
            if ".moving_" in name:
                self.assertLessEqual(np.abs(ours[name] - expected).max(), 1e-4 * np.sqrt(np.mean(expected**2)), name)
            elif expected.size == 1:
                self.assertEqual(ours[name], expected, name)
            else:
                moved = np.sqrt(np.mean((expected - before[name])**2))
                away[name] = np.sqrt(np.mean((ours[name] - expected)**2)) / moved
        return away

    def assert_steps_agree(self, steps):
        """A ReLU's input that is zero but for its last bit passes its gradient on in one of the two programs and not in
        the other: in some step or other, and not much. A wrong rule is wrong in every step."""
        for name in steps[0]:
            away = [step[name] for step in steps]
            self.assertLessEqual(min(away), 1e-3, name)
            self.assertLessEqual(max(away), 0.1, name)

    def test_what_model_train_saved_is_gone_on_with(self):
        """With the momentum, the rate and the step of each file: what a step of MindSpore's makes of it, ours does."""
        self.model_trained(6)
        files = [read_ours(self.dir / f"net-{epoch}_1.ckpt") for epoch in range(1, 7)]
        steps = []
        for epoch, (before, their) in enumerate(zip(files, files[1:]), 2):
            folder = self.dir / f"ours{epoch}"
            self.train("--resume", self.dir / f"net-{epoch - 1}_1.ckpt", "--epochs", epoch, "--batch", TRAIN,
                       "--weight-decay", "1e-3", "--directory", folder)
            ours = read_ours(folder / f"CKP-{epoch}_1.ckpt")
            self.assertEqual(list(their), [name for name in ours if name not in ("epoch_num", "step_num", "seed")])
            for name, value in their.items():
                self.assertEqual(value[:3], ours[name][:3], name)
            steps.append(self.step_away(*({name: numbers(file[name]) for name in their} for file in (before, their, ours))))
        self.assert_steps_agree(steps)

    def test_steps_to_a_save_are_counted_from_where_training_went_on(self):
        """Which files there are of an epoch, and of two that go on behind it."""
        net = nn.Dense(1, 2)
        loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
        model = Model(net, loss, nn.Momentum(net.trainable_params(), 0.1, 0.9))
        columns = np.zeros((TRAIN, 1), np.float32), np.zeros(TRAIN, np.int32)
        batches = dataset.NumpySlicesDataset(columns, ["x", "y"], shuffle=False).batch(100)
        for first, last, options in (0, 1, ()), (1, 3, ("--resume", self.dir / "CKP-1_6.ckpt")):
            config = CheckpointConfig(save_checkpoint_steps=4, keep_checkpoint_max=9)
            model.train(last, batches, callbacks=[ModelCheckpoint(f"from{first}", str(self.dir), config)],
                        dataset_sink_mode=False, initial_epoch=first)
            self.train("--epochs", last, "--batch", "100", "--save-steps", "4", "--keep-max", "9", "--directory", self.dir,
                       *options)
        names = lambda prefix: sorted(path.name.split("-")[1] for path in self.dir.glob(f"{prefix}*.ckpt"))
        self.assertEqual(names("CKP"), names("from"))

    def test_steps_of_a_resnet50_are_its(self):
        """Six batches, each step from where we are: its loss and what it makes of all parameters; the logits at the end."""
        net, batch, rate = zoo.ResNet(zoo.Bottleneck, (3, 4, 6, 3), 10), 8, 0.002
        for parameter in net.get_parameters():
            if parameter.name.endswith("bn3.gamma"):  # or the last bit of a number counts ten thousand times as much
                parameter.set_data(mindspore.Tensor(np.full(parameter.shape, 0.2, np.float32)))
        loss = nn.WithLossCell(net, nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"))
        cell = nn.TrainOneStepCell(loss, nn.Momentum(net.trainable_params(), rate, 0.9)).set_train()
        path, metrics, begin = self.dir / "first.ckpt", self.dir / "metrics.jsonl", "--finetune"
        mindspore.save_checkpoint(net, str(path))
        steps = []
        for step in range(1, 7):
            folder = self.folder(f"batch{step}", batch * (step - 1), batch * step)
            run(CKPT_TRAIN, "--data", folder, "--network", "resnet50", "--batch", batch, "--epochs", step, "--lr", rate,
                begin, path, "--directory", self.dir, "--metrics", metrics, "--no-sync")
            mindspore.load_param_into_net(cell, mindspore.load_checkpoint(str(path)))
            before = doubles(cell.parameters_dict())
            images, labels = self.images("train", 3, folder)
            their = float(cell(mindspore.Tensor(images), mindspore.Tensor(labels)).asnumpy())
            ours = json.loads(metrics.read_text().splitlines()[-1])["loss"]
            self.assertLessEqual(abs(ours - their), 1e-5 * their)
            path, begin = self.dir / f"CKP-{step}_1.ckpt", "--resume"
            found = mindspore.load_checkpoint(str(path))
            steps.append(self.step_away(before, doubles(cell.parameters_dict()), doubles(found)))
        self.assert_steps_agree(steps[1:])  # those with a momentum
        self.assert_mindspore_agrees(net, path, 3, 1e-4)

    def rates(self, *options):
        self.train("--epochs", "3", "--batch", "100", "--save-steps", "1000", "--directory", self.dir / "rates", *options)
        newest = max((self.dir / "rates").glob("*.ckpt"), key=lambda path: path.stat().st_mtime_ns)
        return np.frombuffer(read_ours(newest)["learning_rate"][3], np.float32)

    def test_learning_rates_are_its_lists(self):
        as_list = lambda *parts: np.array(sum(parts, []), np.float32)
        steps = TRAIN // 100
        cosine = nn.cosine_decay_lr(0.001, 0.05, 3 * steps, 1, 3 * steps)
        self.assertTrue(np.array_equal(self.rates("--schedule", "cosine", "--lr", "0.05", "--lr-min", "0.001"),
                                       as_list(cosine)))
        stairs = nn.piecewise_constant_lr([steps, 2 * steps, 3 * steps], [0.04, 0.04 * 0.5, 0.04 * 0.5 * 0.5])
        self.assertTrue(np.array_equal(self.rates("--schedule", "step", "--milestones", "1,2", "--factor", "0.5", "--lr",
                                                  "0.04"), as_list(stairs)))
        for name, made in (("exponential", nn.exponential_decay_lr(0.04, 0.5, 3 * steps, steps, 2)),
                           ("natural_exp", nn.natural_exp_decay_lr(0.04, 0.5, 3 * steps, steps, 2)),
                           ("inverse", nn.inverse_decay_lr(0.04, 0.5, 3 * steps, steps, 2))):
            self.assertTrue(np.array_equal(self.rates("--schedule", name, "--lr", "0.04", "--decay-rate", "0.5",
                                                      "--decay-epochs", "2"), as_list(made)), name)
        polynomial = nn.polynomial_decay_lr(0.04, 0.01, 3 * steps, 1, 2 * steps, 2.0)
        self.assertTrue(np.array_equal(self.rates("--schedule", "polynomial", "--lr", "0.04", "--lr-min", "0.01",
                                                  "--decay-epochs", "2", "--power", "2"), as_list(polynomial)))
        warm = nn.warmup_lr(0.03, steps, 1, steps)
        self.assertTrue(np.array_equal(self.rates("--warm-up", "1", "--lr", "0.03"), as_list(warm, 2 * steps * [0.03])))

    def test_weights_begin_as_its_cells_draw_them(self):
        """The same distributions: of each tensor the range and the spread."""
        self.train("--epochs", "1", "--lr", "0", "--batch", TRAIN, "--directory", self.dir)
        ours, net = read_ours(self.dir / "CKP-1_1.ckpt"), zoo.LeNet5()
        for parameter in net.get_parameters():
            their = parameter.asnumpy()
            found = np.frombuffer(ours[parameter.name][3], np.float32)
            bound = 1 / np.sqrt(np.prod(their.shape[1:]) if their.ndim > 1 else {120: 400, 84: 120, 10: 84}[their.size])
            self.assertLessEqual(max(np.abs(found).max(), np.abs(their).max()), bound * (1 + 1e-6), parameter.name)
            if their.size < 100:
                continue
            self.assertAlmostEqual(np.abs(found).max() / bound, 1, delta=0.1, msg=parameter.name)
            self.assertAlmostEqual(found.std() / (bound / np.sqrt(3)), 1, delta=0.2, msg=parameter.name)
            self.assertAlmostEqual(their.std() / (bound / np.sqrt(3)), 1, delta=0.2, msg=parameter.name)

    def test_onnx_runtime_is_as_good(self):
        self.train("--epochs", "2", "--save-steps", "1000", "--directory", self.dir)
        run(CKPT, "export", self.dir / "CKP-2_18.ckpt", "-o", self.dir / "net.onnx")
        session = onnxruntime.InferenceSession(str(self.dir / "net.onnx"), providers=["CPUExecutionProvider"])
        images, labels = self.images("test")
        (logits,) = session.run(None, {session.get_inputs()[0].name: images})
        self.assert_evaluated(self.dir / "CKP-2_18.ckpt", logits, labels, 1e-4)


if __name__ == "__main__":
    if not FASHION_MNIST.exists():
        raise SystemExit("interop: needs Debian's package dataset-fashion-mnist")
    mindspore.set_context(mode=mindspore.GRAPH_MODE, device_target="CPU")
    unittest.main()
