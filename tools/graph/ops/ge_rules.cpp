#include "ops/ge_rules.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "ge_interface.h"
#include "ge_types.h"
#include "ops/rules.h"

// MindSpore's operators as those of Ascend's graph engine. What was an argument of MindSpore's constructor is an
// attribute there; what was an operand is one too where the D form of an operator wants it so. Everything that GE and
// MindSpore have different defaults for is written.
namespace ckpt::graph {
namespace {

// ---- helpers ----

std::vector<Ref> inputs_of(const NodeView& node, Target& target) {
  std::vector<Ref> inputs;
  for (std::size_t i = 0; i < node.input_count(); ++i) inputs.push_back(in(node, target, i));
  return inputs;
}

// A step that is the whole node. Results that GE has and MindSpore has not are there, and nothing uses them.
Status emit_on(const NodeView& node, Target& target, std::string_view type, std::vector<Ref> inputs,
               NamedAttrs attrs = {}) {
  const GeOp* op = find_ge_op(type);
  if (!op) return refuse("GE's " + std::string(type) + " is not known");
  const std::size_t wanted = node.node().outputs.size();
  const bool dynamic = !op->outputs.empty() && op->outputs.front().dynamic;
  const std::vector<Ref> refs =
      target.add_many(type, std::move(inputs), dynamic ? wanted : op->outputs.size(), std::move(attrs));
  for (std::size_t i = 0; i < std::min(wanted, refs.size()); ++i) target.result(i, refs[i]);
  return {};
}

Status emit(const NodeView& node, Target& target, std::string_view type, NamedAttrs attrs = {}) {
  return emit_on(node, target, type, inputs_of(node, target), std::move(attrs));
}

template <Name kType>
Status same_inputs(const NodeView& node, Target& target) {
  return emit(node, target, kType.view());
}

// GE does not convert: both must be of one type.
template <Name kType>
Status same_types(const NodeView& node, Target& target) {
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    if (node.type(i).dtype != node.type(0).dtype) {
      return refuse("its inputs are " + to_string(node.type(0)) + " and " + to_string(node.type(i)));
    }
  }
  return emit(node, target, kType.view());
}

// The shapes and indices of a GEIR file are Int32, as MindSpore's are there.
Result<Ref> numbers(Target& target, const Ints& values, Dims dims) {
  std::vector<double> list;
  for (const std::int64_t value : values) {
    if (value > std::numeric_limits<std::int32_t>::max() || value < std::numeric_limits<std::int32_t>::min()) {
      return refuse(std::to_string(value) + " is beyond what GE's Int32 operands hold");
    }
    list.push_back(static_cast<double>(value));
  }
  return target.tensor({.dtype = DType::int32, .dims = std::move(dims)}, contents_of(DType::int32, list));
}

Result<Ref> vector(Target& target, const Ints& values) {
  return numbers(target, values, {Dim(static_cast<std::int64_t>(values.size()))});
}

Result<Ref> whole_number(Target& target, std::int64_t value) { return numbers(target, {value}, {}); }

Ints in_image(const Ints& values) {
  Ints all{1, 1};
  all.insert(all.end(), values.begin(), values.end());
  return all;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

const std::string kNchw = "NCHW";
const std::string kNcdhw = "NCDHW";

// ---- convolutions and pools ----

// top, bottom, left, right: MindSpore's order, and GE's. `argument`: which says how to pad.
Result<Ints> pads_of(const Result<Windows>& moved, std::string_view argument = "pad_mode") {
  if (!moved) return moved.error();
  if (!moved->known) return refuse(std::string(argument) + " same over a size that is not known");
  Ints pads;
  for (const Window& window : moved->axes) pads.insert(pads.end(), {window.begin, window.end});
  return pads;
}

Ints kernel_of(const NodeView& node) {
  const Dims& weight = node.type(1).dims;
  return sizes_of({weight.begin() + 2, weight.end()});
}

NamedAttrs conv_attrs(const NodeView& node, const Ints& pads, const std::string& format, NamedAttrs more = {}) {
  more.push_back({"strides", in_image(node.integers("stride"))});
  more.push_back({"pads", pads});
  more.push_back({"dilations", in_image(node.integers("dilation"))});
  more.push_back({"data_format", format});
  return more;
}

Status conv2d(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  auto pads = pads_of(windows(node, node.type(0).dims, kernel_of(node)));
  if (!pads) return pads.error();
  return emit(node, target, "Conv2D", conv_attrs(node, *pads, kNchw, {{"groups", node.integer("group")}}));
}

Status depthwise(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  auto pads = pads_of(windows(node, node.type(0).dims, kernel_of(node)));
  if (!pads) return pads.error();
  return emit(node, target, "DepthwiseConv2D", conv_attrs(node, *pads, kNchw));
}

// GE asks for the size of the result, which is the input of the convolution that this one reverses.
Status conv2d_transpose(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  const Dims& image = node.result_type().dims;
  if (!std::ranges::all_of(image, &Dim::known)) return refuse("GE wants the size of the result, which is not known");
  auto pads = pads_of(windows(node, image, kernel_of(node)));
  if (!pads) return pads.error();
  return emit_on(node, target, "Conv2DBackpropInputD", {in(node, target, 1), in(node, target, 0)},
                 conv_attrs(node, *pads, kNchw, {{"input_size", sizes_of(image)}, {"groups", node.integer("group")}}));
}

Status conv3d(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNcdhw); !status) return status;
  auto pads = pads_of(windows(node, node.type(0).dims, kernel_of(node)));
  if (!pads) return pads.error();
  return emit(node, target, "Conv3D", conv_attrs(node, *pads, kNcdhw, {{"groups", node.integer("group")}}));
}

Status bias_add(const NodeView& node, Target& target) {
  return emit(node, target, "BiasAdd", {{"data_format", node.text("format")}});
}

template <Name kType>
Status pool(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  return emit(node, target, kType.view(),
              {{"ksize", in_image(node.integers("kernel_size"))},
               {"strides", in_image(node.integers("strides"))},
               {"padding", upper(node.text("pad_mode"))},
               {"data_format", kNchw}});
}

// ---- norms and matrices ----

Status batch_norm(const NodeView& node, Target& target) {
  if (node.flag("is_training")) return refuse("is_training is true");
  if (auto status = want_format(node, kNchw); !status) return status;
  return emit(node, target, "BatchNorm",
              {{"epsilon", as_float(node, "epsilon")}, {"data_format", kNchw}, {"is_training", false}});
}

