#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ops/ge_steps.h"

// Convolutions and pools.
namespace ckpt::graph::ascend {
namespace {

Ints in_image(const Ints& values) {
  Ints all{1, 1};
  all.insert(all.end(), values.begin(), values.end());
  return all;
}

// ---- convolutions ----

// top, bottom, left, right: MindSpore's order, and GE's. `argument`: which says how to pad.
Result<Ints> pads_of(const Result<Windows>& moved, std::string_view argument = "pad_mode") {
  if (!moved) return moved.error();
  if (!moved->known) return refuse(std::string(argument) + " same over a size that is not known");
  Ints pads;
  for (const Window& window : moved->axes) pads.insert(pads.end(), {window.begin, window.end});
  return pads;
}

Ints kernel_of(const NodeView& node) {
  const Dims& weight = node.type(1).dims;
  return sizes_of({weight.begin() + 2, weight.end()});
}

NamedAttrs conv_attrs(const NodeView& node, const Ints& pads, const std::string& format, NamedAttrs more = {}) {
  more.push_back({"strides", in_image(node.integers("stride"))});
  more.push_back({"pads", pads});
  more.push_back({"dilations", in_image(node.integers("dilation"))});
  more.push_back({"data_format", format});
  return more;
}

Status convolution(const NodeView& node, Target& target, std::string_view type, const std::string& format,
                   NamedAttrs more = {}) {
  if (auto status = want_format(node, format); !status) return status;
  auto pads = pads_of(windows(node, node.type(0).dims, kernel_of(node)));
  if (!pads) return pads.error();
  return emit(node, target, type, conv_attrs(node, *pads, format, std::move(more)));
}

Status conv2d(const NodeView& node, Target& target) {
  return convolution(node, target, "Conv2D", kNchw, {{"groups", node.integer("group")}});
}

Status depthwise(const NodeView& node, Target& target) { return convolution(node, target, "DepthwiseConv2D", kNchw); }

// GE asks for the size of the result, which is the input of the convolution that this one reverses.
Status conv2d_transpose(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  const Dims& image = node.result_type().dims;
  if (!std::ranges::all_of(image, &Dim::known)) return refuse("GE wants the size of the result, which is not known");
  auto pads = pads_of(windows(node, image, kernel_of(node)));
  if (!pads) return pads.error();
  return emit_on(node, target, "Conv2DBackpropInputD", {in(node, target, 1), in(node, target, 0)},
                 conv_attrs(node, *pads, kNchw, {{"input_size", sizes_of(image)}, {"groups", node.integer("group")}}));
}

Status conv3d(const NodeView& node, Target& target) {
  return convolution(node, target, "Conv3D", kNcdhw, {{"groups", node.integer("group")}});
}

Status bias_add(const NodeView& node, Target& target) {
  return emit(node, target, "BiasAdd", {{"data_format", node.text("format")}});
}

Status conv2d_on(const NodeView& node, Target& target, const Ints& pads) {
  return emit(node, target, "Conv2D", conv_attrs(node, pads, kNchw, {{"groups", node.integer("groups")}}));
}

Status conv2d_ext(const NodeView& node, Target& target) {
  return conv2d_on(node, target, both_sides(node.integers("padding")));
}

Status conv2d_padding(const NodeView& node, Target& target) {
  auto pads = pads_of(windows(node.type(0).dims, kernel_of(node), node.integers("stride"), node.integers("dilation"),
                              node.text("padding"), {}),
                      "padding");
  if (!pads) return pads.error();
  return conv2d_on(node, target, *pads);
}

// ---- pools ----

template <Name kType>
Status pool(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNchw); !status) return status;
  return emit(node, target, kType.view(),
              {{"ksize", in_image(node.integers("kernel_size"))},
               {"strides", in_image(node.integers("strides"))},
               {"padding", upper(node.text("pad_mode"))},
               {"data_format", kNchw}});
}

/// Pools with pads are operators of their own there.
struct PaddedPool {
  std::string_view type;
  Ints kernel = {}, stride = {}, pads = {};  ///< pads: begin and end of each axis
  bool ceil_mode = false;
};

/// Of one that pads both sides alike, and whose windows lie side by side where no stride is given.
PaddedPool padded_pool(const NodeView& node, std::string_view type, std::string_view stride, std::string_view pads) {
  const Ints& kernel = node.integers("kernel_size");
  return {.type = type,
          .kernel = kernel,
          .stride = node.is_none(stride) ? kernel : node.integers(stride),
          .pads = both_sides(node.integers(pads)),
          .ceil_mode = node.flag("ceil_mode")};
}

