#include <limits>

#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// ---- rows that go where their numbers say ----

/// What several rows of one number become together, and what a number has that no row has.
struct Meeting {
  std::string_view reduction;  ///< of ScatterND
  int opset;                   ///< since which it has it
  std::string_view reduce;     ///< the same over an axis
  double (*empty)(DType);
};

/// The largest finite number of a type; MindSpore has it, and its negative, for what is empty.
double largest(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return 65504;
    case DType::float64:
      return std::numeric_limits<double>::max();
    case DType::int32:
      return std::numeric_limits<std::int32_t>::max();
    default:
      return static_cast<double>(std::numeric_limits<float>::max());
  }
}
double lowest(DType dtype) {
  return dtype == DType::int32 ? double{std::numeric_limits<std::int32_t>::min()} : -largest(dtype);
}

constexpr Meeting kSum{"add", 16, "ReduceSum", [](DType) { return 0.0; }};
constexpr Meeting kProd{"mul", 16, "ReduceProd", [](DType) { return 1.0; }};
constexpr Meeting kMin{"min", 18, "ReduceMin", largest};
constexpr Meeting kMax{"max", 18, "ReduceMax", lowest};

bool can_meet(DType dtype) { return is_floating(dtype) || dtype == DType::int32; }

/// Rows [P, width] by their numbers [P] into `count` rows; a number below zero leaves its row out.
Ref scattered(Target& target, const Meeting& how, Ref numbers, Ref rows, const Type& type, std::int64_t count) {
  const DType dtype = type.dtype;
  const Dim &given = type.dims[0], &width = type.dims[1];
  const Ref empty = target.scalar(how.empty(dtype), dtype);
  if (target.opset() >= how.opset) {
    const Dims line{given};
    const Ref below = target.add("Less", {numbers, target.scalar(0, DType::int64)}, {}, {DType::boolean, line});
    const Ref last = target.scalar(static_cast<double>(count), DType::int64);  // a row more, which is cut off again
    const Ref to = target.add("Where", {below, last, numbers}, {}, {DType::int64, line});
    const Ref places = unsqueeze(target, to, {1}, {DType::int64, {given, Dim(1)}});
    const Type larger{dtype, {Dim(count + 1), width}};
    const Ref start = target.add("Expand", {empty, target.constant(Ints{count + 1, width.size})}, {}, larger);
    const Ref sums =
        target.add("ScatterND", {start, places, rows}, {{"reduction", std::string(how.reduction)}}, larger);
    return slice(target, sums, {0}, {count}, {0}, {1}, {dtype, {Dim(count), width}});
  }
  const Ref from = target.scalar(0, DType::int64), step = target.scalar(1, DType::int64);
  const Ref range = target.add("Range", {from, target.scalar(static_cast<double>(count), DType::int64), step}, {},
                               {DType::int64, {Dim(count)}});
  const Ref column = unsqueeze(target, range, {1}, {DType::int64, {Dim(count), Dim(1)}});
  const Ref its = target.add("Equal", {column, numbers}, {}, {DType::boolean, {Dim(count), given}});
  const Ref wide = unsqueeze(target, its, {2}, {DType::boolean, {Dim(count), given, Dim(1)}});
  const Ref kept = target.add("Where", {wide, rows, empty}, {}, {dtype, {Dim(count), given, width}});
  return reduce(target, how.reduce, kept, {1}, false, {dtype, {Dim(count), width}});
}

/// The product of the dimensions from there on; they must be known.
Result<std::int64_t> width_of(const Type& type, std::size_t first) {
  const auto part = known_part(Dims(type.dims.begin() + static_cast<std::ptrdiff_t>(first), type.dims.end()));
  if (!part) return part.error();
  if (part->unknown != 0) return refuse("a row of " + to_string(type) + " has no size that is known");
  return part->product;
}

constexpr std::int64_t kMostRows = std::int64_t{1} << 31;

Types segment_types(const NodeView& node) {
  const Dims& x = node.type(0).dims;
  const Dims& numbers = node.type(1).dims;
  const std::int64_t count = node.integer("num_segments");
  if (count <= 0) return refuse("num_segments " + std::to_string(count));
  if (numbers.empty() || numbers.size() > x.size()) return refuse("segment_ids are " + to_string(node.type(1)));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (auto size = unify(x[i], numbers[i]); !size) return size.error();
  }
  Dims dims{Dim(count)};
  dims.insert(dims.end(), x.begin() + static_cast<std::ptrdiff_t>(numbers.size()), x.end());
  return std::vector<Type>{{node.type(0).dtype, std::move(dims)}};
}