Status layer_norm(const NodeView& node, Target& target) {
  return emit(node, target, "LayerNorm",
              {{"begin_norm_axis", node.integer("begin_norm_axis")},
               {"begin_params_axis", node.integer("begin_params_axis")},
               {"epsilon", as_float(node, "epsilon")}});
}

Status lrn(const NodeView& node, Target& target) {
  return emit(node, target, "LRN",
              {{"depth_radius", node.integer("depth_radius")},
               {"bias", as_float(node, "bias")},
               {"alpha", as_float(node, "alpha")},
               {"beta", as_float(node, "beta")},
               {"norm_region", upper(node.text("norm_region"))}});
}

Status lp_norm(const NodeView& node, Target& target) {
  auto axes = axes_of(node.integers("axis"), node.type(0).dims.size());
  if (!axes) return axes.error();
  return emit(node, target, "LpNorm",
              {{"p", node.integer("p")},
               {"axes", as_ints(*axes)},
               {"keepdim", node.flag("keep_dims")},
               {"epsilon", as_float(node, "epsilon")}});
}

Status l2_normalize(const NodeView& node, Target& target) {
  return emit(node, target, "L2Normalize", {{"axis", node.integers("axis")}, {"eps", as_float(node, "epsilon")}});
}

Status matmul(const NodeView& node, Target& target) {
  if (node.type(0).dims.size() != 2 || node.type(1).dims.size() != 2) return refuse("GE's MatMul is of two matrices");
  return emit(node, target, "MatMul",
              {{"transpose_x1", node.flag("transpose_a")}, {"transpose_x2", node.flag("transpose_b")}});
}

Status batch_matmul(const NodeView& node, Target& target) {
  if (node.type(0).dims.size() != node.type(1).dims.size()) return refuse("its inputs have different ranks");
  return emit(node, target, "BatchMatMul",
              {{"adj_x1", node.flag("transpose_a")}, {"adj_x2", node.flag("transpose_b")}});
}

Result<Ints> one_unknown(const Dims& dims) {
  Ints shape = sizes_of(dims);
  if (std::ranges::count(shape, -1) > 1)
    return refuse("more than one dimension of " + to_string({.dims = dims}) + " is not known");
  return shape;
}

/// All rows, in however many dimensions they are, times one matrix: more than two become two and come back.
Status rows_times(const NodeView& node, Target& target, bool turned) {
  const NamedAttrs attrs{{"transpose_x1", false}, {"transpose_x2", turned}};
  std::vector<Ref> inputs = inputs_of(node, target);
  const Type& type = node.type(0);
  if (type.dims.size() == 2) return emit_on(node, target, "MatMul", std::move(inputs), attrs);
  if (type.dims.size() < 2 || !type.dims.back().known()) return refuse("its input is " + to_string(type));
  auto back = one_unknown(node.result_type().dims);
  if (!back) return back.error();
  auto flat = vector(target, {-1, type.dims.back().size});
  auto shape = vector(target, *back);
  if (!flat || !shape) return flat ? shape.error() : flat.error();
  const auto rows = known_part(Dims(type.dims.begin(), type.dims.end() - 1));
  const Dim count = rows && rows->unknown == 0 ? Dim(rows->product) : Dim();
  inputs[0] = target.add("Reshape", {inputs[0], *flat}, {}, {.dtype = type.dtype, .dims = {count, type.dims.back()}});
  const Ref product = target.add("MatMul", std::move(inputs), attrs,
                                 {.dtype = type.dtype, .dims = {count, node.result_type().dims.back()}});
  target.result(0, target.add("Reshape", {product, *shape}, {}, node.result_type()));
  return {};
}

Status dense(const NodeView& node, Target& target) { return rows_times(node, target, true); }

Status matmul_ext(const NodeView& node, Target& target) {
  const Dims& a = node.type(0).dims;
  const Dims& b = node.type(1).dims;
  if (a.size() >= 2 && b.size() == 2) return rows_times(node, target, false);
  const bool batches = a.size() > 2 && a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
  if (!batches) return refuse("GE's products are with one matrix, or with as many as there are");
  return emit(node, target, "BatchMatMul", {{"adj_x1", false}, {"adj_x2", false}});
}

// ---- activations ----

Status elu(const NodeView& node, Target& target) {
  return emit(node, target, "Elu", {{"alpha", as_float(node, "alpha")}});
}

Status leaky_relu(const NodeView& node, Target& target) {
  return emit(node, target, "LeakyRelu", {{"negative_slope", as_float(node, "negative_slope")}});
}

Status swish(const NodeView& node, Target& target) { return emit(node, target, "Swish", {{"scale", 1.0F}}); }

const NamedAttrs& hard_sigmoid_attrs() {
  static const NamedAttrs attrs{{"alpha", 1.0F / 6}, {"beta", 0.5F}};
  return attrs;
}

Status hard_sigmoid(const NodeView& node, Target& target) {
  return emit(node, target, "HardSigmoid", hard_sigmoid_attrs());
}

Status hard_swish(const NodeView& node, Target& target) {
  const Ref x = in(node, target, 0);
  target.result(0, target.add("Mul", {x, target.add("HardSigmoid", {x}, hard_sigmoid_attrs(), node.type(0))}));
  return {};
}

Status gelu(const NodeView& node, Target& target) {
  if (node.text("approximate") == "tanh") return emit(node, target, "Gelu");
  Chain chain(target, node.type(0));
  const Ref x = in(node, target, 0);
  const Ref erf = chain("Erf", {chain("Mul", {x, chain.number(std::sqrt(0.5))})});
  const Ref half = chain("Mul", {x, chain.number(0.5)});
  target.result(0, chain("Mul", {half, chain("Add", {erf, chain.number(1)})}));
  return {};
}

Status softmax(const NodeView& node, Target& target) {
  return emit(node, target, "SoftmaxV2", {{"axes", node.integers("axis")}});
}

Status log_softmax(const NodeView& node, Target& target) {
  return emit(node, target, "LogSoftmaxV2", {{"axes", Ints{node.integer("axis")}}});
}

// ---- elements ----

Status cast_to(const NodeView& node, Target& target) {
  const std::int64_t type = find_ge_type(&GeType::dtype, node.dtype("dtype")).attribute;
  if (type < 0) return refuse("GE has no " + std::string(name(node.dtype("dtype"))));
  return emit(node, target, "Cast", {{"dst_type", type}});
}

Status log_of(const NodeView& node, Target& target) {
  return emit(
      node, target, "Log",
      {{"base", as_float(node, "base")}, {"scale", as_float(node, "scale")}, {"shift", as_float(node, "shift")}});
}

Status round_to(const NodeView& node, Target& target) {
  return node.integer("decimals") == 0 ? emit(node, target, "Round") : refuse("decimals is not 0");
}

