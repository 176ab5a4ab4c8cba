#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

Types of(const NodeView& node, Dims dims) { return std::vector<Type>{{node.type(0).dtype, std::move(dims)}}; }

Type like(const NodeView& node, Dims dims) { return {node.type(0).dtype, std::move(dims)}; }

// ---- Reshape ----

/// The dimension that takes what the others leave.
Result<Dim> rest(const Dims& from, const Known& left) {
  const auto all = known_part(from);
  if (!all) return all.error();
  const bool fits = left.product != 0 && all->product % left.product == 0;
  if (all->unknown == 0 && left.unknown == 0 && !fits) return refuse("its elements do not fit");
  return quotient(*all, left);
}

/// Dimensions that are the same on both sides, though not known, count on neither.
void cancel(Dims& from, Dims& to) {
  for (Dim& dim : to) {
    if (dim.known() || dim.symbol.empty()) continue;
    const auto same = std::ranges::find(from, dim);
    if (same != from.end()) *same = dim = Dim(1);
  }
}

/// 0 copies the input's dimension, as ONNX has it; -1 is what the others leave.
Types reshape_types(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  const Ints& shape = node.integers("shape");
  Dims dims;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool copied = shape[i] == 0 && i < input.size();
    if (shape[i] == -1 && open) return refuse("a shape with two that the others leave");
    if (shape[i] == -1) open = i;
    auto dim = shape[i] == -1 ? Result<Dim>(Dim(1)) : copied ? Result<Dim>(input[i]) : size_at(node, shape[i]);
    if (!dim) return dim.error();
    dims.push_back(*dim);
  }
  Dims from = input;
  Dims to = dims;
  for (std::size_t i = 0; i < shape.size() && i < input.size(); ++i) {
    if (shape[i] == 0 && !input[i].known()) from[i] = to[i] = Dim(1);
  }
  cancel(from, to);
  const auto left = known_part(to);
  if (!left) return left.error();
  if (open) {
    auto dim = rest(from, *left);
    if (!dim) return dim.error();
    dims[*open] = *dim;
    return of(node, std::move(dims));
  }
  const auto all = known_part(from);
  if (!all) return all.error();
  const bool named = std::ranges::any_of(from, [](const Dim& dim) { return !dim.known() && !dim.symbol.empty(); });
  const bool fits = left->unknown > 0 || (!named && (all->unknown > 0 || all->product == left->product));
  if (!fits) {
    return refuse(to_string(node.type(0)) + " does not have " + std::to_string(left->product) + " elements");
  }
  return of(node, std::move(dims));
}

/// Sizes that are asked for become 0 where they are the input's own, and -1 if it is only one.
Status reshape_onnx(const NodeView& node, Target& target) {
  auto shape = settled(node, node.integers("shape"));
  if (!shape) return shape.error();
  const Dims& input = node.type(0).dims;
  for (std::size_t i = 0; i < shape->size() && i < input.size(); ++i) {
    const auto which = asked_size((*shape)[i]);
    const bool own = which && (which->input == 0 ? which->axis == i
                                                 : !input[i].symbol.empty() && *size_at(node, (*shape)[i]) == input[i]);
    if (own) (*shape)[i] = 0;
  }
  const auto open = [](std::int64_t number) { return number == -1 || asked_size(number).has_value(); };
  if (std::ranges::count_if(*shape, open) == 1) *std::ranges::find_if(*shape, open) = -1;
  target.result(0, target.add("Reshape", {in(node, target, 0), shape_operand(node, target, *shape)}));
  return {};
}

/// [a, b, c, d] with axes from `first` to `last` as one.
Result<Dims> merged(const Dims& input, std::size_t first, std::size_t last) {
  Dims dims(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(first));
  const Dims middle(input.begin() + static_cast<std::ptrdiff_t>(first),
                    input.begin() + static_cast<std::ptrdiff_t>(last) + 1);
  const auto part = known_part(middle);
  if (!part) return part.error();
  dims.push_back(as_dim(*part));
  dims.insert(dims.end(), input.begin() + static_cast<std::ptrdiff_t>(last) + 1, input.end());
  return dims;
}