template <const Meeting& kHow>
Status segments(const NodeView& node, Target& target) {
  const Type& x = node.type(0);
  const std::size_t rank = node.type(1).dims.size();
  if (!can_meet(x.dtype)) return refuse("of " + to_string(x));
  auto width = width_of(x, rank);
  if (!width) return width.error();
  const auto rows = known_part(node.type(1).dims);
  if (!rows) return rows.error();
  const Type type{x.dtype, {as_dim(*rows), Dim(*width)}};
  const Ref flat = reshape(target, in(node, target, 0), {-1, *width}, type);
  const Ref numbers = reshape(target, in_as(node, target, 1, DType::int64), {-1}, {DType::int64, {type.dims[0]}});
  const Ref found = scattered(target, kHow, numbers, flat, type, node.integer("num_segments"));
  Ints shape;
  for (const Dim& dim : node.result_type().dims) shape.push_back(dim.size);
  target.result(0, reshape(target, found, shape));
  return {};
}

Types scatter_types(const NodeView& node) {
  const Dims& indices = node.type(0).dims;
  const Ints& shape = node.integers("shape");
  if (indices.empty() || !indices.back().known()) return refuse("indices are " + to_string(node.type(0)));
  const auto depth = static_cast<std::size_t>(indices.back().size);
  if (depth == 0 || depth > shape.size()) return refuse("indices are " + to_string(node.type(0)));
  Dims updates(indices.begin(), indices.end() - 1), dims;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] <= 0) return refuse("shape has " + std::to_string(shape[i]));
    dims.emplace_back(shape[i]);
    if (i >= depth) updates.emplace_back(shape[i]);
  }
  if (updates.size() != node.type(1).dims.size()) return refuse("updates are " + to_string(node.type(1)));
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if (auto size = unify(updates[i], node.type(1).dims[i]); !size) return size.error();
  }
  return std::vector<Type>{{node.type(1).dtype, std::move(dims)}};
}

/// Zeros, and the updates added where they go: what goes to one place several times is added several times.
Status scatter_nd(const NodeView& node, Target& target) {
  const Type& indices = node.type(0);
  const Type& updates = node.type(1);
  if (!can_meet(updates.dtype)) return refuse("of " + to_string(updates));
  const Ints& shape = node.integers("shape");
  const auto depth = static_cast<std::size_t>(indices.dims.back().size);
  auto width = width_of(node.result_type(), depth);
  if (!width) return width.error();
  Ints steps(depth, 1);
  std::int64_t count = 1;
  for (std::size_t i = depth; i-- > 0;) {
    steps[i] = count;
    if (count > kMostRows / shape[i]) return refuse("more rows than are sensible");
    count *= shape[i];
  }
  const auto rows = known_part(Dims(indices.dims.begin(), indices.dims.end() - 1));
  if (!rows) return rows.error();
  const Dim given = as_dim(*rows);
  const auto deep = static_cast<std::int64_t>(depth);
  const Type places{DType::int64, {given, Dim(deep)}}, type{updates.dtype, {given, Dim(*width)}};
  const Ref flat = reshape(target, in_as(node, target, 0, DType::int64), {-1, deep}, places);
  const Ref scaled = target.add("Mul", {flat, target.constant(steps)}, {}, places);
  const Ref numbers = reduce(target, "ReduceSum", scaled, {1}, false, {DType::int64, {given}});
  const Ref found =
      scattered(target, kSum, numbers, reshape(target, in(node, target, 1), {-1, *width}, type), type, count);
  target.result(0, reshape(target, found, shape));
  return {};
}

// ---- values that replace those of a tensor, or meet them ----

/// Indices [.., depth] and updates [.., the dimensions that the indices leave]: the result is as the first input.
Types updated_types(const NodeView& node) {
  const Dims& x = node.type(0).dims;
  const Dims& indices = node.type(1).dims;
  if (indices.empty() || !indices.back().known()) return refuse("indices are " + to_string(node.type(1)));
  const auto depth = static_cast<std::size_t>(indices.back().size);
  if (depth == 0 || depth > x.size()) return refuse("indices are " + to_string(node.type(1)));
  Dims updates(indices.begin(), indices.end() - 1);
  updates.insert(updates.end(), x.begin() + static_cast<std::ptrdiff_t>(depth), x.end());
  if (updates.size() != node.type(2).dims.size()) return refuse("updates are " + to_string(node.type(2)));
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if (auto size = unify(updates[i], node.type(2).dims[i]); !size) return size.error();
  }
  return same(node);
}

/// What ONNX's ScatterND and ScatterElements do with what is there, from which opset on, and whether with the
/// opposite of an update.
struct Update {
  std::string_view reduction;
  int opset = 13;
  bool negated = false;
};

