"""Small networks, one an operator or a way to use it, that MindSpore exports as MindIR. Together they hold every
operator that its own nn and ops produce for inference.

A case is a name, a network, and its inputs. `CASES` are made when asked for, because MindSpore takes its time.
"""

import linecache
import re

import mindspore
import numpy as np
from mindspore import Tensor, mint, nn, ops
from mindspore.ops.operations import array_ops, math_ops


def numbers(*shape, low=-2.0, high=2.0, seed=0):
    return np.random.default_rng(seed + sum(shape)).uniform(low, high, shape).astype(np.float32)


def integers(*shape, low=-5, high=5, dtype=np.int32):
    return np.random.default_rng(sum(shape)).integers(low, high, shape).astype(dtype)


def positive(*shape):
    return numbers(*shape, low=0.1, high=3.0)


X = numbers(2, 3, 4)
IMAGE = numbers(2, 4, 13, 15)


def calls(expression, **cells):
    """A network that returns an expression of its inputs x, y and z. Its cells are given by keyword, and are attributes
    of `self`. MindSpore wants to read the source of what it compiles, so there must be one."""
    inputs = [name for name in "xyz" if re.search(rf"\b{name}\b", expression)]
    source = f"def construct(self, {', '.join(inputs)}):\n    return {expression}\n"
    place = f"<operators: {expression}>"
    linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
    members = dict(globals())
    exec(compile(source, place, "exec"), members)
    net = type("Calls", (nn.Cell,), {"construct": members["construct"], "__module__": __name__})()
    for name, cell in cells.items():
        setattr(net, name, cell)
    return net


def elementwise():
    for name, inputs in {
            "abs": (X,), "ceil": (X,), "cos": (X,), "erf": (X,), "exp": (X,), "floor": (X,), "log": (positive(2, 3),),
            "neg": (X,), "rsqrt": (positive(2, 3),), "reciprocal": (positive(2, 3),), "sin": (X,),
            "sqrt": (positive(2, 3),), "square": (X,), "tan": (X / 2,), "asin": (X / 3,), "acos": (X / 3,), "atan": (X,),
            "sinh": (X,), "cosh": (X,), "asinh": (X,), "acosh": (positive(2, 3) + 1,), "atanh": (X / 3,),
            "expm1": (X,), "log1p": (positive(2, 3),), "sign": (X,), "trunc": (X,), "erfc": (X,),
            "log2": (positive(2, 3),), "log10": (positive(2, 3),), "isnan": (X,), "isfinite": (X,)}.items():
        yield name, calls(f"ops.{name}(x)"), inputs
    yield "round_half_to_even", calls("ops.round(x)"), (np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4], np.float32),)
    yield "cast", calls("ops.cast(x, mindspore.int32)"), (X,)
    yield "cast_to_half_and_back", calls("ops.cast(ops.cast(x, mindspore.float16), mindspore.float32)"), (X,)
    yield "clamp", calls("ops.clamp(x, -1.0, 2.0)"), (X * 2,)
    yield "clamp_below", calls("ops.clamp(x, min=-1.0)"), (X * 2,)
    yield "logical_not", calls("ops.logical_not(x > 0)"), (X,)
    yield "ones_like", calls("x + ops.ones_like(x)"), (X,)
    yield "zeros_like", calls("x + ops.zeros_like(x)"), (X,)


def activations():
    for name, cell in {
            "relu": nn.ReLU(), "relu6": nn.ReLU6(), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh(), "elu": nn.ELU(),
            "selu": nn.SeLU(), "gelu_tanh": nn.GELU(), "gelu_erf": nn.GELU(approximate=False), "hswish": nn.HSwish(),
            "hsigmoid": nn.HSigmoid(), "mish": nn.Mish(), "silu": nn.SiLU(), "softsign": nn.Softsign(),
            "leaky_relu": nn.LeakyReLU(0.1), "log_sigmoid": nn.LogSigmoid(), "celu": nn.CELU(0.7),
            "fast_gelu": nn.FastGelu(), "hard_tanh": nn.Hardtanh(-1.0, 1.5), "hard_shrink": nn.HShrink(0.5),
            "soft_shrink": nn.SoftShrink(0.5), "threshold": nn.Threshold(0.3, 7.0)}.items():
        yield name, cell, (X * 3,)
    yield "softplus", calls("self.op(x)", op=ops.Softplus()), (X * 3,)
    yield "prelu", nn.PReLU(channel=4, w=0.2), (IMAGE,)
    yield "prelu_of_one", nn.PReLU(channel=1, w=0.2), (IMAGE,)
    yield "softmax", nn.Softmax(), (X,)
    yield "softmax_of_axis_1", nn.Softmax(axis=1), (X,)
    yield "log_softmax_of_axis_1", nn.LogSoftmax(axis=1), (X,)
    yield "log_softmax", nn.LogSoftmax(), (X,)
    yield "glu", calls("ops.glu(x, 2)"), (X,)


