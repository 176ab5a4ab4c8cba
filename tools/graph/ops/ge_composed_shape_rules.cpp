#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "ops/cut.h"
#include "ops/diagonal.h"
#include "ops/ge_expansion.h"
#include "ops/spread.h"

// What is written as other operators: most of what mint and the newer layers are made of. Of shapes, indices and axes.
namespace ckpt::graph::ascend {
namespace {

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

using CutReader = Result<std::vector<Cut>> (*)(const NodeView&);

template <CutReader kRead>
Result<ValueId> cuts_of(const NodeView& node, To& to) {
  auto cuts = kRead(node);
  if (!cuts) return cuts.error();
  ValueId x = to.in(0);
  for (const Cut& one : *cuts) x = cut(to, x, one.axis, one.begin, one.end, one.step);
  return x;
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
    const std::int64_t at = rolled_begin(dims[*axis_of(axis, dims.size())].size, node.integers("shifts")[i]);
    if (at == 0) continue;
    x = to("Concat", {cut(to, x, axis, at, kToTheEnd), cut(to, x, axis, 0, at)}, {{"axis", axis}});
  }
  return x;
}

/// The others, then those of the diagonal of two axes, whose matrix is laid out row by row.
ValueId diagonal_of(const NodeView& node, To& to, const Line& line) {
  const Dims& dims = node.type(0).dims;
  Ints order;
  Dims flat;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i == line.rows || i == line.columns) continue;
    order.push_back(static_cast<std::int64_t>(i));
    flat.push_back(dims[i]);
  }
  const auto last = static_cast<std::int64_t>(flat.size());
  for (const std::size_t axis : {line.rows, line.columns}) order.push_back(static_cast<std::int64_t>(axis));
  flat.emplace_back(line.height * line.width);
  const ValueId x = order == counted(dims.size()) ? to.in(0) : to("Transpose", {to.in(0)}, {{"dims", order}});
  const std::int64_t end = line.first + (line.count - 1) * (line.width + 1) + 1;
  return cut(to, to.reshape(x, flat), last, line.first, end, line.width + 1);
}

Result<ValueId> diagonal(const NodeView& node, To& to) {
  auto line = own_line(node);
  if (!line) return line.error();
  return diagonal_of(node, to, *line);
}

Result<ValueId> trace(const NodeView& node, To& to) {
  auto line = line_of(node, 0, 0, 1);
  if (!line) return line.error();
  return to("ReduceSum", {diagonal_of(node, to, *line)}, {{"axis", Ints{0}}});
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

/// The variance, or its root; and the mean where that is a result, too.
template <SpreadReader kRead, bool kRoot>
Result<Ids> spread(const NodeView& node, To& to) {
  const Spread how = kRead(node);
  auto count = divisor_of(node, how);
  if (!count) return count.error();
  const Attrs kept{{"axis", how.axes}, {"keep_dims", true}}, as_asked{{"axis", how.axes}, {"keep_dims", how.keep}};
  const ValueId x = to.in(0);
  const ValueId squares = to("Square", {to("Sub", {x, to("ReduceMean", {x}, kept)})});
  const ValueId divisor = to.number(*count, node.type(0).dtype);
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

constexpr NamedGeRule kComposedShapeRules[] = {
    {"ArgMaxExt", made_of<place<"Argmax">>},
    {"ArgMinExt", made_of<place<"Argmin">>},
    {"ChannelShuffle", made_of<channel_shuffle>},
    {"Chunk", made_of<pieces<"dim">>},
    {"CumsumExt", made_of<cumsum_ext>},
    {"Diagonal", made_of<diagonal>},
    {"Embedding", made_of<embedding>},
    {"ExpandAs", made_of<expand_as>},
    {"FillV2", made_of<fill>},
    {"FlattenExt", made_of<to_result_shape>},
    {"IndexSelect", made_of<index_select>},
    {"LogSumExp", made_of<log_sum_exp>},
    {"Max", made_of<of_all<"ReduceMax">>},
    {"MaxDim", made_of<value_and_place<"ArgMaxWithValue">>},
    {"Meshgrid", made_of<meshgrid>},
    {"Min", made_of<of_all<"ReduceMin">>},
    {"MinDim", made_of<value_and_place<"ArgMinWithValue">>},
    {"Narrow", made_of<cuts_of<narrow_cuts>>},
    {"OneHotExt", made_of<one_hot_ext>},
    {"Ones", made_of<filled_with<1>>},
    {"PixelShuffle", made_of<pixel_shuffle>},
    {"ReduceStd", made_of<spread<reduce_std_form, true>>},
    {"Roll", made_of<roll>},
    {"SelectExtView", made_of<select_one>},
    {"SliceExt", made_of<cuts_of<ext_cuts>>},
    {"SortExt", made_of<sort_ext>},
    {"SplitTensor", made_of<pieces<"dim">>},
    {"SplitWithSize", made_of<pieces<"dim">>},
    {"Std", made_of<spread<spread_form, true>>},
    {"StdMean", made_of<spread<spread_form, true>>},
    {"TExt", made_of<turned>},
    {"TopkExt", made_of<topk_ext>},
    {"Trace", made_of<trace>},
    {"TransposeExtView", made_of<two_exchanged>},
    {"UnsortedSegmentMax", made_of<segment_max>},
    {"Var", made_of<spread<spread_form, false>>},
    {"VarMean", made_of<spread<spread_form, false>>},
    {"Zeros", made_of<filled_with<0>>},
};

}  // namespace

std::span<const NamedGeRule> composed_shape_rules() { return kComposedShapeRules; }

}  // namespace ckpt::graph::ascend
