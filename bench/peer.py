"""One measured operation of another library in a process of its own, for `peers`; imports are not counted.

Prints a line of JSON with the times and the memory needed on top of what the process had before.
"""

import argparse
import json
import pathlib
import sys
import time


def status_bytes(key):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(key):
                return 1024 * int(line.split()[1])
    return 0


def measure(repeat, work):
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # resets the peak
    before = status_bytes("VmHWM:")
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
        del result
    return {"seconds": seconds, "peak_bytes": status_bytes("VmHWM:") - before}


def safetensors_index(path):
    from safetensors import safe_open

    def work():
        with safe_open(path, framework="numpy") as file:
            slices = [file.get_slice(name) for name in file.keys()]
            return [(part.get_dtype(), part.get_shape()) for part in slices]

    return work


def safetensors_load(path):
    from safetensors.numpy import load_file

    return lambda: load_file(path)


def numpy_allclose(path, other):
    import numpy
    from safetensors.numpy import load_file

    a, b = load_file(path), load_file(other)
    return lambda: [numpy.allclose(a[name], b[name]) for name in a]


def numpy_stats(path):
    import numpy
    from safetensors.numpy import load_file

    def of(array):
        values = array.astype(numpy.float64)  # as exact as what it is compared with
        return (array.min(), array.max(), values.mean(), values.std(), numpy.linalg.norm(values.reshape(-1)),
                numpy.count_nonzero(array == 0), numpy.isnan(array).sum(), numpy.isinf(array).sum())

    loaded = load_file(path)
    return lambda: [of(array) for array in loaded.values()]


def mindspore_load(path, **options):
    import mindspore

    mindspore.set_context(device_target="CPU")
    return lambda: mindspore.load_checkpoint(path, **options)


def mindspore_load_net(path):
    """Into a network that has just these parameters."""
    import mindspore
    import numpy
    from mindspore import nn

    mindspore.set_context(device_target="CPU")
    network = nn.Cell()
    for i, (name, param) in enumerate(mindspore.load_checkpoint(path).items()):
        zeros = mindspore.Tensor(numpy.zeros(param.shape, numpy.float32))
        network.insert_param_to_cell(f"p{i}", mindspore.Parameter(zeros, name=name), False)

    def work():
        missing, unused = mindspore.load_param_into_net(network, mindspore.load_checkpoint(path))
        assert not missing and not unused
        return network

    return work


def mindspore_export(path, model, file_format="ONNX"):
    """The model zoo's ResNet-50 with these weights, as it is in the tests, to ONNX or MindIR."""
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "interop"))
    import mindspore
    import numpy
    import zoo

    mindspore.set_context(mode=mindspore.GRAPH_MODE, device_target="CPU")
    network = zoo.ResNet(zoo.Bottleneck, (3, 4, 6, 3), 1001).set_train(False)
    missing, unused = mindspore.load_param_into_net(network, mindspore.load_checkpoint(path))
    assert not missing and not unused
    image = mindspore.Tensor(numpy.zeros((1, 3, 224, 224), numpy.float32))
    return lambda: mindspore.export(network, image, file_name=model, file_format=file_format)


def mindspore_step(name, batch, compiled):
    """A step of training: as one graph, which is compiled before, or operator by operator, as MindSpore does by
    itself (PyNative)."""
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "interop"))
    import mindspore
    import numpy
    import zoo
    from mindspore import nn

    mindspore.set_context(mode=mindspore.GRAPH_MODE if compiled else mindspore.PYNATIVE_MODE, device_target="CPU")
    deep = name == "resnet50"
    network = zoo.ResNet(zoo.Bottleneck, (3, 4, 6, 3), 10) if deep else zoo.LeNet5()
    loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
    step = nn.TrainOneStepCell(nn.WithLossCell(network, loss), nn.Momentum(network.trainable_params(), 1e-3, 0.9))
    step.set_train()
    random = numpy.random.default_rng(1)
    images = mindspore.Tensor(random.standard_normal((batch, 3 if deep else 1, 32, 32), numpy.float32))
    labels = mindspore.Tensor((numpy.arange(batch) % 10).astype(numpy.int32))

    def work():
        return step(images, labels).asnumpy()

    for _ in range(3):
        work()
    return work


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--idle", type=float, default=0)
    parser.add_argument("what")
    parser.add_argument("path")
    parser.add_argument("other", nargs="?", help="a tensor's name, a second file, the one to write, a batch")
    args = parser.parse_args()
    work = {
        "safetensors-index": lambda: safetensors_index(args.path),
        "safetensors-load": lambda: safetensors_load(args.path),
        "numpy-allclose": lambda: numpy_allclose(args.path, args.other),
        "numpy-stats": lambda: numpy_stats(args.path),
        "mindspore-load": lambda: mindspore_load(args.path),
        "mindspore-export": lambda: mindspore_export(args.path, args.other),
        "mindspore-export-mindir": lambda: mindspore_export(args.path, args.other, "MINDIR"),
        "mindspore-load-net": lambda: mindspore_load_net(args.path),
        "mindspore-step": lambda: mindspore_step(args.path, int(args.other), False),
        "mindspore-graph-step": lambda: mindspore_step(args.path, int(args.other), True),
        "mindspore-one": lambda: mindspore_load(args.path, choice_func=lambda name: name == args.other),
    }[args.what]()
    time.sleep(args.idle)
    print(json.dumps(measure(args.repeat, work)))


if __name__ == "__main__":
    main()