Types flatten_types(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  if (input.empty()) return refuse("input is a scalar");
  if (input.size() == 1) return of(node, {input[0], Dim(1)});
  auto dims = merged(input, 1, input.size() - 1);
  if (!dims) return dims.error();
  return of(node, std::move(*dims));
}

Status flatten(const NodeView& node, Target& target) {
  target.result(0, target.add("Flatten", {in(node, target, 0)}, {{"axis", std::int64_t{1}}}));
  return {};
}

Types flatten_ext_types(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  if (input.empty()) return of(node, {Dim(1)});
  auto first = axis_of(node.integer("start_dim"), input.size());
  if (!first) return first.error();
  auto last = axis_of(node.integer("end_dim"), input.size());
  if (!last) return last.error();
  if (*first > *last) return refuse("start_dim is behind end_dim");
  auto dims = merged(input, *first, *last);
  if (!dims) return dims.error();
  return of(node, std::move(*dims));
}

Status to_result_shape(const NodeView& node, Target& target) {
  const auto shape = reshape_to(node.type(0).dims, node.result_type().dims);
  if (!shape) return refuse("more than one dimension that is not known: " + to_string(node.result_type()));
  target.result(0, reshape(target, in(node, target, 0), *shape));
  return {};
}

// ---- axes of one ----

Result<Ints> squeezed_axes(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  Ints axes = node.integers("axis");
  if (!axes.empty()) {
    auto positions = axes_of(axes, input.size());
    if (!positions) return positions.error();
    for (const std::size_t i : *positions) {
      if (auto one = unify(input[i], Dim(1)); !one) return refuse("axis " + std::to_string(i) + " is not 1");
    }
    return as_ints(*positions);
  }
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (!input[i].known()) return refuse("no axis, and a dimension that is not known");
    if (input[i].size == 1) axes.push_back(static_cast<std::int64_t>(i));
  }
  return axes;
}

Types squeeze_types(const NodeView& node) {
  auto axes = squeezed_axes(node);
  if (!axes) return axes.error();
  Dims dims;
  for (std::size_t i = 0; i < node.type(0).dims.size(); ++i) {
    if (std::ranges::find(*axes, static_cast<std::int64_t>(i)) == axes->end()) dims.push_back(node.type(0).dims[i]);
  }
  return of(node, std::move(dims));
}

Status squeeze_onnx(const NodeView& node, Target& target) {
  auto axes = squeezed_axes(node);
  if (!axes) return axes.error();
  const Ref x = in(node, target, 0);
  target.result(0, axes->empty() ? x : squeeze(target, x, *axes));
  return {};
}

Types expand_types(const NodeView& node) {
  Dims dims = node.type(0).dims;
  auto axis = axis_of(node.integer("axis"), dims.size() + 1);
  if (!axis) return axis.error();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(*axis), Dim(1));
  return of(node, std::move(dims));
}

Status expand(const NodeView& node, Target& target) {
  target.result(0, unsqueeze(target, in(node, target, 0), {node.integer("axis")}));
  return {};
}

// ---- Transpose ----

Result<Ints> order_of(const NodeView& node, const Ints& given) {
  Ints order;
  for (const std::int64_t axis : given) {
    auto position = axis_of(axis, node.type(0).dims.size());
    if (!position) return position.error();
    order.push_back(static_cast<std::int64_t>(*position));
  }
  Ints sorted = order;
  std::ranges::sort(sorted);
  const bool each_once = std::ranges::adjacent_find(sorted) == sorted.end();
  if (order.size() != node.type(0).dims.size() || !each_once) return refuse("an order that is none");
  return order;
}

Result<Ints> own_order(const NodeView& node) { return order_of(node, node.integers("dims")); }

