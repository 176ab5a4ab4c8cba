#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ops/ge_expansion.h"

// What is written as other operators: most of what mint and the newer layers are made of.
namespace ckpt::graph::ascend {
namespace {

using To = Expansion;
using Ids = std::vector<ValueId>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// An input as the result's type.
ValueId as_result(const NodeView& node, To& to, std::size_t i = 0) { return to.in(i, node.result_type().dtype); }

ValueId number_of(const NodeView& node, To& to, std::string_view name) {
  return to.number(node.number(name), node.result_type().dtype);
}

// ---- each element ----

template <Name kOp>
ValueId of_both(const NodeView& node, To& to) {
  return to(kOp.view(), {as_result(node, to, 0), as_result(node, to, 1)});
}

template <Name kOp, Name kNumber>
ValueId with_that(const NodeView& node, To& to) {
  return to(kOp.view(), {as_result(node, to), number_of(node, to, kNumber.view())});
}

template <Name kOp>
ValueId that_with(const NodeView& node, To& to) {
  return to(kOp.view(), {number_of(node, to, "input"), as_result(node, to)});
}

/// x + alpha * number
template <Name kOp>
ValueId with_multiple_of_number(const NodeView& node, To& to) {
  const double other = node.number("alpha") * node.number("other");
  return to(kOp.view(), {as_result(node, to), to.number(other, node.result_type().dtype)});
}

ValueId erfc(const NodeView& node, To& to) {
  return to("Sub", {to.number(1, node.type(0).dtype), to("Erf", {to.in(0)})});
}

ValueId exp2(const NodeView& node, To& to) { return to("Pow", {to.number(2, node.type(0).dtype), to.in(0)}); }

template <int kBase>
ValueId log_to(const NodeView&, To& to) {
  return to("Log", {to.in(0)}, {{"base", double{kBase}}});
}

ValueId trunc(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return is_floating(node.type(0).dtype) ? to("Mul", {to("Sign", {x}), to("Floor", {to("Abs", {x})})}) : x;
}

ValueId is_nan(const NodeView&, To& to) { return to("NotEqual", {to.in(0), to.in(0)}); }

/// How it is to infinity.
template <Name kOp>
ValueId magnitude(const NodeView& node, To& to) {
  return to(kOp.view(), {to("Abs", {to.in(0)}), to.number(kInfinity, node.type(0).dtype)});
}

ValueId exclusive_or(const NodeView&, To& to) {
  return to("NotEqual", {to.in(0, DType::boolean), to.in(1, DType::boolean)});
}

ValueId hypot(const NodeView& node, To& to) {
  return to("Sqrt", {to("Add", {to("Square", {as_result(node, to, 0)}), to("Square", {as_result(node, to, 1)})})});
}

Result<ValueId> div_mod(const NodeView& node, To& to, ValueId x, ValueId y) {
  const std::string mode = node.is_none("rounding_mode") ? "" : node.text("rounding_mode");
  if (mode.empty()) return to("RealDiv", {x, y});
  if (mode == "floor") return to("FloorDiv", {x, y});
  if (mode == "trunc") return to("TruncateDiv", {x, y});
  return refuse("rounding_mode " + mode);
}

Result<ValueId> div_mod_of_both(const NodeView& node, To& to) {
  return div_mod(node, to, as_result(node, to, 0), as_result(node, to, 1));
}

Result<ValueId> div_mod_by_number(const NodeView& node, To& to) {
  return div_mod(node, to, as_result(node, to), number_of(node, to, "other"));
}

/// input + value * (tensor1 op tensor2)
template <Name kOp>
ValueId add_combined(const NodeView& node, To& to) {
  const ValueId both = to(kOp.view(), {as_result(node, to, 1), as_result(node, to, 2)});
  return to("Add", {as_result(node, to, 0), to("Mul", {both, as_result(node, to, 3)})});
}

ValueId between(const NodeView& node, To& to, ValueId weight) {
  const ValueId from = as_result(node, to, 0);
  return to("Add", {from, to("Mul", {weight, to("Sub", {as_result(node, to, 1), from})})});
}

ValueId lerp(const NodeView& node, To& to) { return between(node, to, as_result(node, to, 2)); }
ValueId lerp_scalar(const NodeView& node, To& to) { return between(node, to, number_of(node, to, "weight")); }

ValueId clamp_tensor(const NodeView& node, To& to) {
  ValueId x = to.in(0);
  if (node.has_input(1)) x = to("Maximum", {x, as_result(node, to, 1)});
  if (node.has_input(2)) x = to("Minimum", {x, as_result(node, to, 2)});
  return x;
}

ValueId logit(const NodeView& node, To& to) {
  const double bound = node.number("bound");
  ValueId x = to.in(0);
  if (bound >= 0) x = to("ClampScalar", {x}, {{"min", bound}, {"max", 1 - bound}});
  return to("Log", {to("RealDiv", {x, to("Sub", {to.number(1, node.type(0).dtype), x})})});
}

// ---- activations ----

/// max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)
Result<ValueId> celu(const NodeView& node, To& to) {
  const ValueId x = to.in(0), alpha = number_of(node, to, "alpha"), zero = to.number(0, node.type(0).dtype);
  if (node.number("alpha") == 0) return refuse("alpha=0");
  const ValueId below = to("Mul", {alpha, to("Expm1", {to("RealDiv", {to("Minimum", {x, zero}), alpha})})});
  return to("Add", {to("Maximum", {x, zero}), below});
}

ValueId fast_gelu(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return to("Mul", {x, to("Sigmoid", {to("Mul", {x, to.number(1.702, node.type(0).dtype)})})});
}

ValueId hard_tanh(const NodeView& node, To& to) {
  return to("ClampScalar", {to.in(0)}, {{"min", node.number("min_val")}, {"max", node.number("max_val")}});
}

/// What is not above becomes that number.
ValueId unless_above(const NodeView& node, To& to, ValueId x, ValueId what, double least, double otherwise) {
  const ValueId above = to("Greater", {what, to.number(least, node.type(0).dtype)});
  return to("MaskedFillScalar", {x, to("LogicalNot", {above})}, {{"value", otherwise}});
}

ValueId threshold(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return unless_above(node, to, x, x, node.number("threshold"), node.number("value"));
}

ValueId hard_shrink(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return unless_above(node, to, x, to("Abs", {x}), node.number("lambd"), 0);
}

Result<ValueId> soft_shrink(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  const double most = node.number("lambd");
  if (most < 0) return refuse("lambd below 0");
  return to("Sub", {x, to("ClampScalar", {x}, {{"min", -most}, {"max", most}})});
}

ValueId log_sigmoid(const NodeView&, To& to) { return to("Neg", {to("Softplus", {to("Neg", {to.in(0)})})}); }

Result<ValueId> softplus_ext(const NodeView& node, To& to) {
  const double beta = node.number("beta");
  if (beta == 0) return refuse("beta=0");
  const ValueId x = to.in(0), factor = number_of(node, to, "beta");
  const ValueId scaled = beta == 1 ? x : to("Mul", {x, factor});
  const ValueId soft = to("Softplus", {scaled});
  const ValueId above = to("Greater", {scaled, number_of(node, to, "threshold")});
  return to("Select", {above, x, beta == 1 ? soft : to("RealDiv", {soft, factor})});
}

ValueId log_softmax_ext(const NodeView& node, To& to) {
  const std::size_t rank = node.type(0).dims.size();
  const std::int64_t implied = rank == 0 || rank == 1 || rank == 3 ? 0 : 1;
  return to("LogSoftmax", {as_result(node, to)}, {{"axis", node.is_none("dim") ? implied : node.integer("dim")}});
}

Ids halves(const NodeView& node, To& to, std::string_view axis) {
  return to.several("Split", {to.in(0)}, 2, {{"axis", node.integer(axis)}, {"output_num", std::int64_t{2}}});
}

ValueId glu(const NodeView& node, To& to) {
  const Ids half = halves(node, to, "axis");
  return to("Mul", {half[0], to("Sigmoid", {half[1]})});
}

ValueId swiglu(const NodeView& node, To& to) {
  const Ids half = halves(node, to, "dim");
  return to("Mul", {to("SiLU", {half[0]}), half[1]});
}

// ---- shapes ----

ValueId to_result_shape(const NodeView& node, To& to) { return to.reshape(to.in(0), node.result_type().dims); }

Ints counted(std::size_t rank) {
  Ints order;
  for (std::size_t i = 0; i < rank; ++i) order.push_back(static_cast<std::int64_t>(i));
  return order;
}

ValueId exchanged(To& to, ValueId x, std::int64_t a, std::int64_t b) {
  Ints order = counted(to.type(x).dims.size());
  auto first = axis_of(a, order.size()), second = axis_of(b, order.size());
  if (!first || !second) return to.fail(first ? second.error() : first.error());
  std::swap(order[*first], order[*second]);
  return *first == *second ? x : to("Transpose", {x}, {{"dims", order}});
}

ValueId turned(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return node.type(0).dims.size() < 2 ? x : exchanged(to, x, 0, 1);
}

ValueId two_exchanged(const NodeView& node, To& to) {
  return exchanged(to, to.in(0), node.integer("dim0"), node.integer("dim1"));
}

/// With an axis as several.
Dims opened(Dims dims, std::size_t axis, const Ints& sizes) {
  const auto at = dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(at, sizes.begin(), sizes.end());
  return dims;
}

ValueId channel_shuffle(const NodeView& node, To& to) {
  const Dims& dims = node.type(0).dims;
  const std::int64_t group = node.integer("group");
  const ValueId groups = to.reshape(to.in(0), opened(dims, 1, {group, dims[1].size / group}));
  return to.reshape(exchanged(to, groups, 1, 2), dims);
}

Result<ValueId> pixel_shuffle(const NodeView& node, To& to) {
  const Dims &dims = node.type(0).dims, &result = node.result_type().dims;
  const std::int64_t factor = node.integer("upscale_factor");
  if (!result[1].known()) return refuse("its input is " + to_string(node.type(0)));
  const ValueId blocks = to.reshape(to.in(0), opened(dims, 1, {result[1].size, factor, factor}));
  return to.reshape(to("Transpose", {blocks}, {{"dims", Ints{0, 1, 4, 2, 5, 3}}}), result);
}

Result<ValueId> filled(const NodeView& node, To& to, ValueId value) {
  const Type& type = node.result_type();
  if (!std::ranges::all_of(type.dims, &Dim::known)) return refuse("sizes are not known: " + to_string(type));
  if (type.dims.empty()) return to.reshape(value, {});
  return to("BroadcastTo", {value}, {{"shape", sizes_of(type.dims)}});
}

template <int kNumber>
Result<ValueId> filled_with(const NodeView& node, To& to) {
  return filled(node, to, to.number(kNumber, node.result_type().dtype));
}

Result<ValueId> fill(const NodeView& node, To& to) { return filled(node, to, to.in(0)); }

Result<ValueId> expand_as(const NodeView& node, To& to) {
  auto shape = one_unknown(node.result_type().dims);
  if (!shape) return shape.error();
  return to("BroadcastTo", {to.in(0)}, {{"shape", *shape}});
}

/// Of one axis, as Python counts; without the axis where only one element of it is wanted.
ValueId cut(To& to, ValueId x, std::int64_t axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1,
            bool single = false) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::size_t rank = to.type(x).dims.size();
  auto at = axis_of(axis, rank);
  if (!at || rank > 31) return to.fail(at ? refuse("of " + std::to_string(rank) + " dimensions") : at.error());
  const std::int64_t all = (std::int64_t{1} << rank) - 1, own = std::int64_t{1} << *at;
  Ints from(rank, 0), until(rank, 0), steps(rank, 1);
  from[*at] = std::clamp(begin, -kMost, kMost);
  until[*at] = std::clamp(end, -kMost, kMost);
  steps[*at] = step;
  return to("StridedSlice", {x},
            {{"begin", from},
             {"end", until},
             {"strides", steps},
             {"begin_mask", all - own},
             {"end_mask", end >= kMost ? all : all - own},
             {"shrink_axis_mask", single ? own : 0}});
}

ValueId slice_ext(const NodeView& node, To& to) {
  return cut(to, to.in(0), node.integer("dim"), node.integer("start"), node.integer("end"), node.integer("step"));
}

ValueId narrow(const NodeView& node, To& to) {
  const std::int64_t start = node.integer("start"), end = start + node.integer("length");
  return cut(to, to.in(0), node.integer("dim"), start, start < 0 && end == 0 ? kToTheEnd : end);
}

ValueId select_one(const NodeView& node, To& to) {
  const std::int64_t index = node.integer("index");
  return cut(to, to.in(0), node.integer("dim"), index, index + 1, 1, true);
}

/// Equal parts are one operator; others are cut out, one after the other.
template <Name kAxis>
Result<Ids> pieces(const NodeView& node, To& to) {
  const std::size_t count = node.node().outputs.size();
  auto axis = axis_of(node.integer(kAxis.view()), node.type(0).dims.size());
  if (!axis) return axis.error();
  Ints ends{0};
  bool equal = true;
  for (std::size_t i = 0; i < count; ++i) {
    const Dim& size = node.result_type(i).dims[*axis];
    if (!size.known()) return refuse("parts whose sizes are not known");
    equal = equal && size == node.result_type(0).dims[*axis];
    ends.push_back(ends.back() + size.size);
  }
  const auto at = static_cast<std::int64_t>(*axis);
  const ValueId x = to.in(0);
  if (equal && Dim(ends.back()) == node.type(0).dims[*axis]) {
    return to.several("Split", {x}, count, {{"axis", at}, {"output_num", static_cast<std::int64_t>(count)}});
  }
  Ids parts;
  for (std::size_t i = 0; i < count; ++i) parts.push_back(cut(to, x, at, ends[i], ends[i + 1]));
  return parts;
}

Result<Ids> meshgrid(const NodeView& node, To& to) {
  const bool turned = node.text("indexing") == "xy";
  Ids grids;
  for (std::size_t i = 0; i < node.node().outputs.size() && i < node.input_count(); ++i) {
    const Dims& all = node.result_type(i).dims;
    if (!std::ranges::all_of(all, &Dim::known)) return refuse("sizes are not known: " + to_string(node.result_type(i)));
    const std::size_t axis = turned && i < 2 && all.size() > 1 ? 1 - i : i;
    Dims dims(all.size(), Dim(1));
    dims[axis] = all[axis];
    grids.push_back(to("BroadcastTo", {to.reshape(to.in(i), dims)}, {{"shape", sizes_of(all)}}));
  }
  return grids;
}

ValueId roll(const NodeView& node, To& to) {
  ValueId x = to.in(0);
  for (std::size_t i = 0; i < node.integers("dims").size(); ++i) {
    const std::int64_t axis = node.integers("dims")[i];
    const Dims& dims = node.type(0).dims;
    const std::int64_t size = dims[*axis_of(axis, dims.size())].size;
    const std::int64_t rest = size == 0 ? 0 : node.integers("shifts")[i] % size;
    if (rest == 0) continue;
    const std::int64_t at = rest > 0 ? size - rest : -rest;
    x = to("Concat", {cut(to, x, axis, at, kToTheEnd), cut(to, x, axis, 0, at)}, {{"axis", axis}});
  }
  return x;
}

/// The others, then those of the diagonal of two axes, whose matrix is laid out row by row.
Result<ValueId> diagonal_of(const NodeView& node, To& to, std::int64_t offset, std::int64_t a, std::int64_t b) {
  const Dims& dims = node.type(0).dims;
  auto rows = axis_of(a, dims.size()), columns = axis_of(b, dims.size());
  if (!rows || !columns) return rows ? columns.error() : rows.error();
  const std::int64_t height = dims[*rows].size, width = dims[*columns].size;
  if (height < 0 || width < 0) return refuse("a diagonal over sizes that are not known");
  Ints order;
  Dims flat;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i == *rows || i == *columns) continue;
    order.push_back(static_cast<std::int64_t>(i));
    flat.push_back(dims[i]);
  }
  const auto last = static_cast<std::int64_t>(flat.size());
  for (const std::size_t axis : {*rows, *columns}) order.push_back(static_cast<std::int64_t>(axis));
  flat.emplace_back(height * width);
  const std::int64_t first = offset >= 0 ? offset : -offset * width;
  const std::int64_t count = offset >= 0 ? std::min(height, width - offset) : std::min(height + offset, width);
  const ValueId x = order == counted(dims.size()) ? to.in(0) : to("Transpose", {to.in(0)}, {{"dims", order}});
  return cut(to, to.reshape(x, flat), last, first, first + (count - 1) * (width + 1) + 1, width + 1);
}