Status like(const NodeView& node, Target& target, std::string_view type) {
  const bool other = !node.is_none("dtype") && node.dtype("dtype") != node.type(0).dtype;
  return other ? refuse("of another type than its input") : emit(node, target, type);
}
Status ones_like(const NodeView& node, Target& target) { return like(node, target, "OnesLike"); }
Status zeros_like(const NodeView& node, Target& target) { return like(node, target, "ZerosLike"); }

Status clamp(const NodeView& node, Target& target) {
  Chain chain(target, node.type(0));
  Ref x = in(node, target, 0);
  if (node.is_none("min") && node.is_none("max")) return refuse("neither min nor max is given");
  if (!node.is_none("min")) x = chain("Maximum", {x, chain.number(node.number("min"))});
  if (!node.is_none("max")) x = chain("Minimum", {x, chain.number(node.number("max"))});
  target.result(0, x);
  return {};
}

// An operation with a number, which must be one of the tensor's type: 0.5 times integers is no integer.
template <Name kType>
Status with_number(const NodeView& node, Target& target) {
  const double value = node.number("other");
  const Type& type = node.type(0);
  if (!is_floating(type.dtype) && value != std::trunc(value)) return refuse("a fraction, of integers");
  return emit_on(node, target, kType.view(), {in(node, target, 0), target.scalar(value, type.dtype)});
}

Status divide(const NodeView& node, Target& target) {
  if (!is_floating(node.type(0).dtype)) return refuse("of integers");
  return same_types<"RealDiv">(node, target);
}

Status divide_by_number(const NodeView& node, Target& target) {
  if (!is_floating(node.type(0).dtype)) return refuse("of integers");
  return with_number<"RealDiv">(node, target);
}

Status add_n(const NodeView& node, Target& target) {
  return emit(node, target, "AddN", {{"N", static_cast<std::int64_t>(node.input_count())}});
}

// ---- reductions ----

template <Name kType>
Status reduction(const NodeView& node, Target& target) {
  auto axes = axes_of(node.integers("axis"), node.type(0).dims.size());
  if (!axes) return axes.error();
  return emit(node, target, kType.view(), {{"axes", as_ints(*axes)}, {"keep_dims", node.flag("keep_dims")}});
}

Status reduce_sum(const NodeView& node, Target& target) {
  if (node.flag("skip_mode") && node.integers("axis").empty()) return emit(node, target, "Identity");
  return reduction<"ReduceSumD">(node, target);
}

template <Name kType>
Status arg(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(), {{"dimension", node.integer("axis")}, {"dtype", node.dtype("output_type")}});
}

template <Name kType>
Status arg_with_value(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(), {{"dimension", node.integer("axis")}, {"keep_dims", node.flag("keep_dims")}});
}

template <Name kType>
Status cumulative(const NodeView& node, Target& target) {
  return emit(
      node, target, kType.view(),
      {{"axis", node.integer("axis")}, {"exclusive", node.flag("exclusive")}, {"reverse", node.flag("reverse")}});
}

Status sort(const NodeView& node, Target& target) {
  return emit(node, target, "Sort", {{"axis", node.integer("axis")}, {"descending", node.flag("descending")}});
}

template <Name kType>
Status triangle(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(), {{"diagonal", node.integer("diagonal")}});
}

Status top_k(const NodeView& node, Target& target) {
  auto k = whole_number(target, node.integer("k"));
  if (!k) return k.error();
  return emit_on(node, target, "TopK", {in(node, target, 0), *k}, {{"sorted", node.flag("sorted")}});
}

// ---- shapes ----

Status with_operand(const NodeView& node, Target& target, std::string_view type, Result<Ref> operand,
                    NamedAttrs attrs = {}) {
  if (!operand) return operand.error();
  return emit_on(node, target, type, {in(node, target, 0), *operand}, std::move(attrs));
}

Status reshape_node(const NodeView& node, Target& target) {
  auto shape = asks(node.integers("shape")) ? one_unknown(node.result_type().dims) : node.integers("shape");
  if (!shape) return shape.error();
  return with_operand(node, target, "Reshape", vector(target, *shape));
}

Status broadcast_to(const NodeView& node, Target& target) {
  auto shape = one_unknown(node.result_type().dims);
  if (!shape) return shape.error();
  return with_operand(node, target, "BroadcastTo", vector(target, *shape));
}

Status expand_dims(const NodeView& node, Target& target) {
  return with_operand(node, target, "ExpandDims", whole_number(target, node.integer("axis")));
}

Status squeeze_node(const NodeView& node, Target& target) {
  return emit(node, target, "Squeeze", {{"axis", node.integers("axis")}});
}

Status transpose_node(const NodeView& node, Target& target) {
  return emit(node, target, "TransposeD", {{"perm", node.integers("dims")}});
}

Status tile(const NodeView& node, Target& target) {
  if (node.integers("dims").size() != node.type(0).dims.size()) return refuse("dims are not as many as the input has");
  auto multiples = settled(node, node.integers("dims"));
  if (!multiples) return multiples.error();
  if (asks(*multiples)) return refuse("a multiple that the network asks for");
  return emit_on(node, target, "TileD", {in(node, target, 0)}, {{"multiples", *multiples}});
}

Status concat(const NodeView& node, Target& target) {
  return emit(node, target, "ConcatD",
              {{"concat_dim", node.integer("axis")}, {"N", static_cast<std::int64_t>(node.input_count())}});
}

Status stack(const NodeView& node, Target& target) {
  return emit(node, target, "Pack",
              {{"axis", node.integer("axis")}, {"N", static_cast<std::int64_t>(node.input_count())}});
}

Status split_node(const NodeView& node, Target& target) {
  return emit(node, target, "SplitD", {{"split_dim", node.integer("axis")}, {"num_split", node.integer("output_num")}});
}

Status unstack(const NodeView& node, Target& target) {
  return emit(node, target, "Unpack",
              {{"num", static_cast<std::int64_t>(node.node().outputs.size())}, {"axis", node.integer("axis")}});
}

Status slice_node(const NodeView& node, Target& target) {
  return emit(node, target, "SliceD", {{"offsets", node.integers("begin")}, {"size", node.integers("size")}});
}

Status strided_slice(const NodeView& node, Target& target) {
  std::vector<Ref> inputs{in(node, target, 0)};
  for (const char* name : {"begin", "end", "strides"}) {
    auto operand = vector(target, node.integers(name));
    if (!operand) return operand.error();
    inputs.push_back(*operand);
  }
  return emit_on(node, target, "StridedSlice", std::move(inputs),
                 {{"begin_mask", node.integer("begin_mask")},
                  {"end_mask", node.integer("end_mask")},
                  {"ellipsis_mask", node.integer("ellipsis_mask")},
                  {"new_axis_mask", node.integer("new_axis_mask")},
                  {"shrink_axis_mask", node.integer("shrink_axis_mask")}});
}

