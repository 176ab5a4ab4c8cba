#include "cut.h"
#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// ---- picked by index ----

Types gather_dims(const NodeView& node, std::int64_t at, std::int64_t batch, std::size_t params, std::size_t indices) {
  const Dims& data = node.type(params).dims;
  const Dims& index = node.type(indices).dims;
  auto axis = axis_of(at, data.size());
  if (!axis) return axis.error();
  if (batch < 0 || static_cast<std::size_t>(batch) > *axis || static_cast<std::size_t>(batch) > index.size()) {
    return refuse("batch_dims=" + std::to_string(batch));
  }
  Dims dims(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(*axis));
  dims.insert(dims.end(), index.begin() + batch, index.end());
  dims.insert(dims.end(), data.begin() + static_cast<std::ptrdiff_t>(*axis) + 1, data.end());
  return std::vector<Type>{{node.type(params).dtype, std::move(dims)}};
}

/// How many dimensions params and indices have in common, counted from behind if negative.
std::int64_t batch_dims(const NodeView& node) {
  const std::int64_t batch = node.integer("batch_dims");
  return batch < 0 ? batch + static_cast<std::int64_t>(node.type(1).dims.size()) : batch;
}

Types gather_types(const NodeView& node) { return gather_dims(node, node.integer("axis"), batch_dims(node), 0, 1); }

/// Axis `from` moved to the place of `to`.
Ints moved_axis(std::size_t rank, std::size_t from, std::size_t to) {
  Ints order;
  for (std::size_t i = 0; i < rank; ++i) {
    if (i != from) order.push_back(static_cast<std::int64_t>(i));
  }
  order.insert(order.begin() + static_cast<std::ptrdiff_t>(to), static_cast<std::int64_t>(from));
  return order;
}

Type in_order(const Type& type, const Ints& order) {
  Type turned{type.dtype, {}};
  for (const std::int64_t axis : order) turned.dims.push_back(type.dims[static_cast<std::size_t>(axis)]);
  return turned;
}

/// ONNX gathers of each batch along the axis behind it: another axis is brought there first, and the axes that it
/// overtook back in front of those of the indices.
Status gather_of_batch(const NodeView& node, Target& target, std::size_t axis, std::size_t batch) {
  const Type& params = node.type(0);
  Type type{DType::int64, node.type(1).dims};
  type.dims.emplace_back(1);
  const Ref indices = unsqueeze(target, in_as(node, target, 1, DType::int64), {-1}, type);
  const NamedAttrs attrs{{"batch_dims", static_cast<std::int64_t>(batch)}};
  const Ref data = in(node, target, 0);
  if (axis == batch) {
    target.result(0, target.add("GatherND", {data, indices}, attrs));
    return {};
  }
  const Ints order = moved_axis(params.dims.size(), axis, batch);
  const Ref turned = transpose(target, data, order, in_order(params, order));
  const std::size_t rank = node.result_type().dims.size();
  const std::size_t picked = node.type(1).dims.size() - batch, overtaken = axis - batch;
  Ints back, forth(rank, 0);
  for (std::size_t i = 0; i < batch; ++i) back.push_back(static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < overtaken; ++i) back.push_back(static_cast<std::int64_t>(batch + picked + i));
  for (std::size_t i = 0; i < picked; ++i) back.push_back(static_cast<std::int64_t>(batch + i));
  for (std::size_t i = batch + picked + overtaken; i < rank; ++i) back.push_back(static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < rank; ++i) forth[static_cast<std::size_t>(back[i])] = static_cast<std::int64_t>(i);
  const Ref found = target.add("GatherND", {turned, indices}, attrs, in_order(node.result_type(), forth));
  target.result(0, transpose(target, found, back));
  return {};
}

Status gather(const NodeView& node, Target& target) {
  const std::int64_t batch = batch_dims(node);
  if (batch != 0) {
    auto axis = axis_of(node.integer("axis"), node.type(0).dims.size());
    if (!axis) return axis.error();
    return gather_of_batch(node, target, *axis, static_cast<std::size_t>(batch));
  }
  target.result(0, target.add("Gather", {in(node, target, 0), in(node, target, 1)}, {{"axis", node.integer("axis")}}));
  return {};
}