Result<ValueId> diagonal(const NodeView& node, To& to) {
  return diagonal_of(node, to, node.integer("offset"), node.integer("dim1"), node.integer("dim2"));
}

Result<ValueId> trace(const NodeView& node, To& to) {
  auto line = diagonal_of(node, to, 0, 0, 1);
  if (!line) return line;
  return to("ReduceSum", {*line}, {{"axis", Ints{0}}});
}

// ---- indices ----

ValueId index_select(const NodeView& node, To& to) {
  return to("Gather", {to.in(0), to.in(1)}, {{"axis", node.integer("dim")}});
}

Result<ValueId> embedding(const NodeView& node, To& to) {
  if (!node.is_none("max_norm")) return refuse("max_norm: it changes the weight");
  return to("Gather", {to.in(1), to.in(0)}, {{"axis", std::int64_t{0}}});
}

ValueId one_hot_ext(const NodeView& node, To& to) {
  return to("OneHot", {to.in(0), to.in(1), as_result(node, to, 2)},
            {{"depth", node.integer("num_classes")}, {"axis", node.integer("axis")}});
}

/// The least of what has the other sign.
Result<ValueId> segment_max(const NodeView& node, To& to) {
  if (!is_floating(node.type(0).dtype)) return refuse("of integers");
  const Attrs segments{{"num_segments", node.integer("num_segments")}};
  return to("Neg", {to("UnsortedSegmentMin", {to("Neg", {to.in(0)}), to.in(1)}, segments)});
}