NamedAttrs attrs_of(const PaddedPool& pool) {
  return {{"ksize", in_image(pool.kernel)},
          {"strides", in_image(pool.stride)},
          {"padding_mode", std::string("CALCULATED")},
          {"pads", pool.pads},
          {"data_format", kNchw},
          {"global_pooling", false},
          {"ceil_mode", pool.ceil_mode}};
}

/// Whether the planes of a volume are pooled each by itself, as MindSpore writes pools with pads.
bool is_flat(const Type& volume, const PaddedPool& pool) {
  return volume.dims.size() == 5 && volume.dims[2] == Dim(1) && pool.kernel.size() == 3 && pool.kernel[0] == 1 &&
         pool.pads.size() == 6 && pool.pads[0] == 0 && pool.pads[1] == 0;
}

/// ... over the images.
Status flat_pool(const NodeView& node, Target& target, PaddedPool pool, NamedAttrs more = {}) {
  const Type& volume = node.type(0);
  pool.kernel.erase(pool.kernel.begin());
  pool.stride.erase(pool.stride.begin());
  pool.pads.erase(pool.pads.begin(), pool.pads.begin() + 2);
  const auto flat = [](Type type) {
    type.dims.erase(type.dims.begin() + 2);
    return type;
  };
  const Ref x = target.add("Squeeze", {in(node, target, 0)}, {{"axis", Ints{2}}}, flat(volume));
  NamedAttrs attrs = attrs_of(pool);
  attrs.insert(attrs.end(), more.begin(), more.end());
  const Ref pooled = target.add(pool.type, {x}, std::move(attrs), flat(node.result_type()));
  auto axis = whole_number(target, 2);
  if (!axis) return axis.error();
  target.result(0, target.add("ExpandDims", {pooled, *axis}));
  return {};
}

/// MaxPool3D has the word for its pads beside their numbers.
Status max_volume_pool(const NodeView& node, Target& target, const PaddedPool& pool, const std::string& mode) {
  return emit(node, target, "MaxPool3D",
              {{"ksize", in_image(pool.kernel)},
               {"strides", in_image(pool.stride)},
               {"padding", mode == "pad" ? std::string("CALCULATED") : upper(mode)},
               {"pads", pool.pads},
               {"dilation", Ints(5, 1)},
               {"ceil_mode", std::int64_t{pool.ceil_mode}},
               {"data_format", kNcdhw}});
}

Status max_pool_3d(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNcdhw); !status) return status;
  const std::string& mode = node.text("pad_mode");
  const PaddedPool pool{.type = "MaxPool3D",
                        .kernel = node.integers("kernel_size"),
                        .stride = node.integers("strides"),
                        .pads = node.is_none("pad_list") ? Ints(6, 0) : node.integers("pad_list"),
                        .ceil_mode = !node.is_none("ceil_mode") && node.integer("ceil_mode") != 0};
  if (pool.ceil_mode && mode != "pad") return refuse("ceil_mode with a word for the pads");
  return max_volume_pool(node, target, pool, mode);
}

bool none_dilated(const Ints& dilation) {
  return std::ranges::all_of(dilation, [](std::int64_t d) { return d == 1; });
}

Status max_pool_indices(const NodeView& node, Target& target) {
  if (!none_dilated(node.integers("dilation"))) return refuse("GE's MaxPoolV3 has no dilation");
  const PaddedPool pool = padded_pool(node, "MaxPoolV3", "strides", "pads");
  if (pool.kernel.size() == 3) {
    return is_flat(node.type(0), pool) ? flat_pool(node, target, pool) : max_volume_pool(node, target, pool, "pad");
  }
  target.result(0, target.add(pool.type, {in(node, target, 0)}, attrs_of(pool)));
  return {};
}

Status max_pool_function(const NodeView& node, Target& target) {
  if (!none_dilated(node.integers("dilation"))) return refuse("GE's MaxPoolV3 has no dilation");
  const PaddedPool pool = padded_pool(node, "MaxPoolV3", "stride", "padding");
  target.result(0, target.add(pool.type, {in(node, target, 0)}, attrs_of(pool)));
  return {};
}

