"""Every case of the operator table, for the opsets between which rules differ: the model is one for onnx.checker, every
type is what ONNX infers, and ONNX Runtime gives the same numbers for each opset as NumPy does, where it is asked here:
once more by way of GEIR where there is a rule. The models are made from the rules' own words, not by our writer."""

import json
import math
import os
import subprocess
import unittest

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

DTYPES = {"Float32": np.float32, "Float16": np.float16, "Float64": np.float64, "Bool": np.bool_, "Int8": np.int8,
          "Int16": np.int16, "Int32": np.int32, "Int64": np.int64, "UInt8": np.uint8}
BATCH = 8  # what "N" is when a case runs: any number that no case has elsewhere, and blocks divide


def dims_of(dims):
    sizes = []
    for dim in dims:
        base, _, factor = dim.partition("*") if isinstance(dim, str) else (None, None, None)
        sizes.append(dim if base is None else BATCH * int(factor or 1))
    return sizes


def info(value):
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(DTYPES[value["type"]["dtype"]]))
    return helper.make_tensor_value_info(value["name"], kind, value["type"]["dims"])


def model_of(case):
    values = {value["name"]: value for value in case["values"]}
    nodes = []
    for step in case["steps"]:
        attrs = {name: next(iter(attr.values())) for name, attr in step["attrs"].items()}
        nodes.append(helper.make_node(step["op"], step["inputs"], step["outputs"], name=step["name"], **attrs))
    weights = []
    for value in values.values():
        if "bytes" in value:
            array = np.frombuffer(bytes.fromhex(value["bytes"]), DTYPES[value["type"]["dtype"]])
            weights.append(numpy_helper.from_array(array.reshape(value["type"]["dims"]), value["name"]))
    between = [info(value) for name, value in values.items()
               if "bytes" not in value and value["type"]["dtype"] != "unknown"
               and name not in case["inputs"] and name not in case["outputs"]]
    graph = helper.make_graph(nodes, case["op"], [info(values[name]) for name in case["inputs"]],
                              [info(values[name]) for name in case["outputs"]], weights, value_info=between)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", case["opset"])], ir_version=8)


def inputs_of(case):
    random = np.random.default_rng(len(case["op"]))
    values = {value["name"]: value for value in case["values"]}
    found = []
    for name in case["inputs"]:
        kind = DTYPES[values[name]["type"]["dtype"]]
        shape = dims_of(values[name]["type"]["dims"])
        if kind == np.bool_:
            array = random.integers(0, 2, shape).astype(bool)
        elif np.issubdtype(kind, np.integer):
            array = random.integers(0 if case["op"] in INDEXED else 1, 3, shape).astype(kind)
            if case["op"] in DISTINCT:
                array = np.broadcast_to(np.arange(shape[0])[:, None], shape).astype(kind)
        elif case["op"] in POSITIVE:
            array = random.uniform(1.01, 3, shape).astype(kind)
        elif case["op"] in BETWEEN_0_AND_1:
            array = random.uniform(0.05, 0.95, shape).astype(kind)
        elif case["op"] in SMALL:
            array = random.uniform(-0.9, 0.9, shape).astype(kind)
        else:
            array = random.uniform(-4, 4, shape).astype(kind)
        if case["op"] in BOXES and array.ndim == 2 and kind == np.float32:
            first = array.shape[1] - 4 if case["op"] == "ROIAlign" else 0
            array[:, first + 2:first + 4] = array[:, first:first + 2] + np.abs(array[:, first + 2:first + 4])
            array[:, :first] = random.integers(0, 2, (len(array), first))
        if case["op"].startswith("BatchNorm") and name == case["inputs"][-1]:
            array = np.abs(array) + np.float32(0.1)
        found.append(array)
    return found


BOXES = {"BoundingBoxDecode", "BoundingBoxEncode", "CheckValid", "IOU", "NMSWithMask", "ROIAlign"}
INDEXED = {"Scatter", "TensorScatterAdd", "TensorScatterElements", "TensorScatterMax", "TensorScatterMin", "TensorScatterMul",
           "TensorScatterSub", "TensorScatterUpdate", "Gather", "GatherD", "GatherNd", "IndexSelect", "Embedding", "OneHot", "OneHotExt", "ScatterNd",
           "UnsortedSegmentMax", "UnsortedSegmentMin", "UnsortedSegmentProd", "UnsortedSegmentSum"}
POSITIVE = {"Xlogy", "Log", "Log10", "Log1p", "Log2", "Sqrt", "Rsqrt", "Acosh", "Pow", "PowTensorScalar", "Reciprocal"}
SMALL = {"ACos", "Asin", "Atanh", "GridSampler2D"}
BETWEEN_0_AND_1 = {"Logit"}
DISTINCT = {"Scatter", "TensorScatterElements"}  # of two equal indices either may win


# ---- NumPy's side; arguments are those of the table ----

def erf(x):
    return np.vectorize(math.erf)(x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(x, 0)


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def gelu_tanh(x):
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))


def gelu_erf(x):
    return x / 2 * (1 + erf(x / math.sqrt(2)))


def axes(a, name):
    value = a[name]
    if value is None or value == []:
        return None
    return tuple(value) if isinstance(value, list) else value


def half(x, axis):
    return np.split(x, 2, axis)


def windows(x, a, kernel, stride, pads, dilation=None, fill=0.0, ceil=False):
    """All windows over the axes behind batch and channels, and how many of each window's elements are inside."""
    dilation = dilation or [1] * len(kernel)
    sizes, full = [], [(0, 0), (0, 0)]
    for i, (k, s, d) in enumerate(zip(kernel, stride, dilation)):
        size, (before, behind) = x.shape[i + 2], pads[i]
        room = size + before + behind - d * (k - 1) - 1
        count = room // s + 1
        if ceil and room % s and count * s < size + before:
            count += 1
        need = (count - 1) * s + d * (k - 1) + 1 - size - before
        sizes.append(count)
        full.append((before, max(behind, need)))
    padded = np.pad(x, full, constant_values=fill)
    found = np.empty((*x.shape[:2], *sizes, *kernel), x.dtype)
    for at in np.ndindex(*sizes):
        where = tuple(slice(p * s, p * s + d * (k - 1) + 1, d)
                      for p, s, d, k in zip(at, stride, dilation, kernel))
        found[(slice(None), slice(None), *at)] = padded[(slice(None), slice(None), *where)]
    return found