Status reverse(const NodeView& node, Target& target) {
  return emit(node, target, "ReverseV2D", {{"axis", node.integers("axis")}});
}

// ---- indices ----

Status gather(const NodeView& node, Target& target) {
  const std::int64_t batch = node.integer("batch_dims");
  if (batch == 0) return emit(node, target, "GatherV2D", {{"axis", node.integer("axis")}});
  auto axis = whole_number(target, node.integer("axis"));
  if (!axis) return axis.error();
  std::vector<Ref> inputs = inputs_of(node, target);
  inputs.push_back(*axis);
  return emit_on(node, target, "GatherV2", std::move(inputs), {{"batch_dims", batch}});
}

Status tensor_scatter_update(const NodeView& node, Target& target) {
  if (node.type(0).dtype != node.type(2).dtype) return refuse("updates of another type");
  return emit(node, target, "TensorScatterUpdate");
}

Status gather_d(const NodeView& node, Target& target) {
  return emit(node, target, "GatherElements", {{"dim", node.integer("dim")}});
}

Status one_hot(const NodeView& node, Target& target) {
  auto depth = whole_number(target, node.integer("depth"));
  if (!depth) return depth.error();
  const std::vector<Ref> inputs = inputs_of(node, target);
  return emit_on(node, target, "OneHot", {inputs[0], *depth, inputs[1], inputs[2]}, {{"axis", node.integer("axis")}});
}

// ---- pads, resizes, blocks ----

Status pad(const NodeView& node, Target& target) {
  return emit(node, target, "PadD", {{"paddings", node.int_lists("paddings")}});
}

Status mirror_pad(const NodeView& node, Target& target) {
  Ints flat;
  for (const Ints& pair : node.int_lists("paddings")) flat.insert(flat.end(), pair.begin(), pair.end());
  const auto rank = static_cast<std::int64_t>(node.int_lists("paddings").size());
  if (flat.size() != 2 * node.int_lists("paddings").size()) return refuse("paddings are not pairs");
  return with_operand(node, target, "MirrorPad", numbers(target, flat, {rank, 2}),
                      {{"mode", upper(node.text("mode"))}});
}

// MindSpore's pairs go from the last axis backwards.
Status pad_v3(const NodeView& node, Target& target) {
  const Ints& paddings = node.integers("paddings");
  const std::size_t rank = node.type(0).dims.size();
  const auto value = node.has_input(1) ? node.constant_numbers(1) : std::optional<Doubles>(Doubles{0});
  if (node.text("mode") != "constant" || !node.flag("paddings_contiguous")) return refuse("no constant padding");
  if (!value || *value != Doubles{0}) return refuse("GE's PadD pads with zeros alone");
  if (paddings.size() % 2 != 0 || paddings.size() > 2 * rank) return refuse("paddings are not pairs of its axes");
  IntLists lists(rank, Ints{0, 0});
  for (std::size_t i = 0; i < paddings.size() / 2; ++i) lists[rank - 1 - i] = {paddings[2 * i], paddings[2 * i + 1]};
  return emit_on(node, target, "PadD", {in(node, target, 0)}, {{"paddings", lists}});
}

template <Name kType>
Status resize(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(),
              {{"size", node.integers("size")},
               {"align_corners", node.flag("align_corners")},
               {"half_pixel_centers", node.flag("half_pixel_centers")}});
}

template <Name kType>
Status blocks(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  return emit(node, target, kType.view(), {{"block_size", node.integer("block_size")}, {"data_format", kNchw}});
}

template <Name kType, Name kPads>
Status batch_blocks(const NodeView& node, Target& target) {
  Ints flat;
  for (const Ints& pair : node.int_lists(kPads.view())) flat.insert(flat.end(), pair.begin(), pair.end());
  return emit(node, target, kType.view(), {{"block_size", node.integer("block_size")}, {kPads.view(), flat}});
}

// ---- MindSpore's newer spellings ----

Status conv2d_on(const NodeView& node, Target& target, const Ints& pads) {
  return emit(node, target, "Conv2D", conv_attrs(node, pads, kNchw, {{"groups", node.integer("groups")}}));
}

Status conv2d_ext(const NodeView& node, Target& target) {
  return conv2d_on(node, target, both_sides(node.integers("padding")));
}

Status conv2d_padding(const NodeView& node, Target& target) {
  auto pads = pads_of(windows(node.type(0).dims, kernel_of(node), node.integers("stride"), node.integers("dilation"),
                              node.text("padding"), {}),
                      "padding");
  if (!pads) return pads.error();
  return conv2d_on(node, target, *pads);
}

/// Pools with pads are operators of their own there.
struct PaddedPool {
  std::string_view type;
  Ints kernel = {}, stride = {}, pads = {};  ///< pads: begin and end of each axis
  bool ceil_mode = false;
};

/// Of one that pads both sides alike, and whose windows lie side by side where no stride is given.
PaddedPool padded_pool(const NodeView& node, std::string_view type, std::string_view stride, std::string_view pads) {
  const Ints& kernel = node.integers("kernel_size");
  return {.type = type,
          .kernel = kernel,
          .stride = node.is_none(stride) ? kernel : node.integers(stride),
          .pads = both_sides(node.integers(pads)),
          .ceil_mode = node.flag("ceil_mode")};
}

NamedAttrs attrs_of(const PaddedPool& pool) {
  return {{"ksize", in_image(pool.kernel)},
          {"strides", in_image(pool.stride)},
          {"padding_mode", std::string("CALCULATED")},
          {"pads", pool.pads},
          {"data_format", kNchw},
          {"global_pooling", false},
          {"ceil_mode", pool.ceil_mode}};
}

/// Whether the planes of a volume are pooled each by itself, as MindSpore writes pools with pads.
bool is_flat(const Type& volume, const PaddedPool& pool) {
  return volume.dims.size() == 5 && volume.dims[2] == Dim(1) && pool.kernel.size() == 3 && pool.kernel[0] == 1 &&
         pool.pads.size() == 6 && pool.pads[0] == 0 && pool.pads[1] == 0;
}