/// TExt: the axes of a matrix; TransposeExt: two axes.
Result<Ints> exchanged(const NodeView& node, std::int64_t a, std::int64_t b) {
  const std::size_t rank = node.type(0).dims.size();
  auto first = axis_of(a, rank);
  if (!first) return first.error();
  auto second = axis_of(b, rank);
  if (!second) return second.error();
  Ints order;
  for (std::size_t i = 0; i < rank; ++i) order.push_back(static_cast<std::int64_t>(i));
  std::swap(order[*first], order[*second]);
  return order;
}

Result<Ints> matrix_order(const NodeView& node) {
  const std::size_t rank = node.type(0).dims.size();
  if (rank > 2) return refuse("input is " + to_string(node.type(0)));
  return rank < 2 ? order_of(node, rank == 0 ? Ints{} : Ints{0}) : exchanged(node, 0, 1);
}

Result<Ints> ext_order(const NodeView& node) { return exchanged(node, node.integer("dim0"), node.integer("dim1")); }

using Order = Result<Ints> (*)(const NodeView&);

template <Order order>
Types transpose_types(const NodeView& node) {
  auto axes = order(node);
  if (!axes) return axes.error();
  Dims dims;
  for (const std::int64_t axis : *axes) dims.push_back(node.type(0).dims[static_cast<std::size_t>(axis)]);
  return of(node, std::move(dims));
}

template <Order order>
Status transpose_onnx(const NodeView& node, Target& target) {
  auto axes = order(node);
  if (!axes) return axes.error();
  target.result(0, transpose(target, in(node, target, 0), *axes));
  return {};
}

/// Channels of groups, one of each in turn.
Types channel_shuffle_types(const NodeView& node) {
  constexpr std::int64_t kMost = 1 << 16;  // whose order is stored
  const Dims& dims = node.type(0).dims;
  const std::int64_t group = node.integer("group");
  if (dims.size() < 3 || !dims[1].known() || dims[1].size > kMost) return refuse("input is " + to_string(node.type(0)));
  if (group <= 0 || dims[1].size % group != 0)
    return refuse("group=" + std::to_string(group) + ": must divide " + std::to_string(dims[1].size));
  return same(node);
}

Status channel_shuffle(const NodeView& node, Target& target) {
  const std::int64_t channels = node.type(0).dims[1].size;
  const std::int64_t group = node.integer("group");
  Ints order;
  for (std::int64_t i = 0; i < channels; ++i) order.push_back(i % group * (channels / group) + i / group);
  target.result(0, target.add("Gather", {in(node, target, 0), target.constant(order)}, {{"axis", std::int64_t{1}}}));
  return {};
}

// ---- repeated ----

/// Multiples and dimensions of one rank: ones in front of the shorter.
struct Tiles {
  Ints multiples = {};
  Dims dims = {};
};

Tiles tiles(const NodeView& node) {
  Tiles all{node.integers("dims"), node.type(0).dims};
  if (all.multiples.size() < all.dims.size()) {
    all.multiples.insert(all.multiples.begin(), all.dims.size() - all.multiples.size(), 1);
  }
  if (all.dims.size() < all.multiples.size()) {
    all.dims.insert(all.dims.begin(), all.multiples.size() - all.dims.size(), Dim(1));
  }
  return all;
}

Types tile_types(const NodeView& node) {
  Tiles all = tiles(node);
  for (std::size_t i = 0; i < all.dims.size(); ++i) {
    if (all.multiples[i] == 1) continue;
    auto times = size_at(node, all.multiples[i]);
    if (!times) return times.error();
    if (all.dims[i] == Dim(1)) {
      all.dims[i] = *times;
      continue;
    }
    const auto product = known_part({all.dims[i], *times});
    if (!product) return product.error();
    all.dims[i] = as_dim(*product);
  }
  return of(node, std::move(all.dims));
}

