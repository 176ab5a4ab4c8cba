"""What `ckpt export` writes, in ONNX Runtime, gives the numbers that MindSpore gives: for the built-in networks, for
whole networks and single operators that MindSpore exports as MindIR, and for files recorded from it."""

import filecmp
import gc
import os
import pathlib
import subprocess
import unittest

import mindspore
import numpy as np
import onnx
import onnxruntime
from mindspore import Tensor, nn

import operators
import zoo
from interop import CKPT, TempDirTest, run

TOLERANCE = 1e-4  # of the largest number of an output
CORPUS = os.environ.get("CKPT_CORPUS")


def images(*shape):
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


def outputs_of(net, *inputs):
    """What MindSpore gives, as a list of arrays."""
    return flat(net(*[Tensor(value) for value in inputs]))


def flat(found):
    return sum(map(flat, found), []) if isinstance(found, (tuple, list)) else [found.asnumpy()]


def check_model(path):
    """The model is one, and every recorded type is what ONNX's own inference, which is strict here, says."""
    onnx.checker.check_model(str(path), full_check=True)


def run_model(path, *inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    if len(names) != len(inputs):
        raise AssertionError(f"{path.name}: inputs {names} where {len(inputs)} were expected")
    return session.run(None, dict(zip(names, inputs)))


class ExportTest(TempDirTest):
    def export(self, *arguments, to="model.onnx"):
        path = self.dir / to
        run(CKPT, "export", *arguments, "--force", "-o", path)
        return path

    def same_by_way_of_geir(self, expected, inputs, *arguments):
        """GEIR and back: the same numbers."""
        file = self.export(*arguments, to="model.pb")
        back = self.export(file, to="back.onnx")
        check_model(back)
        self.assert_close(expected, run_model(back, *inputs))
        return file

    def assert_close(self, expected, found, tolerance=TOLERANCE):
        self.assertEqual(len(expected), len(found), "number of outputs")
        for i, (theirs, ours) in enumerate(zip(expected, found)):
            self.assertEqual(theirs.shape, ours.shape, f"shape of output {i}")
            self.assertEqual(theirs.dtype, ours.dtype, f"type of output {i}")
            if theirs.dtype.kind != "f":
                np.testing.assert_array_equal(theirs, ours, f"output {i}")
                continue
            odd = ~np.isfinite(theirs)
            np.testing.assert_array_equal(theirs[odd], ours[odd], f"output {i} where it is no number")
            theirs, ours = np.where(odd, 0, theirs), np.where(odd, 0, ours)
            scale = max(float(np.max(np.abs(theirs), initial=0)), 1e-3)
            difference = float(np.max(np.abs(theirs.astype(np.float64) - ours), initial=0))
            self.assertFalse(np.isnan(difference) or difference > tolerance * scale,
                             f"output {i} differs by {difference:g}, its scale is {scale:g}")


class BuiltInNetworks(ExportTest):
    """`ckpt export X.ckpt` with the network of that name."""

    def same_numbers(self, name, net, inputs, *arguments, batch_axis=0, distinct=None, geir=True):
        """Of `inputs` along axis 0, only the first `distinct` differ where that is given."""
        net = zoo.fill(net)
        checkpoint = self.dir / f"{name}.ckpt"
        mindspore.save_checkpoint(net, str(checkpoint))
        expected = outputs_of(net, inputs[:distinct])
        if distinct:
            expected = [np.tile(values, (len(inputs) // distinct, 1)) for values in expected]
        sizes = [str(size) for size in inputs.shape]
        shape = "x".join(sizes)
        fixed = self.export(checkpoint, "--network", name, *arguments, "--input", shape)
        check_model(fixed)
        self.assert_close(expected, run_model(fixed, inputs))
        sizes[batch_axis] = "N"
        any_batch = self.export(checkpoint, "--network", name, *arguments, "--input", "x".join(sizes))
        check_model(any_batch)
        first = [np.take(values, range(min(2, values.shape[batch_axis])), batch_axis) for values in (inputs, *expected)]
        self.assert_close(first[1:], run_model(any_batch, first[0]))
        if geir:
            how = (checkpoint, "--network", name, *arguments, "--input", shape, "--format", "geir")
            file = self.same_by_way_of_geir(expected, [inputs], *how)
            again = self.export(*how, to="again.pb")
            self.assertTrue(filecmp.cmp(file, again, shallow=False), "the same bytes every time")
        return checkpoint, expected


    def test_lenet5(self):
        self.same_numbers("lenet5", zoo.LeNet5(), images(3, 1, 32, 32))
        self.same_numbers("lenet5", zoo.LeNet5(7, 3), images(2, 3, 32, 32))

    def test_mlp(self):
        self.same_numbers("mlp", zoo.Mlp(), images(4, 1, 28, 28))
        self.same_numbers("mlp", zoo.Mlp((20, 30, 7)), images(4, 20))

    def test_resnet18_and_34(self):
        self.same_numbers("resnet18", zoo.ResNet(zoo.Basic, (2, 2, 2, 2), 10), images(3, 3, 65, 64))
        self.same_numbers("resnet34", zoo.ResNet(zoo.Basic, (3, 4, 6, 3), 10), images(2, 3, 64, 64))

    def test_resnet50_as_in_the_tutorial(self):
        # MindSpore needs minutes for 32 images; what it gives for one does not depend on the others.
        image = np.tile(images(4, 3, 224, 224), (8, 1, 1, 1))
        checkpoint, expected = self.same_numbers("resnet50", zoo.ResNet(zoo.Bottleneck, (3, 4, 6, 3), 1001), image,
                                                  distinct=4, geir=False)
        chosen = self.export(checkpoint)  # it fits no other network, and takes any batch of the usual size
        self.assert_close([expected[0][:2]], run_model(chosen, image[:2]))

    def test_resnet50_that_pads(self):
        self.same_numbers("resnet50", zoo.ResNet(zoo.Bottleneck, (3, 4, 6, 3), 10, pad=True), images(2, 3, 64, 64),
                          "--pad-mode", "pad")

    def test_resnet101_and_152(self):
        self.same_numbers("resnet101", zoo.ResNet(zoo.Bottleneck, (3, 4, 23, 3), 10), images(1, 3, 64, 64), geir=False)
        self.same_numbers("resnet152", zoo.ResNet(zoo.Bottleneck, (3, 8, 36, 3), 10), images(1, 3, 64, 64), geir=False)

    def test_mobilenetv2(self):
        self.same_numbers("mobilenetv2", zoo.MobileNetV2(1000), images(2, 3, 96, 96))
        self.same_numbers("mobilenetv2", zoo.MobileNetV2(10, width=0.5), images(2, 3, 64, 64))

    def test_folded_and_in_half_precision(self):
        for name, net, image in (("mobilenetv2", zoo.MobileNetV2(10, width=0.5), images(2, 3, 64, 64)),
                                 ("resnet18", zoo.ResNet(zoo.Basic, (2, 2, 2, 2), 10), images(2, 3, 64, 64)),
                                 ("lenet5", zoo.LeNet5(), images(2, 1, 32, 32))):
            with self.subTest(name):
                net = zoo.fill(net)
                checkpoint = self.dir / f"{name}.ckpt"
                mindspore.save_checkpoint(net, str(checkpoint))
                expected = outputs_of(net, image)
                shape = "x".join(map(str, image.shape))
                folded = self.export(checkpoint, "--network", name, "--input", shape, "--fold-batch-norm")
                check_model(folded)
                self.assertFalse([node for node in onnx.load(str(folded)).graph.node
                                  if node.op_type == "BatchNormalization"])
                self.assert_close(expected, run_model(folded, image))
                half = self.export(checkpoint, "--network", name, "--input", shape, "--half")
                check_model(half)
                self.assert_close(expected, run_model(half, image), 1e-2)

    def test_alexnet(self):
        self.same_numbers("alexnet", zoo.AlexNet(10), images(2, 3, 227, 227))
        self.same_numbers("alexnet", zoo.AlexNet(10, newer=False), images(2, 3, 227, 227), geir=False)

    def test_vgg16(self):
        self.same_numbers("vgg16", zoo.Vgg16(10, norms=False), images(2, 3, 64, 64), geir=False)
        self.same_numbers("vgg16", zoo.Vgg16(10, norms=True, side=32), images(2, 3, 32, 32))

    def test_transformer_encoder(self):
        heads = ("--heads", "4")
        self.same_numbers("transformer_encoder", zoo.encoder(), images(7, 3, 32), *heads, batch_axis=1)
        self.same_numbers("transformer_encoder", zoo.encoder(norm=False, layers=1), images(5, 2, 32), *heads,
                          batch_axis=1)


class MindIrTest(ExportTest):
    def same_numbers(self, net, inputs, file_name="network", *arguments, tolerance=TOLERANCE):
        net.set_train(False)
        expected = outputs_of(net, *inputs)
        source = self.dir / f"{file_name}.mindir"
        source.unlink(missing_ok=True)
        mindspore.export(net, *[Tensor(value) for value in inputs], file_name=str(source), file_format="MINDIR")
        model = self.export(source, *arguments)
        check_model(model)
        self.assert_close(expected, run_model(model, *inputs), tolerance)
        return source, expected


class MindIr(MindIrTest):
    def test_networks(self):
        for name, net, inputs in (
                ("resnet50", zoo.ResNet(zoo.Bottleneck, (3, 4, 6, 3), 10), images(2, 3, 64, 64)),
                ("resnet18", zoo.ResNet(zoo.Basic, (2, 2, 2, 2), 10), images(2, 3, 64, 64)),
                ("mobilenetv2", zoo.MobileNetV2(10), images(2, 3, 64, 64)),
                ("vgg16", zoo.Vgg16(10, norms=True, side=32), images(1, 3, 32, 32)),
                ("lenet5", zoo.LeNet5(), images(3, 1, 32, 32)),
                ("encoder", zoo.encoder(), images(7, 3, 32))):
            with self.subTest(name):
                self.same_numbers(zoo.fill(net), [inputs])

    def test_any_batch(self):
        for name, net, inputs in (("lenet5", zoo.LeNet5(), images(3, 1, 32, 32)),
                                  ("resnet18", zoo.ResNet(zoo.Basic, (2, 2, 2, 2), 10), images(3, 3, 64, 64)),
                                  ("mlp", zoo.Mlp((20, 30, 7)), images(4, 20)),
                                  ("shape", operators.calls("x.reshape(x.shape[0], -1)"), images(4, 5, 6)),
                                  ("shape_of_before", operators.calls("ops.relu(x * 2.0).reshape(x.shape[0], 5, 2, 3)"),
                                   images(4, 5, 6))):
            with self.subTest(name):
                net = zoo.fill(net)
                source = self.dir / f"{name}.mindir"
                any_batch = Tensor(shape=[None, *inputs.shape[1:]], dtype=mindspore.float32)
                mindspore.export(net, any_batch, file_name=str(source), file_format="MINDIR")
                model = self.export(source)
                check_model(model)
                for batch in (1, inputs.shape[0]):
                    self.assert_close(outputs_of(net, inputs[:batch]), run_model(model, inputs[:batch]))

    def test_any_size(self):
        """Open dimensions behind the first, and shapes that the network makes of them."""
        image, rows = images(2, 4, 13, 15), images(3, 5, 8)
        open_image, open_rows = [None, 4, None, None], [None, None, 8]
        for name, net, inputs, shape in (
                ("pools_up", zoo.fill(operators.calls("self.a(x) + self.b(x)", a=nn.MaxPool2d(3, 2, ceil_mode=True, pad_mode="pad"),
                                            b=nn.AvgPool2d(3, 2, ceil_mode=True, pad_mode="pad"))), image, open_image),
                ("rows", operators.calls("ops.relu(x).reshape(x.shape[0], -1)"), image, open_image),
                ("grown", operators.calls("x[0:1] * ops.broadcast_to(x[:1], x.shape) + ops.ones((x.shape[0], 1, 1, 1), mindspore.float32)"),
                 image, open_image),
                ("transposed", zoo.fill(nn.Conv2dTranspose(4, 3, 3, stride=2)), image, [None, 4, 13, 15]),
                ("attention", zoo.fill(operators.Attention(8, 2)), rows, open_rows),
                ("lstm", zoo.fill(operators.calls("self.op(x)[0]", op=nn.LSTM(8, 4, batch_first=True))), rows, [None, 5, 8])):
            with self.subTest(name):
                source = self.dir / f"{name}.mindir"
                mindspore.export(net, Tensor(shape=shape, dtype=mindspore.float32), file_name=str(source),
                                 file_format="MINDIR")
                model = self.export(source)
                check_model(model)
                smaller = inputs[tuple(slice(0, size if wanted else max(size - 1, 1)) for size, wanted in
                                       zip(inputs.shape, shape))].copy()
                for x in (inputs, smaller):
                    self.assert_close(outputs_of(net, x), run_model(model, x))
                fixed = self.export(source, "--input", "x".join(map(str, inputs.shape)), to="fixed.onnx")
                self.assert_close(outputs_of(net, inputs), run_model(fixed, inputs))

    def test_a_baked_batch_is_refused_where_it_cannot_go(self):
        """What has the batch in it by its number, with another one asked for."""
        for name, net, inputs, follows in (
                ("token", operators.Tokens(8), images(2, 5, 8), True),
                ("halves", operators.calls("ops.chunk(ops.concat((x, x * 2.0)), 2)[1]"), images(2, 5, 8), True),
                ("heads", zoo.fill(operators.calls("self.op(x, x)", op=nn.Transformer(8, 2, 1, 1, 16, dropout=0.0,
                                                                                      batch_first=True))),
                 images(2, 4, 8), True),
                ("unstack", operators.calls("ops.unstack(x, 0)"), images(2, 5, 8), False),
                ("split", operators.calls("ops.split(x, 1)"), images(2, 5, 8), False),
                ("counted", operators.calls("ops.concat((x[:, 0], ops.arange(x.shape[0]).reshape(-1, 1).astype(x.dtype)), 1)"),
                 images(2, 5, 8), False),
                ("averaged", operators.calls("ops.matmul(ops.ones((1, x.shape[0]), mindspore.float32) / x.shape[0], x[:, 0])"),
                 images(2, 5, 8), False),
                ("constant_result", operators.calls("(x, ops.zeros((x.shape[0], 3), mindspore.float32))"),
                 images(2, 5, 8), False),
                ("zeros_of_one", operators.calls("ops.concat((x, ops.zeros((x.shape[0], 1, 8), mindspore.float32)), 1)"),
                 images(1, 5, 8), False),
                ("row_of_a_table", zoo.fill(operators.calls("ops.concat((self.op.embedding_table[:x.shape[0]], x[:, 0]), 1)",
                                                            op=nn.Embedding(9, 8))), images(1, 5, 8), False),
                ("steps_of_one", operators.calls("x.transpose(1, 0, 2).reshape(5 * x.shape[0], 8)"), images(1, 5, 8), False),
                ("heads_of_one", zoo.fill(operators.calls("self.op(x, x, x)[0]", op=nn.MultiheadAttention(8, 2, batch_first=True))),
                 images(1, 5, 8), False),
                ("state_of_one", zoo.fill(operators.calls("self.op(x)[1]", op=nn.GRU(8, 4, batch_first=True))),
                 images(1, 5, 8), False),
                ("picked", operators.calls("x[:, [2, 1, 0]]"), images(2, 5, 8), False),
                ("assigned", operators.Assigns(), images(4, 5), False),
                ("loop", operators.calls("ops.stack([row * 2.0 for row in x])"), images(2, 5, 8), False),
                ("gru", zoo.fill(operators.calls("self.op(x)[0]", op=nn.GRU(8, 4))), images(5, 2, 8), False)):
            with self.subTest(name):
                source, _ = self.same_numbers(net, [inputs], name)
                wanted = "x".join(["N", *map(str, inputs.shape[1:])])
                done = subprocess.run([CKPT, "export", source, "--input", wanted, "--force", "-o", self.dir / "n.onnx"],
                                      capture_output=True, text=True, check=False)
                if follows:
                    self.assertEqual(done.returncode, 0, done.stderr)
                    more = images(7, *inputs.shape[1:])
                    self.assert_close(outputs_of(net, more), run_model(self.dir / "n.onnx", more))
                else:
                    self.assertEqual(done.returncode, 2, done.stdout)
                    self.assertRegex(done.stderr, "another batch|not known|differ|may not fit|cannot be told")

    def test_rows_that_are_the_same_for_all_examples_follow(self):
        """Zeros that a state begins with, class tokens, positions and masks, in the file of a batch."""
        for name, net, inputs, recorded in operators.rows_of_a_batch():
            with self.subTest(name, batch=recorded):
                net = zoo.fill(net)
                source, _ = self.same_numbers(net, inputs(recorded), name)
                open_batch, three = [], []
                for value in inputs(3):
                    open_batch += ["--input", "x".join(["N", *map(str, value.shape[1:])])]
                    three += ["--input", "x".join(map(str, value.shape))]
                for opset in ("13", "17"):
                    model = self.export(source, *open_batch, "--opset", opset)
                    check_model(model)
                    for batch in (1, 2, 3, 7):
                        self.assert_close(outputs_of(net, *inputs(batch)), run_model(model, *inputs(batch)))
                expected = outputs_of(net, *inputs(3))
                self.assert_close(expected, run_model(self.export(source, *three), *inputs(3)))
                self.same_by_way_of_geir(expected, inputs(3), source, *three)

    def test_other_sizes_go_along_or_are_refused(self):
        """Behind the batch, of a network that was exported with certain ones."""
        image, rows = images(2, 4, 12, 10), images(2, 6, 8)
        up = "ops.interpolate(self.op(x), size=x.shape[2:], mode='bilinear', align_corners=True)"
        for name, net, inputs, more, follows in (
                ("same", nn.Conv2d(4, 3, 3, stride=2), image, images(3, 4, 15, 9), True),
                ("transposed", nn.Conv2dTranspose(4, 3, 3, stride=2), image, images(3, 4, 15, 9), True),
                ("pooled", operators.calls("x.view(x.shape[0], 4, -1).mean(2)"), image, images(2, 4, 15, 9), True),
                ("first", operators.calls("x[:, 0] + x[:, -1]"), rows, images(3, 9, 8), True),
                ("types", operators.all_of("x / (x + 7)", "x * 2.0", "ops.max(x, 1)"), operators.integers(4, 5),
                 operators.integers(6, 7), True),
                ("grown", operators.calls(up, op=nn.Conv2d(4, 3, 3, stride=2)), image, images(3, 4, 15, 9), False),
                ("attention", operators.Attention(8, 2), rows, images(3, 12, 8), False),
                ("loop", operators.calls("ops.addn([x[:, i] for i in range(x.shape[1])])"), rows, images(3, 9, 8), False),
                ("cut", operators.calls("x[:, :x.shape[1] - 1]"), rows, images(3, 9, 8), False)):
            with self.subTest(name):
                net = zoo.fill(net)
                source, _ = self.same_numbers(net, [inputs], name)
                wanted = "x".join(map(str, more.shape))
                done = subprocess.run([CKPT, "export", source, "--input", wanted, "--force", "-o", self.dir / "n.onnx"],
                                      capture_output=True, text=True, check=False)
                if follows:
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assert_close(outputs_of(net, more), run_model(self.dir / "n.onnx", more))
                else:
                    self.assertEqual(done.returncode, 2, done.stdout)
                    self.assertIn("may not fit", done.stderr)

    def test_norms_of_all_layers_are_folded(self):
        net = zoo.fill(zoo.NormsOfAllLayers())
        x = images(3, 6, 9, 9)
        source, expected = self.same_numbers(net, [x])
        folded = self.export(source, "--fold-batch-norm")
        check_model(folded)
        self.assertNotIn("BatchNormalization", [node.op_type for node in onnx.load(str(folded)).graph.node])
        self.assert_close(expected, run_model(folded, x))

    def test_bits_of_integers(self):
        """Which ONNX has from opset 18 on."""
        net = operators.all_of("ops.bitwise_and(x, y)", "ops.bitwise_or(x, y)", "ops.bitwise_xor(x, y)")
        x, y = operators.integers(4, 5), operators.integers(4, 5)[::-1].copy()
        self.same_numbers(net, [x, y], "bits", "--opset", "18")

    def test_views_and_shuffled_channels(self):
        net = operators.all_of("mint.split(x, 2, 1)", "mint.split(x, (1, 3), 1)", "mint.chunk(x, 2, 1)", "mint.narrow(x, 2, 1, 3)",
                               "mint.broadcast_to(x[:, :1], (2, 4, 13, 15))", "ops.channel_shuffle(x, 2)")
        self.same_numbers(net, [operators.IMAGE], "views")

    def test_products_of_batches_to_geir(self):
        rows = images(2, 5, 8)
        net = zoo.fill(operators.calls("self.op(x, x, x)[0]", op=nn.MultiheadAttention(8, 2, batch_first=True)))
        source, expected = self.same_numbers(net, [rows], "attention")
        self.same_by_way_of_geir(expected, [rows], source)

    def test_bicubic(self):
        """MindSpore's CPU kernel takes its weights from a table of 1024 steps."""
        net = operators.all_of("ops.interpolate(x, size=(10, 14), mode='bicubic', align_corners=True)",
                               "ops.interpolate(x, size=(3, 14), mode='bicubic')")
        self.same_numbers(net, [images(1, 2, 5, 7)], "bicubic", tolerance=2e-3)

    def test_least_and_largest_of_updates(self):
        net = operators.all_of("ops.tensor_scatter_max(x, y, z)", "ops.tensor_scatter_min(x, y, z)")
        at = np.array([[0, 1], [3, 2], [0, 1]], np.int32)
        self.same_numbers(net, [images(5, 7), at, images(3)], "updates", "--opset", "18")

    def test_weights_of_another_checkpoint(self):
        net = zoo.fill(zoo.LeNet5())
        source, _ = self.same_numbers(net, [images(3, 1, 32, 32)])
        other = zoo.fill(net, seed=5)
        checkpoint = self.dir / "other.ckpt"
        mindspore.save_checkpoint(other, str(checkpoint))
        model = self.export(checkpoint, "--graph", source)
        self.assert_close(outputs_of(other, images(3, 1, 32, 32)), run_model(model, images(3, 1, 32, 32)))


class Operators(MindIrTest):
    """A family of operators each; all that fail are named."""


def add_family(family):
    def test(self):
        for name, net, inputs in family():
            with self.subTest(name):
                source, expected = self.same_numbers(net, inputs, name)
                check = [CKPT, "export", source, "--format", "geir", "--check"]
                if subprocess.run(check, capture_output=True, check=False).returncode == 0:
                    self.same_by_way_of_geir(expected, inputs, source)

    setattr(Operators, f"test_{family.__name__}", test)


for each in operators.FAMILIES:
    add_family(each)


@unittest.skipUnless(CORPUS, "CKPT_CORPUS is not set")
class Recorded(ExportTest):
    """Files that MindSpore wrote, with what it computed when it wrote them."""

    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(CORPUS) / "mindspore-2.10-graphs"

    def assert_recorded(self, record, *arguments):
        model = self.export(*arguments)
        check_model(model)
        values = np.load(record)
        inputs = [values[key] for key in sorted(values) if key.startswith("in")]
        expected = [values[key] for key in sorted(values) if key.startswith("out")]
        self.assert_close(expected, run_model(model, *inputs))

    def test_mindir(self):
        for name in ("lenet5", "mlp", "tiny_resnet", "tiny_resnet_pad"):
            with self.subTest(name):
                self.assert_recorded(self.folder / f"{name}.npz", self.folder / f"{name}.mindir")
                self.assert_recorded(self.folder / f"{name}.npz", self.folder / f"{name}.ckpt", "--graph",
                                     self.folder / f"{name}.mindir")

    def test_values_in_files_of_their_own(self):
        self.assert_recorded(self.folder / "variants/split.npz", self.folder / "variants/split/mlp_graph.mindir")

    def test_dynamic_batch(self):
        self.assert_recorded(self.folder / "variants/dynamic.npz", self.folder / "variants/dynamic.mindir")

    def test_training_graphs(self):
        for name in ("lenet5", "mlp", "tiny_resnet"):
            with self.subTest(name):
                run_folder = self.folder / f"train_{name}"
                checkpoint, = run_folder.glob("*.ckpt")
                graph, = run_folder.glob("*-graph.meta")
                self.assert_recorded(run_folder / f"{name}.npz", checkpoint, "--graph", graph)


if __name__ == "__main__":
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE, device_target="CPU")
    gc.freeze()  # what was imported: MindSpore collects garbage after each export, and went through all that every time
    unittest.main(verbosity=2)