/// ... over the images.
Status flat_pool(const NodeView& node, Target& target, PaddedPool pool, NamedAttrs more = {}) {
  const Type& volume = node.type(0);
  pool.kernel.erase(pool.kernel.begin());
  pool.stride.erase(pool.stride.begin());
  pool.pads.erase(pool.pads.begin(), pool.pads.begin() + 2);
  const auto flat = [](Type type) {
    type.dims.erase(type.dims.begin() + 2);
    return type;
  };
  const Ref x = target.add("Squeeze", {in(node, target, 0)}, {{"axis", Ints{2}}}, flat(volume));
  NamedAttrs attrs = attrs_of(pool);
  attrs.insert(attrs.end(), more.begin(), more.end());
  const Ref pooled = target.add(pool.type, {x}, std::move(attrs), flat(node.result_type()));
  auto axis = whole_number(target, 2);
  if (!axis) return axis.error();
  target.result(0, target.add("ExpandDims", {pooled, *axis}));
  return {};
}

/// MaxPool3D has the word for its pads beside their numbers.
Status max_volume_pool(const NodeView& node, Target& target, const PaddedPool& pool, const std::string& mode) {
  return emit(node, target, "MaxPool3D",
              {{"ksize", in_image(pool.kernel)},
               {"strides", in_image(pool.stride)},
               {"padding", mode == "pad" ? std::string("CALCULATED") : upper(mode)},
               {"pads", pool.pads},
               {"dilation", Ints(5, 1)},
               {"ceil_mode", std::int64_t{pool.ceil_mode}},
               {"data_format", kNcdhw}});
}

Status max_pool_3d(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNcdhw); !status) return status;
  const std::string& mode = node.text("pad_mode");
  const PaddedPool pool{.type = "MaxPool3D",
                        .kernel = node.integers("kernel_size"),
                        .stride = node.integers("strides"),
                        .pads = node.is_none("pad_list") ? Ints(6, 0) : node.integers("pad_list"),
                        .ceil_mode = !node.is_none("ceil_mode") && node.integer("ceil_mode") != 0};
  if (pool.ceil_mode && mode != "pad") return refuse("ceil_mode with a word for the pads");
  return max_volume_pool(node, target, pool, mode);
}

bool none_dilated(const Ints& dilation) {
  return std::ranges::all_of(dilation, [](std::int64_t d) { return d == 1; });
}

Status max_pool_indices(const NodeView& node, Target& target) {
  if (!none_dilated(node.integers("dilation"))) return refuse("GE's MaxPoolV3 has no dilation");
  const PaddedPool pool = padded_pool(node, "MaxPoolV3", "strides", "pads");
  if (pool.kernel.size() == 3) {
    return is_flat(node.type(0), pool) ? flat_pool(node, target, pool) : max_volume_pool(node, target, pool, "pad");
  }
  target.result(0, target.add(pool.type, {in(node, target, 0)}, attrs_of(pool)));
  return {};
}

Status max_pool_function(const NodeView& node, Target& target) {
  if (!none_dilated(node.integers("dilation"))) return refuse("GE's MaxPoolV3 has no dilation");
  const PaddedPool pool = padded_pool(node, "MaxPoolV3", "stride", "padding");
  target.result(0, target.add(pool.type, {in(node, target, 0)}, attrs_of(pool)));
  return {};
}

Status average_pool_2d(const NodeView& node, Target& target) {
  if (!node.is_none("divisor_override")) return refuse("GE's AvgPoolV2 has no divisor_override");
  NamedAttrs attrs = attrs_of(padded_pool(node, "AvgPoolV2", "stride", "padding"));
  attrs.push_back({"exclusive", !node.flag("count_include_pad")});
  return emit(node, target, "AvgPoolV2", std::move(attrs));
}

Status average_pool_3d(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNcdhw); !status) return status;
  auto pads = pads_of(windows(node.type(0).dims, node.integers("kernel_size"), node.integers("strides"), Ints(3, 1),
                              node.text("pad_mode"), pad_list(node)));
  if (!pads) return pads.error();
  const PaddedPool pool{.type = "AvgPoolV2",
                        .kernel = node.integers("kernel_size"),
                        .stride = node.integers("strides"),
                        .pads = std::move(*pads),
                        .ceil_mode = node.flag("ceil_mode")};
  const bool counts = node.flag("count_include_pad");
  const std::int64_t divisor = node.integer("divisor_override");
  const bool even = pool.pads[2] == pool.pads[3] && pool.pads[4] == pool.pads[5];
  if (is_flat(node.type(0), pool) && even && divisor == 0)
    return flat_pool(node, target, pool, {{"exclusive", !counts}});
  return emit(node, target, "AvgPool3D",
              {{"ksize", in_image(pool.kernel)},
               {"strides", in_image(pool.stride)},
               {"pads", pool.pads},
               {"ceil_mode", pool.ceil_mode},
               {"count_include_pad", counts},
               {"divisor_override", divisor},
               {"data_format", kNcdhw}});
}

/// Of a volume to one number.
Status adaptive_average_3d(const NodeView& node, Target& target) {
  const Dims& result = node.result_type().dims;
  const bool one = std::all_of(result.begin() + 2, result.end(), [](const Dim& dim) { return dim == Dim(1); });
  if (!one) return refuse("GE has no adaptive pool of volumes");
  return emit(node, target, "ReduceMeanD", {{"axes", Ints{2, 3, 4}}, {"keep_dims", true}});
}

/// To one number, the mean of all; else windows of one size, side by side.
Status adaptive_average(const NodeView& node, Target& target) {
  const Dims& input = node.type(0).dims;
  const Dims& result = node.result_type().dims;
  if (input.size() != 4) return refuse("its input is " + to_string(node.type(0)));
  if (result[2] == Dim(1) && result[3] == Dim(1)) {
    return emit(node, target, "ReduceMeanD", {{"axes", Ints{2, 3}}, {"keep_dims", true}});
  }
  Ints window;
  for (const std::size_t i : {2U, 3U}) {
    const bool even =
        input[i].known() && result[i].known() && result[i].size > 0 && input[i].size % result[i].size == 0;
    if (!even) return refuse("windows of different sizes");
    window.push_back(input[i].size / result[i].size);
  }
  return emit(node, target, "AvgPool",
              {{"ksize", in_image(window)},
               {"strides", in_image(window)},
               {"padding", std::string("VALID")},
               {"data_format", kNchw}});
}

template <Name kType>
Status reduction_ext(const NodeView& node, Target& target) {
  const DType dtype = node.type(0).dtype;
  if (node.result_type().dtype != dtype) return refuse("into another type");
  auto axes = axes_of(node.is_none("dim") ? Ints{} : node.integers("dim"), node.type(0).dims.size());
  if (!axes) return axes.error();
  return emit(node, target, kType.view(), {{"axes", as_ints(*axes)}, {"keep_dims", node.flag("keepdim")}});
}