def arithmetic():
    other = numbers(3, 4, seed=5)
    for name in ("add", "sub", "mul", "div", "maximum", "minimum", "greater", "greater_equal", "less", "less_equal",
                 "equal", "not_equal", "floor_divide", "remainder", "fmod", "atan2"):
        yield name, calls(f"ops.{name}(x, y)"), (X, other)
    yield "equal_of_equals", calls("ops.equal(x, y)"), (integers(4, 5), integers(4, 5)[0])
    yield "pow", calls("ops.pow(x, y)"), (positive(2, 3), numbers(2, 3))
    yield "pow_of_a_number", calls("x ** 2"), (X,)
    yield "pow_of_a_fraction", calls("x ** 1.5"), (positive(2, 3),)
    yield "muls_divs", calls("x * 0.5 + x / 4.0 - 1.25"), (X,)
    yield "number_minus_tensor", calls("3.0 - x"), (X,)
    yield "number_over_tensor", calls("3.0 / x"), (positive(2, 3),)
    yield "equal_to_a_number", calls("x == 1"), (integers(4, 5),)
    yield "add_n", calls("ops.addn((x, y, x))"), (X, numbers(2, 3, 4, seed=9))
    yield "logical_and", calls("ops.logical_and(x > 0, y > 0)"), (X, other)
    yield "logical_or", calls("ops.logical_or(x > 0, y > 0)"), (X, other)
    yield "select", calls("ops.select(x > y, x, y)"), (X, numbers(2, 3, 4, seed=9))
    yield "where_a_number", calls("ops.where(x > 0, x, Tensor(-1.0, mindspore.float32))"), (X,)
    yield "masked_fill", calls("ops.masked_fill(x, x > 0, 9.0)"), (X,)
    yield "integer_add", calls("ops.add(x, y)"), (integers(2, 3), integers(2, 3))
    yield "integer_floor_divide", calls("ops.floor_divide(x, y)"), (integers(4, 5), integers(4, 5, low=1, high=4))
    yield "integer_remainder", calls("ops.remainder(x, y)"), (integers(4, 5), integers(4, 5, low=1, high=4))
    yield "squared_difference", calls("self.op(x, y)", op=ops.SquaredDifference()), (X, other)
    yield "lerp", calls("ops.lerp(x, y, 0.3)"), (X, numbers(2, 3, 4, seed=9))


def convolutions():
    conv = nn.Conv2d
    for name, cell in {
            "conv_valid": conv(4, 6, 3, pad_mode="valid"),
            "conv_bias": conv(4, 6, 3, has_bias=True),
            "conv_same_even": conv(4, 6, 4, stride=2),
            "conv_same_wide_stride": conv(4, 6, 2, stride=3),
            "conv_pad_asymmetric": conv(4, 6, 3, stride=2, pad_mode="pad", padding=(0, 1, 2, 3)),
            "conv_pad_with_dilation": conv(4, 6, 3, pad_mode="pad", padding=2, dilation=2),
            "conv_same_with_dilation": conv(4, 6, 3, dilation=2),
            "conv_kernel_of_two_sizes": conv(4, 6, (3, 5), stride=(1, 2)),
            "conv_groups": conv(4, 6, 3, group=2),
            "conv_depthwise": conv(4, 8, 3, stride=2, group=4, has_bias=True)}.items():
        yield name, cell, (IMAGE,)
    yield "conv1d", nn.Conv1d(3, 5, 3, has_bias=True), (numbers(2, 3, 11),)
    yield "conv3d_same", nn.Conv3d(2, 4, 3, stride=2), (numbers(1, 2, 6, 7, 8),)
    transpose = nn.Conv2dTranspose
    for name, cell in {
            "transpose_same": transpose(4, 3, 3), "transpose_same_stride": transpose(4, 3, 3, stride=2),
            "transpose_valid": transpose(4, 3, 4, stride=2, pad_mode="valid", has_bias=True),
            "transpose_pad": transpose(4, 3, 3, stride=2, pad_mode="pad", padding=1),
            "transpose_groups": transpose(4, 4, 3, group=2)}.items():
        yield name, cell, (numbers(2, 4, 6, 7),)


