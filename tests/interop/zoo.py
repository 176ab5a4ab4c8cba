"""The built-in networks of `ckpt export` as MindSpore's users have them: the layers and parameter names of the model
zoo and the tutorials, with numbers in them that exercise everything (moving statistics, biases)."""

import numpy as np
from mindspore import Parameter, Tensor, nn, ops


class Bottleneck(nn.Cell):
    def __init__(self, before, after, stride, conv):
        super().__init__()
        width = after // 4
        self.conv1, self.bn1 = conv(before, width, 1), nn.BatchNorm2d(width, eps=1e-4)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width, eps=1e-4)
        self.conv3, self.bn3 = conv(width, after, 1), nn.BatchNorm2d(after, eps=1e-4)
        self.relu = nn.ReLU()
        self.down_sample_layer = None
        if stride != 1 or before != after:
            self.down_sample_layer = nn.SequentialCell([conv(before, after, 1, stride),
                                                        nn.BatchNorm2d(after, eps=1e-4)])

    def construct(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (self.down_sample_layer(x) if self.down_sample_layer is not None else x))


class Basic(nn.Cell):
    def __init__(self, before, after, stride, conv):
        super().__init__()
        self.conv1, self.bn1d = conv(before, after, 3, stride), nn.BatchNorm2d(after, eps=1e-4)
        self.conv2, self.bn2d = conv(after, after, 3), nn.BatchNorm2d(after, eps=1e-4)
        self.relu = nn.ReLU()
        self.down_sample_layer = None
        if stride != 1 or before != after:
            self.down_sample_layer = nn.SequentialCell([conv(before, after, 1, stride), nn.BatchNorm2d(after)])

    def construct(self, x):
        y = self.relu(self.bn1d(self.conv1(x)))
        y = self.bn2d(self.conv2(y))
        return self.relu(y + (self.down_sample_layer(x) if self.down_sample_layer is not None else x))