// ---- along axes ----

template <Name kOp>
ValueId of_all(const NodeView& node, To& to) {
  return node.type(0).dims.empty() ? to.in(0) : to(kOp.view(), {to.in(0)}, {{"axis", Ints{}}});
}

template <Name kOp>
Ids value_and_place(const NodeView& node, To& to) {
  const Ids found =
      to.several(kOp.view(), {to.in(0)}, 2, {{"axis", node.integer("dim")}, {"keep_dims", node.flag("keepdim")}});
  return {found[1], to.as(found[0], DType::int64)};
}

/// Without a dim: the place in the flattened input.
template <Name kOp>
Result<ValueId> place(const NodeView& node, To& to) {
  const auto all = known_part(node.type(0).dims);
  if (!all) return all.error();
  const bool whole = node.is_none("dim");
  const ValueId x = whole ? to.reshape(to.in(0), {as_dim(*all)}) : to.in(0);
  const ValueId found = to(kOp.view(), {x}, {{"axis", whole ? 0 : node.integer("dim")}, {"output_type", DType::int64}});
  return to.reshape(found, node.result_type().dims);
}

ValueId cumsum_ext(const NodeView& node, To& to) {
  return to("CumSum", {as_result(node, to)}, {{"axis", node.integer("dim")}});
}