/// x + alpha * y.
template <Name kType>
Status with_multiple(const NodeView& node, Target& target) {
  if (node.type(0).dtype != node.type(1).dtype) return same_types<kType>(node, target);
  const std::vector<Ref> inputs = inputs_of(node, target);
  Ref other = inputs[1];
  const double alpha = node.number("alpha");
  if (alpha != 1) other = target.add("Mul", {other, target.scalar(alpha, node.type(1).dtype)}, {}, node.type(1));
  return emit_on(node, target, kType.view(), {inputs[0], other});
}

Status layer_norm_ext(const NodeView& node, Target& target) {
  if (!node.has_input(1) || !node.has_input(2)) return refuse("GE's LayerNorm has a scale and a bias");
  const auto axis = static_cast<std::int64_t>(node.type(0).dims.size() - node.integers("normalized_shape").size());
  return emit(node, target, "LayerNorm",
              {{"begin_norm_axis", axis}, {"begin_params_axis", axis}, {"epsilon", as_float(node, "eps")}});
}

/// As MindSpore writes it out for the graph engine: groups of channels, each with its own mean and variance.
Status group_norm(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  const std::int64_t groups = node.integer("num_groups");
  if (!node.has_input(1) || !node.has_input(2)) return refuse("GE's rule wants a scale and a bias");
  const auto all = known_part(type.dims);
  if (!all || all->unknown > 1 || !type.dims[1].known() || (all->unknown == 1 && type.dims[0].known())) {
    return refuse("its input is " + to_string(type));
  }
  std::int64_t inside = 1;
  for (std::size_t i = 1; i < type.dims.size(); ++i) inside *= type.dims[i].size;
  const Type grouped{type.dtype, {type.dims[0], Dim(groups), Dim(inside / groups)}};
  const Type one{type.dtype, {type.dims[0], Dim(groups), Dim(1)}};
  Ints channels{type.dims[1].size};
  channels.resize(type.dims.size() - 1, 1);
  const Type column{type.dtype, Dims(channels.begin(), channels.end())};
  auto back = one_unknown(type.dims);
  if (!back) return back.error();
  auto flat = vector(target, {-1, groups, inside / groups}), shape = vector(target, *back),
       side = vector(target, channels);
  if (!flat || !shape || !side) return refuse("its input is " + to_string(type));
  const std::vector<Ref> inputs = inputs_of(node, target);
  Chain all_of(target, type), each(target, grouped), single(target, one), along(target, column);
  const NamedAttrs over{{"axes", Ints{2}}, {"keep_dims", true}};
  const Ref x = each("Reshape", {inputs[0], *flat});
  const Ref centred = each("Sub", {x, single("ReduceMeanD", {x}, over)});
  const Ref variance = single("ReduceMeanD", {each("Square", {centred})}, over);
  const Ref scale = single("Rsqrt", {single("Add", {variance, single.number(node.number("eps"))})});
  const Ref normal = all_of("Reshape", {each("Mul", {centred, scale}), *shape});
  const Ref scaled = all_of("Mul", {normal, along("Reshape", {inputs[1], *side})});
  target.result(0, target.add("Add", {scaled, along("Reshape", {inputs[2], *side})}));
  return {};
}

// ---- LSTM ----

/// MindSpore's packed weights [4H (I + H + 1)] as GE's [I + H, 4H] and [4H]: rows become columns, and the gates, which
/// MindSpore has in the order input, forget, cell, output, have the cell's before the forget gate's.
struct PackedLstm {
  Contents packed = {};
  std::size_t width = 0, inputs = 0, hidden = 0;

  static std::size_t gate(std::size_t place) { return std::array<std::size_t, 4>{0, 2, 1, 3}[place]; }

  /// Where in the packed weights a number is that GE has at this row and column.
  std::size_t place(std::size_t row, std::size_t column) const {
    const std::size_t unit = gate(column / hidden) * hidden + column % hidden;
    return row < inputs ? unit * inputs + row : 4 * hidden * inputs + unit * hidden + (row - inputs);
  }
  std::size_t bias_place(std::size_t column) const {
    return 4 * hidden * (inputs + hidden) + gate(column / hidden) * hidden + column % hidden;
  }
};

template <class Place>
Contents unpacked(const PackedLstm& from, std::size_t count, Place place) {
  const auto make = [from, count, place]() -> Result<std::vector<std::byte>> {
    auto bytes = bytes_of(from.packed, from.packed.size);
    if (!bytes) return bytes;
    std::vector<std::byte> out(count * from.width);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(bytes->begin() + static_cast<std::ptrdiff_t>(place(i) * from.width), from.width,
                  out.begin() + static_cast<std::ptrdiff_t>(i * from.width));
    }
    return out;
  };
  return {.make = make, .size = count * from.width};
}

NamedAttrs lstm_attrs() {
  return {{"cell_type", std::string("LSTM")},
          {"direction", std::string("UNIDIRECTIONAL")},
          {"cell_depth", std::int64_t{1}},
          {"use_peephole", false},
          {"keep_prob", 1.0F},
          {"cell_clip", -1.0F},
          {"num_proj", std::int64_t{0}},
          {"time_major", true},
          {"activation", std::string("tanh")},
          {"forget_bias", 0.0F},
          {"is_training", false}};
}

/// The state of the last step of all.
Result<Ref> last_step(Target& target, Ref steps, const Type& type) {
  std::vector<Ref> inputs{steps};
  for (const std::int64_t number : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}}) {
    auto operand = vector(target, {number});
    if (!operand) return operand;
    inputs.push_back(*operand);
  }
  return target.add("StridedSlice", std::move(inputs),
                    {{"begin_mask", std::int64_t{0}},
                     {"end_mask", std::int64_t{1}},
                     {"ellipsis_mask", std::int64_t{0}},
                     {"new_axis_mask", std::int64_t{0}},
                     {"shrink_axis_mask", std::int64_t{0}}},
                    type);
}

