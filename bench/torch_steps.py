"""Steps of training in PyTorch, as ckpt_measure_train takes them here: the same networks, batch and optimizer, images ready in
memory. Run with Debian's python3-torch, which is not in the peers' environment; prints what peer.py does.

    torch_steps.py NETWORK BATCH STEPS
"""

import json
import sys
import time

import torch
from torch import nn


class LeNet5(nn.Sequential):
    def __init__(self):
        pool = [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        super().__init__(nn.Conv2d(1, 6, 5), *pool, nn.Conv2d(6, 16, 5), *pool, nn.Flatten(), nn.Linear(400, 120),
                         nn.ReLU(inplace=True), nn.Linear(120, 84), nn.ReLU(inplace=True), nn.Linear(84, 10))


class Bottleneck(nn.Module):
    def __init__(self, before, width, stride):
        super().__init__()
        after = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, after, 1, bias=False), nn.BatchNorm2d(after))
        self.shortcut = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.body(x) + self.shortcut(x))


class ResNet50(nn.Sequential):
    def __init__(self):
        layers, before = [], 64
        for i, count in enumerate((3, 4, 6, 3)):
            for j in range(count):
                layers.append(Bottleneck(before, 64 << i, 2 if i > 0 and j == 0 else 1))
                before = 256 << i
        super().__init__(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
                         nn.MaxPool2d(3, 2, 1), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main():
    name, batch, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(2)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    before = peak_bytes()
    deep = name == "resnet50"
    net = ResNet50() if deep else LeNet5()
    images, labels = torch.randn(batch, 3 if deep else 1, 32, 32), torch.arange(batch) % 10
    loss_of, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), 1e-3, 0.9, foreach=True)
    net.train()
    seconds = []
    for _ in range(steps + 3):  # three to warm up
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss_of(net(images), labels).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds[3:], "peak_bytes": peak_bytes() - before}))


if __name__ == "__main__":
    main()
