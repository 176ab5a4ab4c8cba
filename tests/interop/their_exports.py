"""What MindSpore's own ONNX exporter does with the networks that export_test.py exports: prints the rows of the table in
docs/export-peers.md. Run it as tests/interop/run_test their_exports.py; it is no test."""

import collections
import pathlib
import tempfile

import mindspore
import numpy as np
from mindspore import Tensor

import operators
from export_test import TOLERANCE, check_model, outputs_of, run_model


def verdict(net, inputs, expected, folder):
    """Numbers are what counts: a model that runs and gives others is wrong, whatever the checker says of it."""
    model = folder / "theirs.onnx"
    model.unlink(missing_ok=True)
    try:
        mindspore.export(net, *[Tensor(value) for value in inputs], file_name=str(model), file_format="ONNX")
    except Exception:
        return "refused"
    try:
        found = run_model(model, *inputs)
    except Exception:
        return "not valid"
    if not same(expected, found):
        return "wrong"
    try:
        check_model(model)
    except Exception:
        return "not valid"
    return "right"


def same(expected, found):
    if len(found) != len(expected):
        return False
    for theirs, ours in zip(expected, found):
        scale = max(float(np.max(np.abs(theirs), initial=0)), 1e-3)
        if theirs.shape != ours.shape:
            return False
        if not np.max(np.abs(theirs.astype(np.float64) - ours.astype(np.float64)), initial=0) <= TOLERANCE * scale:
            return False
    return True


def main():
    found = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for family in operators.FAMILIES:
            for name, net, inputs in family():
                net.set_train(False)
                result = verdict(net, inputs, outputs_of(net, *inputs), pathlib.Path(folder))
                found[family.__name__, result].append(name)
                print(family.__name__, result, name, flush=True)
    print("| networks | right | refused | not valid | wrong numbers |\n|---|---|---|---|---|")
    for family in operators.FAMILIES:
        cells = [", ".join(found[family.__name__, result]) for result in ("refused", "not valid", "wrong")]
        print(f"| {family.__name__} | {len(found[family.__name__, 'right'])} | " + " | ".join(cells) + " |")
    for result in ("right", "refused", "not valid", "wrong"):
        print(result, sum(len(names) for (_, each), names in found.items() if each == result))


if __name__ == "__main__":
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE, device_target="CPU")
    main()