def pools():
    for name, cell in {
            "max_pool": nn.MaxPool2d(2, 2), "max_pool_same": nn.MaxPool2d(3, 2, pad_mode="same"),
            "max_pool_pad": nn.MaxPool2d(3, 2, pad_mode="pad", padding=1),
            "max_pool_ceil": nn.MaxPool2d(3, 2, pad_mode="pad", padding=1, ceil_mode=True),
            "max_pool_dilation": nn.MaxPool2d(3, 1, pad_mode="pad", padding=1, dilation=2),
            "avg_pool": nn.AvgPool2d(2, 2), "avg_pool_same": nn.AvgPool2d(3, 2, pad_mode="same"),
            "avg_pool_pad": nn.AvgPool2d(3, 2, pad_mode="pad", padding=1),
            "avg_pool_pad_not_counted": nn.AvgPool2d(3, 2, pad_mode="pad", padding=1, count_include_pad=False),
            "avg_pool_ceil": nn.AvgPool2d(3, 2, pad_mode="pad", padding=1, ceil_mode=True),
            "avg_pool_divisor": nn.AvgPool2d(3, 2, pad_mode="pad", padding=1, divisor_override=5),
            "adaptive_avg_pool_to_one": nn.AdaptiveAvgPool2d((1, 1))}.items():
        yield name, cell, (IMAGE,)
    yield "adaptive_avg_pool", nn.AdaptiveAvgPool2d((3, 4)), (numbers(2, 4, 12, 16),)
    yield "max_pool_1d", nn.MaxPool1d(3, 2), (numbers(2, 3, 11),)
    yield "avg_pool_1d", nn.AvgPool1d(3, 2), (numbers(2, 3, 11),)


def norms():
    yield "batch_norm", nn.BatchNorm2d(4, eps=1e-3), (IMAGE,)
    yield "batch_norm_1d", nn.BatchNorm1d(6), (numbers(5, 6),)
    yield "layer_norm", nn.LayerNorm((4,)), (X,)
    yield "layer_norm_of_two_axes", nn.LayerNorm((3, 4), begin_norm_axis=1, begin_params_axis=1), (X,)
    yield "group_norm", nn.GroupNorm(2, 4), (IMAGE,)
    yield "instance_like_norm", nn.GroupNorm(4, 4), (IMAGE,)
    yield "l2_normalize", calls("self.op(x)", op=ops.L2Normalize(axis=1)), (X,)


def reductions():
    for name in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"):
        for keep in (False, True):
            yield f"{name}_{'keep' if keep else 'drop'}", calls("self.op(x, 1)", op=getattr(ops, name)(keep)), (X,)
        yield f"{name}_all", calls("self.op(x)", op=getattr(ops, name)()), (X,)
    yield "reduce_two_axes", calls("self.op(x, (0, -1))", op=ops.ReduceMean()), (X,)
    yield "sum_of_all", calls("mint.sum(x)"), (X,)
    yield "argmax", calls("self.op(x)", op=ops.Argmax(axis=1)), (X,)
    yield "argmin", calls("self.op(x)", op=ops.Argmin(axis=-1)), (X,)
    yield "arg_max_with_value", calls("self.op(x)", op=ops.ArgMaxWithValue(axis=1, keep_dims=True)), (X,)
    yield "top_k", calls("self.op(x, 3)", op=ops.TopK(sorted=True)), (X,)
    yield "cum_sum", calls("ops.cumsum(x, 1)"), (X,)
    yield "cum_sum_exclusive_reverse", calls("self.op(x, 2)", op=ops.CumSum(True, True)), (X,)


