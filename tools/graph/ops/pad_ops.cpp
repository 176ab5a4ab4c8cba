#include <cstdlib>
#include <tuple>

#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

/// Elements before and behind, an axis each.
struct Around {
  std::vector<std::pair<std::int64_t, std::int64_t>> axes = {};
  std::string mode = "constant";  ///< ONNX's word
  double value = 0;
};

Result<Around> of_lists(const NodeView& node, std::string_view attribute) {
  Around around;
  for (const Ints& pair : node.int_lists(attribute)) {
    if (pair.size() != 2) return refuse("paddings that are no pairs");
    around.axes.emplace_back(pair[0], pair[1]);
  }
  if (around.axes.size() != node.type(0).dims.size()) return refuse("paddings of another rank");
  return around;
}

/// PyTorch's order: pairs from the last axis backwards.
Result<Around> of_pairs(const NodeView& node, const Ints& pads) {
  const std::size_t rank = node.type(0).dims.size();
  if (pads.size() % 2 != 0 || pads.size() / 2 > rank) {
    return refuse("padding of " + std::to_string(pads.size()) + " numbers");
  }
  Around around;
  around.axes.resize(rank);
  for (std::size_t i = 0; i < pads.size() / 2; ++i) around.axes[rank - 1 - i] = {pads[2 * i], pads[2 * i + 1]};
  return around;
}

using Reader = Result<Around> (*)(const NodeView&);

Result<Around> pad_form(const NodeView& node) { return of_lists(node, "paddings"); }

Result<Around> mirror_form(const NodeView& node) {
  auto around = of_lists(node, "paddings");
  if (!around) return around;
  around->mode = node.text("mode");
  if (around->mode != "reflect" && around->mode != "symmetric") return refuse("mode " + around->mode);
  return around;
}

Result<Around> pad_v3_form(const NodeView& node) {
  if (!node.flag("paddings_contiguous")) return refuse("paddings_contiguous=false");
  auto around = of_pairs(node, node.integers("paddings"));
  if (!around) return around;
  around->mode = node.text("mode");
  const std::string& mode = around->mode;
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "circular") return refuse("mode " + mode);
  if (around->mode == "constant" && node.has_input(1)) {
    const auto value = node.constant_numbers(1);
    if (!value || value->size() != 1) return refuse("a value that is not constant");
    around->value = value->front();
  }
  return around;
}

Result<Around> constant_form(const NodeView& node) {
  auto around = of_pairs(node, node.integers("padding"));
  if (around) around->value = node.number("value");
  return around;
}

Result<Around> reflection_form(const NodeView& node) {
  auto around = of_pairs(node, node.integers("padding"));
  if (around) around->mode = "reflect";
  return around;
}

Result<Around> replication_form(const NodeView& node) {
  auto around = of_pairs(node, node.integers("padding"));
  if (around) around->mode = "edge";
  return around;
}

Types padded_types(const Type& input, const Around& around) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  Type type = input;
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    const auto [before, behind] = around.axes[i];
    if (std::abs(before) > kMost || std::abs(behind) > kMost) return refuse("padding that makes no sense");
    if (around.mode != "constant" && (before < 0 || behind < 0)) return refuse("padding below zero");
    if (around.mode != "constant" && around.mode != "edge" && type.dims[i].known()) {
      const std::int64_t most = type.dims[i].size - (around.mode == "reflect" ? 1 : 0);
      if (before > most || behind > most) return refuse("more padding than there is to copy");
    }
    if (before == 0 && behind == 0) continue;
    type.dims[i] = type.dims[i].known() ? Dim(type.dims[i].size + before + behind) : Dim();
    if (type.dims[i].known() && type.dims[i].size < 0) return refuse("padding below the size");
  }
  return std::vector<Type>{type};
}

template <Reader read>
Types pad_types(const NodeView& node) {
  auto around = read(node);
  if (!around) return around.error();
  return padded_types(node.type(0), *around);
}

Ref padded(Target& target, Ref x, const Type& input, const Around& around, Type type = {}) {
  Ints pads;
  for (const auto& [before, behind] : around.axes) pads.push_back(before);
  for (const auto& [before, behind] : around.axes) pads.push_back(behind);
  std::vector<Ref> inputs{x, target.constant(pads)};
  if (around.value != 0) inputs.push_back(target.scalar(around.value, input.dtype));
  return target.add("Pad", std::move(inputs), {{"mode", around.mode}}, std::move(type));
}

/// The elements of an axis next to its ends, once more: mirrored there, or from the other end. ONNX has neither padding
/// in all opsets.
Ref repeated(Target& target, Ref x, const Around& around) {
  const bool mirrored = around.mode == "symmetric";
  for (std::size_t i = 0; i < around.axes.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i);
    const auto [before, behind] = around.axes[i];
    std::vector<Ref> parts;
    if (before > 0 && mirrored) parts.push_back(slice(target, x, {before - 1}, {-kToTheEnd}, {axis}, {-1}));
    if (before > 0 && !mirrored) parts.push_back(slice(target, x, {-before}, {kToTheEnd}, {axis}, {1}));
    parts.push_back(x);
    if (behind > 0 && mirrored) parts.push_back(slice(target, x, {-1}, {-behind - 1}, {axis}, {-1}));
    if (behind > 0 && !mirrored) parts.push_back(slice(target, x, {0}, {behind}, {axis}, {1}));
    if (parts.size() > 1) x = target.add("Concat", std::move(parts), {{"axis", axis}});
  }
  return x;
}