Status tile(const NodeView& node, Target& target) {
  const Tiles all = tiles(node);
  const std::size_t rank = node.type(0).dims.size();
  Ref x = in(node, target, 0);
  if (all.dims.size() > rank) {
    Ints axes;
    for (std::size_t i = 0; i < all.dims.size() - rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
    x = unsqueeze(target, x, axes, like(node, all.dims));
  }
  auto multiples = settled(node, all.multiples);
  if (!multiples) return multiples.error();
  target.result(0, target.add("Tile", {x, shape_operand(node, target, *multiples)}));
  return {};
}

/// -1: the input's dimension, which ONNX writes as 1.
Types broadcast_types(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  Dims dims;
  for (const std::int64_t size : node.integers("shape")) {
    auto dim = size == -1 ? Result<Dim>(Dim(1)) : size_at(node, size);
    if (!dim) return dim.error();
    dims.push_back(*dim);
  }
  if (dims.size() < input.size()) return refuse("a shape of fewer dimensions");
  auto both = broadcast(dims, input);
  if (!both) return both.error();
  return of(node, std::move(*both));
}

Status broadcast_onnx(const NodeView& node, Target& target) {
  auto shape = settled(node, node.integers("shape"));
  if (!shape) return shape.error();
  std::ranges::replace(*shape, std::int64_t{-1}, std::int64_t{1});
  target.result(0, target.add("Expand", {in(node, target, 0), shape_operand(node, target, *shape)}));
  return {};
}

// ---- a tensor that is one number all over ----

Types filled_types(const NodeView& node, DType dtype) {
  Dims dims;
  for (const std::int64_t size : node.integers("shape")) {
    auto dim = size_at(node, size);
    if (!dim) return dim.error();
    dims.push_back(*dim);
  }
  return std::vector<Type>{{dtype, std::move(dims)}};
}

Types fill_types(const NodeView& node) {
  if (!node.type(0).dims.empty() && node.type(0).dims != Dims{Dim(1)}) return refuse("a value that is no number");
  return filled_types(node, node.type(0).dtype);
}

Status filled(const NodeView& node, Target& target, Ref value) {
  auto shape = settled(node, node.integers("shape"));
  if (!shape) return shape.error();
  target.result(0, target.add("Expand", {value, shape_operand(node, target, *shape)}));
  return {};
}

Status fill_onnx(const NodeView& node, Target& target) {
  const Ref value = in(node, target, 0);
  return filled(node, target, node.type(0).dims.empty() ? value : squeeze(target, value, {0}));
}

Types number_types(const NodeView& node) { return filled_types(node, node.dtype("dtype")); }

template <int kNumber>
Status number_onnx(const NodeView& node, Target& target) {
  return filled(node, target, target.scalar(kNumber, node.dtype("dtype")));
}

Types expand_as_types(const NodeView& node) {
  auto dims = broadcast(node.type(0).dims, node.type(1).dims);
  if (!dims) return dims.error();
  return of(node, std::move(*dims));
}

Status expand_as(const NodeView& node, Target& target) {
  const Type type{DType::int64, {Dim(static_cast<std::int64_t>(node.type(1).dims.size()))}};
  const Ref shape = target.add("Shape", {in(node, target, 1)}, {}, type);
  target.result(0, target.add("Expand", {in(node, target, 0), shape}));
  return {};
}

// ---- put together ----

Types concat_types(const NodeView& node) {
  Type type = node.type(0);
  auto axis = axis_of(node.integer("axis"), type.dims.size());
  if (!axis) return axis.error();
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    const Dims& dims = node.type(i).dims;
    if (dims.size() != type.dims.size()) return refuse("inputs of different ranks");
    for (std::size_t k = 0; k < dims.size(); ++k) {
      if (k == *axis) continue;
      auto dim = unify(type.dims[k], dims[k]);
      if (!dim) return dim.error();
      type.dims[k] = *dim;
    }
    Dim& sum = type.dims[*axis];
    sum = sum_of(sum, dims[*axis]);
    type.dtype = common_dtype(type.dtype, node.type(i).dtype);
  }
  return std::vector<Type>{type};
}