def shapes():
    for name, expression in {
            "reshape": "x.reshape(2, -1)", "reshape_to_more": "x.reshape(3, 2, 2, 2)",
            "flatten": "ops.flatten(x)", "transpose": "x.transpose(0, 2, 1)", "swapaxes": "x.swapaxes(1, 2)",
            "expand_dims": "ops.expand_dims(x, 1)", "squeeze": "x.reshape(2, 1, 12).squeeze(1)",
            "squeeze_all": "x.reshape(1, 24, 1).squeeze()", "tile": "ops.tile(x, (1, 2, 3))",
            "tile_to_more_axes": "ops.tile(x, (2, 1, 1, 2))",
            "broadcast_to": "ops.broadcast_to(x, (5, 2, 3, 4))",
            "concat": "ops.concat((x, x * 2.0), 1)", "concat_last": "ops.concat((x, x * 2.0), -1)",
            "stack": "ops.stack((x, x * 2.0), 1)", "unstack": "ops.unstack(x, 1)[1]",
            "split": "ops.split(x, 2, 2)[1]", "split_all": "ops.split(x, 1, 1)",
            "chunk": "ops.chunk(x, 2, 2)[0]",
            "slice": "ops.slice(x, (0, 1, 2), (2, 2, 2))", "strided_slice": "x[:, 1:3, ::2]",
            "index": "x[:, 1]", "index_from_end": "x[:, -1]", "reverse": "x[::-1]",
            "step_back": "x[:, :, 3:0:-2]", "ellipsis": "x[..., 1:]", "new_axis": "x[:, None]",
            "reverse_v2": "ops.flip(x, (0,))",
            "pad_constant": "ops.pad(x, (1, 2, 0, 3), mode='constant', value=1.5)",
            "pad_reflect": "ops.pad(x, (1, 2), mode='reflect')",
            "pad_replicate": "ops.pad(x, (1, 2), mode='replicate')",
            "noop": "x + 0.0"}.items():
        yield name, calls(expression), (X,)
    for mode in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        yield f"nn_pad_{mode.lower()}", nn.Pad(((0, 0), (1, 1), (2, 1)), mode=mode), (X,)
    yield "space_to_depth", calls("self.op(x)", op=ops.SpaceToDepth(2)), (numbers(2, 3, 4, 6),)
    yield "depth_to_space", calls("self.op(x)", op=ops.DepthToSpace(2)), (numbers(2, 8, 3, 4),)
    yield "pixel_shuffle", nn.PixelShuffle(2), (numbers(2, 8, 3, 4),)


def indexing():
    table = numbers(7, 4)
    indices = integers(2, 3, low=0, high=7)
    yield "gather", calls("ops.gather(x, y, 0)"), (table, indices)
    yield "gather_axis_1", calls("ops.gather(x, y, 1)"), (table.T.copy(), indices)
    yield "gather_d", calls("ops.gather_elements(x, 1, y)"), (X, integers(2, 2, 4, low=0, high=3))
    yield "gather_nd", calls("ops.gather_nd(x, y)"), (X, integers(5, 2, low=0, high=2))
    yield "embedding", nn.Embedding(7, 4), (indices,)
    yield "one_hot", calls("ops.one_hot(x, 7, Tensor(1.0, mindspore.float32), Tensor(0.0, mindspore.float32))"), \
        (indices,)
    yield "reverse_sequence", calls("self.op(x, y)", op=ops.ReverseSequence(seq_dim=1, batch_dim=0)), \
        (X, np.array([2, 3], np.int32))
    yield "one_hot_axis_0", nn.OneHot(axis=0, depth=7), (indices,)


def matrices():
    yield "matmul", calls("self.op(x, y)", op=ops.MatMul()), (numbers(3, 4), numbers(4, 5))
    yield "matmul_transposed", calls("self.op(x, y)", op=ops.MatMul(True, True)), (numbers(4, 3), numbers(5, 4))
    yield "batch_matmul", calls("self.op(x, y)", op=ops.BatchMatMul()), (numbers(2, 3, 4), numbers(2, 4, 5))
    yield "batch_matmul_transposed", calls("self.op(x, y)", op=ops.BatchMatMul(transpose_b=True)), (numbers(2, 3, 4), numbers(2, 5, 4))
    yield "matmul_broadcasting", calls("ops.matmul(x, y)"), (numbers(2, 3, 4), numbers(4, 5))
    yield "dense", nn.Dense(4, 5), (numbers(3, 4),)
    yield "dense_of_three_axes", nn.Dense(4, 5), (X,)
    yield "dense_with_activation", nn.Dense(4, 5, activation="relu", has_bias=False), (numbers(3, 4),)
    yield "linear", mint.nn.Linear(4, 5), (X,)


def resizes():
    image = numbers(1, 2, 5, 7)
    for half, corners in ((False, False), (True, False), (False, True)):
        options = {"align_corners": corners, "half_pixel_centers": half}
        name = "half_pixel" if half else "corners" if corners else "plain"
        yield f"bilinear_{name}", calls("self.op(x, (10, 13))", op=ops.ResizeBilinearV2(**options)), (image,)
        yield f"nearest_{name}", calls("self.op(x, (10, 14))", op=ops.ResizeNearestNeighborV2(**options)), (image,)
    yield "interpolate", calls("ops.interpolate(x, size=(10, 14), mode='bilinear')"), (image,)


class LastOfLstm(nn.Cell):
    def __init__(self, **options):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True, **options)
        self.sides = 2 if options.get("bidirectional") else 1
        self.layers = options.get("num_layers", 1)

    def construct(self, x):
        start = ops.zeros((self.sides * self.layers, x.shape[0], 8), mindspore.float32)
        y, (h, c) = self.lstm(x, (start, start))
        return y, h, c