template <Reader read>
Status pad_onnx(const NodeView& node, Target& target) {
  auto around = read(node);
  if (!around) return around.error();
  if (around->mode == "symmetric" || around->mode == "circular") {
    target.result(0, repeated(target, in(node, target, 0), *around));
    return {};
  }
  target.result(0, padded(target, in(node, target, 0), node.type(0), *around));
  return {};
}

// ---- blocks of an image and its channels ----

Status check_block(const NodeView& node, std::int64_t block) {
  if (auto status = want_rank(node, 0, 4); !status) return status;
  if (block < 1 || block > (1 << 15)) return refuse("a block of " + std::to_string(block));
  return {};
}

/// An axis times or divided by a number.
Result<Dim> times(const Dim& dim, std::int64_t factor) {
  const auto product = known_part({dim, Dim(factor)});
  if (!product) return product.error();
  return as_dim(*product);
}

Result<Dim> over(const Dim& dim, std::int64_t divisor) {
  if (dim.known() && dim.size % divisor != 0) {
    return refuse(std::to_string(dim.size) + " is not divided by " + std::to_string(divisor));
  }
  const auto all = known_part({dim});
  return quotient(*all, {.product = divisor});
}

Types block_types(const NodeView& node, std::int64_t block, bool to_space) {
  if (auto status = check_block(node, block); !status) return status.error();
  Type type = node.type(0);
  for (std::size_t i = 1; i < 4; ++i) {
    const bool divide = to_space == (i == 1);
    const std::int64_t factor = i == 1 ? block * block : block;
    auto dim = divide ? over(type.dims[i], factor) : times(type.dims[i], factor);
    if (!dim) return dim.error();
    type.dims[i] = *dim;
  }
  return std::vector<Type>{type};
}

Types depth_to_space_types(const NodeView& node) { return block_types(node, node.integer("block_size"), true); }
Types space_to_depth_types(const NodeView& node) { return block_types(node, node.integer("block_size"), false); }
Types shuffle_types(const NodeView& node) { return block_types(node, node.integer("upscale_factor"), true); }

Status depth_to_space(const NodeView& node, Target& target) {
  if (auto status = want_format(node, "NCHW"); !status) return status;
  target.result(0, target.add("DepthToSpace", {in(node, target, 0)},
                              {{"blocksize", node.integer("block_size")}, {"mode", std::string("DCR")}}));
  return {};
}

Status space_to_depth(const NodeView& node, Target& target) {
  if (auto status = want_format(node, "NCHW"); !status) return status;
  target.result(0, target.add("SpaceToDepth", {in(node, target, 0)}, {{"blocksize", node.integer("block_size")}}));
  return {};
}

Status pixel_shuffle(const NodeView& node, Target& target) {
  target.result(0, target.add("DepthToSpace", {in(node, target, 0)},
                              {{"blocksize", node.integer("upscale_factor")}, {"mode", std::string("CRD")}}));
  return {};
}

// ---- blocks of an image and the batch ----

/// The paddings or crops of height and width.
Result<Around> image_pairs(const NodeView& node, std::string_view attribute) {
  Around around;
  around.axes.resize(2);
  for (const Ints& pair : node.int_lists(attribute)) {
    if (pair.size() != 2 || pair[0] < 0 || pair[1] < 0) return refuse(std::string(attribute) + " that are no pairs");
    around.axes.emplace_back(pair[0], pair[1]);
  }
  if (around.axes.size() != 4) return refuse(std::string(attribute) + " of another rank");
  return around;
}

/// The sizes of height and width that are cut in blocks.
Types to_batch_types(const NodeView& node) {
  const std::int64_t block = node.integer("block_size");
  if (auto status = check_block(node, block); !status) return status.error();
  auto around = image_pairs(node, "paddings");
  if (!around) return around.error();
  auto padded_type = padded_types(node.type(0), *around);
  if (!padded_type) return padded_type;
  Type type = (*padded_type)[0];
  auto batch = times(type.dims[0], block * block);
  if (!batch) return batch.error();
  type.dims[0] = *batch;
  for (std::size_t i = 2; i < 4; ++i) {
    auto dim = over(type.dims[i], block);
    if (!dim) return dim.error();
    type.dims[i] = *dim;
  }
  return std::vector<Type>{type};
}

Result<Ints> known_image(const NodeView& node, const Dims& dims) {
  for (std::size_t i = 1; i < 4; ++i) {
    if (!dims[i].known()) return refuse("sizes are not known: " + to_string(node.type(0)));
  }
  return Ints{dims[1].size, dims[2].size, dims[3].size};
}