struct Spread {
  Ints axes = {};
  bool keep = false;
  std::int64_t correction = 0;
};

Spread spread_of(const NodeView& node) {
  if (node.node().op == "ReduceStd") return {node.integers("axis"), node.flag("keep_dims"), node.flag("unbiased")};
  return {node.is_none("dim") ? Ints{} : node.integers("dim"), node.flag("keepdim"), node.integer("correction")};
}

/// The variance, or its root; and the mean where that is a result, too.
template <bool kRoot>
Result<Ids> spread(const NodeView& node, To& to) {
  const Spread how = spread_of(node);
  auto axes = axes_of(how.axes, node.type(0).dims.size());
  if (!axes) return axes.error();
  Dims gone;
  for (const std::size_t i : *axes) gone.push_back(node.type(0).dims[i]);
  const auto count = known_part(gone);
  if (!count || count->unknown > 0) return refuse("an axis whose size is not known");
  if (count->product <= how.correction) return refuse("a correction that leaves nothing");
  const Attrs kept{{"axis", how.axes}, {"keep_dims", true}}, as_asked{{"axis", how.axes}, {"keep_dims", how.keep}};
  const ValueId x = to.in(0);
  const ValueId squares = to("Square", {to("Sub", {x, to("ReduceMean", {x}, kept)})});
  const ValueId divisor = to.number(static_cast<double>(count->product - how.correction), node.type(0).dtype);
  const ValueId variance = to("RealDiv", {to("ReduceSum", {squares}, as_asked), divisor});
  Ids results{kRoot ? to("Sqrt", {variance}) : variance};
  if (node.node().outputs.size() > 1) results.push_back(to("ReduceMean", {x}, as_asked));
  return results;
}