Types index_select_types(const NodeView& node) { return gather_dims(node, node.integer("dim"), 0, 0, 1); }

Status index_select(const NodeView& node, Target& target) {
  target.result(0, target.add("Gather", {in(node, target, 0), in(node, target, 1)}, {{"axis", node.integer("dim")}}));
  return {};
}

Types embedding_types(const NodeView& node) { return gather_dims(node, 0, 0, 1, 0); }

Status embedding(const NodeView& node, Target& target) {
  if (!node.is_none("max_norm")) return refuse("max_norm: it changes the weight");
  target.result(0, target.add("Gather", {in(node, target, 1), in(node, target, 0)}, {{"axis", std::int64_t{0}}}));
  return {};
}

Types gather_d_types(const NodeView& node) {
  if (auto axis = axis_of(node.integer("dim"), node.type(0).dims.size()); !axis) return axis.error();
  if (auto status = want_rank(node, 1, node.type(0).dims.size()); !status) return status.error();
  return std::vector<Type>{{node.type(0).dtype, node.type(1).dims}};
}

Status gather_d(const NodeView& node, Target& target) {
  target.result(
      0, target.add("GatherElements", {in(node, target, 0), in(node, target, 1)}, {{"axis", node.integer("dim")}}));
  return {};
}

Types gather_nd_types(const NodeView& node) {
  const Dims& data = node.type(0).dims;
  const Dims& index = node.type(1).dims;
  if (index.empty() || !index.back().known()) return refuse("indices are " + to_string(node.type(1)));
  const auto depth = static_cast<std::size_t>(index.back().size);
  if (depth == 0 || depth > data.size()) return refuse("indices are " + to_string(node.type(1)));
  Dims dims(index.begin(), index.end() - 1);
  dims.insert(dims.end(), data.begin() + static_cast<std::ptrdiff_t>(depth), data.end());
  return std::vector<Type>{{node.type(0).dtype, std::move(dims)}};
}

Status gather_nd(const NodeView& node, Target& target) {
  target.result(0, target.add("GatherND", {in(node, target, 0), in_as(node, target, 1, DType::int64)}));
  return {};
}

// ---- OneHot: by comparison, because ONNX's counts negative indices from behind ----

Types one_hot_dims(const NodeView& node, std::int64_t depth) {
  Dims dims = node.type(0).dims;
  if (depth < 0) return refuse("depth " + std::to_string(depth));
  auto axis = axis_of(node.integer("axis"), dims.size() + 1);
  if (!axis) return axis.error();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(*axis), Dim(depth));
  return std::vector<Type>{{node.type(1).dtype, std::move(dims)}};
}

Types one_hot_types(const NodeView& node) { return one_hot_dims(node, node.integer("depth")); }
Types one_hot_ext_types(const NodeView& node) { return one_hot_dims(node, node.integer("num_classes")); }

Status one_hot_of(const NodeView& node, Target& target, std::int64_t depth) {
  const Type& result = node.result_type();
  auto axis = axis_of(node.integer("axis"), result.dims.size());
  if (!axis) return axis.error();
  if (depth > (1 << 20)) return refuse("depth " + std::to_string(depth));
  Type column{DType::int64, result.dims};
  column.dims[*axis] = Dim(1);
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < depth; ++i) numbers.push_back(static_cast<double>(i));
  Dims along(result.dims.size() - *axis, Dim(1));
  along[0] = Dim(depth);
  const Ref classes = target.tensor({DType::int64, along}, contents_of(DType::int64, numbers));
  const Ref indices =
      unsqueeze(target, in_as(node, target, 0, DType::int64), {static_cast<std::int64_t>(*axis)}, column);
  const Ref hot = target.add("Equal", {indices, classes}, {}, {DType::boolean, result.dims});
  target.result(0, target.add("Where", {hot, in(node, target, 1), in_as(node, target, 2, result.dtype)}));
  return {};
}

Status one_hot(const NodeView& node, Target& target) { return one_hot_of(node, target, node.integer("depth")); }
Status one_hot_ext(const NodeView& node, Target& target) {
  return one_hot_of(node, target, node.integer("num_classes"));
}