class ResNet(nn.Cell):
    def __init__(self, block, counts, classes, channels=3, pad=None):
        super().__init__()
        deep = block is Bottleneck
        self.padded = not deep if pad is None else pad

        def conv(before, after, kernel, stride=1):
            padding = {"pad_mode": "pad", "padding": kernel // 2} if self.padded else {"pad_mode": "same"}
            return nn.Conv2d(before, after, kernel, stride, **padding)

        self.conv1 = conv(channels, 64, 7, 2)
        self.bn1 = nn.BatchNorm2d(64, eps=1e-4 if deep else 1e-5)
        self.relu = ops.ReLU()
        self.pad = nn.Pad(((0, 0), (0, 0), (1, 1), (1, 1)))
        self.maxpool = nn.MaxPool2d(3, 2, pad_mode="valid" if self.padded else "same")
        before = 64
        for i, count in enumerate(counts):
            after = (64 << i) * (4 if deep else 1)
            cells = [block(before if j == 0 else after, after, 2 if i > 0 and j == 0 else 1, conv)
                     for j in range(count)]
            setattr(self, f"layer{i + 1}", nn.SequentialCell(cells))
            before = after
        self.mean = ops.ReduceMean(keep_dims=True)
        self.flatten = nn.Flatten()
        self.end_point = nn.Dense(before, classes)

    def construct(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.maxpool(self.pad(x) if self.padded else x)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.end_point(self.flatten(self.mean(x, (2, 3))))


class LeNet5(nn.Cell):
    def __init__(self, classes=10, channels=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5, pad_mode="valid")
        self.conv2 = nn.Conv2d(6, 16, 5, pad_mode="valid")
        self.fc1, self.fc2, self.fc3 = nn.Dense(400, 120), nn.Dense(120, 84), nn.Dense(84, classes)
        self.relu, self.flatten = nn.ReLU(), nn.Flatten()
        self.max_pool2d = nn.MaxPool2d(kernel_size=2, stride=2)

    def construct(self, x):
        x = self.max_pool2d(self.relu(self.conv1(x)))
        x = self.flatten(self.max_pool2d(self.relu(self.conv2(x))))
        return self.fc3(self.relu(self.fc2(self.relu(self.fc1(x)))))


class AlexNet(nn.Cell):
    def __init__(self, classes, newer=True):
        super().__init__()
        widths = (64, 128, 192, 256, 256) if newer else (96, 256, 384, 384, 256)
        before = 3
        for i, width in enumerate(widths):
            first = i == 0
            setattr(self, f"conv{i + 1}", nn.Conv2d(before, width, (11, 5, 3, 3, 3)[i], stride=4 if first else 1,
                                                    pad_mode="valid" if first and not newer else "same",
                                                    has_bias=newer))
            before = width
        self.relu, self.flatten = nn.ReLU(), nn.Flatten()
        self.max_pool2d = nn.MaxPool2d(kernel_size=3, stride=2, pad_mode="valid")
        self.fc1, self.fc2, self.fc3 = nn.Dense(9216, 4096), nn.Dense(4096, 4096), nn.Dense(4096, classes)

    def construct(self, x):
        x = self.max_pool2d(self.relu(self.conv1(x)))
        x = self.max_pool2d(self.relu(self.conv2(x)))
        x = self.relu(self.conv4(self.relu(self.conv3(x))))
        x = self.flatten(self.max_pool2d(self.relu(self.conv5(x))))
        return self.fc3(self.relu(self.fc2(self.relu(self.fc1(x)))))


class Vgg16(nn.Cell):
    def __init__(self, classes, norms, side=64):
        super().__init__()
        cells, before = [], 3
        for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
            if width == 0:
                cells.append(nn.MaxPool2d(kernel_size=2, stride=2))
                continue
            cells.append(nn.Conv2d(before, width, 3, pad_mode="same"))
            cells += [nn.BatchNorm2d(width), nn.ReLU()] if norms else [nn.ReLU()]
            before = width
        self.layers = nn.SequentialCell(cells)
        self.flatten = nn.Flatten()
        self.classifier = nn.SequentialCell([
            nn.Dense(512 * (side // 32) ** 2, 4096), nn.ReLU(), nn.Dropout(p=0.5),
            nn.Dense(4096, 4096), nn.ReLU(), nn.Dropout(p=0.5), nn.Dense(4096, classes)])

    def construct(self, x):
        return self.classifier(self.flatten(self.layers(x)))


class ConvBNReLU(nn.Cell):
    def __init__(self, before, after, kernel=3, stride=1, group=1):
        super().__init__()
        self.features = nn.SequentialCell([
            nn.Conv2d(before, after, kernel, stride, pad_mode="pad", padding=(kernel - 1) // 2, group=group),
            nn.BatchNorm2d(after), nn.ReLU6()])

    def construct(self, x):
        return self.features(x)


class InvertedResidual(nn.Cell):
    def __init__(self, before, after, stride, expand):
        super().__init__()
        hidden = before * expand
        cells = [ConvBNReLU(before, hidden, 1)] if expand != 1 else []
        cells += [ConvBNReLU(hidden, hidden, 3, stride, hidden), nn.Conv2d(hidden, after, 1), nn.BatchNorm2d(after)]
        self.conv = nn.SequentialCell(cells)
        self.residual = stride == 1 and before == after

    def construct(self, x):
        y = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2Backbone(nn.Cell):
    def __init__(self, width):
        super().__init__()

        def channels(count):
            return max(8, int(count * width + 4) // 8 * 8)

        before, last = channels(32), 1280
        cells = [ConvBNReLU(3, before, stride=2)]
        for expand, after, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                             (6, 160, 3, 2), (6, 320, 1, 1)):
            for i in range(count):
                cells.append(InvertedResidual(before, channels(after), stride if i == 0 else 1, expand))
                before = channels(after)
        self.features = nn.SequentialCell(cells + [ConvBNReLU(before, last, 1)])

    def construct(self, x):
        return self.features(x)


class MobileNetV2Head(nn.Cell):
    def __init__(self, classes):
        super().__init__()
        self.mean = ops.ReduceMean(keep_dims=False)
        self.dense = nn.Dense(1280, classes)

    def construct(self, x):
        return self.dense(self.mean(x, (2, 3)))


class MobileNetV2(nn.Cell):
    def __init__(self, classes, width=1.0):
        super().__init__(auto_prefix=False)
        self.backbone, self.head = MobileNetV2Backbone(width), MobileNetV2Head(classes)

    def construct(self, x):
        return self.head(self.backbone(x))


class Mlp(nn.Cell):
    def __init__(self, widths=(784, 512, 512, 10)):
        super().__init__()
        self.flatten = nn.Flatten()
        cells = []
        for before, after in zip(widths, widths[1:]):
            cells += [nn.Dense(before, after), nn.ReLU()]
        self.dense_relu_sequential = nn.SequentialCell(cells[:-1])

    def construct(self, x):
        return self.dense_relu_sequential(self.flatten(x))


def encoder(width=32, heads=4, hidden=48, layers=2, norm=True):
    layer = nn.TransformerEncoderLayer(width, heads, hidden, dropout=0.0)
    return nn.TransformerEncoder(layer, layers, nn.LayerNorm((width,)) if norm else None)


class NormsOfAllLayers(nn.Cell):
    """BatchNorm behind a convolution, a transposed one in groups, and a dense layer."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 8, 3, has_bias=True)
        self.conv_norm = nn.BatchNorm2d(8)
        self.up = nn.Conv2dTranspose(8, 4, 3, stride=2, group=2)
        self.up_norm = nn.BatchNorm2d(4)
        self.fc = nn.Dense(4, 5)
        self.fc_norm = nn.BatchNorm1d(5)

    def construct(self, x):
        x = self.up_norm(self.up(self.conv_norm(self.conv(x))))
        return self.fc_norm(self.fc(x.mean((2, 3))))


def fill(net, seed=0):
    """Gives every parameter numbers as a trained network might have them, and returns the network for inference.

    The sum over a layer's inputs stays of about the size of one of them, however deep the network is.
    """
    rng = np.random.default_rng(seed)
    for parameter in net.get_parameters():
        shape, name = parameter.shape, parameter.name.rsplit(".", 1)[-1]
        if name in ("moving_variance", "gamma"):
            values = rng.uniform(0.5, 1.5, shape)
        elif len(shape) > 1:
            values = rng.normal(0, np.sqrt(1.5 / np.prod(shape[1:])), shape)
        else:
            values = rng.normal(0, 0.1, shape)
        parameter.set_data(Tensor(values.astype(np.float32)))
    return net.set_train(False)
