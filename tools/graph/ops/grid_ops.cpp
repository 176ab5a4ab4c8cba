#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// ---- evenly from one number to another ----

Types linspace_types(const NodeView& node) {
  const std::int64_t count = node.integer("num");
  if (count <= 0) return refuse("num " + std::to_string(count));
  const DType dtype = common_dtype(node.type(0).dtype, node.type(1).dtype);
  if (!is_floating(dtype)) return refuse("of " + std::string(name(dtype)));
  for (const std::size_t i : {0U, 1U}) {
    if (!node.type(i).dims.empty()) return refuse("start or stop is " + to_string(node.type(i)) + ", no number");
  }
  return std::vector<Type>{{dtype, {Dim(count)}}};
}

/// start + (stop - start) * i / (num - 1)
Status linspace(const NodeView& node, Target& target) {
  const Type& type = node.result_type();
  const auto count = static_cast<double>(node.integer("num"));
  const Ref from = target.scalar(0, DType::int64), step = target.scalar(1, DType::int64);
  const Ref numbers =
      target.add("Range", {from, target.scalar(count, DType::int64), step}, {}, {DType::int64, type.dims});
  Chain number(target, {type.dtype, {}}), f(target, type);
  const Ref start = in_as(node, target, 0, type.dtype);
  const Ref range = number("Sub", {in_as(node, target, 1, type.dtype), start});
  const Ref parts = f("Div", {cast(target, numbers, type.dtype, type.dims), f.number(std::max<double>(count - 1, 1))});
  target.result(0, f("Add", {start, f("Mul", {range, parts})}));
  return {};
}

// ---- a grid of vectors: each along its own axis, repeated along the others ----

/// Which axis of the grid each vector is along: of "xy" the first two change places.
std::size_t axis_in_grid(const NodeView& node, std::size_t i) {
  const bool swapped = node.text("indexing") == "xy" && node.input_count() > 1 && i < 2;
  return swapped ? 1 - i : i;
}

Types meshgrid_types(const NodeView& node) {
  const std::string& indexing = node.text("indexing");
  if (indexing != "xy" && indexing != "ij") return refuse("indexing " + indexing);
  Dims dims(node.input_count());
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (auto status = want_rank(node, i, 1); !status) return status.error();
    dims[axis_in_grid(node, i)] = node.type(i).dims[0];
  }
  std::vector<Type> types;
  for (std::size_t i = 0; i < node.input_count(); ++i) types.push_back({node.type(i).dtype, dims});
  return types;
}

Ref grid_sizes(const NodeView& node, Target& target, const Dims& dims) {
  if (const auto all = known_part(dims); all && all->unknown == 0) return target.constant(sizes_of(dims));
  std::vector<Ref> sizes(node.input_count());
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    sizes[axis_in_grid(node, i)] = target.add("Shape", {in(node, target, i)}, {}, {DType::int64, {Dim(1)}});
  }
  return target.add("Concat", std::move(sizes), {{"axis", std::int64_t{0}}},
                    {DType::int64, {Dim(static_cast<std::int64_t>(dims.size()))}});
}

Status meshgrid(const NodeView& node, Target& target) {
  const Dims dims = node.result_type().dims;
  const Ref sizes = grid_sizes(node, target, dims);
  for (std::size_t i = 0; i < node.node().outputs.size(); ++i) {
    const std::size_t axis = axis_in_grid(node, i);
    Ints shape(dims.size(), 1);
    shape[axis] = -1;
    Type line{node.type(i).dtype, Dims(dims.size(), Dim(1))};
    line.dims[axis] = dims[axis];
    target.result(i, target.add("Expand", {reshape(target, in(node, target, i), shape, line), sizes}));
  }
  return {};
}

// ---- pixels at places between pixels ----

Types grid_sample_types(const NodeView& node) {
  if (auto status = want_rank(node, 0, 4); !status) return status.error();
  if (auto status = want_rank(node, 1, 4); !status) return status.error();
  const Dims &image = node.type(0).dims, &grid = node.type(1).dims;
  if (auto batch = unify(image[0], grid[0]); !batch) return batch.error();
  if (auto pair = unify(grid[3], Dim(2)); !pair) return refuse("its grid is " + to_string(node.type(1)));
  return std::vector<Type>{{node.type(0).dtype, {image[0], image[1], grid[1], grid[2]}}};
}

Status grid_sample(const NodeView& node, Target& target) {
  if (target.opset() < 16) return refuse("ONNX has GridSample from opset 16 on");
  std::string mode = node.text("interpolation_mode");
  if (mode != "bilinear" && mode != "nearest") return refuse("interpolation_mode " + mode);
  const std::string& padding = node.text("padding_mode");
  if (padding != "zeros" && padding != "border" && padding != "reflection") return refuse("padding_mode " + padding);
  if (mode == "bilinear" && target.opset() >= 20) mode = "linear";
  target.result(
      0, target.add(
             "GridSample", {in(node, target, 0), in(node, target, 1)},
             {{"align_corners", std::int64_t{node.flag("align_corners")}}, {"mode", mode}, {"padding_mode", padding}}));
  return {};
}

}  // namespace

std::vector<Op> grid_ops() {
  return {
      {.name = "GridSampler2D",
       .arguments = {tensor("input_x"), tensor("grid"), text("interpolation_mode", words("bilinear")),
                     text("padding_mode", words("zeros")), flag("align_corners", false)},
       .infer = grid_sample_types,
       .to_onnx = grid_sample},
      {.name = "LinSpace",
       .arguments = {tensor("start"), tensor("stop"), integer("num")},
       .infer = linspace_types,
       .to_onnx = linspace},
      {.name = "Meshgrid",
       .arguments = {tensors("inputs"), text("indexing", words("xy"))},
       .infer = meshgrid_types,
       .to_onnx = meshgrid},
  };
}

}  // namespace ckpt::graph