/// What is above the largest, so that no power is infinite; that itself may be.
ValueId log_sum_exp(const NodeView& node, To& to) {
  const Ints& axes = node.integers("dim");
  const ValueId x = to.in(0), top = to("ReduceMax", {x}, {{"axis", axes}, {"keep_dims", true}});
  const ValueId infinite = to("Equal", {to("Abs", {top}), to.number(kInfinity, node.type(0).dtype)});
  const ValueId most = to("MaskedFillScalar", {top, infinite}, {{"value", 0.0}});
  const ValueId sum = to("ReduceSum", {to("Exp", {to("Sub", {x, most})})}, {{"axis", axes}, {"keep_dims", true}});
  return to.reshape(to("Add", {to("Log", {sum}), most}), node.result_type().dims);
}

/// Of the last axis; the smallest are the largest with the other sign.
Result<Ids> topk_ext(const NodeView& node, To& to) {
  const bool largest = node.flag("largest");
  if (!largest && !is_floating(node.type(0).dtype)) return refuse("the smallest of integers");
  const std::int64_t axis = node.integer("dim");
  ValueId x = exchanged(to, to.in(0), axis, -1);
  if (!largest) x = to("Neg", {x});
  const Ids found = to.several("TopK", {x}, 2, {{"k", node.integer("k")}, {"sorted", node.flag("sorted")}});
  const ValueId values = largest ? found[0] : to("Neg", {found[0]});
  return Ids{exchanged(to, values, axis, -1), exchanged(to, to.as(found[1], DType::int64), axis, -1)};
}

/// Nothing says which of equals is first there.
Ids sort_ext(const NodeView& node, To& to) {
  const Attrs how{{"axis", node.integer("dim")}, {"descending", node.flag("descending")}};
  const Ids found = to.several("Sort", {to.in(0)}, 2, how);
  return {found[0], node.flag("stable") ? kAbsent : to.as(found[1], DType::int64)};
}

// ---- matrices and norms ----

ValueId outer(const NodeView& node, To& to) {
  const ValueId column = to("ExpandDims", {as_result(node, to, 0)}, {{"axis", std::int64_t{1}}});
  return to("MatMul", {column, to("ExpandDims", {as_result(node, to, 1)}, {{"axis", std::int64_t{0}}})});
}

/// beta * input + alpha * (batch1 @ batch2)
ValueId baddbmm(const NodeView& node, To& to) {
  const auto times = [&](ValueId x, std::string_view factor) {
    return node.number(factor) == 1 ? x : to("Mul", {x, number_of(node, to, factor)});
  };
  const ValueId product = times(to("MatMulExt", {to.in(1), to.in(2)}), "alpha");
  return to("Add", {times(to.in(0), "beta"), product});
}

Ids rms_norm(const NodeView& node, To& to) {
  Ints axes;
  for (std::size_t i = node.type(1).dims.size(); i > 0; --i) axes.push_back(-static_cast<std::int64_t>(i));
  const ValueId x = to.in(0);
  if (axes.empty()) return {to.fail(refuse("gamma is " + to_string(node.type(1))))};
  const ValueId mean = to("ReduceMean", {to("Square", {x})}, {{"axis", axes}, {"keep_dims", true}});
  const ValueId size = to("Sqrt", {to("Add", {mean, number_of(node, to, "epsilon")})});
  return {to("Mul", {to("RealDiv", {x, size}), as_result(node, to, 1)})};
}

Result<ValueId> batch_norm_ext(const NodeView& node, To& to) {
  if (node.flag("training")) return refuse("training: it computes its statistics from the batch");
  if (!node.has_input(3) || !node.has_input(4)) return refuse("no running statistics");
  const Dim& channels = node.type(0).dims[1];
  constexpr std::int64_t kMost = 1 << 20;
  if (!channels.known() || channels.size > kMost) return refuse("its input is " + to_string(node.type(0)));
  const auto given = [&](std::size_t i, double otherwise) {
    const std::vector<double> same(static_cast<std::size_t>(channels.size), otherwise);
    return node.has_input(i) ? to.in(i) : to.numbers(same, node.type(3).dtype);
  };
  return to("BatchNorm", {to.in(0), given(1, 1), given(2, 0), to.in(3), to.in(4)},
            {{"epsilon", node.number("epsilon")}});
}

// ---- windows ----

/// An axis of one more behind the channels.
ValueId as_image(To& to, ValueId line) { return to("ExpandDims", {line}, {{"axis", std::int64_t{2}}}); }
ValueId as_line(To& to, ValueId image) { return to("Squeeze", {image}, {{"axis", Ints{2}}}); }

Ints both(std::int64_t across, const Ints& along) { return {across, along.empty() ? across : along[0]}; }

/// A list of one for all axes, and of a line with what does nothing to the axis that is added.
Ints spread_over(const Ints& given, std::size_t axes, std::int64_t nothing) {
  Ints values = given.size() == 1 ? Ints(axes, given[0]) : given;
  if (axes == 1) values.insert(values.begin(), nothing);
  return values;
}