Status average_pool_2d(const NodeView& node, Target& target) {
  if (!node.is_none("divisor_override")) return refuse("GE's AvgPoolV2 has no divisor_override");
  NamedAttrs attrs = attrs_of(padded_pool(node, "AvgPoolV2", "stride", "padding"));
  attrs.push_back({"exclusive", !node.flag("count_include_pad")});
  return emit(node, target, "AvgPoolV2", std::move(attrs));
}

Status average_pool_3d(const NodeView& node, Target& target) {
  if (auto status = want_format(node, kNcdhw); !status) return status;
  auto pads = pads_of(windows(node.type(0).dims, node.integers("kernel_size"), node.integers("strides"), Ints(3, 1),
                              node.text("pad_mode"), pad_list(node)));
  if (!pads) return pads.error();
  const PaddedPool pool{.type = "AvgPoolV2",
                        .kernel = node.integers("kernel_size"),
                        .stride = node.integers("strides"),
                        .pads = std::move(*pads),
                        .ceil_mode = node.flag("ceil_mode")};
  const bool counts = node.flag("count_include_pad");
  const std::int64_t divisor = node.integer("divisor_override");
  const bool even = pool.pads[2] == pool.pads[3] && pool.pads[4] == pool.pads[5];
  if (is_flat(node.type(0), pool) && even && divisor == 0)
    return flat_pool(node, target, pool, {{"exclusive", !counts}});
  return emit(node, target, "AvgPool3D",
              {{"ksize", in_image(pool.kernel)},
               {"strides", in_image(pool.stride)},
               {"pads", pool.pads},
               {"ceil_mode", pool.ceil_mode},
               {"count_include_pad", counts},
               {"divisor_override", divisor},
               {"data_format", kNcdhw}});
}

/// Of a volume to one number.
Status adaptive_average_3d(const NodeView& node, Target& target) {
  const Dims& result = node.result_type().dims;
  const bool one = std::all_of(result.begin() + 2, result.end(), [](const Dim& dim) { return dim == Dim(1); });
  if (!one) return refuse("GE has no adaptive pool of volumes");
  return emit(node, target, "ReduceMeanD", {{"axes", Ints{2, 3, 4}}, {"keep_dims", true}});
}

/// To one number, the mean of all; else windows of one size, side by side.
Status adaptive_average(const NodeView& node, Target& target) {
  const Dims& input = node.type(0).dims;
  const Dims& result = node.result_type().dims;
  if (input.size() != 4) return refuse("its input is " + to_string(node.type(0)));
  if (result[2] == Dim(1) && result[3] == Dim(1)) {
    return emit(node, target, "ReduceMeanD", {{"axes", Ints{2, 3}}, {"keep_dims", true}});
  }
  Ints window;
  for (const std::size_t i : {2U, 3U}) {
    const bool even =
        input[i].known() && result[i].known() && result[i].size > 0 && input[i].size % result[i].size == 0;
    if (!even) return refuse("windows of different sizes");
    window.push_back(input[i].size / result[i].size);
  }
  return emit(node, target, "AvgPool",
              {{"ksize", in_image(window)},
               {"strides", in_image(window)},
               {"padding", std::string("VALID")},
               {"data_format", kNchw}});
}

constexpr NamedGeRule kWindowRules[] = {
    {"AdaptiveAvgPool2D", adaptive_average},
    {"AdaptiveAvgPool3D", adaptive_average_3d},
    {"AvgPool", pool<"AvgPool">},
    {"AvgPool2D", average_pool_2d},
    {"AvgPool3D", average_pool_3d},
    {"BiasAdd", bias_add},
    {"Conv2D", conv2d},
    {"Conv2DBackpropInput", conv2d_transpose},
    {"Conv2DExt", conv2d_ext},
    {"Conv2DPadding", conv2d_padding},
    {"Conv2DTranspose", conv2d_transpose},
    {"Conv3D", conv3d},
    {"DepthwiseConv2dNative", depthwise},
    {"FuncMaxPool2D", max_pool_function},
    {"MaxPool", pool<"MaxPool">},
    {"MaxPool3D", max_pool_3d},
    {"MaxPool3DWithArgmax", max_pool_indices},
    {"MaxPoolWithArgmaxV2", max_pool_indices},
    {"MaxPoolWithIndices", max_pool_indices},
    {"MaxPoolWithMask", max_pool_indices},
};

}  // namespace

std::span<const NamedGeRule> window_rules() { return kWindowRules; }

}  // namespace ckpt::graph::ascend