def recurrent():
    x = numbers(3, 5, 6)
    yield "lstm", LastOfLstm(), (x,)
    yield "lstm_bidirectional", LastOfLstm(bidirectional=True), (x,)
    yield "lstm_of_two_layers", LastOfLstm(num_layers=2), (x,)
    yield "lstm_without_bias", LastOfLstm(has_bias=False), (x,)
    # Without the cell's last state, which GEIR is not given.
    yield "lstm_hidden", calls("(self.op(x)[0], self.op(x)[1][0])", op=nn.LSTM(6, 8, batch_first=True)), (x,)
    yield "lstm_deep", calls("self.op(x)[0]", op=nn.LSTM(6, 8, 2, bidirectional=True, has_bias=False)), (x,)
    yield "gru", calls("self.op(x, y)", op=nn.GRU(6, 8, batch_first=True)), (x, numbers(1, 3, 8))


def boxes_of(count, seed=0):
    corners = np.random.default_rng(seed).uniform(0, 20, (count, 2))
    sizes = np.random.default_rng(seed + 1).uniform(1, 15, (count, 2))
    return np.concatenate([corners, corners + sizes], 1).astype(np.float32)


def boxes():
    anchors, others = boxes_of(4), boxes_of(6, 3)
    how = {"means": (0.1, 0.0, 0.2, 0.0), "stds": (0.5, 1.0, 0.7, 1.0)}
    yield "bounding_box_encode", calls("self.op(x, y)", op=ops.BoundingBoxEncode(**how)), (anchors, others[:4])
    yield "bounding_box_decode", calls("self.op(x, y)", op=ops.BoundingBoxDecode(max_shape=(30, 25), **how)), \
        (anchors, numbers(4, 4))
    for mode in ("iou", "iof"):
        yield mode, calls("self.op(x, y)", op=ops.IOU(mode)), (anchors, others)
    yield "check_valid", calls("self.op(x, y)", op=ops.CheckValid()), (others, np.array([20, 25, 1], np.float32))
    scores = np.random.default_rng(1).uniform(0, 1, (8, 1)).astype(np.float32)
    yield "nms_with_mask", calls("self.op(x)", op=ops.NMSWithMask(0.3)), (np.concatenate([boxes_of(8), scores], 1),)
    images = np.array([[0], [1], [0], [1], [1], [0]], np.float32)
    tiny = np.concatenate([others[:5], [[3, 4, 3.1, 4.2]]]).astype(np.float32)
    for end, samples in ((0, 2), (1, 2), (1, 3)):
        yield f"roi_align_{end}_{samples}", calls("self.op(x, y)", op=ops.ROIAlign(2, 3, 0.5, samples, end)), \
            (numbers(2, 3, 16, 16), np.concatenate([images, tiny], 1))


def scattering():
    numbers_of_rows = np.array([0, 2, -1, 0, 2], np.int32)
    for how in ("sum", "min", "max", "prod"):
        yield f"unsorted_segment_{how}", calls(f"ops.clamp(ops.unsorted_segment_{how}(x, y, 4), -9.0, 9.0)"), \
            (numbers(5, 3), np.abs(numbers_of_rows))
    yield "segments_that_are_left_out", calls("ops.unsorted_segment_sum(x, y, 4)"), (numbers(5, 3), numbers_of_rows)
    yield "scatter_nd", calls("ops.scatter_nd(x, y, (5, 4))"), (np.array([[0], [2], [0]], np.int32), numbers(3, 4))
    yield "scatter_nd_elements", calls("ops.scatter_nd(x, y, (3, 4))"), \
        (np.array([[0, 1], [2, 3], [0, 1]], np.int32), numbers(3))
    yield "diag", calls("ops.diag(x)"), (numbers(2, 3),)
    yield "diag_part", calls("self.op(x)", op=array_ops.DiagPart()), (numbers(4, 4),)