/// Convolutions in PyTorch's form, of lines, images and volumes.
Result<ValueId> conv(const NodeView& node, To& to, std::size_t axes) {
  const std::string& op = node.node().op;
  const bool general = op.starts_with("Convolution"), word = op == "ConvolutionStr" || op.ends_with("Padding");
  const bool transposed = op == "ConvTranspose2D" || (general && node.flag("transposed"));
  if (transposed && axes > 2) return refuse("GE's rule of transposed convolutions is of images");
  Attrs how{{"stride", spread_over(node.integers("stride"), axes, 1)},
            {"dilation", spread_over(node.integers("dilation"), axes, 1)},
            {"group", node.integer("groups")},
            {"pad_mode", word ? node.text("padding") : std::string("pad")}};
  if (!word) how.emplace("pad_list", both_sides(spread_over(node.integers("padding"), axes, 0)));
  ValueId x = to.in(0), weight = to.in(1);
  if (axes == 1) x = as_image(to, x), weight = as_image(to, weight);
  ValueId result = kAbsent;
  if (transposed) {
    Dims sizes = node.result_type().dims;
    if (axes == 1) sizes.insert(sizes.begin() + 2, Dim(1));
    how.emplace("input_sizes", sizes_of(sizes));
    result = to("Conv2DTranspose", {x, weight}, std::move(how));
    if (node.has_input(2)) result = to("BiasAdd", {result, to.in(2)});
  } else {
    std::vector<ValueId> inputs{x, weight};
    if (node.has_input(2)) inputs.push_back(to.in(2));
    result = to(axes == 3 ? "Conv3D" : "Conv2D", std::move(inputs), std::move(how));
  }
  return axes == 1 ? as_line(to, result) : result;
}

Result<ValueId> convolution_of_any(const NodeView& node, To& to) {
  const std::size_t rank = node.type(1).dims.size();
  if (rank < 3 || rank > 5) return refuse("weight is " + to_string(node.type(1)));
  return conv(node, to, rank - 2);
}

ValueId average_line(const NodeView& node, To& to) {
  Attrs how{{"kernel_size", both(1, node.integers("kernel_size"))},
            {"padding", both(0, node.integers("padding"))},
            {"ceil_mode", node.flag("ceil_mode")},
            {"count_include_pad", node.flag("count_include_pad")}};
  if (!node.is_none("stride")) how.emplace("stride", both(1, node.integers("stride")));
  return as_line(to, to("AvgPool2D", {as_image(to, to.in(0))}, std::move(how)));
}

ValueId average_volume(const NodeView& node, To& to) {
  const Ints& kernel = node.integers("kernel_size");
  return to("AvgPool3D", {to.in(0)},
            {{"kernel_size", kernel},
             {"strides", node.is_none("stride") ? kernel : node.integers("stride")},
             {"pad_mode", std::string("pad")},
             {"pad_list", both_sides(node.integers("padding"))},
             {"ceil_mode", node.flag("ceil_mode")},
             {"count_include_pad", node.flag("count_include_pad")},
             {"divisor_override", node.is_none("divisor_override") ? 0 : node.integer("divisor_override")}});
}

template <Name kOp>
ValueId adaptive_line(const NodeView& node, To& to) {
  const Dim& size = node.result_type().dims.back();
  return as_line(to, to(kOp.view(), {as_image(to, to.in(0))}, {{"output_size", Ints{1, size.size}}}));
}

/// Windows of one size, side by side.
Result<ValueId> adaptive_max(const NodeView& node, To& to) {
  const Dims &input = node.type(0).dims, &result = node.result_type().dims;
  if (input.size() != 4) return refuse("its input is " + to_string(node.type(0)));
  if (result[2] == Dim(1) && result[3] == Dim(1)) {
    return to("ReduceMax", {to.in(0)}, {{"axis", Ints{2, 3}}, {"keep_dims", true}});
  }
  Ints window;
  for (const std::size_t i : {2U, 3U}) {
    const bool even = input[i].known() && result[i].known() && result[i].size > 0 && input[i].size > 0 &&
                      input[i].size % result[i].size == 0;
    if (!even) return refuse("windows of different sizes");
    window.push_back(input[i].size / result[i].size);
  }
  return to("MaxPool", {to.in(0)}, {{"kernel_size", window}, {"strides", window}});
}

/// Without the places.
Ids max_pool(const NodeView& node, To& to) { return {to("MaxPool", {to.in(0)}, node.node().attrs)}; }

// ---- pads and sizes of images ----

/// Which element of an axis is at each place, where those at its ends are repeated or it begins anew.
Result<ValueId> prolonged(To& to, ValueId x, std::size_t axis, const Dim& size, const Ints& pads, bool anew) {
  constexpr std::int64_t kMost = 1 << 16;
  if (pads == Ints{0, 0}) return x;
  const std::int64_t count = size.size + pads[0] + pads[1];
  if (!size.known() || size.size == 0 || count > kMost) return refuse("pads of an axis of " + to_string(size));
  std::vector<double> places;
  for (std::int64_t i = -pads[0]; i < size.size + pads[1]; ++i) {
    const std::int64_t place = anew ? (i + size.size) % size.size : std::clamp<std::int64_t>(i, 0, size.size - 1);
    places.push_back(static_cast<double>(place));
  }
  return to("Gather", {x, to.numbers(places, DType::int32)}, {{"axis", static_cast<std::int64_t>(axis)}});
}