// ---- cut out ----

std::int64_t clamp(std::int64_t value, std::int64_t least, std::int64_t most) {
  return std::min(std::max(value, least), most);
}

}  // namespace

Reach reach_of(std::int64_t size, const Cut& cut) {
  const std::int64_t begin = cut.begin < 0 ? cut.begin + size : cut.begin;
  const std::int64_t end = cut.end < 0 ? cut.end + size : cut.end;
  if (cut.step > 0) {
    const std::int64_t first = clamp(begin, 0, size), last = clamp(end, 0, size);
    return {first, last <= first ? 0 : (last - first - 1) / cut.step + 1};
  }
  const std::int64_t first = clamp(begin, -1, size - 1), last = clamp(end, -1, size - 1);
  return {first, first <= last ? 0 : (first - last - 1) / -cut.step + 1};
}

namespace {

/// How many elements are left of an axis.
Dim cut_size(const Dim& size, const Cut& cut) {
  if (cut.begin == 0 && cut.end >= kToTheEnd && cut.step == 1) return size;
  return size.known() ? Dim(reach_of(size.size, cut).count) : Dim();
}

Dims cut_dims(Dims dims, const std::vector<Cut>& cuts) {
  for (const Cut& cut : cuts) {
    Dim& dim = dims[static_cast<std::size_t>(cut.axis)];
    dim = cut_size(dim, cut);
  }
  return dims;
}

Ref cut_out(Target& target, Ref x, const std::vector<Cut>& cuts, Type type = {}) {
  Ints starts, ends, axes, steps;
  for (const Cut& cut : cuts) {
    if (cut.begin == 0 && cut.end >= kToTheEnd && cut.step == 1) continue;
    starts.push_back(cut.begin);
    ends.push_back(cut.end);
    axes.push_back(cut.axis);
    steps.push_back(cut.step);
  }
  return axes.empty() ? x : slice(target, x, starts, ends, axes, steps, std::move(type));
}

using Cuts = Result<std::vector<Cut>> (*)(const NodeView&);

template <Cuts read>
Types cut_types(const NodeView& node) {
  auto cuts = read(node);
  if (!cuts) return cuts.error();
  return std::vector<Type>{{node.type(0).dtype, cut_dims(node.type(0).dims, *cuts)}};
}

template <Cuts read>
Status cut_onnx(const NodeView& node, Target& target) {
  auto cuts = read(node);
  if (!cuts) return cuts.error();
  target.result(0, cut_out(target, in(node, target, 0), *cuts));
  return {};
}

}  // namespace

/// Begin and size of every axis; size -1 is all that is left.
Result<std::vector<Cut>> slice_cuts(const NodeView& node) {
  const Ints& begin = node.integers("begin");
  const Ints& size = node.integers("size");
  const Dims& dims = node.type(0).dims;
  if (begin.size() != dims.size() || size.size() != dims.size()) return refuse("begin or size of another rank");
  std::vector<Cut> cuts;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (begin[i] < 0 || size[i] < -1 || begin[i] > kToTheEnd / 2 || size[i] > kToTheEnd / 2) {
      return refuse("begin or size below zero");
    }
    const std::int64_t end = size[i] == -1 ? kToTheEnd : begin[i] + size[i];
    if (dims[i].known() && size[i] != -1 && end > dims[i].size) {
      return refuse("a slice of " + std::to_string(size[i]) + " from " + std::to_string(begin[i]) + " of " +
                    std::to_string(dims[i].size));
    }
    cuts.push_back({.axis = static_cast<std::int64_t>(i), .begin = begin[i], .end = end});
  }
  return cuts;
}

Result<std::vector<Cut>> ext_cuts(const NodeView& node) {
  auto axis = axis_of(node.integer("dim"), node.type(0).dims.size());
  if (!axis) return axis.error();
  if (node.integer("step") <= 0) return refuse("step " + std::to_string(node.integer("step")));
  return std::vector<Cut>{{static_cast<std::int64_t>(*axis), node.integer("start"),
                           std::min(node.integer("end"), kToTheEnd), node.integer("step")}};
}