def rarer():
    """Ways to use an operator that were wrong once, and operators that few networks have."""
    whole = np.array([-7, 7, -8, 8, -1], np.int32), np.array([2, -2, 3, -3, 4], np.int32)
    yield "mod_of_integers", calls("self.op(x, y)", op=ops.Mod()), whole
    yield "mod", calls("self.op(x, y)", op=ops.Mod()), (X, numbers(2, 3, 4, seed=9))
    yield "floor_mod", calls("self.op(x, y)", op=ops.FloorMod()), whole
    yield "fraction", calls("ops.frac(x)"), (X,)
    yield "logical_and_of_integers", calls("ops.logical_and(x, y)"), (integers(4, 5), integers(4, 5)[::-1].copy())
    yield "cum_prod", calls("ops.cumprod(x, 1)"), (X,)
    yield "cum_prod_exclusive_reverse", calls("self.op(x, 2)", op=ops.CumProd(True, True)), (X,)
    yield "square_sum_all", calls("self.op(x, y)", op=math_ops.SquareSumAll()), (X, X * 2)
    yield "gather_of_a_batch", calls("self.op(x, y, 1)", op=ops.Gather(batch_dims=1)), (X, integers(2, 2, low=0, high=3))
    volume = numbers(1, 2, 6, 7, 8)
    for counted in (True, False):
        yield f"avg_pool_3d_same_{counted}", nn.AvgPool3d(3, 2, pad_mode="same", count_include_pad=counted), (volume,)
    yield "adaptive_avg_pool_uneven", nn.AdaptiveAvgPool2d((3, 4)), (IMAGE,)
    yield "adaptive_avg_pool_3d", nn.AdaptiveAvgPool3d((2, 3, 4)), (volume,)
    yield "adaptive_max_pool_uneven", calls("self.op(x)", op=nn.AdaptiveMaxPool2d((3, 4))), (IMAGE,)
    yield "max_pool_with_indices", calls("ops.max_pool2d(x, 3, 2, 1, 2, False, True)[0]"), (IMAGE,)


def all_of(*expressions):
    """One network for many of them: it has each as an output."""
    return calls("(" + ", ".join(expressions) + ",)")


