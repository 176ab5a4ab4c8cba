#include "diagonal.h"
#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// ---- places of a matrix, by their numbers: nothing is stored that grows with it ----

Ref numbers_from(Target& target, std::int64_t first, std::int64_t count) {
  const auto number = [&](std::int64_t value) { return target.scalar(static_cast<double>(value), DType::int64); };
  return target.add("Range", {number(first), number(first + count), number(1)}, {}, {DType::int64, {Dim(count)}});
}

/// Where the number of the column is so to that of the row and `more`.
Ref places_where(Target& target, std::string_view comparison, std::int64_t rows, std::int64_t columns,
                 std::int64_t more) {
  const Type column{DType::int64, {Dim(rows), Dim(1)}};
  const Ref down = unsqueeze(target, numbers_from(target, more, rows), {1}, column);
  return target.add(comparison, {numbers_from(target, 0, columns), down}, {},
                    {DType::boolean, {Dim(rows), Dim(columns)}});
}

// ---- a diagonal becomes a matrix, and the other way round ----

Types diag_types(const NodeView& node) {
  Type type = node.type(0);
  type.dims.insert(type.dims.end(), node.type(0).dims.begin(), node.type(0).dims.end());
  return std::vector<Type>{std::move(type)};
}

Result<std::int64_t> diagonal_length(const Type& type) {
  constexpr std::uint64_t kMost = 1 << 12;
  const auto count = element_count(type);
  if (!count || *count == 0 || *count > kMost) return refuse("a diagonal of " + to_string(type));
  return static_cast<std::int64_t>(*count);
}

Status diag(const NodeView& node, Target& target) {
  const Type& x = node.type(0);
  auto length = diagonal_length(x);
  if (!length) return length.error();
  const Dim n(*length);
  const Ref places = places_where(target, "Equal", *length, *length, 0);
  const Ref row = reshape(target, in(node, target, 0), {1, *length}, {x.dtype, {Dim(1), n}});
  const Ref square = target.add("Where", {places, row, target.scalar(0, x.dtype)}, {}, {x.dtype, {n, n}});
  target.result(0, reshape(target, square, sizes_of(node.result_type().dims)));
  return {};
}

Types diag_part_types(const NodeView& node) {
  const Type& x = node.type(0);
  if (x.dims.empty() || x.dims.size() % 2 != 0) return refuse("its input is " + to_string(x));
  const std::size_t half = x.dims.size() / 2;
  Type type{x.dtype, {}};
  for (std::size_t i = 0; i < half; ++i) {
    auto dim = unify(x.dims[i], x.dims[half + i]);
    if (!dim) return dim.error();
    type.dims.push_back(*dim);
  }
  return std::vector<Type>{std::move(type)};
}

Status diag_part(const NodeView& node, Target& target) {
  const DType dtype = node.type(0).dtype;
  auto length = diagonal_length(node.result_type());
  if (!length) return length.error();
  const std::int64_t n = *length;
  const Ref flat = reshape(target, in(node, target, 0), {n * n}, {dtype, {Dim(n * n)}});
  const Ref part = slice(target, flat, {0}, {kToTheEnd}, {0}, {n + 1}, {dtype, {Dim(n)}});
  target.result(0, reshape(target, part, sizes_of(node.result_type().dims)));
  return {};
}

// ---- the diagonal of two axes of a tensor ----

/// The other axes, then the diagonal.
Dims line_dims(const Dims& dims, const Line& line) {
  Dims left;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (i != line.rows && i != line.columns) left.push_back(dims[i]);
  }
  left.emplace_back(line.count);
  return left;
}

Types diagonal_types(const NodeView& node) {
  auto line = own_line(node);
  if (!line) return line.error();
  return std::vector<Type>{{node.type(0).dtype, line_dims(node.type(0).dims, *line)}};
}

Ref line_out(const NodeView& node, Target& target, const Line& line) {
  const Type& x = node.type(0);
  Ints order, shape;
  Type turned{x.dtype, {}};
  for (std::size_t i = 0; i < x.dims.size(); ++i) {
    if (i == line.rows || i == line.columns) continue;
    order.push_back(static_cast<std::int64_t>(i));
    turned.dims.push_back(x.dims[i]);
    shape.push_back(0);
  }
  const auto last = static_cast<std::int64_t>(shape.size());
  for (const std::size_t axis : {line.rows, line.columns}) {
    order.push_back(static_cast<std::int64_t>(axis));
    turned.dims.push_back(x.dims[axis]);
  }
  shape.push_back(line.height * line.width);
  Type flat{x.dtype, Dims(turned.dims.begin(), turned.dims.end() - 2)};
  flat.dims.emplace_back(line.height * line.width);
  const Ref rows = reshape(target, transpose(target, in(node, target, 0), order, turned), shape, flat);
  const std::int64_t end = line.first + (line.count - 1) * (line.width + 1) + 1;
  return slice(target, rows, {line.first}, {end}, {last}, {line.width + 1}, {x.dtype, line_dims(x.dims, line)});
}

Status diagonal(const NodeView& node, Target& target) {
  auto line = own_line(node);
  if (!line) return line.error();
  target.result(0, line_out(node, target, *line));
  return {};
}

Types trace_types(const NodeView& node) {
  if (auto status = want_rank(node, 0, 2); !status) return status.error();
  if (auto line = line_of(node, 0, 0, 1); !line) return line.error();
  return std::vector<Type>{{node.type(0).dtype, {}}};
}