Status concat(const NodeView& node, Target& target) {
  std::vector<Ref> inputs;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    inputs.push_back(in_as(node, target, i, node.result_type().dtype));
  }
  target.result(0, target.add("Concat", std::move(inputs), {{"axis", node.integer("axis")}}));
  return {};
}

Types stack_types(const NodeView& node) {
  Type type = node.type(0);
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    if (node.type(i).dims.size() != type.dims.size()) return refuse("inputs of different ranks");
    for (std::size_t k = 0; k < type.dims.size(); ++k) {
      auto dim = unify(type.dims[k], node.type(i).dims[k]);
      if (!dim) return dim.error();
      type.dims[k] = *dim;
    }
  }
  auto axis = axis_of(node.integer("axis"), type.dims.size() + 1);
  if (!axis) return axis.error();
  type.dims.insert(type.dims.begin() + static_cast<std::ptrdiff_t>(*axis),
                   Dim(static_cast<std::int64_t>(node.input_count())));
  return std::vector<Type>{type};
}

Status stack(const NodeView& node, Target& target) {
  auto axis = axis_of(node.integer("axis"), node.type(0).dims.size() + 1);
  if (!axis) return axis.error();
  const auto at = static_cast<std::int64_t>(*axis);
  std::vector<Ref> inputs;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    Type type = node.type(i);
    type.dims.insert(type.dims.begin() + at, Dim(1));
    inputs.push_back(unsqueeze(target, in(node, target, i), {at}, std::move(type)));
  }
  target.result(0, target.add("Concat", std::move(inputs), {{"axis", at}}));
  return {};
}

// ---- taken apart ----

/// Sizes of the parts along an axis; empty where they are equal parts of a size that is not known.
struct Parts {
  std::size_t axis = 0;
  Ints sizes = {};
  std::size_t count = 0;
  Dim each = {};  ///< of equal parts
};

Result<Parts> equal_parts(const NodeView& node, std::int64_t axis, std::int64_t count) {
  auto position = axis_of(axis, node.type(0).dims.size());
  if (!position) return position.error();
  constexpr std::int64_t kMost = 1 << 16;
  if (count <= 0 || count > kMost) return refuse("in " + std::to_string(count) + " parts");
  Parts parts{.axis = *position, .count = static_cast<std::size_t>(count)};
  const Dim& dim = node.type(0).dims[*position];
  if (!dim.known()) {
    const auto all = known_part({dim});
    if (all) parts.each = quotient(*all, {.product = count});
    return parts;
  }
  if (dim.size % count != 0) return refuse(std::to_string(dim.size) + " in " + std::to_string(count) + " equal parts");
  parts.sizes = Ints(parts.count, dim.size / count);
  return parts;
}

/// Of one size, the last one of what is left.
Result<Parts> parts_of(const NodeView& node, std::int64_t axis, std::int64_t size) {
  auto position = axis_of(axis, node.type(0).dims.size());
  if (!position) return position.error();
  const Dim& dim = node.type(0).dims[*position];
  if (!dim.known()) return refuse("an axis whose size is not known");
  if (size <= 0 || dim.size / size > (1 << 16)) return refuse("parts of " + std::to_string(size));
  Parts parts{.axis = *position};
  for (std::int64_t left = dim.size; left > 0; left -= size) parts.sizes.push_back(std::min(left, size));
  if (parts.sizes.empty()) parts.sizes.push_back(0);
  parts.count = parts.sizes.size();
  return parts;
}

Result<Parts> split_parts(const NodeView& node) {
  return equal_parts(node, node.integer("axis"), node.integer("output_num"));
}

Result<Parts> split_tensor_parts(const NodeView& node) {
  return parts_of(node, node.integer("dim"), node.integer("split_size"));
}