Result<std::vector<Cut>> narrow_cuts(const NodeView& node) {
  auto axis = axis_of(node.integer("dim"), node.type(0).dims.size());
  if (!axis) return axis.error();
  const std::int64_t start = node.integer("start"), length = node.integer("length");
  if (length < 0 || length > kToTheEnd / 2 || start < -kToTheEnd / 2 || start > kToTheEnd / 2) {
    return refuse("length " + std::to_string(length));
  }
  const std::int64_t end = start + length;
  return std::vector<Cut>{{static_cast<std::int64_t>(*axis), start, start < 0 && end == 0 ? kToTheEnd : end, 1}};
}

std::int64_t rolled_begin(std::int64_t size, std::int64_t shift) {
  const std::int64_t rest = size == 0 ? 0 : shift % size;
  return rest > 0 ? size - rest : -rest;
}

namespace {

/// Of the axes named, from the last element to the first.
Result<std::vector<Cut>> reverse_cuts(const NodeView& node) {
  if (node.integers("axis").empty()) return std::vector<Cut>{};
  auto axes = axes_of(node.integers("axis"), node.type(0).dims.size());
  if (!axes) return axes.error();
  std::vector<Cut> cuts;
  for (const std::size_t axis : *axes) cuts.push_back({static_cast<std::int64_t>(axis), -1, -kToTheEnd, -1});
  return cuts;
}

Types reverse_types(const NodeView& node) {
  if (auto cuts = reverse_cuts(node); !cuts) return cuts.error();
  return same(node);
}

/// How far each axis is rolled: one after the other, an axis may come twice.
Types roll_types(const NodeView& node) {
  const std::size_t rank = node.type(0).dims.size();
  if (node.is_none("dims") || node.integers("dims").empty()) return refuse("of all axes as one");
  if (node.integers("shifts").size() != node.integers("dims").size()) return refuse("shifts and dims are not as many");
  for (const std::int64_t dim : node.integers("dims")) {
    auto axis = axis_of(dim, rank);
    if (!axis) return axis.error();
    if (!node.type(0).dims[*axis].known()) return refuse("along an axis whose size is not known");
  }
  return same(node);
}

Status roll(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  Ref x = in(node, target, 0);
  for (std::size_t i = 0; i < node.integers("dims").size(); ++i) {
    const std::size_t axis = *axis_of(node.integers("dims")[i], type.dims.size());
    const std::int64_t at = rolled_begin(type.dims[axis].size, node.integers("shifts")[i]);
    if (at == 0) continue;
    Type front = type, back = type;
    front.dims[axis] = Dim(type.dims[axis].size - at);
    back.dims[axis] = Dim(at);
    const auto along = static_cast<std::int64_t>(axis);
    const Ref first = slice(target, x, {at}, {kToTheEnd}, {along}, {1}, front);
    x = target.add("Concat", {first, slice(target, x, {0}, {at}, {along}, {1}, back)}, {{"axis", along}}, type);
  }
  target.result(0, x);
  return {};
}

Types reverse_sequence_types(const NodeView& node) {
  const std::size_t rank = node.type(0).dims.size();
  const auto time = axis_of(node.integer("seq_dim"), rank), batch = axis_of(node.integer("batch_dim"), rank);
  if (!time || !batch) return time ? batch.error() : time.error();
  if (*time == *batch) return refuse("seq_dim is batch_dim");
  if (node.type(1).dims.size() != 1) return refuse("seq_lengths is " + to_string(node.type(1)));
  return same(node);
}

Status reverse_sequence(const NodeView& node, Target& target) {
  const std::size_t rank = node.type(0).dims.size();
  const std::size_t time = *axis_of(node.integer("seq_dim"), rank), batch = *axis_of(node.integer("batch_dim"), rank);
  if (time > 1 || batch > 1) return refuse("ONNX's is of the first two axes");
  target.result(0, target.add("ReverseSequence", {in(node, target, 0), in_as(node, target, 1, DType::int64)},
                              {{"batch_axis", static_cast<std::int64_t>(batch)},
                               {"time_axis", static_cast<std::int64_t>(time)}}));
  return {};
}

Types select_types(const NodeView& node) {
  auto axis = axis_of(node.integer("dim"), node.type(0).dims.size());
  if (!axis) return axis.error();
  Type type = node.type(0);
  type.dims.erase(type.dims.begin() + static_cast<std::ptrdiff_t>(*axis));
  return std::vector<Type>{type};
}

Status select_one(const NodeView& node, Target& target) {
  const Ref index = target.scalar(static_cast<double>(node.integer("index")), DType::int64);
  target.result(0, target.add("Gather", {in(node, target, 0), index}, {{"axis", node.integer("dim")}}));
  return {};
}

// ---- StridedSlice ----

bool bit(std::int64_t mask, std::size_t i) { return i < 63 && ((mask >> i) & 1) != 0; }

/// An index, or a range. MindSpore sets mask bits behind the last one given; they mean nothing.
Status strided_axis(const NodeView& node, std::size_t i, std::size_t axis, Strided& out) {
  const std::int64_t begin = node.integers("begin")[i];
  const std::int64_t end = node.integers("end")[i];
  const std::int64_t step = node.integers("strides")[i];
  const Dim& size = node.type(0).dims[axis];
  Cut cut{.axis = static_cast<std::int64_t>(axis), .begin = begin, .end = end, .step = step};
  if (bit(node.integer("shrink_axis_mask"), i)) {
    if (size.known() && (begin < -size.size || begin >= size.size)) {
      return refuse("index " + std::to_string(begin) + " of " + std::to_string(size.size));
    }
    cut = {.axis = cut.axis, .begin = begin, .end = begin == -1 ? kToTheEnd : begin + 1};
    out.gone.push_back(cut.axis);
  } else {
    if (step == 0) return refuse("a stride of 0");
    if (bit(node.integer("begin_mask"), i)) cut.begin = step > 0 ? 0 : kToTheEnd;
    if (bit(node.integer("end_mask"), i)) cut.end = step > 0 ? kToTheEnd : -kToTheEnd;
    const bool all = step == 1 && cut.begin == 0 && size.known() && cut.end >= size.size;
    if (all) cut.end = kToTheEnd;
  }
  out.cuts.push_back(cut);
  return {};
}

}  // namespace