Status trace(const NodeView& node, Target& target) {
  auto line = line_of(node, 0, 0, 1);
  if (!line) return line.error();
  target.result(0, reduce(target, "ReduceSum", line_out(node, target, *line), {0}, false));
  return {};
}

// ---- triangles ----

Types triangle_types(const NodeView& node) {
  if (node.type(0).dims.size() < 2) return refuse("its input is " + to_string(node.type(0)));
  return same(node);
}

/// Zeros elsewhere. ONNX has an operator for that from opset 14 on, which runtimes have for the types that masks and
/// weights are of.
template <bool kUpper>
Status triangle(const NodeView& node, Target& target) {
  const Type& x = node.type(0);
  const std::int64_t diagonal = node.integer("diagonal");
  const bool common = x.dtype == DType::float32 || x.dtype == DType::float64 || x.dtype == DType::int64;
  if (target.opset() >= 14 && common) {
    const Ref at = target.scalar(static_cast<double>(diagonal), DType::int64);
    target.result(0, target.add("Trilu", {in(node, target, 0), at}, {{"upper", std::int64_t{kUpper}}}));
    return {};
  }
  const Dim &height = x.dims[x.dims.size() - 2], &width = x.dims.back();
  if (!height.known() || !width.known()) return refuse("over sizes that are not known");
  const Ref mask = places_where(target, kUpper ? "GreaterOrEqual" : "LessOrEqual", height.size, width.size, diagonal);
  const Ref input = in(node, target, 0);
  target.result(0, x.dtype == DType::boolean ? target.add("And", {input, mask})
                                             : target.add("Where", {mask, input, target.scalar(0, x.dtype)}));
  return {};
}

Types eye_types(const NodeView& node) {
  const std::int64_t n = node.integer("n"), m = node.integer("m");
  if (n <= 0 || m <= 0) return refuse(std::to_string(n) + " rows of " + std::to_string(m));
  if (size_of(node.dtype("dtype")) == 0) return refuse("of " + std::string(name(node.dtype("dtype"))));
  return std::vector<Type>{{node.dtype("dtype"), {Dim(n), Dim(m)}}};
}

Status eye(const NodeView& node, Target& target) {
  const Type& type = node.result_type();
  if (onnx_dtype(type.dtype) == 0) return refuse("ONNX has no " + std::string(name(type.dtype)));
  const Ref places = places_where(target, "Equal", type.dims[0].size, type.dims[1].size, 0);
  target.result(0, target.add("Cast", {places}, {{"to", onnx_dtype(type.dtype)}}));
  return {};
}

/// Small ones are constants of GE.
Status eye_of_ge(const NodeView& node, Target& target) {
  constexpr std::int64_t kMost = 1 << 16;
  const Type& type = node.result_type();
  const std::int64_t n = type.dims[0].size, m = type.dims[1].size;
  if (n > kMost / m) return refuse("a matrix of more places than a constant should have");
  std::vector<double> places(static_cast<std::size_t>(n * m), 0.0);
  for (std::int64_t i = 0; i < std::min(n, m); ++i) places[static_cast<std::size_t>(i * (m + 1))] = 1;
  target.result(0, target.tensor(type, contents_of(type.dtype, places)));
  return {};
}

std::vector<Argument> triangle_arguments() { return {tensor("input"), integer("diagonal", whole(0))}; }

}  // namespace

Result<Line> line_of(const NodeView& node, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const Dims& dims = node.type(0).dims;
  auto rows = axis_of(dim1, dims.size());
  if (!rows) return rows.error();
  auto columns = axis_of(dim2, dims.size());
  if (!columns) return columns.error();
  if (*rows == *columns) return refuse("a diagonal of one axis");
  if (!dims[*rows].known() || !dims[*columns].known()) return refuse("a diagonal over sizes that are not known");
  Line line{.rows = *rows, .columns = *columns, .height = dims[*rows].size, .width = dims[*columns].size};
  line.first = offset >= 0 ? offset : -offset * line.width;
  line.count = offset >= 0 ? std::min(line.height, line.width - offset) : std::min(line.height + offset, line.width);
  if (line.count <= 0) return refuse("offset " + std::to_string(offset) + " is outside of " + to_string(node.type(0)));
  return line;
}

Result<Line> own_line(const NodeView& node) {
  return line_of(node, node.integer("offset"), node.integer("dim1"), node.integer("dim2"));
}

std::vector<Op> diagonal_ops() {
  return {
      {.name = "Diag", .arguments = {tensor("input")}, .infer = diag_types, .to_onnx = diag},
      {.name = "DiagPart", .arguments = {tensor("x")}, .infer = diag_part_types, .to_onnx = diag_part},
      {.name = "Diagonal",
       .was = "DiagonalView",
       .arguments = {tensor("input"), integer("offset", whole(0)), integer("dim1", whole(0)),
                     integer("dim2", whole(1))},
       .infer = diagonal_types,
       .to_onnx = diagonal},
      {.name = "Eye",
       .arguments = {integer("n"), integer("m"), dtype("dtype", DType::float32)},
       .infer = eye_types,
       .to_onnx = eye,
       .to_ge = eye_of_ge},
      {.name = "Trace", .arguments = {tensor("input")}, .infer = trace_types, .to_onnx = trace},
      {.name = "Tril",
       .was = "TrilExt",
       .arguments = triangle_arguments(),
       .infer = triangle_types,
       .to_onnx = triangle<false>},
      {.name = "Triu", .arguments = triangle_arguments(), .infer = triangle_types, .to_onnx = triangle<true>},
  };
}

}  // namespace ckpt::graph