// MindSpore's pairs go from the last axis backwards.
Result<ValueId> pad_v3(const NodeView& node, To& to) {
  const Ints& paddings = node.integers("paddings");
  const std::string& mode = node.text("mode");
  const std::size_t rank = node.type(0).dims.size();
  if (!node.flag("paddings_contiguous")) return refuse("paddings_contiguous is false");
  if (paddings.size() % 2 != 0 || paddings.size() > 2 * rank) return refuse("paddings are not pairs of its axes");
  if (std::ranges::any_of(paddings, [](std::int64_t pad) { return pad < 0; })) return refuse("paddings below 0");
  IntLists lists(rank, Ints{0, 0});
  for (std::size_t i = 0; i < paddings.size() / 2; ++i) lists[rank - 1 - i] = {paddings[2 * i], paddings[2 * i + 1]};
  if (mode == "reflect") return to("MirrorPad", {to.in(0)}, {{"paddings", lists}, {"mode", mode}});
  if (mode == "constant") {
    const auto value = node.has_input(1) ? node.constant_numbers(1) : std::optional<Doubles>(Doubles{0});
    if (!value || *value != Doubles{0}) return refuse("GE's PadD pads with zeros alone");
    return to("Pad", {to.in(0)}, {{"paddings", lists}});
  }
  Result<ValueId> x = to.in(0);
  for (std::size_t axis = 0; x && axis < rank; ++axis)
    x = prolonged(to, *x, axis, node.type(0).dims[axis], lists[axis], mode == "circular");
  return x;
}

template <Name kMode>
ValueId padded(const NodeView& node, To& to) {
  Attrs how{{"paddings", node.integers("padding")}, {"mode", std::string(kMode.view())}};
  return to("PadV3", {to.in(0)}, std::move(how));
}

Result<ValueId> padded_with(const NodeView& node, To& to) {
  if (node.number("value") != 0) return refuse("GE's PadD pads with zeros alone");
  return padded<"constant">(node, to);
}

/// The sizes behind batch and channels: lines as images of one row; of a volume first the planes, then, each of them a
/// row, its depth.
Result<ValueId> resized(const NodeView& node, To& to, std::string_view op, const Attrs& more) {
  const Dims &from = node.type(0).dims, &wanted = node.result_type().dims;
  const auto resize = [&](ValueId x, std::int64_t height, std::int64_t width) {
    Attrs how = more;
    how.emplace("size", Ints{height, width});
    return to(op, {x}, std::move(how));
  };
  const Ints sizes = sizes_of({wanted.begin() + 2, wanted.end()});
  if (sizes.size() == 1) return as_line(to, resize(as_image(to, to.in(0)), 1, sizes[0]));
  if (sizes.size() == 2) return resize(to.in(0), sizes[0], sizes[1]);
  if (!from[1].known() || !from[2].known()) return refuse("its input is " + to_string(node.type(0)));
  const ValueId planes = to.reshape(to.in(0), {from[0], Dim(from[1].size * from[2].size), from[3], from[4]});
  const std::int64_t plane = sizes[1] * sizes[2];
  const ValueId rows = to.reshape(resize(planes, sizes[1], sizes[2]), {from[0], from[1], from[2], Dim(plane)});
  return to.reshape(resize(rows, sizes[0], plane), wanted);
}

Result<ValueId> nearest(const NodeView& node, To& to) { return resized(node, to, "ResizeNearestNeighborV2", {}); }

Result<ValueId> linear(const NodeView& node, To& to, bool corners, bool centred) {
  return resized(node, to, "ResizeBilinearV2", {{"align_corners", corners}, {"half_pixel_centers", centred}});
}

Result<ValueId> upsample_linear(const NodeView& node, To& to) {
  const bool corners = node.flag("align_corners");
  return linear(node, to, corners, !corners);
}

Result<ValueId> resize_line(const NodeView& node, To& to) {
  const std::string& mode = node.text("coordinate_transformation_mode");
  return linear(node, to, mode == "align_corners", mode == "half_pixel");
}