constexpr Update kReplace{""};
constexpr Update kAdd{"add", 16};
constexpr Update kSubtract{"add", 16, true};
constexpr Update kMultiply{"mul", 16};
constexpr Update kLeast{"min", 18};
constexpr Update kLargest{"max", 18};

Status scatter_into(const NodeView& node, Target& target, std::string_view op, const Update& how, std::size_t indices,
                    NamedAttrs attrs) {
  if (target.opset() < how.opset) {
    return refuse("ONNX's " + std::string(op) + " has \"" + std::string(how.reduction) + "\" from opset " +
                  std::to_string(how.opset) + " on");
  }
  if (!how.reduction.empty()) attrs.push_back({"reduction", std::string(how.reduction)});
  const DType dtype = node.type(0).dtype;
  Ref updates = in_as(node, target, indices + 1, dtype);
  if (how.negated) updates = target.add("Neg", {updates}, {}, {dtype, node.type(indices + 1).dims});
  target.result(
      0, target.add(op, {in(node, target, 0), in_as(node, target, indices, DType::int64), updates}, std::move(attrs)));
  return {};
}

template <const Update& kHow>
Status tensor_scatter(const NodeView& node, Target& target) {
  return scatter_into(node, target, "ScatterND", kHow, 1, {});
}

/// One index an element, along one axis.
Types elements_types(const NodeView& node, std::int64_t axis) {
  const Dims& x = node.type(0).dims;
  const Dims& indices = node.type(1).dims;
  const Dims& updates = node.type(2).dims;
  if (auto position = axis_of(axis, x.size()); !position) return position.error();
  if (indices.size() != x.size() || updates.size() != x.size()) return refuse("indices are " + to_string(node.type(1)));
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (auto size = unify(indices[i], updates[i]); !size) return size.error();
  }
  return same(node);
}

Status scatter_elements_along(const NodeView& node, Target& target, std::int64_t axis, const std::string& reduction) {
  const bool known = reduction == "none" || reduction == "add" || reduction == "multiply";
  if (!known) return refuse("reduction " + reduction);
  const Update& how = reduction == "none" ? kReplace : reduction == "add" ? kAdd : kMultiply;
  return scatter_into(node, target, "ScatterElements", how, 1, {{"axis", axis}});
}

Types scatter_elements_types(const NodeView& node) { return elements_types(node, node.integer("axis")); }
Status scatter_elements(const NodeView& node, Target& target) {
  return scatter_elements_along(node, target, node.integer("axis"), node.text("reduction"));
}

Types scatter_along_types(const NodeView& node) { return elements_types(node, node.integer("dim")); }
Status scatter_along(const NodeView& node, Target& target) {
  return scatter_elements_along(node, target, node.integer("dim"), node.text("reduce"));
}

std::vector<Argument> segment_arguments() {
  return {tensor("input_x"), tensor("segment_ids"), integer("num_segments")};
}

std::vector<Argument> update_arguments() { return {tensor("input_x"), tensor("indices"), tensor("updates")}; }

template <const Meeting& kHow>
Op segment_op(std::string_view name) {
  return {.name = name, .arguments = segment_arguments(), .infer = segment_types, .to_onnx = segments<kHow>};
}

template <const Update& kHow>
Op update_op(std::string_view name) {
  return {.name = name, .arguments = update_arguments(), .infer = updated_types, .to_onnx = tensor_scatter<kHow>};
}

}  // namespace

std::vector<Op> scatter_ops() {
  return {
      {.name = "Scatter",
       .arguments = {tensor("input"), integer("dim"), tensor("index"), tensor("src"), text("reduce", words("none"))},
       .infer = scatter_along_types,
       .to_onnx = scatter_along},
      {.name = "ScatterNd",
       .arguments = {tensor("indices"), tensor("updates"), integers("shape")},
       .infer = scatter_types,
       .to_onnx = scatter_nd},
      update_op<kAdd>("TensorScatterAdd"),
      {.name = "TensorScatterElements",
       .arguments = {tensor("data"), tensor("indices"), tensor("updates"), integer("axis", whole(0)),
                     text("reduction", words("none"))},
       .infer = scatter_elements_types,
       .to_onnx = scatter_elements},
      update_op<kLargest>("TensorScatterMax"),
      update_op<kLeast>("TensorScatterMin"),
      update_op<kMultiply>("TensorScatterMul"),
      update_op<kSubtract>("TensorScatterSub"),
      update_op<kReplace>("TensorScatterUpdate"),
      segment_op<kMax>("UnsortedSegmentMax"),
      segment_op<kMin>("UnsortedSegmentMin"),
      segment_op<kProd>("UnsortedSegmentProd"),
      segment_op<kSum>("UnsortedSegmentSum"),
  };
}

}  // namespace ckpt::graph
