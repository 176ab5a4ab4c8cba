#include <array>
#include <cmath>

#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

enum class Mode : std::uint8_t { nearest, linear, cubic };

struct Resize {
  Ints size = {};  ///< of the axes behind batch and channels
  Mode mode = Mode::nearest;
  bool align_corners = false;
  bool half_pixel_centers = false;
};

using Reader = Result<Resize> (*)(const NodeView&);

template <Mode kMode>
Result<Resize> own_form(const NodeView& node) {
  return Resize{node.integers("size"), kMode, node.flag("align_corners"), node.flag("half_pixel_centers")};
}

/// PyTorch's form: a size, or multiples.
template <Mode kMode>
Result<Resize> upsample_form(const NodeView& node) {
  const bool corners = kMode == Mode::linear && node.flag("align_corners");
  Resize resize{.mode = kMode, .align_corners = corners, .half_pixel_centers = kMode == Mode::linear && !corners};
  if (!node.is_none("output_size")) {
    resize.size = node.integers("output_size");
  } else if (!node.is_none("scales")) {
    const Doubles& scales = node.numbers("scales");
    for (std::size_t i = 0; i < scales.size() && i + 2 < node.type(0).dims.size(); ++i) {
      const Dim& dim = node.type(0).dims[i + 2];
      if (!dim.known()) return refuse("scales of a size that is not known");
      resize.size.push_back(static_cast<std::int64_t>(static_cast<double>(dim.size) * scales[i]));
    }
  }
  return resize;
}

/// ResizeLinear1D
Result<Resize> line_form(const NodeView& node) {
  const std::string& mode = node.text("coordinate_transformation_mode");
  return Resize{node.integers("size"), Mode::linear, mode == "align_corners", mode == "half_pixel"};
}

template <Reader read>
Types resize_types(const NodeView& node) {
  auto resize = read(node);
  if (!resize) return resize.error();
  Type type = node.type(0);
  const std::string& op = node.node().op;
  const std::size_t axes = op.ends_with("1D") ? 1 : op.ends_with("3D") ? 3 : 2;
  if (auto status = want_rank(node, 0, axes + 2); !status) return status.error();
  if (resize->size.size() != axes) return refuse("neither a size nor scales of its axes");
  for (std::size_t i = 0; i < axes; ++i) {
    if (resize->size[i] <= 0) return refuse("size " + std::to_string(resize->size[i]));
    type.dims[i + 2] = Dim(resize->size[i]);
  }
  return std::vector<Type>{type};
}

/// How a place of the result is one of the input, in ONNX's words.
std::string coordinates(const Resize& resize) {
  return resize.align_corners ? "align_corners" : resize.half_pixel_centers ? "half_pixel" : "asymmetric";
}

/// All sizes as ONNX's Resize wants them.
Ref sizes(const NodeView& node, Target& target, const Resize& resize) {
  const Dims& dims = node.type(0).dims;
  const Dim rank(static_cast<std::int64_t>(dims.size()));
  if (dims[0].known() && dims[1].known()) {
    Ints all{dims[0].size, dims[1].size};
    all.insert(all.end(), resize.size.begin(), resize.size.end());
    return target.constant(all);
  }
  const Ref shape = target.add("Shape", {in(node, target, 0)}, {}, {DType::int64, {rank}});
  const Ref kept = slice(target, shape, {0}, {2}, {0}, {1}, {DType::int64, {Dim(2)}});
  return target.add("Concat", {kept, target.constant(resize.size)}, {{"axis", std::int64_t{0}}},
                    {DType::int64, {rank}});
}

// ---- nearest, where rounding decides ----

/// Which element of `size` MindSpore takes for each of `count`: it computes in Float32.
Ints nearest_places(const Resize& resize, std::int64_t size, std::int64_t count) {
  const bool corners = resize.align_corners && count > 1;
  const float scale = corners ? static_cast<float>(size - 1) / static_cast<float>(count - 1)
                              : static_cast<float>(size) / static_cast<float>(count);
  Ints places;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<float>(i);
    const float place = resize.align_corners        ? std::round(at * scale)
                        : resize.half_pixel_centers ? std::floor((at + 0.5F) * scale)
                                                    : std::floor(at * scale);
    places.push_back(std::min(static_cast<std::int64_t>(place), size - 1));
  }
  return places;
}

/// Whether whoever divides otherwise finds other places: one that lies between two elements, or that Float32 puts
/// there.
bool is_delicate(const Resize& resize, std::int64_t size, std::int64_t count) {
  if (count % size == 0 && !resize.align_corners) return false;
  const Ints places = nearest_places(resize, size, count);
  for (std::int64_t i = 0; i < count; ++i) {
    // the place is above / below, and its lower neighbour the quotient
    std::int64_t above = i * size, below = count;
    if (resize.half_pixel_centers) above = (2 * i + 1) * size, below = 2 * count;
    if (resize.align_corners)
      above = 2 * i * (size - 1) + (count - 1), below = 2 * std::max<std::int64_t>(count - 1, 1);
    const std::int64_t exact = std::min(above / below, size - 1);
    if (exact != places[static_cast<std::size_t>(i)] || (above % below == 0 && i > 0)) return true;
  }
  return false;
}

