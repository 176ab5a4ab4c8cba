#!/usr/bin/env python3
"""Has MindSpore make checkpoints of a ResNet-50 for the manual's pictures: FOLDER/resnet50-EPOCH_1.ckpt.

The layers have the names of MindSpore's own ResNet. It is trained for some steps on random pictures, with Momentum, so
the files have what a training's have; that the numbers mean nothing, no picture shows.
"""

import sys
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn, ops

EPOCHS = 4


def conv(inputs, outputs, size, stride=1):
    pad = size // 2
    return nn.Conv2d(inputs, outputs, size, stride, "pad", pad, weight_init="he_normal")


class Bottleneck(nn.Cell):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = conv(inputs, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, outputs, 1), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.down_sample = stride != 1 or inputs != outputs
        if self.down_sample:
            self.down_sample_layer = nn.SequentialCell([conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)])

    def construct(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (self.down_sample_layer(x) if self.down_sample else x))


class ResNet50(nn.Cell):
    def __init__(self, classes=1000):
        super().__init__()
        self.conv1, self.bn1 = conv(3, 64, 7, 2), nn.BatchNorm2d(64)
        self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(3, 2, "same")
        inputs = 64
        for i, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
            layer = []
            for block in range(blocks):
                layer.append(Bottleneck(inputs, width, 2 if i > 0 and block == 0 else 1))
                inputs = 4 * width
            setattr(self, f"layer{i + 1}", nn.SequentialCell(layer))
        self.end_point = nn.Dense(inputs, classes)

    def construct(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.end_point(ops.mean(x, (2, 3)))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    ms.set_context(mode=ms.PYNATIVE_MODE, device_target="CPU")
    ms.set_seed(1)
    network = ResNet50()
    optimizer = nn.Momentum(network.trainable_params(), 0.01, 0.9)
    loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
    step = nn.TrainOneStepCell(nn.WithLossCell(network, loss), optimizer).set_train()
    random = np.random.default_rng(1)
    for epoch in range(1, EPOCHS + 1):
        pictures = ms.Tensor(random.normal(size=(4, 3, 64, 64)).astype(np.float32))
        step(pictures, ms.Tensor(random.integers(0, 1000, 4).astype(np.int32)))
        ms.save_checkpoint(step, str(folder / f"resnet50-{epoch}_1.ckpt"))


main(Path(sys.argv[1]))
