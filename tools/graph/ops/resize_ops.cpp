#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

struct Resize {
  Ints size = {};  ///< of height and width
  bool linear = false;
  bool align_corners = false;
  bool half_pixel_centers = false;
};

using Reader = Result<Resize> (*)(const NodeView&);

template <bool kLinear>
Result<Resize> own_form(const NodeView& node) {
  return Resize{node.integers("size"), kLinear, node.flag("align_corners"), node.flag("half_pixel_centers")};
}

/// PyTorch's form: a size, or whole multiples.
Result<Resize> upsample(const NodeView& node, bool linear, bool align_corners) {
  Resize resize{.linear = linear, .align_corners = align_corners, .half_pixel_centers = linear && !align_corners};
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
  if (resize.size.size() != 2) return refuse("neither a size nor scales of an image");
  return resize;
}

Result<Resize> nearest_form(const NodeView& node) { return upsample(node, false, false); }
Result<Resize> bilinear_form(const NodeView& node) { return upsample(node, true, node.flag("align_corners")); }

template <Reader read>
Types resize_types(const NodeView& node) {
  if (auto status = want_rank(node, 0, 4); !status) return status.error();
  auto resize = read(node);
  if (!resize) return resize.error();
  Type type = node.type(0);
  for (std::size_t i = 0; i < 2; ++i) {
    if (resize->size[i] <= 0) return refuse("size " + std::to_string(resize->size[i]));
    type.dims[i + 2] = Dim(resize->size[i]);
  }
  return std::vector<Type>{type};
}

/// How a place of the result is one of the input, in ONNX's words.
std::string coordinates(const Resize& resize) {
  return resize.align_corners ? "align_corners" : resize.half_pixel_centers ? "half_pixel" : "asymmetric";
}

/// Batch, channels, height and width as ONNX's Resize wants them.
Ref sizes(const NodeView& node, Target& target, const Resize& resize) {
  const Dims& dims = node.type(0).dims;
  if (dims[0].known() && dims[1].known()) {
    return target.constant({dims[0].size, dims[1].size, resize.size[0], resize.size[1]});
  }
  const Ref shape = target.add("Shape", {in(node, target, 0)}, {}, {DType::int64, {Dim(4)}});
  const Ref kept = slice(target, shape, {0}, {2}, {0}, {1}, {DType::int64, {Dim(2)}});
  return target.add("Concat", {kept, target.constant(resize.size)}, {{"axis", std::int64_t{0}}},
                    {DType::int64, {Dim(4)}});
}

template <Reader read>
Status resize_onnx(const NodeView& node, Target& target) {
  auto resize = read(node);
  if (!resize) return resize.error();
  NamedAttrs attrs{{"coordinate_transformation_mode", coordinates(*resize)},
                   {"mode", std::string(resize->linear ? "linear" : "nearest")}};
  if (!resize->linear) {
    const bool rounds = resize->align_corners || resize->half_pixel_centers;
    attrs.push_back({"nearest_mode", std::string(rounds ? "round_prefer_ceil" : "floor")});
  }
  target.result(
      0, target.add("Resize", {in(node, target, 0), Target::kNothing, Target::kNothing, sizes(node, target, *resize)},
                    std::move(attrs)));
  return {};
}

}  // namespace

std::vector<Op> resize_ops() {
  const auto resize = [] {
    return std::vector<Argument>{tensor("image"), per_axis("size", 2), flag("align_corners", false),
                                 flag("half_pixel_centers", false)};
  };
  return {
      {.name = "ResizeBilinearV2",
       .was = "ResizeBilinear",
       .arguments = resize(),
       .infer = resize_types<own_form<true>>,
       .to_onnx = resize_onnx<own_form<true>>},
      {.name = "ResizeNearestNeighborV2",
       .was = "ResizeNearestNeighbor",
       .arguments = resize(),
       .infer = resize_types<own_form<false>>,
       .to_onnx = resize_onnx<own_form<false>>},
      {.name = "UpsampleBilinear2D",
       .arguments = {tensor("x"), integers("output_size", None{}), numbers("scales", None{}),
                     flag("align_corners", false)},
       .infer = resize_types<bilinear_form>,
       .to_onnx = resize_onnx<bilinear_form>},
      {.name = "UpsampleNearest2D",
       .arguments = {tensor("x"), integers("output_size", None{}), numbers("scales", None{})},
       .infer = resize_types<nearest_form>,
       .to_onnx = resize_onnx<nearest_form>},
  };
}

}  // namespace ckpt::graph