bool is_delicate(const Dims& dims, const Resize& resize) {
  constexpr std::int64_t kMost = 1 << 14;  // whose places are stored
  for (std::size_t i = 0; i < resize.size.size(); ++i) {
    const Dim& dim = dims[i + 2];
    if (dim.known() && dim.size > 0 && dim.size < kMost && resize.size[i] < kMost &&
        is_delicate(resize, dim.size, resize.size[i])) {
      return true;
    }
  }
  return false;
}

/// The places themselves, axis by axis.
Status pick_nearest(const NodeView& node, Target& target, const Resize& resize) {
  Type type = node.type(0);
  Ref x = in(node, target, 0);
  for (std::size_t i = 0; i < resize.size.size(); ++i) {
    const Dim size = type.dims[i + 2];
    if (size == Dim(resize.size[i])) continue;
    if (!size.known() || size.size >= (1 << 14) || resize.size[i] >= (1 << 14))
      return refuse("nearest pixels over a size that is not known, where rounding decides");
    const Ref places = target.constant(nearest_places(resize, size.size, resize.size[i]));
    type.dims[i + 2] = Dim(resize.size[i]);
    x = target.add("Gather", {x, places}, {{"axis", static_cast<std::int64_t>(i + 2)}}, type);
  }
  target.result(0, x);
  return {};
}

template <Reader read>
Status resize_onnx(const NodeView& node, Target& target) {
  auto resize = read(node);
  if (!resize) return resize.error();
  if (resize->mode == Mode::nearest && is_delicate(node.type(0).dims, *resize)) {
    return pick_nearest(node, target, *resize);
  }
  static constexpr std::array kModes = {"nearest", "linear", "cubic"};
  NamedAttrs attrs{{"coordinate_transformation_mode", coordinates(*resize)},
                   {"mode", std::string(kModes[static_cast<std::size_t>(resize->mode)])}};
  const bool centred = resize->half_pixel_centers;
  if (resize->mode == Mode::nearest) {
    const bool rounds = resize->align_corners || centred;
    attrs.push_back({"nearest_mode", std::string(rounds ? "round_prefer_ceil" : "floor")});
  }
  if (resize->mode == Mode::cubic) {
    // With pixels' centres another spline, of which nothing counts that is outside.
    attrs.push_back({"cubic_coeff_a", centred ? -0.5F : -0.75F});
    attrs.push_back({"exclude_outside", std::int64_t{centred}});
  }
  target.result(
      0, target.add("Resize", {in(node, target, 0), Target::kNothing, Target::kNothing, sizes(node, target, *resize)},
                    std::move(attrs)));
  return {};
}

template <Reader kForm>
Op resize_op(std::string_view name, std::vector<Argument> arguments, std::string_view was = {}) {
  return {.name = name,
          .was = was,
          .arguments = std::move(arguments),
          .infer = resize_types<kForm>,
          .to_onnx = resize_onnx<kForm>};
}

std::vector<Argument> own_arguments() {
  return {tensor("image"), per_axis("size", 2), flag("align_corners", false), flag("half_pixel_centers", false)};
}

std::vector<Argument> upsample_arguments() {
  return {tensor("x"), integers("output_size", None{}), numbers("scales", None{})};
}

std::vector<Argument> linear_arguments() {
  auto arguments = upsample_arguments();
  arguments.push_back(flag("align_corners", false));
  return arguments;
}

}  // namespace

std::vector<Op> resize_ops() {
  constexpr auto kNearest = Mode::nearest;
  constexpr auto kLinear = Mode::linear;
  return {
      resize_op<own_form<Mode::cubic>>("ResizeBicubic", own_arguments()),
      resize_op<own_form<kLinear>>("ResizeBilinearV2", own_arguments(), "ResizeBilinear"),
      resize_op<line_form>("ResizeLinear1D", {tensor("x"), integers("size"),
                                              text("coordinate_transformation_mode", words("align_corners"))}),
      resize_op<own_form<kNearest>>("ResizeNearestNeighborV2", own_arguments(), "ResizeNearestNeighbor"),
      resize_op<upsample_form<kLinear>>("UpsampleBilinear2D", linear_arguments()),
      resize_op<upsample_form<kLinear>>("UpsampleLinear1D", linear_arguments()),
      resize_op<upsample_form<kNearest>>("UpsampleNearest1D", upsample_arguments()),
      resize_op<upsample_form<kNearest>>("UpsampleNearest2D", upsample_arguments()),
      resize_op<upsample_form<kNearest>>("UpsampleNearest3D", upsample_arguments()),
      resize_op<upsample_form<kLinear>>("UpsampleTrilinear3D", linear_arguments()),
  };
}

}  // namespace ckpt::graph