Result<Strided> strided(const NodeView& node) {
  const std::size_t count = node.integers("begin").size();
  const std::size_t rank = node.type(0).dims.size();
  if (node.integers("end").size() != count || node.integers("strides").size() != count) {
    return refuse("begin, end and strides of different lengths");
  }
  const std::int64_t ellipsis = node.integer("ellipsis_mask");
  const std::int64_t added = node.integer("new_axis_mask");
  const std::int64_t gone = node.integer("shrink_axis_mask");
  std::size_t taken = 0, dots = 0;  // axes of the input that are named
  for (std::size_t i = 0; i < count; ++i) {
    dots += bit(ellipsis, i);
    taken += !bit(ellipsis, i) && !bit(added, i);
  }
  if (dots > 1) return refuse("two ellipses");
  if (taken > rank) return refuse(std::to_string(taken) + " indices into " + std::to_string(rank) + " dimensions");
  Strided out;
  std::size_t axis = 0;
  std::int64_t place = 0;  // in the result
  for (std::size_t i = 0; i < count; ++i) {
    if (bit(ellipsis, i)) {
      axis += rank - taken;
      place += static_cast<std::int64_t>(rank - taken);
    } else if (bit(added, i)) {
      out.added.push_back(place++);
    } else {
      if (auto status = strided_axis(node, i, axis++, out); !status) return status.error();
      if (!bit(gone, i)) ++place;
    }
  }
  return out;
}

namespace {

Types strided_types(const NodeView& node) {
  auto how = strided(node);
  if (!how) return how.error();
  const Dims cut = cut_dims(node.type(0).dims, how->cuts);
  Dims dims;
  for (std::size_t i = 0; i < cut.size(); ++i) {
    if (std::ranges::find(how->gone, static_cast<std::int64_t>(i)) == how->gone.end()) dims.push_back(cut[i]);
  }
  for (const std::int64_t axis : how->added) dims.insert(dims.begin() + axis, Dim(1));
  return std::vector<Type>{{node.type(0).dtype, std::move(dims)}};
}

Status strided_onnx(const NodeView& node, Target& target) {
  auto how = strided(node);
  if (!how) return how.error();
  Type type{node.type(0).dtype, cut_dims(node.type(0).dims, how->cuts)};
  for (const std::int64_t axis : how->gone) type.dims[static_cast<std::size_t>(axis)] = Dim(1);
  Ref x = cut_out(target, in(node, target, 0), how->cuts, type);
  if (!how->gone.empty()) x = squeeze(target, x, how->gone);
  if (!how->added.empty()) x = unsqueeze(target, x, how->added);
  target.result(0, x);
  return {};
}

}  // namespace