Status to_batch(const NodeView& node, Target& target) {
  const std::int64_t block = node.integer("block_size");
  auto around = image_pairs(node, "paddings");
  if (!around) return around.error();
  auto image = known_image(node, node.result_type().dims);
  if (!image) return image.error();
  const auto [channels, height, width] = std::tuple((*image)[0], (*image)[1], (*image)[2]);
  const Ref x = padded(target, in(node, target, 0), node.type(0), *around);
  const Ref blocks = reshape(target, x, {-1, channels, height, block, width, block});
  const Ref turned = transpose(target, blocks, {3, 5, 0, 1, 2, 4});
  target.result(0, reshape(target, turned, {-1, channels, height, width}));
  return {};
}

Types to_space_types(const NodeView& node) {
  const std::int64_t block = node.integer("block_size");
  if (auto status = check_block(node, block); !status) return status.error();
  auto crops = image_pairs(node, "crops");
  if (!crops) return crops.error();
  Type type = node.type(0);
  auto batch = over(type.dims[0], block * block);
  if (!batch) return batch.error();
  type.dims[0] = *batch;
  for (std::size_t i = 2; i < 4; ++i) {
    auto dim = times(type.dims[i], block);
    if (!dim) return dim.error();
    const auto [before, behind] = crops->axes[i];
    if (dim->known() && (before > dim->size || behind > dim->size - before)) return refuse("crops of more than all");
    type.dims[i] = dim->known() ? Dim(dim->size - before - behind) : Dim();
  }
  return std::vector<Type>{type};
}

Status to_space(const NodeView& node, Target& target) {
  const std::int64_t block = node.integer("block_size");
  auto crops = image_pairs(node, "crops");
  if (!crops) return crops.error();
  auto image = known_image(node, node.type(0).dims);
  if (!image) return image.error();
  const auto [channels, height, width] = std::tuple((*image)[0], (*image)[1], (*image)[2]);
  const Ref blocks = reshape(target, in(node, target, 0), {block, block, -1, channels, height, width});
  const Ref turned = transpose(target, blocks, {2, 3, 4, 0, 5, 1});
  const Ref whole = reshape(target, turned, {-1, channels, height * block, width * block});
  const Ints starts{crops->axes[2].first, crops->axes[3].first};
  const Ints ends{height * block - crops->axes[2].second, width * block - crops->axes[3].second};
  target.result(0, slice(target, whole, starts, ends, {2, 3}, {1, 1}));
  return {};
}

template <Reader kForm>
Op pad_op(std::string_view name, std::vector<Argument> arguments) {
  return {.name = name, .arguments = std::move(arguments), .infer = pad_types<kForm>, .to_onnx = pad_onnx<kForm>};
}

}  // namespace

std::vector<Op> pad_ops() {
  const auto around = [] { return std::vector<Argument>{tensor("input"), integers("padding")}; };
  return {
      {.name = "BatchToSpace",
       .arguments = {tensor("x"), integer("block_size"), int_lists("crops")},
       .infer = to_space_types,
       .to_onnx = to_space},
      pad_op<constant_form>("ConstantPadND", {tensor("input"), integers("padding"), number("value", 0.0)}),
      {.name = "DepthToSpace",
       .arguments = {tensor("x"), integer("block_size"), text("format", words("NCHW"), "data_format")},
       .infer = depth_to_space_types,
       .to_onnx = depth_to_space},
      pad_op<mirror_form>("MirrorPad", {tensor("x"), int_lists("paddings"), text("mode", words("reflect"))}),
      {.name = "Pad",
       .arguments = {tensor("x"), int_lists("paddings")},
       .has_attributes = true,
       .infer = pad_types<pad_form>,
       .to_onnx = pad_onnx<pad_form>},
      pad_op<pad_v3_form>("PadV3", {tensor("x"), integers("paddings"), optional("constant_value"),
                                    text("mode", words("constant")), flag("paddings_contiguous", true)}),
      {.name = "PixelShuffle",
       .arguments = {tensor("input"), integer("upscale_factor")},
       .infer = shuffle_types,
       .to_onnx = pixel_shuffle},
      pad_op<reflection_form>("ReflectionPad1D", around()),
      pad_op<reflection_form>("ReflectionPad2D", around()),
      pad_op<reflection_form>("ReflectionPad3D", around()),
      pad_op<replication_form>("ReplicationPad1D", around()),
      pad_op<replication_form>("ReplicationPad2D", around()),
      pad_op<replication_form>("ReplicationPad3D", around()),
      {.name = "SpaceToBatch",
       .arguments = {tensor("x"), integer("block_size"), int_lists("paddings")},
       .infer = to_batch_types,
       .to_onnx = to_batch},
      {.name = "SpaceToDepth",
       .arguments = {tensor("x"), integer("block_size"), text("format", words("NCHW"), "data_format")},
       .infer = space_to_depth_types,
       .to_onnx = space_to_depth},
  };
}

}  // namespace ckpt::graph