/// DynamicRNN, packed as MindSpore's own nn.LSTM packs for it. It has the cell's state of every step as well, which
/// ONNX has not: nothing here could say that what is made of it is right.
Status lstm(const NodeView& node, Target& target) {
  const bool plain = node.integer("num_layers") == 1 && !node.flag("bidirectional") && node.integer("proj_size") == 0;
  if (!plain) return refuse("several layers, both directions or a projection");
  const Value& packed = node.input(3);
  const DType dtype = node.type(0).dtype;
  if (!packed.bound || node.type(3).dtype != dtype) return refuse("weights that are not constant");
  for (const std::size_t i : {1U, 2U}) {
    const Dims& state = node.type(i).dims;
    const bool fits = state.size() == 3 && unify(state[1], node.type(0).dims[1]).has_value();
    if (!fits) return refuse("its state is " + to_string(node.type(i)) + ", of another batch");
  }
  const PackedLstm from{.packed = packed.contents,
                        .width = size_of(dtype),
                        .inputs = static_cast<std::size_t>(node.integer("input_size")),
                        .hidden = static_cast<std::size_t>(node.integer("hidden_size"))};
  const std::size_t rows = from.inputs + from.hidden, columns = 4 * from.hidden;
  const Dim width(static_cast<std::int64_t>(columns));
  const Ref weights = target.tensor(
      {dtype, {Dim(static_cast<std::int64_t>(rows)), width}},
      unpacked(from, rows * columns, [from, columns](std::size_t i) { return from.place(i / columns, i % columns); }));
  const Ref bias = node.flag("has_bias")
                       ? target.tensor({dtype, {width}},
                                       unpacked(from, columns, [from](std::size_t i) { return from.bias_place(i); }))
                       : target.tensor({dtype, {width}}, contents_of(dtype, Doubles(columns, 0.0)));
  const std::vector<Ref> inputs = inputs_of(node, target);
  const std::vector<Ref> found = target.add_many(
      "DynamicRNN", {inputs[0], weights, bias, Target::kNothing, inputs[1], inputs[2]}, 8, lstm_attrs());
  target.result(0, found[0]);
  if (node.node().outputs.size() < 2) return {};
  auto last = last_step(target, found[1], node.result_type(1));
  if (!last) return last.error();
  target.result(1, *last);
  return {};
}

// ---- boxes, and rows that go where their numbers say ----

std::vector<float> as_floats(const Doubles& values) { return {values.begin(), values.end()}; }

Status encode_box(const NodeView& node, Target& target) {
  return emit(node, target, "BoundingBoxEncode",
              {{"means", as_floats(node.numbers("means"))}, {"stds", as_floats(node.numbers("stds"))}});
}

Status decode_box(const NodeView& node, Target& target) {
  return emit(node, target, "BoundingBoxDecode",
              {{"means", as_floats(node.numbers("means"))},
               {"stds", as_floats(node.numbers("stds"))},
               {"max_shape", node.integers("max_shape")},
               {"wh_ratio_clip", as_float(node, "wh_ratio_clip")}});
}

Status iou(const NodeView& node, Target& target) { return emit(node, target, "Iou", {{"mode", node.text("mode")}}); }

Status nms(const NodeView& node, Target& target) {
  return emit(node, target, "NMSWithMask", {{"iou_threshold", as_float(node, "iou_threshold")}});
}

Status roi_align(const NodeView& node, Target& target) {
  return emit(node, target, "ROIAlign",
              {{"spatial_scale", as_float(node, "spatial_scale")},
               {"pooled_height", node.integer("pooled_height")},
               {"pooled_width", node.integer("pooled_width")},
               {"sample_num", node.integer("sample_num")},
               {"roi_end_mode", node.integer("roi_end_mode")}});
}

Status scatter_nd(const NodeView& node, Target& target) {
  return emit(node, target, "ScatterNdD", {{"shape", node.integers("shape")}});
}

Status segment_sum(const NodeView& node, Target& target) {
  return emit(node, target, "UnsortedSegmentSumD", {{"num_segments", node.integer("num_segments")}});
}

Status segment_min(const NodeView& node, Target& target) {
  auto count = whole_number(target, node.integer("num_segments"));
  if (!count) return count.error();
  std::vector<Ref> inputs = inputs_of(node, target);
  inputs.push_back(*count);
  return emit_on(node, target, "UnsortedSegmentMin", std::move(inputs));
}