class Attention(nn.Cell):
    """Of a sequence as long as it comes."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = nn.Dense(width, width), nn.Dense(width, width), nn.Dense(width, width)

    def split(self, x):
        return x.reshape(x.shape[0], x.shape[1], self.heads, -1).transpose(0, 2, 1, 3)

    def construct(self, x):
        query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        weights = ops.softmax(ops.matmul(query, key.transpose(0, 1, 3, 2)) * 0.5)
        return ops.matmul(weights, value).transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[1], -1)


class Tokens(nn.Cell):
    """A class token before those of each image, and places for all."""

    def __init__(self, width):
        super().__init__()
        self.token = mindspore.Parameter(Tensor(numbers(1, 1, width)))
        self.places = mindspore.Parameter(Tensor(numbers(1, 6, width)))

    def construct(self, x):
        token = ops.broadcast_to(self.token, (x.shape[0], 1, x.shape[2]))
        return ops.concat((token, x), 1) + self.places


class Assigns(nn.Cell):
    def construct(self, x):
        y = x * 2.0
        y[0] = 1.0
        y[1:3, 2] = 5.0
        return y


class Cells(nn.Cell):
    """Loops over the steps of a sequence, from states of zeros."""

    def __init__(self):
        super().__init__()
        self.long, self.gated, self.plain = nn.LSTMCell(8, 4), nn.GRUCell(4, 4), nn.RNNCell(4, 3)

    def construct(self, x):
        state = cell = gated = ops.zeros((x.shape[0], 4), mindspore.float32)
        plain = ops.zeros((x.shape[0], 3), mindspore.float32)
        out = []
        for step in range(x.shape[1]):
            state, cell = self.long(x[:, step], (state, cell))
            gated = self.gated(state, gated)
            plain = self.plain(gated, plain)
            out.append(plain)
        return ops.stack(out, 1), gated


def rows_of_a_batch():
    """Networks that have what is the same for all examples once for each, their inputs of a batch, and the batch that
    they are recorded with."""
    def rows(batch):
        return (numbers(batch, 5, 8),)

    def rows_and_padding(batch):
        return (*rows(batch), np.arange(5 * batch).reshape(batch, 5) % 4 == 3)

    def lengths(batch):
        return (*rows(batch), 1 + np.arange(batch, dtype=np.int64) % 5)

    floats = "mindspore.float32"
    shape = "(x.shape[0], 5, 5)"
    masked = f"ops.where(ops.broadcast_to(ops.tril(ops.ones((5, 5), {floats})) > 0, {shape}), " \
             f"ops.bmm(x, x.swapaxes(1, 2)), ops.full({shape}, -1e4, dtype={floats}))"
    padded = f"ops.concat((ops.zeros((x.shape[0], 1, 8), {floats}), x, ops.ones((x.shape[0], 2, 8), {floats})), 1)"
    places = "x + self.op(ops.broadcast_to(ops.arange(5), (x.shape[0], 5)))"
    for batch in (1, 2):
        yield "token", Tokens(8), rows, batch
        yield "gru_layers", calls("self.op(x)", op=nn.GRU(8, 4, num_layers=2, bidirectional=True, batch_first=True)), rows, batch
        yield "places", calls(places, op=nn.Embedding(9, 8)), rows, batch
        yield "masked", calls(masked), rows, batch
        yield "cells", Cells(), rows, batch
    yield "rnn", calls("self.op(x)", op=nn.RNN(8, 4, batch_first=True)), rows, 2
    yield "gru_of_time", calls("self.op(x.transpose(1, 0, 2))", op=nn.GRU(8, 4)), rows, 2
    yield "lengths", calls("ops.where(ops.expand_dims(ops.arange(5) < y.reshape(-1, 1), 2), x, ops.zeros_like(x))"), lengths, 2
    yield "padded", calls(padded), rows, 2
    yield "filled", calls("ops.minimum(x, ops.full_like(x, 0.25))"), rows, 2
    yield "padding_mask", calls("self.op(x, x, x, key_padding_mask=y)[0]",
                                op=nn.MultiheadAttention(8, 2, batch_first=True)), rows_and_padding, 2


def numbers_of_all_kinds():
    """Operators that are one step each, several a network."""
    odd = np.array([[1.0, np.nan, np.inf], [-np.inf, 2.0, 0.0]], np.float32)
    part = numbers(3, 4, low=0.1, high=0.9)
    yield "not_numbers", all_of("ops.nan_to_num(x)", "ops.nan_to_num(x, 1.0, 2.0, 3.0)"), (odd,)
    yield "of_a_part", all_of("ops.logit(x)", "ops.logit(x, 0.2)", "ops.xlogy(x, x)", "ops.hypot(x, x * 2.0)"), (part,)
    yield "close", all_of("ops.isclose(x, y)", "ops.isclose(x, y, 0.1, 0.2)", "ops.isclose(x, x, equal_nan=True)"), \
        (odd, odd + np.array([1e-7, 0, 0], np.float32))
    near = np.array([0.7, 1.0, -0.7, 1.0, -1.0, 5.5, 6.0, 1e6], np.float32)
    by = np.array([0.1, 0.1, 0.1, -0.1, 0.3, 0.5, 0.2, 0.3], np.float32)
    yield "quotients_near_whole_numbers", \
        all_of("ops.floor_divide(x, y)", "ops.FloorMod()(x, y)", "ops.truncate_div(x, y)", "ops.truncate_mod(x, y)",
               "x // 0.1", "x % 0.1", "ops.div(x, y, rounding_mode='floor')"), (near, by)
    whole, others = np.array([-7, 7, -8, 8, -1], np.int32), np.array([2, -2, 3, -3, 4], np.int32)
    yield "whole_quotients", all_of("ops.truncate_div(x, y)", "ops.truncate_mod(x, y)"), (whole, others)
    yield "whole_with_fractions", \
        all_of("x * 2.0", "x % 2.0", "3 / x", "x * 0.5", "x == 1.5", "x < 1.5", "x >= -0.5", "ops.sqrt(ops.abs(x))",
               "ops.clamp(x, -1.5, 3.5)", "ops.reciprocal(x)"), (whole,)
    truth = np.array([[True, False, True], [False, False, True]])
    yield "truths", all_of("x & (x | x)", "ops.bitwise_xor(x, x & x)", "x * x", "x * 2", "x < 1.5"), (truth,)


def masks_and_grids():
    square = numbers(2, 5, 5)
    yield "triangles", all_of("ops.triu(x)", "ops.triu(x, 1)", "ops.tril(x)", "ops.tril(x, -2)", "ops.tril(x > 0)",
                              "ops.triu(ops.cast(x * 9.0, mindspore.int32))"), (square,)
    yield "causal_mask", calls("ops.masked_fill(x, ops.triu(ops.ones_like(x), 1) > 0, -1e9)"), (square,)
    yield "masked_fill", all_of("ops.masked_fill(x, x > 0, y)", "ops.masked_fill(x, x[:, :1] > 0, -1.5)",
                                "ops.masked_fill(x[:1], x > 0, float('-inf'))"), (square, np.array(7.0, np.float32))
    yield "mixed_types", all_of("x * y", "x - y", "x / y", "x.sum(axis=1, dtype=mindspore.float32)",
                                "y.sum(axis=1)", "y % 3"), (numbers(3, 4), integers(3, 4, low=1))
    yield "diagonals", all_of("x + ops.eye(5, 7, mindspore.float32)", "ops.diagonal(x)", "ops.diagonal(x, 2)",
                              "ops.diagonal(x, -1, 1, 0)", "ops.trace(x)"), (numbers(5, 7),)
    yield "linspace", calls("x + ops.linspace(Tensor(0.5, mindspore.float32), Tensor(-1.0, mindspore.float32), 7)"), \
        (numbers(5, 7),)
    for indexing in ("xy", "ij"):
        yield f"meshgrid_{indexing}", calls(f"ops.meshgrid(x, y, indexing='{indexing}')"), (numbers(3), numbers(4))
    places = numbers(2, 5, 6, 2, low=-1.1, high=1.1)
    yield "grid_sample", all_of("ops.grid_sample(x, y)", "ops.grid_sample(x, y, padding_mode='border', align_corners=True)",
                                "ops.grid_sample(x, y, mode='nearest')"), (IMAGE, places)


def updates():
    matrix, three = numbers(5, 7), numbers(3)
    at = np.array([[0, 1], [3, 2], [0, 1]], np.int32)
    yield "scatter_update", calls("self.op(x, y, z)", op=ops.TensorScatterUpdate()), (matrix, at[:2], three[:2])
    yield "scatter_and_compute", all_of(*[f"ops.tensor_scatter_{how}(x, y, z)" for how in ("add", "sub", "mul")]), \
        (matrix, at, three)
    rows = np.argsort(numbers(5, 7), axis=0)[:2]
    yield "scatter_elements", all_of("ops.tensor_scatter_elements(x, y, z, axis=0)", "ops.scatter(x, 0, y, z)",
                                     "ops.tensor_scatter_elements(x, y, z, 0, 'add')"), (matrix, rows, numbers(2, 7))
    yield "assignments", Assigns(), (matrix,)
    batch = numbers(2, 3, 4, 5)
    for axis in (1, 2, 3):
        yield f"gather_of_a_batch_along_{axis}", calls(f"self.op(x, y, {axis})", op=ops.Gather(batch_dims=1)), \
            (batch, integers(2, 6, low=0, high=3))
    yield "gather_of_two_batches", calls("self.op(x, y, 3)", op=ops.Gather(batch_dims=2)), \
        (batch, integers(2, 3, 2, low=0, high=4))


def orders_and_norms():
    matrix = numbers(5, 7)
    yield "similarity", all_of("ops.cosine_similarity(x, y)", "ops.cosine_similarity(x, y, 0)",
                               "ops.norm(x, ord=1, dim=1)", "ops.norm(y, dim=0)"), (matrix, matrix[::-1].copy())
    yield "norms", all_of(*[f"ops.LpNorm(1, {p}, {keep})(x)" for p in (1, 2, 3) for keep in (True, False)]), (matrix,)
    ties = np.round(matrix)
    yield "sorted", all_of("ops.sort(x)", "ops.sort(x, 0, True)", "ops.argsort(x)"), (ties,)
    yield "local_response", all_of("ops.lrn(x)", "ops.LRN(1, 2.0, 0.5, 0.75)(x)"), (IMAGE,)


def more_axes():
    volume, line = numbers(1, 2, 4, 5, 6), numbers(1, 2, 5)
    transpose = nn.Conv3dTranspose
    for mode, more in (("same", {}), ("valid", {}), ("pad", {"padding": 1, "output_padding": (1, 0, 1)})):
        yield f"transpose_3d_{mode}", transpose(2, 3, (3, 4, 2), stride=2, pad_mode=mode, has_bias=True, **more), (volume,)
    yield "linear", all_of("ops.interpolate(x, size=9, mode='linear', align_corners=True)",
                           "ops.interpolate(x, size=9, mode='linear')", "ops.interpolate(x, size=9, mode='nearest')"), (line,)
    yield "trilinear", all_of("ops.interpolate(x, size=(5, 6, 7), mode='trilinear', align_corners=True)",
                              "ops.interpolate(x, size=(5, 6, 7), mode='nearest')"), (volume,)
    yield "nearest_between_two", calls("self.op(x, (33, 10))",
                                       op=ops.ResizeNearestNeighborV2(half_pixel_centers=True)), (numbers(1, 2, 100, 30),)
    yield "pool_3d", nn.MaxPool3d(2, 2), (volume,)
    yield "pool_3d_pad", nn.MaxPool3d(3, 2, pad_mode="pad", padding=1), (volume,)
    yield "average_3d", nn.AvgPool3d(2, 2), (volume,)
    yield "average_3d_pad", nn.AvgPool3d(3, 2, pad_mode="pad", padding=1), (volume,)


FAMILIES = (elementwise, activations, arithmetic, convolutions, pools, norms, reductions, shapes, indexing, matrices,
            resizes, recurrent, boxes, scattering, rarer, numbers_of_all_kinds, masks_and_grids, updates, orders_and_norms,
            more_axes)