Result<Parts> split_size_parts(const NodeView& node) {
  auto position = axis_of(node.integer("dim"), node.type(0).dims.size());
  if (!position) return position.error();
  const Ints& sizes = node.integers("split_size");
  std::int64_t sum = 0;
  for (const std::int64_t size : sizes) {
    if (size < 0 || size > (std::int64_t{1} << 40)) return refuse("parts of " + std::to_string(size));
    sum += size;
  }
  const Dim& dim = node.type(0).dims[*position];
  if (sizes.empty() || (dim.known() && dim.size != sum)) return refuse("parts that do not make up the axis");
  return Parts{.axis = *position, .sizes = sizes, .count = sizes.size()};
}

Result<Parts> chunk_parts(const NodeView& node) {
  auto position = axis_of(node.integer("dim"), node.type(0).dims.size());
  if (!position) return position.error();
  const Dim& dim = node.type(0).dims[*position];
  const std::int64_t chunks = node.integer("chunks");
  if (!dim.known() || chunks <= 0 || dim.size == 0) return refuse("in " + std::to_string(chunks) + " chunks");
  return parts_of(node, node.integer("dim"), (dim.size + chunks - 1) / chunks);
}

Result<Parts> unstack_parts(const NodeView& node) {
  auto position = axis_of(node.integer("axis"), node.type(0).dims.size());
  if (!position) return position.error();
  const Dim& dim = node.type(0).dims[*position];
  if (!dim.known()) return refuse("along an axis whose size is not known");
  return equal_parts(node, node.integer("axis"), dim.size);
}

using Reader = Result<Parts> (*)(const NodeView&);

template <Reader read>
Types split_types(const NodeView& node) {
  auto parts = read(node);
  if (!parts) return parts.error();
  std::vector<Type> types(parts->count, node.type(0));
  for (std::size_t i = 0; i < types.size(); ++i) {
    types[i].dims[parts->axis] = parts->sizes.empty() ? parts->each : Dim(parts->sizes[i]);
  }
  return types;
}

template <Reader read>
Status split_onnx(const NodeView& node, Target& target) {
  auto parts = read(node);
  if (!parts) return parts.error();
  const auto axis = static_cast<std::int64_t>(parts->axis);
  const std::vector<Ref> pieces = split(target, in(node, target, 0), axis, parts->sizes, parts->count);
  for (std::size_t i = 0; i < node.node().outputs.size() && i < pieces.size(); ++i) target.result(i, pieces[i]);
  return {};
}

Types unstack_types(const NodeView& node) {
  auto parts = unstack_parts(node);
  if (!parts) return parts.error();
  Type type = node.type(0);
  type.dims.erase(type.dims.begin() + static_cast<std::ptrdiff_t>(parts->axis));
  return std::vector<Type>(parts->count, type);
}

Status unstack(const NodeView& node, Target& target) {
  auto parts = unstack_parts(node);
  if (!parts) return parts.error();
  const auto axis = static_cast<std::int64_t>(parts->axis);
  const std::vector<Ref> pieces = split(target, in(node, target, 0), axis, parts->sizes, parts->count);
  for (std::size_t i = 0; i < node.node().outputs.size() && i < pieces.size(); ++i) {
    target.result(i, squeeze(target, pieces[i], {axis}));
  }
  return {};
}

}  // namespace