std::vector<Op> index_ops() {
  return {
      {.name = "Embedding",
       .arguments = {tensor("input"), tensor("weight"), integer("padding_idx", None{}), number("max_norm", None{}),
                     number("norm_type", 2.0), flag("scale_grad_by_freq", false)},
       .infer = embedding_types,
       .to_onnx = embedding},
      {.name = "Gather",
       .was = "GatherV2 SparseGatherV2",
       .arguments = {tensor("params"), tensor("indices"), integer("axis", whole(0)), integer("batch_dims", whole(0))},
       .infer = gather_types,
       .to_onnx = gather},
      {.name = "GatherD",
       .arguments = {tensor("x"), integer("dim"), tensor("index")},
       .infer = gather_d_types,
       .to_onnx = gather_d},
      {.name = "GatherNd",
       .was = "GatherNdExt",
       .arguments = {tensor("x"), tensor("indices")},
       .infer = gather_nd_types,
       .to_onnx = gather_nd},
      {.name = "IndexSelect",
       .arguments = {tensor("input"), integer("dim"), tensor("index")},
       .infer = index_select_types,
       .to_onnx = index_select},
      {.name = "Narrow",
       .was = "NarrowView",
       .arguments = {tensor("input"), integer("dim"), integer("start"), integer("length")},
       .infer = cut_types<narrow_cuts>,
       .to_onnx = cut_onnx<narrow_cuts>},
      {.name = "OneHot",
       .arguments = {tensor("indices"), integer("depth"), tensor("on_value"), tensor("off_value"),
                     integer("axis", whole(-1))},
       .infer = one_hot_types,
       .to_onnx = one_hot},
      {.name = "OneHotExt",
       .arguments = {tensor("tensor"), integer("num_classes"), tensor("on_value"), tensor("off_value"),
                     integer("axis", whole(-1))},
       .infer = one_hot_ext_types,
       .to_onnx = one_hot_ext},
      {.name = "ReverseSequence",
       .arguments = {tensor("x"), tensor("seq_lengths"), integer("seq_dim"), integer("batch_dim", whole(0))},
       .infer = reverse_sequence_types,
       .to_onnx = reverse_sequence},
      {.name = "ReverseV2",
       .arguments = {tensor("input"), integers("axis")},
       .infer = reverse_types,
       .to_onnx = cut_onnx<reverse_cuts>},
      {.name = "Roll",
       .arguments = {tensor("input"), integers("shifts"), integers("dims", None{})},
       .infer = roll_types,
       .to_onnx = roll},
      {.name = "SelectExtView",
       .arguments = {tensor("input"), integer("dim"), integer("index")},
       .infer = select_types,
       .to_onnx = select_one},
      {.name = "Slice",
       .arguments = {tensor("input"), integers("begin"), integers("size")},
       .infer = cut_types<slice_cuts>,
       .to_onnx = cut_onnx<slice_cuts>},
      {.name = "SliceExt",
       .was = "SliceExtView",
       .arguments = {tensor("input"), integer("dim"), integer("start"), integer("end"), integer("step", whole(1))},
       .infer = cut_types<ext_cuts>,
       .to_onnx = cut_onnx<ext_cuts>},
      {.name = "StridedSlice",
       .arguments = {tensor("input"), integers("begin"), integers("end"), integers("strides"),
                     integer("begin_mask", whole(0)), integer("end_mask", whole(0)), integer("ellipsis_mask", whole(0)),
                     integer("new_axis_mask", whole(0)), integer("shrink_axis_mask", whole(0))},
       .infer = strided_types,
       .to_onnx = strided_onnx},
  };
}

}  // namespace ckpt::graph