constexpr NamedGeRule kRules[] = {
    {"ACos", same_inputs<"Acos">},
    {"Abs", same_inputs<"Abs">},
    {"Acosh", same_inputs<"Acosh">},
    {"AdaptiveAvgPool2D", adaptive_average},
    {"AdaptiveAvgPool3D", adaptive_average_3d},
    {"Add", same_types<"Add">},
    {"AddExt", with_multiple<"Add">},
    {"AddN", add_n},
    {"ArgMaxWithValue", arg_with_value<"ArgMaxWithValue">},
    {"ArgMinWithValue", arg_with_value<"ArgMinWithValue">},
    {"Argmax", arg<"ArgMaxD">},
    {"Argmin", arg<"ArgMinD">},
    {"Asin", same_inputs<"Asin">},
    {"Asinh", same_inputs<"Asinh">},
    {"Atan", same_inputs<"Atan">},
    {"Atan2", same_types<"Atan2">},
    {"Atanh", same_inputs<"Atanh">},
    {"AvgPool", pool<"AvgPool">},
    {"AvgPool2D", average_pool_2d},
    {"AvgPool3D", average_pool_3d},
    {"BatchMatMul", batch_matmul},
    {"BatchNorm", batch_norm},
    {"BatchToSpace", batch_blocks<"BatchToSpaceD", "crops">},
    {"BiasAdd", bias_add},
    {"BitwiseAnd", same_types<"BitwiseAnd">},
    {"BitwiseOr", same_types<"BitwiseOr">},
    {"BitwiseXor", same_types<"BitwiseXor">},
    {"BoundingBoxDecode", decode_box},
    {"BoundingBoxEncode", encode_box},
    {"BroadcastTo", broadcast_to},
    {"Cast", cast_to},
    {"Ceil", same_inputs<"Ceil">},
    {"CheckValid", same_inputs<"CheckValid">},
    {"ClampScalar", clamp},
    {"Concat", concat},
    {"Conv2D", conv2d},
    {"Conv2DBackpropInput", conv2d_transpose},
    {"Conv2DExt", conv2d_ext},
    {"Conv2DPadding", conv2d_padding},
    {"Conv2DTranspose", conv2d_transpose},
    {"Conv3D", conv3d},
    {"Cos", same_inputs<"Cos">},
    {"Cosh", same_inputs<"Cosh">},
    {"CumProd", cumulative<"CumprodD">},
    {"CumSum", cumulative<"CumsumD">},
    {"Dense", dense},
    {"DepthToSpace", blocks<"DepthToSpace">},
    {"DepthwiseConv2dNative", depthwise},
    {"Diag", same_inputs<"Diag">},
    {"DiagPart", same_inputs<"DiagPart">},
    {"Div", divide},
    {"Divs", divide_by_number},
    {"Elu", elu},
    {"EqScalar", with_number<"Equal">},
    {"Equal", same_types<"Equal">},
    {"Erf", same_inputs<"Erf">},
    {"Exp", same_inputs<"Exp">},
    {"ExpandDims", expand_dims},
    {"Expm1", same_inputs<"Expm1">},
    {"Flatten", same_inputs<"Flatten">},
    {"Floor", same_inputs<"Floor">},
    {"FloorDiv", same_types<"FloorDiv">},
    {"FloorMod", same_types<"FloorMod">},
    {"FuncMaxPool2D", max_pool_function},
    {"Gather", gather},
    {"GatherD", gather_d},
    {"GatherNd", same_inputs<"GatherNd">},
    {"GeLU", same_inputs<"Gelu">},
    {"GeluExt", gelu},
    {"Greater", same_types<"Greater">},
    {"GreaterEqual", same_types<"GreaterEqual">},
    {"GreaterEqualScalar", with_number<"GreaterEqual">},
    {"GroupNorm", group_norm},
    {"HSigmoid", hard_sigmoid},
    {"HSwish", hard_swish},
    {"IOU", iou},
    {"Identity", same_inputs<"Identity">},
    {"L2Loss", same_inputs<"L2Loss">},
    {"L2Normalize", l2_normalize},
    {"LRN", lrn},
    {"LSTM", lstm},
    {"LayerNorm", layer_norm},
    {"LayerNormExt", layer_norm_ext},
    {"LeakyReLUExt", leaky_relu},
    {"Less", same_types<"Less">},
    {"LessEqual", same_types<"LessEqual">},
    {"LessScalar", with_number<"Less">},
    {"Log", log_of},
    {"Log1p", same_inputs<"Log1p">},
    {"LogSoftmax", log_softmax},
    {"LogicalAnd", same_types<"LogicalAnd">},
    {"LogicalNot", same_inputs<"LogicalNot">},
    {"LogicalOr", same_types<"LogicalOr">},
    {"LpNorm", lp_norm},
    {"MatMul", matmul},
    {"MatMulExt", matmul_ext},
    {"MaxPool", pool<"MaxPool">},
    {"MaxPool3D", max_pool_3d},
    {"MaxPool3DWithArgmax", max_pool_indices},
    {"MaxPoolWithArgmaxV2", max_pool_indices},
    {"MaxPoolWithIndices", max_pool_indices},
    {"MaxPoolWithMask", max_pool_indices},
    {"Maximum", same_types<"Maximum">},
    {"MeanExt", reduction_ext<"ReduceMeanD">},
    {"Minimum", same_types<"Minimum">},
    {"MirrorPad", mirror_pad},
    {"Mish", same_inputs<"Mish">},
    {"Mod", same_types<"Mod">},
    {"Mul", same_types<"Mul">},
    {"Muls", with_number<"Mul">},
    {"NMSWithMask", nms},
    {"Neg", same_inputs<"Neg">},
    {"NotEqual", same_types<"NotEqual">},
    {"OneHot", one_hot},
    {"OnesLike", ones_like},
    {"PReLU", same_types<"PRelu">},
    {"Pad", pad},
    {"PadV3", pad_v3},
    {"Pow", same_types<"Pow">},
    {"ProdExt", reduction_ext<"ReduceProdD">},
    {"ROIAlign", roi_align},
    {"ReLU", same_inputs<"Relu">},
    {"ReLU6", same_inputs<"Relu6">},
    {"ReLUV2", same_inputs<"Relu">},
    {"RealDiv", divide},
    {"Reciprocal", same_inputs<"Reciprocal">},
    {"ReduceAll", reduction<"ReduceAllD">},
    {"ReduceAny", reduction<"ReduceAnyD">},
    {"ReduceMax", reduction<"ReduceMaxD">},
    {"ReduceMean", reduction<"ReduceMeanD">},
    {"ReduceMin", reduction<"ReduceMinD">},
    {"ReduceProd", reduction<"ReduceProdD">},
    {"ReduceSum", reduce_sum},
    {"RemainderTensorTensor", same_types<"FloorMod">},
    {"Reshape", reshape_node},
    {"ResizeBilinearV2", resize<"ResizeBilinearV2D">},
    {"ResizeNearestNeighborV2", resize<"ResizeNearestNeighborV2D">},
    {"ReverseV2", reverse},
    {"Round", round_to},
    {"Rsqrt", same_inputs<"Rsqrt">},
    {"ScatterNd", scatter_nd},
    {"SeLU", same_inputs<"Selu">},
    {"Select", same_inputs<"Select">},
    {"SiLU", swish},
    {"Sigmoid", same_inputs<"Sigmoid">},
    {"Sign", same_inputs<"Sign">},
    {"Sin", same_inputs<"Sin">},
    {"Sinh", same_inputs<"Sinh">},
    {"Slice", slice_node},
    {"Softmax", softmax},
    {"Softplus", same_inputs<"Softplus">},
    {"Softsign", same_inputs<"Softsign">},
    {"Sort", sort},
    {"SpaceToBatch", batch_blocks<"SpaceToBatchD", "paddings">},
    {"SpaceToDepth", blocks<"SpaceToDepth">},
    {"Split", split_node},
    {"Sqrt", same_inputs<"Sqrt">},
    {"Square", same_inputs<"Square">},
    {"SquareSumAll", same_inputs<"SquareSumAll">},
    {"SquaredDifference", same_types<"SquaredDifference">},
    {"Squeeze", squeeze_node},
    {"Stack", stack},
    {"StridedSlice", strided_slice},
    {"Sub", same_types<"Sub">},
    {"SubExt", with_multiple<"Sub">},
    {"SumExt", reduction_ext<"ReduceSumD">},
    {"Tan", same_inputs<"Tan">},
    {"Tanh", same_inputs<"Tanh">},
    {"TensorScatterUpdate", tensor_scatter_update},
    {"Tile", tile},
    {"TopK", top_k},
    {"Transpose", transpose_node},
    {"Tril", triangle<"Tril">},
    {"Triu", triangle<"Triu">},
    {"TruncateDiv", same_types<"TruncateDiv">},
    {"TruncateMod", same_types<"TruncateMod">},
    {"UnsortedSegmentMin", segment_min},
    {"UnsortedSegmentSum", segment_sum},
    {"Unstack", unstack},
    {"Xlogy", same_types<"Xlogy">},
    {"ZerosLike", zeros_like},
};

}  // namespace

std::span<const NamedGeRule> ge_rules() { return kRules; }

GeRule ge_rule(std::string_view op) {
  const auto at = std::ranges::lower_bound(kRules, op, {}, &NamedGeRule::op);
  return at != std::end(kRules) && at->op == op ? at->rule : nullptr;
}

}  // namespace ckpt::graph