std::vector<Op> shape_ops() {
  return {
      {.name = "BroadcastTo",
       .was = "BroadcastToView",
       .arguments = {tensor("input"), integers("shape"), sizes()},
       .infer = broadcast_types,
       .to_onnx = broadcast_onnx},
      {.name = "ChannelShuffle",
       .arguments = {tensor("x"), integer("group")},
       .infer = channel_shuffle_types,
       .to_onnx = channel_shuffle},
      {.name = "Chunk",
       .was = "ChunkView",
       .arguments = {tensor("input"), integer("chunks"), integer("dim", whole(0))},
       .infer = split_types<chunk_parts>,
       .to_onnx = split_onnx<chunk_parts>},
      {.name = "Concat",
       .arguments = {tensors("tensors"), integer("axis", whole(0))},
       .infer = concat_types,
       .to_onnx = concat},
      {.name = "ExpandAs",
       .arguments = {tensor("input"), tensor("other")},
       .infer = expand_as_types,
       .to_onnx = expand_as},
      {.name = "ExpandDims",
       .was = "ExpandDimsView",
       .arguments = {tensor("input"), integer("axis", {}, "dim")},
       .infer = expand_types,
       .to_onnx = expand},
      {.name = "FillV2",
       .arguments = {integers("shape"), tensor("value"), sizes()},
       .infer = fill_types,
       .to_onnx = fill_onnx},
      {.name = "Flatten", .arguments = {tensor("input")}, .infer = flatten_types, .to_onnx = flatten},
      {.name = "FlattenExt",
       .arguments = {tensor("input"), integer("start_dim", whole(0)), integer("end_dim", whole(-1))},
       .infer = flatten_ext_types,
       .to_onnx = to_result_shape},
      {.name = "Ones",
       .arguments = {integers("shape"), dtype("dtype", DType::float32), sizes()},
       .infer = number_types,
       .to_onnx = number_onnx<1>},
      {.name = "Reshape",
       .was = "View",
       .arguments = {tensor("input"), integers("shape"), sizes()},
       .infer = reshape_types,
       .to_onnx = reshape_onnx},
      {.name = "Split",
       .arguments = {tensor("input"), integer("axis", whole(0)), integer("output_num", whole(1))},
       .infer = split_types<split_parts>,
       .to_onnx = split_onnx<split_parts>},
      {.name = "SplitTensor",
       .was = "SplitTensorView",
       .arguments = {tensor("input"), integer("split_size"), integer("dim", whole(0))},
       .infer = split_types<split_tensor_parts>,
       .to_onnx = split_onnx<split_tensor_parts>},
      {.name = "SplitWithSize",
       .was = "SplitWithSizeView",
       .arguments = {tensor("input"), integers("split_size"), integer("dim", whole(0))},
       .infer = split_types<split_size_parts>,
       .to_onnx = split_onnx<split_size_parts>},
      {.name = "Squeeze",
       .arguments = {tensor("input"), integers("axis", Ints{})},
       .infer = squeeze_types,
       .to_onnx = squeeze_onnx},
      {.name = "Stack",
       .was = "Pack StackExt",
       .arguments = {tensors("tensors"), integer("axis", whole(0), "dim")},
       .infer = stack_types,
       .to_onnx = stack},
      {.name = "TExt",
       .arguments = {tensor("input")},
       .infer = transpose_types<matrix_order>,
       .to_onnx = transpose_onnx<matrix_order>},
      {.name = "Tile",
       .arguments = {tensor("input"), integers("dims", {}, "multiples"), sizes()},
       .infer = tile_types,
       .to_onnx = tile},
      {.name = "Transpose",
       .was = "TransposeView",
       .arguments = {tensor("input"), integers("dims", {}, "perm input_perm")},
       .infer = transpose_types<own_order>,
       .to_onnx = transpose_onnx<own_order>},
      {.name = "TransposeExtView",
       .was = "TransposeExt",
       .arguments = {tensor("input"), integer("dim0"), integer("dim1")},
       .infer = transpose_types<ext_order>,
       .to_onnx = transpose_onnx<ext_order>},
      {.name = "Unstack",
       .was = "Unpack UnstackExt UnstackExtView",
       .arguments = {tensor("input"), integer("axis", whole(0), "dim"), integer("num", None{})},
       .infer = unstack_types,
       .to_onnx = unstack},
      {.name = "Zeros",
       .arguments = {integers("shape"), dtype("dtype", DType::float32), sizes()},
       .infer = number_types,
       .to_onnx = number_onnx<0>},
  };
}

}  // namespace ckpt::graph