def same_pads(size, kernel, stride, dilation=1):
    need = max(0, (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
    return need // 2, need - need // 2


def pads_of(x, a, kernel, stride, dilation=None):
    axes_count = len(kernel)
    dilation = dilation or [1] * axes_count
    mode = a.get("pad_mode", a.get("padding"))
    if mode == "same":
        return [same_pads(x.shape[i + 2], kernel[i], stride[i], dilation[i]) for i in range(axes_count)]
    if mode == "pad":
        return list(zip(a["pad_list"][::2], a["pad_list"][1::2]))
    if isinstance(mode, list):
        return [(p, p) for p in (mode * axes_count)[:axes_count]]
    if "pads" in a:
        return [(p, p) for p in a["pads"]]
    return [(0, 0)] * axes_count


def conv(x, w, bias=None, *, stride, dilation, group, pads):
    kernel = list(w.shape[2:])
    found = windows(x, None, kernel, stride, pads, dilation)
    n = len(kernel)
    channels_in, channels_out = w.shape[1], w.shape[0] // group
    parts = []
    for g in range(group):
        part = found[:, g * channels_in:(g + 1) * channels_in]
        weight = w[g * channels_out:(g + 1) * channels_out]
        dims = [1, *range(2 + n, 2 + 2 * n)]
        parts.append(np.moveaxis(np.tensordot(part, weight, (dims, [1, *range(2, 2 + n)])), -1, 1))
    result = np.concatenate(parts, 1)
    return result if bias is None else result + bias.reshape(-1, *[1] * n)


def any_conv(a, x, w, bias=None):
    count = w.ndim - 2
    stride, dilation = (a["stride"] * count)[:count], (a["dilation"] * count)[:count]
    pads = pads_of(x, a, list(w.shape[2:]), stride, dilation)
    if a.get("transposed"):
        return conv_transpose(x, w, bias, stride=stride, pads=pads, more=(a["output_padding"] * count)[:count])
    return conv(x, w, bias, stride=stride, dilation=dilation, group=a.get("group", a.get("groups", 1)), pads=pads)


def depthwise(a, x, w):
    weight = w.transpose(1, 0, 2, 3).reshape(-1, 1, *w.shape[2:])
    return conv(x, weight, stride=a["stride"], dilation=a["dilation"], group=x.shape[1],
                pads=pads_of(x, a, list(w.shape[2:]), a["stride"]))


def conv_transpose_3d(a, x, w):
    """As that of images, with one axis more."""
    stride, kernel = a["stride"], w.shape[2:]
    sizes = [n * s for n, s in zip(x.shape[2:], stride)]
    pads = [same_pads(n, k, s) for n, k, s in zip(sizes, kernel, stride)] if a["pad_mode"] == "same" else \
        list(zip(a["pad_list"][::2], a["pad_list"][1::2]))
    if a["pad_mode"] == "pad":
        sizes = [(n - 1) * s + k - sum(p) + m
                 for n, s, k, p, m in zip(x.shape[2:], stride, kernel, pads, a["output_padding"])]
    out = np.zeros((x.shape[0], w.shape[1], *[n + sum(p) + k for n, p, k in zip(sizes, pads, kernel)]))
    for at in np.ndindex(*x.shape[2:]):
        where = tuple(slice(i * s, i * s + k) for i, s, k in zip(at, stride, kernel))
        out[(slice(None), slice(None), *where)] += np.tensordot(x[(slice(None), slice(None), *at)], w, (1, 0))
    return out[(slice(None), slice(None), *[slice(p[0], p[0] + n) for p, n in zip(pads, sizes)])]


def conv_transpose(x, w, bias=None, *, stride, pads, more):
    """Each element of the input adds the kernel to the result; the pads are cut off."""
    full = [(size - 1) * s + k for size, s, k in zip(x.shape[2:], stride, w.shape[2:])]
    sizes = [f - sum(p) + m for f, p, m in zip(full, pads, more)]
    out = np.zeros((x.shape[0], w.shape[1], *[f + m for f, m in zip(full, more)]))
    for i, j in np.ndindex(*x.shape[2:]):
        out[:, :, i * stride[0]:i * stride[0] + w.shape[2], j * stride[1]:j * stride[1] + w.shape[3]] += \
            np.tensordot(x[:, :, i, j], w, (1, 0))
    out = out[:, :, pads[0][0]:pads[0][0] + sizes[0], pads[1][0]:pads[1][0] + sizes[1]]
    return out if bias is None else out + bias.reshape(-1, 1, 1)


def own_transpose(a, x, w):
    stride, kernel = a["stride"], w.shape[2:]
    sizes = a["input_sizes"][2:] if a["input_sizes"] else \
        [n * s + max(k - s, 0) for n, s, k in zip(x.shape[2:], stride, kernel)]
    pads = [same_pads(n, k, s) if a["pad_mode"] == "same" else (0, 0) for n, k, s in zip(sizes, kernel, stride)]
    more = [n - ((i - 1) * s + k - sum(p)) for n, i, s, k, p in zip(sizes, x.shape[2:], stride, kernel, pads)]
    return conv_transpose(x, w, stride=stride, pads=pads, more=more)


def pool(a, x, reduce, fill):
    kernel = a["kernel_size"]
    stride = a.get("strides", a.get("stride")) or kernel
    dilation = a.get("dilation")
    return reduce(windows(x, a, kernel, stride, pads_of(x, a, kernel, stride, dilation), dilation, fill,
                          bool(a.get("ceil_mode"))), axis=tuple(range(-len(kernel), 0)))


def max_pool(a, x):
    return pool(a, x, np.max, -np.inf)


def average_pool(a, x):
    """PyTorch's: of the padded elements those count that are not behind the padding."""
    divisor = a.get("divisor_override")
    if divisor:
        return pool(a, x, np.sum, 0.0) / divisor
    if a.get("count_include_pad", False):
        kernel = a["kernel_size"]
        stride = a.get("strides", a.get("stride")) or kernel
        around = [(0, 0), (0, 0), *pads_of(x, a, kernel, stride)]
        x = np.pad(x, around)
        found = windows(x, a, kernel, stride, [(0, 0)] * len(kernel), None, np.nan, False)
        if a.get("ceil_mode"):
            found = windows(x, a, kernel, stride, [(0, 0)] * len(kernel), None, np.nan, True)
        return np.nanmean(found, axis=tuple(range(-len(kernel), 0)))
    return pool(a, x, np.nanmean, np.nan)


def adaptive(reduce):
    def result(a, x):
        sizes = a["output_size"]
        sizes = (sizes * 2)[:x.ndim - 2]
        out = np.empty((*x.shape[:2], *sizes), x.dtype)
        for at in np.ndindex(*sizes):
            where = tuple(slice(i * n // s, -(-(i + 1) * n // s)) for i, n, s in zip(at, x.shape[2:], sizes))
            out[(slice(None), slice(None), *at)] = reduce(x[(slice(None), slice(None), *where)],
                                                          axis=tuple(range(2, x.ndim)))
        return out
    return result


def normal(x, axis, eps):
    return (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(x.var(axis=axis, keepdims=True) + eps)


def channels(v, x):
    return v.reshape(-1, *[1] * (x.ndim - 2))


def batch_norm(a, x, scale, bias, mean, variance):
    scaled = (x - channels(mean, x)) / np.sqrt(channels(variance, x) + a["epsilon"])
    return scaled * channels(scale, x) + channels(bias, x)


def group_norm(a, x, weight, bias):
    groups = normal(x.reshape(x.shape[0], a["num_groups"], -1), 2, a["eps"]).reshape(x.shape)
    return groups * channels(weight, x) + channels(bias, x)


def layer_norm(a, x, gamma, beta):
    return normal(x, tuple(range(a["begin_norm_axis"] % x.ndim, x.ndim)), a["epsilon"]) * gamma + beta


def layer_norm_ext(a, x, weight=1.0, bias=0.0):
    return normal(x, tuple(range(x.ndim - len(a["normalized_shape"]), x.ndim)), a["eps"]) * weight + bias


def reduction(function, axis="axis", keep="keep_dims"):
    return lambda a, x: function(x, axis=axes(a, axis), keepdims=a[keep])


def ext(function):
    return reduction(function, "dim", "keepdim")


def spread(function):
    return lambda a, x: function(x, axis=axes(a, "dim"), ddof=a["correction"], keepdims=a["keepdim"])


def strided(a, x):
    index = []
    for i, (begin, end, step) in enumerate(zip(a["begin"], a["end"], a["strides"])):
        if a["ellipsis_mask"] >> i & 1:
            index.append(Ellipsis)
        elif a["new_axis_mask"] >> i & 1:
            index.append(None)
        elif a["shrink_axis_mask"] >> i & 1:
            index.append(begin)
        else:
            index.append(slice(None if a["begin_mask"] >> i & 1 else begin, None if a["end_mask"] >> i & 1 else end,
                               step))
    return x[tuple(index)]


def pairs(x, numbers):
    around = [(0, 0)] * x.ndim
    for i in range(len(numbers) // 2):
        around[x.ndim - 1 - i] = tuple(numbers[2 * i:2 * i + 2])
    return around


def pad_v3(a, x, value=None):
    modes = {"circular": "wrap", "constant": "constant", "reflect": "reflect", "edge": "edge"}
    more = {"constant_values": 1.0} if a["mode"] == "constant" else {}  # parameters of the cases are ones
    return np.pad(x, pairs(x, a["paddings"]), mode=modes[a["mode"]], **more)


def depth_to_space(x, b):
    n, c, h, w = x.shape
    return x.reshape(n, b, b, c // b ** 2, h, w).transpose(0, 3, 4, 1, 5, 2).reshape(n, -1, h * b, w * b)


def space_to_depth(x, b):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4).reshape(n, -1, h // b, w // b)


def pixel_shuffle(x, b):
    n, c, h, w = x.shape
    return x.reshape(n, c // b ** 2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, -1, h * b, w * b)


def space_to_batch(a, x):
    b = a["block_size"]
    x = np.pad(x, [(0, 0), (0, 0), *map(tuple, a["paddings"])])
    return np.concatenate([x[:, :, i::b, j::b] for i in range(b) for j in range(b)])


def batch_to_space(a, x):
    b = a["block_size"]
    parts = np.split(x, b * b)
    out = np.empty((parts[0].shape[0], x.shape[1], x.shape[2] * b, x.shape[3] * b), x.dtype)
    for i in range(b):
        for j in range(b):
            out[:, :, i::b, j::b] = parts[i * b + j]
    (top, bottom), (left, right) = a["crops"]
    return out[:, :, top:out.shape[2] - bottom, left:out.shape[3] - right]


def top(a, x, axis, largest=True):
    order = np.argsort(-x if largest else x, axis=axis, kind="stable")
    index = np.take(order, range(a["k"]), axis)
    return np.take_along_axis(x, index, axis), index


def one_hot(index, on, off, depth, axis):
    hot = np.where(index[..., None] == np.arange(depth), on, off)
    return np.moveaxis(hot, -1, axis)


def lstm(a, x, h, c):
    """All weights are ones."""
    hidden = a["hidden_size"]
    found = []
    h, c = h[0], c[0]
    for step in x:
        gates = step @ np.ones((x.shape[2], 4 * hidden)) + h @ np.ones((hidden, 4 * hidden)) + 1
        i, f, g, o = np.split(gates, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.stack(found), h[None], c[None]


def dynamic_rnn(a, x, w, b, h=None, c=None):
    hidden = w.shape[1] // 4
    h, c = [np.zeros((x.shape[1], hidden)) if state is None else state[0] for state in (h, c)]
    found = []
    for step in x:
        i, j, f, o = np.split(np.concatenate([step, h], 1) @ w + b, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(j)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.stack(found), np.stack(found)


def spline(t, a):
    t = abs(t)
    return np.where(t <= 1, (a + 2) * t ** 3 - (a + 3) * t ** 2 + 1,
                    np.where(t < 2, a * (t ** 3 - 5 * t ** 2 + 8 * t - 4), 0))


def bicubic(a, x):
    """Splines along each axis; with pixels' centres nothing counts that is outside."""
    for axis, n in zip((2, 3), a["size"]):
        old, i = x.shape[axis], np.arange(n)
        centred = a["half_pixel_centers"]
        at = i * (old - 1) / (n - 1) if a["align_corners"] else (i + 0.5) * old / n - 0.5 if centred else i * old / n
        low = np.floor(at).astype(int)
        places = low[:, None] + np.arange(-1, 3)
        weights = spline(at[:, None] - places, -0.5 if centred else -0.75)
        if centred:
            weights = np.where((places >= 0) & (places < old), weights, 0)
            weights = weights / weights.sum(1, keepdims=True)
        matrix = np.zeros((n, old))
        np.add.at(matrix, (i[:, None], np.clip(places, 0, old - 1)), weights)
        x = np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    return x


def grid_sample(a, image, grid):
    height, width = image.shape[2:]
    out = np.zeros((*image.shape[:2], *grid.shape[1:3]))
    for n, i, j in np.ndindex(*grid.shape[:3]):
        x, y = grid[n, i, j]
        if a["align_corners"]:
            x, y = (x + 1) / 2 * (width - 1), (y + 1) / 2 * (height - 1)
        else:
            x, y = ((x + 1) * width - 1) / 2, ((y + 1) * height - 1) / 2
        if a["padding_mode"] == "border":
            x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
        if a["interpolation_mode"] == "nearest":
            corners = [(round(y), round(x), 1.0)]
        else:
            k, l = math.floor(y), math.floor(x)
            corners = [(k + m, l + o, (1 - abs(y - k - m)) * (1 - abs(x - l - o))) for m in (0, 1) for o in (0, 1)]
        for k, l, weight in corners:
            if 0 <= k < height and 0 <= l < width:
                out[n, :, i, j] += weight * image[n, :, k, l]
    return out


def resize(x, size, align=False, half_pixel=False, linear=False):
    for axis, n in zip(range(2, x.ndim), size):
        old = x.shape[axis]
        i = np.arange(n)
        at = i * (old - 1) / (n - 1) if align else (i + 0.5) * old / n - 0.5 if half_pixel else i * old / n
        if not linear:
            where = np.floor(at + 0.5) if align or half_pixel else np.floor(at)
            x = np.take(x, np.clip(where, 0, old - 1).astype(int), axis)
            continue
        at = np.clip(at, 0, old - 1)
        low = np.floor(at).astype(int)
        part = (at - low).reshape(-1, *[1] * (x.ndim - 1 - axis))
        x = np.take(x, low, axis) * (1 - part) + np.take(x, np.minimum(low + 1, old - 1), axis) * part
    return x


def in_order(x, axis, descending):
    order = np.argsort(-x if descending else x, axis=axis, kind="stable")
    return np.take_along_axis(x, order, axis), order


def scattered_into(meet):
    def result(a, x, indices, updates):
        x = x.copy()
        meet(x, tuple(np.moveaxis(indices, -1, 0)), updates)
        return x
    return result


def put(x, at, updates):
    x[at] = updates


def scatter_elements(meet):
    def result(a, x, indices, updates):
        x = x.copy()
        at = list(np.indices(indices.shape))
        at[a.get("axis", a.get("dim"))] = indices
        meet(x, tuple(at), updates)
        return x
    return result


def split_sizes(x, sizes, axis):
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))


def cumprod(a, x):
    axis = a["axis"]
    if a["reverse"]:
        x = np.flip(x, axis)
    x = np.cumprod(x, axis)
    if a["exclusive"]:
        x = np.roll(x, 1, axis)
        np.moveaxis(x, axis, 0)[0] = 1
    return np.flip(x, axis) if a["reverse"] else x


def scattered(meet, start):
    def result(a, x, numbers):
        numbers = numbers.reshape(-1)
        rows = x.reshape(len(numbers), -1)
        out = np.full((a["num_segments"], rows.shape[1]), start, x.dtype)
        for number, row in zip(numbers, rows):
            out[number] = meet(out[number], row)
        return out.reshape(a["num_segments"], -1) if rows.shape[1] > 1 else out[:, 0]
    return result


def scatter_nd(a, indices, updates):
    out = np.zeros(a["shape"], updates.dtype)
    np.add.at(out, tuple(np.moveaxis(indices, -1, 0)), updates)
    return out


# ---- boxes: (left, top, right, bottom), of which both edges are inside ----

def box_size(box):
    return box[..., 2:4] - box[..., :2] + 1


def box_middle(box):
    return (box[..., :2] + box[..., 2:4]) / 2


def encode_box(a, anchor, box):
    moved = (box_middle(box) - box_middle(anchor)) / box_size(anchor)
    return (np.concatenate([moved, np.log(box_size(box) / box_size(anchor))], 1) - a["means"]) / a["stds"]


def decode_box(a, anchor, deltas):
    deltas = deltas * a["stds"] + a["means"]
    most = abs(math.log(a["wh_ratio_clip"]))
    half = (box_size(anchor) * np.exp(np.clip(deltas[:, 2:], -most, most)) - 1) / 2
    at = box_middle(anchor) + box_size(anchor) * deltas[:, :2]
    height, width = a["max_shape"]
    return np.clip(np.concatenate([at - half, at + half], 1), 0, [width, height, width, height])


def overlap(a, b, one):
    begin, end = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:4], b[..., 2:4])
    both = np.prod(np.maximum(end - begin + one, 0), -1)
    sizes = [np.prod(box[..., 2:4] - box[..., :2] + one, -1) for box in (a, b)]
    return both, sizes[0] + sizes[1] - both, sizes[1]


def iou(a, anchors, boxes):
    both, union, own = overlap(anchors[None], boxes[:, None], 1)
    return both / (union if a["mode"] == "iou" else own)


def check_valid(a, boxes, metas):
    height, width = metas[0] * metas[2] - 1, metas[1] * metas[2] - 1
    return (boxes[:, :2] >= 0).all(1) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)


def nms(a, boxes):
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    kept = np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        for k in range(i):
            both, union, _ = overlap(boxes[k], boxes[i], 0)
            kept[i] &= not (kept[k] and both > a["iou_threshold"] * union)
    return boxes, np.arange(len(boxes)), kept


def roi_align(a, features, rois):
    size, count = (a["pooled_height"], a["pooled_width"]), a["sample_num"]
    out = np.zeros((len(rois), features.shape[1], *size))
    for r, roi in enumerate(rois):
        left, top, right, bottom = (roi[1:] + [0, 0, a["roi_end_mode"], a["roi_end_mode"]]) * a["spatial_scale"]
        steps = max(bottom - top, 1) / size[0], max(right - left, 1) / size[1]
        for i, j, m, n in np.ndindex(*size, count, count):
            y, x = top + (i + (m + 0.5) / count) * steps[0], left + (j + (n + 0.5) / count) * steps[1]
            out[r, :, i, j] += pixel(features[int(roi[0])], y, x) / count ** 2
    return out


def pixel(image, y, x):
    height, width = image.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = np.clip([y, x], 0, [height - 1, width - 1])
    i, j = int(y), int(x)
    k, l = min(i + 1, height - 1), min(j + 1, width - 1)
    upper = image[:, i, j] * (1 - x + j) + image[:, i, l] * (x - j)
    lower = image[:, k, j] * (1 - x + j) + image[:, k, l] * (x - j)
    return upper * (1 - y + i) + lower * (y - i)


def reverse_sequence(a, x, lengths):
    return np.stack([np.concatenate([row[:count][::-1], row[count:]]) for row, count in zip(x, lengths)])


def division(a, x, y):
    return {None: lambda q: q, "floor": np.floor, "trunc": np.trunc}[a["rounding_mode"]](x / y)


UNARY = {
    "ACos": np.arccos, "Abs": np.abs, "Acosh": np.arccosh, "Asin": np.arcsin, "Asinh": np.arcsinh, "Atan": np.arctan,
    "Atanh": np.arctanh, "Ceil": np.ceil, "Cos": np.cos, "Cosh": np.cosh, "Erf": erf, "Erfc": lambda x: 1 - erf(x),
    "Exp": np.exp, "Exp2": np.exp2, "Expm1": np.expm1, "Floor": np.floor, "Log10": np.log10,
    "Log1p": np.log1p, "Log2": np.log2, "Neg": np.negative, "OnesLike": np.ones_like, "Round": np.round,
    "Rsqrt": lambda x: 1 / np.sqrt(x), "Sign": np.sign, "Identity": lambda x: x, "Sin": np.sin, "Sinh": np.sinh,
    "Reciprocal": lambda x: 1 / x, "Sqrt": np.sqrt, "Tan": np.tan, "Trunc": np.trunc, "Square": np.square,
    "ZerosLike": np.zeros_like, "IsFinite": np.isfinite, "IsInf": np.isinf, "IsNan": np.isnan,
    "LogicalNot": np.logical_not, "FastGeLU": lambda x: x * sigmoid(1.702 * x), "GeLU": gelu_tanh,
    "HSigmoid": lambda x: np.clip(x + 3, 0, 6) / 6, "HSwish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "LogSigmoid": lambda x: -softplus(-x), "Mish": lambda x: x * np.tanh(softplus(x)),
    "ReLU": lambda x: np.maximum(x, 0), "ReLUV2": lambda x: np.maximum(x, 0), "ReLU6": lambda x: np.clip(x, 0, 6),
    "SeLU": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "SiLU": lambda x: x * sigmoid(x), "Sigmoid": sigmoid, "Softplus": softplus, "Softsign": lambda x: x / (1 + abs(x)),
    "Tanh": np.tanh, "TExt": np.transpose, "L2Loss": lambda x: (x ** 2).sum() / 2, "Max": np.max, "Min": np.min,
    "Flatten": lambda x: x.reshape(x.shape[0], -1), "Trace": np.trace,
}
BINARY = {
    "Add": np.add, "Atan2": np.arctan2, "Div": np.divide, "FloorDiv": np.floor_divide, "FloorMod": np.mod,
    "FmodTensor": np.fmod, "Mod": np.fmod, "Maximum": np.maximum, "Minimum": np.minimum, "Mul": np.multiply, "Pow": np.power,
    "RealDiv": np.divide, "RemainderTensorTensor": np.mod, "SquaredDifference": lambda x, y: (x - y) ** 2,
    "Sub": np.subtract, "Equal": np.equal, "Greater": np.greater, "GreaterEqual": np.greater_equal, "Less": np.less,
    "LessEqual": np.less_equal, "NotEqual": np.not_equal, "LogicalAnd": np.logical_and, "LogicalOr": np.logical_or,
    "LogicalXor": np.logical_xor, "BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor,
    "Hypot": np.hypot, "TruncateMod": np.fmod, "TruncateDiv": lambda x, y: np.trunc(x / y), "Xlogy": lambda x, y: x * np.log(y),
    "MatMulExt": np.matmul, "Outer": np.outer,
    "PReLU": lambda x, w: np.where(x > 0, x, x * (w if w.size == 1 else channels(w, x))),
    "BiasAdd": lambda x, b: x + channels(b, x), "ExpandAs": lambda x, y: np.broadcast_to(x, y.shape),
    "GatherNd": lambda x, i: x[tuple(np.moveaxis(i, -1, 0))], "Embedding": lambda i, w: w[i],
}
WITH_NUMBER = {
    "FloorDivScalar": np.floor_divide, "FmodScalar": np.fmod, "Muls": np.multiply, "Divs": np.divide,
    "RemainderTensorScalar": np.mod, "EqScalar": np.equal, "GreaterEqualScalar": np.greater_equal, "LessScalar": np.less,
}
OTHERS = {
    "AddExt": lambda a, x, y: x + a["alpha"] * y, "SubExt": lambda a, x, y: x - a["alpha"] * y,
    "AddScalar": lambda a, x: x + a["alpha"] * a["other"], "SubScalar": lambda a, x: x - a["alpha"] * a["other"],
    "IsClose": lambda a, x, y: np.isclose(x, y, a["rtol"], a["atol"], a["equal_nan"]),
    "Log": lambda a, x: np.log(a["scale"] * x + a["shift"]) / (1 if a["base"] == -1 else math.log(a["base"])),
    "Logit": lambda a, x: (lambda p: np.log(p / (1 - p)))(x if a["bound"] < 0 else np.clip(x, a["bound"], 1 - a["bound"])),
    "NanToNum": lambda a, x: np.nan_to_num(x, nan=a["nan"] or 0.0, posinf=a["posinf"], neginf=a["neginf"]),
    "LpNorm": lambda a, x: (abs(x) ** a["p"]).sum(axis=tuple(a["axis"]), keepdims=a["keep_dims"]) ** (1 / a["p"]),
    "Sort": lambda a, x: in_order(x, a["axis"], a["descending"]),
    "SortExt": lambda a, x: in_order(x, a["dim"], a["descending"]),
    "LRN": lambda a, x: x / (a["bias"] + a["alpha"] * sum(
        np.pad(x ** 2, [(0, 0), (a["depth_radius"], a["depth_radius"]), (0, 0), (0, 0)])[:, i:i + x.shape[1]]
        for i in range(2 * a["depth_radius"] + 1))) ** a["beta"],
    "Conv3DTranspose": conv_transpose_3d, "ResizeBicubic": bicubic, "GridSampler2D": grid_sample,
    "ResizeLinear1D": lambda a, x: resize(x, a["size"], a["coordinate_transformation_mode"] == "align_corners",
                                          a["coordinate_transformation_mode"] == "half_pixel", True),
    "Ones": lambda a: np.ones(a["shape"]), "Zeros": lambda a, x: np.zeros((len(x), a["shape"][1])),
    "LinSpace": lambda a, x, y: np.linspace(x, y, a["num"]),
    "Meshgrid": lambda a, *x: tuple(np.meshgrid(*x, indexing=a["indexing"])),
    "Tril": lambda a, x: np.tril(x, a["diagonal"]), "Triu": lambda a, x: np.triu(x, a["diagonal"]),
    "Eye": lambda a: np.eye(a["n"], a["m"]),
    "Diagonal": lambda a, x: np.diagonal(x, a["offset"], a["dim1"], a["dim2"]),
    "Scatter": scatter_elements(put), "TensorScatterElements": scatter_elements(np.add.at),
    "TensorScatterUpdate": scattered_into(put), "TensorScatterAdd": scattered_into(np.add.at),
    "TensorScatterSub": scattered_into(np.subtract.at), "TensorScatterMul": scattered_into(np.multiply.at),
    "TensorScatterMax": scattered_into(np.maximum.at), "TensorScatterMin": scattered_into(np.minimum.at),
    "AddN": lambda a, *x: sum(x), "Addcdiv": lambda a, x, y, z, v: x + v * (y / z),
    "Addcmul": lambda a, x, y, z, v: x + v * (y * z), "DivMod": division,
    "DivMods": lambda a, x: division(a, x, a["other"]),
    "Lerp": lambda a, x, y, w: x + w * (y - x), "LerpScalar": lambda a, x, y: x + a["weight"] * (y - x),
    "MaskedFill": lambda a, x, m, v: np.where(m, v, x), "MaskedFillScalar": lambda a, x, m: np.where(m, a["value"], x),
    "PowScalarTensor": lambda a, x: a["input"] ** x, "PowTensorScalar": lambda a, x: x ** a["exponent"],
    "RemainderScalarTensor": lambda a, x: np.mod(a["input"], x), "Select": lambda a, c, x, y: np.where(c, x, y),
    "Cast": lambda a, x: np.trunc(x).astype(np.int32),
    "ClampScalar": lambda a, x: np.clip(x, a["min"] if a["min"] is not None else -np.inf,
                                        a["max"] if a["max"] is not None else np.inf),
    "ClampTensor": lambda a, x, least: np.maximum(x, least),
    "CeLU": lambda a, x: np.maximum(x, 0) + np.minimum(0, a["alpha"] * np.expm1(x / a["alpha"])),
    "Elu": lambda a, x: np.where(x > 0, x, a["alpha"] * np.expm1(x)),
    "GLU": lambda a, x: half(x, a["axis"])[0] * sigmoid(half(x, a["axis"])[1]),
    "Swiglu": lambda a, x: half(x, a["dim"])[0] * sigmoid(half(x, a["dim"])[0]) * half(x, a["dim"])[1],
    "GeluExt": lambda a, x: {"none": gelu_erf, "tanh": gelu_tanh}[a["approximate"]](x),
    "HShrink": lambda a, x: np.where(abs(x) > a["lambd"], x, 0),
    "SoftShrink": lambda a, x: np.sign(x) * np.maximum(abs(x) - a["lambd"], 0),
    "Hardtanh": lambda a, x: np.clip(x, a["min_val"], a["max_val"]),
    "LeakyReLUExt": lambda a, x: np.where(x > 0, x, x * a["negative_slope"]),
    "LogSoftmax": lambda a, x: np.log(softmax(x, a["axis"])),
    "LogSoftmaxExt": lambda a, x: np.log(softmax(x, 0 if x.ndim == 3 else 1)),
    "Softmax": lambda a, x: softmax(x, tuple(a["axis"])),
    "SoftplusExt": lambda a, x: np.where(x * a["beta"] > a["threshold"], x, softplus(x * a["beta"]) / a["beta"]),
    "Threshold": lambda a, x: np.where(x > a["threshold"], x, a["value"]),
    "BatchNorm": batch_norm,
    "BatchNormExt": lambda a, x, mean, variance: (x - channels(mean, x)) / np.sqrt(channels(variance, x) + a["epsilon"]),
    "GroupNorm": group_norm, "LayerNorm": layer_norm, "LayerNormExt": layer_norm_ext,
    "L2Normalize": lambda a, x: x / np.sqrt(np.maximum((x ** 2).sum(axis=tuple(a["axis"]), keepdims=True), a["epsilon"])),
    "RmsNorm": lambda a, x, g: x / np.sqrt((x ** 2).mean(axis=-1, keepdims=True) + a["epsilon"]) * g,
    "DepthwiseConv2dNative": depthwise, "Conv2DBackpropInput": own_transpose,
    "Conv2DTranspose": own_transpose, "ConvTranspose2D":
        lambda a, x, w: conv_transpose(x, w, stride=a["stride"], pads=[(p, p) for p in a["padding"]],
                                       more=a["output_padding"]),
    "AdaptiveAvgPool1D": adaptive(np.mean), "AdaptiveAvgPool2D": adaptive(np.mean),
    "AdaptiveAvgPool3D": adaptive(np.mean),
    "AdaptiveMaxPool1D": adaptive(np.max), "AdaptiveMaxPool2D": adaptive(np.max),
    "MatMul": lambda a, x, y: (x.T if a["transpose_a"] else x) @ (y.T if a["transpose_b"] else y),
    "BatchMatMul": lambda a, x, y: (x.swapaxes(-1, -2) if a["transpose_a"] else x) @
        (y.swapaxes(-1, -2) if a["transpose_b"] else y),
    "Dense": lambda a, x, w, b=0.0: x @ w.T + b,
    "Baddbmm": lambda a, x, y, z: a["beta"] * x + a["alpha"] * (y @ z),
    "ReduceMax": reduction(np.max), "ReduceMean": reduction(np.mean), "ReduceMin": reduction(np.min),
    "ReduceProd": reduction(np.prod), "ReduceAll": reduction(np.all), "ReduceAny": reduction(np.any),
    "ReduceSum": lambda a, x: x if a["skip_mode"] and not a["axis"] else
        x.sum(axis=axes(a, "axis"), keepdims=a["keep_dims"]),
    "ReduceStd": lambda a, x: x.std(axis=axes(a, "axis"), ddof=int(a["unbiased"]), keepdims=a["keep_dims"]),
    "MeanExt": ext(np.mean), "ProdExt": ext(np.prod), "SumExt": ext(np.sum), "Std": spread(np.std), "Var": spread(np.var),
    "StdMean": spread(np.std),
    "VarMean": lambda a, x: (spread(np.var)(a, x), ext(np.mean)(a, x)),
    "LogSumExp": lambda a, x: np.log(np.exp(x).sum(axis=axes(a, "dim"), keepdims=a["keepdim"])),
    "MaxDim": lambda a, x: (x.max(axis=a["dim"]), x.argmax(axis=a["dim"])),
    "MinDim": lambda a, x: (x.min(axis=a["dim"]), x.argmin(axis=a["dim"])),
    "Argmax": lambda a, x: x.argmax(a["axis"]), "Argmin": lambda a, x: x.argmin(a["axis"]),
    "ArgMaxExt": lambda a, x: np.asarray(x.argmax(a["dim"])), "ArgMinExt": lambda a, x: np.asarray(x.argmin(a["dim"])),
    "ArgMaxWithValue": lambda a, x: (x.argmax(a["axis"], keepdims=True), x.max(axis=a["axis"], keepdims=True)),
    "ArgMinWithValue": lambda a, x: (x.argmin(a["axis"], keepdims=True), x.min(axis=a["axis"], keepdims=True)),
    "CumSum": lambda a, x: x.cumsum(a["axis"]), "CumsumExt": lambda a, x: x.cumsum(a["dim"]),
    "Roll": lambda a, x: np.roll(x, a["shifts"], a["dims"]), "ReverseSequence": reverse_sequence,
    "CumProd": cumprod, "SquareSumAll": lambda a, x, y: ((x ** 2).sum(), (y ** 2).sum()),
    "Diag": lambda a, x: np.diag(x.reshape(-1)).reshape(x.shape * 2),
    "DiagPart": lambda a, x: np.diag(x.reshape(x[0, 0].size, -1)).reshape(x.shape[:2]),
    "ScatterNd": scatter_nd, "UnsortedSegmentSum": scattered(np.add, 0), "UnsortedSegmentProd": scattered(np.multiply, 1),
    "UnsortedSegmentMin": scattered(np.minimum, np.finfo(np.float32).max),
    "UnsortedSegmentMax": scattered(np.maximum, np.finfo(np.float32).min),
    "BoundingBoxEncode": encode_box, "BoundingBoxDecode": decode_box, "IOU": iou, "CheckValid": check_valid,
    "NMSWithMask": nms, "ROIAlign": roi_align,
    "TopK": lambda a, x: top(a, x, -1), "TopkExt": lambda a, x: top(a, x, a["dim"], a["largest"]),
    "FillV2": lambda a, x: np.full(a["shape"], x),
    "BroadcastTo": lambda a, x: np.broadcast_to(x, [x.shape[i - 1] if s == -1 else s for i, s in enumerate(a["shape"])]),
    "ChannelShuffle": lambda a, x: x.reshape(len(x), a["group"], -1, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape),
    "Chunk": lambda a, x: tuple(np.split(x, 3, a["dim"])), "Concat": lambda a, *x: np.concatenate(x, a["axis"]),
    "ExpandDims": lambda a, x: np.expand_dims(x, a["axis"]),
    "FlattenExt": lambda a, x: x.reshape(x.shape[0], -1, x.shape[3]),
    "Reshape": lambda a, x: x.reshape([x.shape[i] if s == 0 else s for i, s in enumerate(a["shape"])]),
    "Split": lambda a, x: tuple(np.split(x, a["output_num"], a["axis"])),
    "SplitTensor": lambda a, x: split_sizes(x, [3, 1], a["dim"]),
    "SplitWithSize": lambda a, x: split_sizes(x, a["split_size"], a["dim"]),
    "Squeeze": lambda a, x: np.squeeze(x, axes(a, "axis")), "Stack": lambda a, *x: np.stack(x, a["axis"]),
    "Tile": lambda a, x: np.tile(x, a["dims"]), "Transpose": lambda a, x: x.transpose(a["dims"]),
    "TransposeExtView": lambda a, x: x.swapaxes(a["dim0"], a["dim1"]),
    "Unstack": lambda a, x: tuple(np.moveaxis(x, a["axis"], 0)),
    "Gather": lambda a, x, i: np.take(x, i, a["axis"]) if a["batch_dims"] == 0 else
        np.stack([x[n, i[n]] for n in range(len(x))]),
    "GatherD": lambda a, x, i: np.take_along_axis(x, i, a["dim"]), "IndexSelect": lambda a, x, i: np.take(x, i, a["dim"]),
    "Narrow": lambda a, x: np.take(x, range(a["start"], a["start"] + a["length"]), a["dim"]),
    "OneHot": lambda a, i, on, off: one_hot(i, on, off, a["depth"], a["axis"]),
    "OneHotExt": lambda a, i, on, off: one_hot(i, on, off, a["num_classes"], a["axis"]),
    "ReverseV2": lambda a, x: np.flip(x, a["axis"]), "SelectExtView": lambda a, x: np.take(x, a["index"], a["dim"]),
    "Slice": lambda a, x: x[tuple(slice(b, None if s == -1 else b + s) for b, s in zip(a["begin"], a["size"]))],
    "SliceExt": lambda a, x: x[..., a["start"]::a["step"]], "StridedSlice": strided,
    "ConstantPadND": lambda a, x: np.pad(x, pairs(x, a["padding"]), constant_values=a["value"]),
    "MirrorPad": lambda a, x: np.pad(x, a["paddings"], mode=a["mode"]), "Pad": lambda a, x: np.pad(x, a["paddings"]),
    "PadV3": pad_v3, "DepthToSpace": lambda a, x: depth_to_space(x, a["block_size"]),
    "SpaceToDepth": lambda a, x: space_to_depth(x, a["block_size"]),
    "PixelShuffle": lambda a, x: pixel_shuffle(x, a["upscale_factor"]), "SpaceToBatch": space_to_batch,
    "BatchToSpace": batch_to_space, "LSTM": lstm, "DynamicRNN": dynamic_rnn,
    "ResizeBilinearV2": lambda a, x: resize(x, a["size"], a["align_corners"], a["half_pixel_centers"], True),
    "ResizeNearestNeighborV2": lambda a, x: resize(x, a["size"], a["align_corners"], a["half_pixel_centers"]),
    "UpsampleBilinear2D": lambda a, x: resize(x, a["output_size"], a["align_corners"], not a["align_corners"], True),
    "UpsampleNearest2D": lambda a, x: resize(x, [int(n * s) for n, s in zip(x.shape[2:], a["scales"])]),
}
for _name in ("UpsampleLinear1D", "UpsampleTrilinear3D"):
    OTHERS[_name] = OTHERS["UpsampleBilinear2D"]
for _name in ("UpsampleNearest1D", "UpsampleNearest3D"):
    OTHERS[_name] = lambda a, x: resize(x, a["output_size"])
for _name in ("Conv2D", "Conv3D", "Conv1DExt", "Conv2DExt", "Conv3DExt", "Conv1DPadding", "Conv2DPadding",
              "Conv3DPadding", "Convolution", "ConvolutionStr"):
    OTHERS[_name] = any_conv
for _name in ("MaxPool", "MaxPool3D", "MaxPool3DWithArgmax", "MaxPoolWithArgmax", "MaxPoolWithArgmaxV2",
              "MaxPoolWithIndices", "MaxPoolWithMask", "FuncMaxPool2D"):
    OTHERS[_name] = max_pool
for _name in ("AvgPool", "AvgPool1D", "AvgPool2D", "AvgPool3D", "AvgPool3DExt"):
    OTHERS[_name] = average_pool
for _name, _mode in (("Reflection", "reflect"), ("Replication", "edge")):
    for _rank in "123":
        OTHERS[f"{_name}Pad{_rank}D"] = lambda a, x, mode=_mode: np.pad(x, pairs(x, a["padding"]), mode=mode)


def expected(case, inputs):
    inputs = [value.astype(np.float64) if value.dtype.kind == "f" else value for value in inputs]
    op, a = case["op"], case["arguments"]
    if op in UNARY:
        found = UNARY[op](*inputs)
    elif op in BINARY:
        found = BINARY[op](*inputs)
    elif op in WITH_NUMBER:
        found = WITH_NUMBER[op](*inputs, a["other"])
    else:
        found = OTHERS[op](a, *inputs)
    return list(found) if isinstance(found, tuple) else [found]


class OperatorRulesTest(unittest.TestCase):
    def check(self, case):
        model = model_of(case)
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        inputs = inputs_of(case)
        found = session.run(None, dict(zip(case["inputs"], inputs)))
        values = {value["name"]: value for value in case["values"]}
        for i, (theirs, ours) in enumerate(zip(expected(case, inputs), found)):
            recorded = values[case["outputs"][i]]["type"]
            self.assertEqual(list(ours.shape), [n for n in dims_of(recorded["dims"])], f"recorded shape of {i}")
            self.assertEqual(list(theirs.shape), list(ours.shape), f"shape of result {i}")
            scale = max(float(np.max(np.abs(theirs.astype(np.float64)), initial=0)), 1e-3)
            difference = float(np.max(np.abs(theirs.astype(np.float64) - ours.astype(np.float64)), initial=0))
            self.assertFalse(np.isnan(difference) or difference > 1e-5 * scale,
                             f"result {i} differs by {difference:g}, its scale is {scale:g}")

    def test_every_case(self):
        printed = subprocess.run([os.environ["CKPT_OPERATOR_CASES"]], check=True, capture_output=True, text=True).stdout
        cases = [json.loads(line) for line in printed.splitlines()]
        self.assertGreater(len({case["op"] for case in cases}), 150)
        self.assertGreater(len({case["op"] for case in cases if case["geir"]}), 250)
        for case in cases:
            with self.subTest(op=case["op"], opset=case["opset"], geir=case["geir"], arguments=case["arguments"]):
                self.check(case)


if __name__ == "__main__":
    unittest.main()