constexpr NamedGeRule kComposedRules[] = {
    {"AdaptiveAvgPool1D", made_of<adaptive_line<"AdaptiveAvgPool2D">>},
    {"AdaptiveMaxPool1D", made_of<adaptive_line<"AdaptiveMaxPool2D">>},
    {"AdaptiveMaxPool2D", made_of<adaptive_max>},
    {"AddScalar", made_of<with_multiple_of_number<"Add">>},
    {"Addcdiv", made_of<add_combined<"RealDiv">>},
    {"Addcmul", made_of<add_combined<"Mul">>},
    {"ArgMaxExt", made_of<place<"Argmax">>},
    {"ArgMinExt", made_of<place<"Argmin">>},
    {"AvgPool1D", made_of<average_line>},
    {"AvgPool3DExt", made_of<average_volume>},
    {"Baddbmm", made_of<baddbmm>},
    {"BatchNormExt", made_of<batch_norm_ext>},
    {"CeLU", made_of<celu>},
    {"ChannelShuffle", made_of<channel_shuffle>},
    {"Chunk", made_of<pieces<"dim">>},
    {"ClampTensor", made_of<clamp_tensor>},
    {"ConstantPadND", made_of<padded_with>},
    {"Conv1DExt", made_of<convolution_of_any>},
    {"Conv1DPadding", made_of<convolution_of_any>},
    {"Conv3DExt", made_of<convolution_of_any>},
    {"Conv3DPadding", made_of<convolution_of_any>},
    {"ConvTranspose2D", made_of<convolution_of_any>},
    {"Convolution", made_of<convolution_of_any>},
    {"ConvolutionStr", made_of<convolution_of_any>},
    {"CumsumExt", made_of<cumsum_ext>},
    {"Diagonal", made_of<diagonal>},
    {"DivMod", made_of<div_mod_of_both>},
    {"DivMods", made_of<div_mod_by_number>},
    {"Embedding", made_of<embedding>},
    {"Erfc", made_of<erfc>},
    {"Exp2", made_of<exp2>},
    {"ExpandAs", made_of<expand_as>},
    {"FastGeLU", made_of<fast_gelu>},
    {"FillV2", made_of<fill>},
    {"FlattenExt", made_of<to_result_shape>},
    {"FloorDivScalar", made_of<with_that<"FloorDiv", "other">>},
    {"FmodScalar", made_of<with_that<"Mod", "other">>},
    {"FmodTensor", made_of<of_both<"Mod">>},
    {"GLU", made_of<glu>},
    {"HShrink", made_of<hard_shrink>},
    {"Hardtanh", made_of<hard_tanh>},
    {"Hypot", made_of<hypot>},
    {"IndexSelect", made_of<index_select>},
    {"IsFinite", made_of<magnitude<"Less">>},
    {"IsInf", made_of<magnitude<"Equal">>},
    {"IsNan", made_of<is_nan>},
    {"Lerp", made_of<lerp>},
    {"LerpScalar", made_of<lerp_scalar>},
    {"Log10", made_of<log_to<10>>},
    {"Log2", made_of<log_to<2>>},
    {"LogSigmoid", made_of<log_sigmoid>},
    {"LogSoftmaxExt", made_of<log_softmax_ext>},
    {"LogSumExp", made_of<log_sum_exp>},
    {"LogicalXor", made_of<exclusive_or>},
    {"Logit", made_of<logit>},
    {"Max", made_of<of_all<"ReduceMax">>},
    {"MaxDim", made_of<value_and_place<"ArgMaxWithValue">>},
    {"MaxPoolWithArgmax", made_of<max_pool>},
    {"Meshgrid", made_of<meshgrid>},
    {"Min", made_of<of_all<"ReduceMin">>},
    {"MinDim", made_of<value_and_place<"ArgMinWithValue">>},
    {"Narrow", made_of<narrow>},
    {"OneHotExt", made_of<one_hot_ext>},
    {"Ones", made_of<filled_with<1>>},
    {"Outer", made_of<outer>},
    {"PadV3", made_of<pad_v3>},
    {"PixelShuffle", made_of<pixel_shuffle>},
    {"PowScalarTensor", made_of<that_with<"Pow">>},
    {"PowTensorScalar", made_of<with_that<"Pow", "exponent">>},
    {"ReduceStd", made_of<spread<true>>},
    {"ReflectionPad1D", made_of<padded<"reflect">>},
    {"ReflectionPad2D", made_of<padded<"reflect">>},
    {"ReflectionPad3D", made_of<padded<"reflect">>},
    {"RemainderScalarTensor", made_of<that_with<"FloorMod">>},
    {"ReplicationPad1D", made_of<padded<"edge">>},
    {"ReplicationPad2D", made_of<padded<"edge">>},
    {"ReplicationPad3D", made_of<padded<"edge">>},
    {"ResizeLinear1D", made_of<resize_line>},
    {"RmsNorm", made_of<rms_norm>},
    {"Roll", made_of<roll>},
    {"SelectExtView", made_of<select_one>},
    {"SliceExt", made_of<slice_ext>},
    {"SoftShrink", made_of<soft_shrink>},
    {"SoftplusExt", made_of<softplus_ext>},
    {"SortExt", made_of<sort_ext>},
    {"SplitTensor", made_of<pieces<"dim">>},
    {"SplitWithSize", made_of<pieces<"dim">>},
    {"Std", made_of<spread<true>>},
    {"StdMean", made_of<spread<true>>},
    {"SubScalar", made_of<with_multiple_of_number<"Sub">>},
    {"Swiglu", made_of<swiglu>},
    {"TExt", made_of<turned>},
    {"Threshold", made_of<threshold>},
    {"TopkExt", made_of<topk_ext>},
    {"Trace", made_of<trace>},
    {"TransposeExtView", made_of<two_exchanged>},
    {"Trunc", made_of<trunc>},
    {"UnsortedSegmentMax", made_of<segment_max>},
    {"UpsampleBilinear2D", made_of<upsample_linear>},
    {"UpsampleLinear1D", made_of<upsample_linear>},
    {"UpsampleNearest1D", made_of<nearest>},
    {"UpsampleNearest2D", made_of<nearest>},
    {"UpsampleNearest3D", made_of<nearest>},
    {"UpsampleTrilinear3D", made_of<upsample_linear>},
    {"Var", made_of<spread<false>>},
    {"VarMean", made_of<spread<false>>},
    {"Zeros", made_of<filled_with<0>>},
};

}  // namespace

std::span<const NamedGeRule> composed_rules() { return kComposedRules; }

}  // namespace ckpt::graph::ascend
