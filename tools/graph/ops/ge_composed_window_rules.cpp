#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/ge_expansion.h"

// What is written as other operators: most of what mint and the newer layers are made of. Of matrices, norms, windows
// and images.
namespace ckpt::graph::ascend {
namespace {

// ---- matrices and norms ----

ValueId outer(const NodeView& node, To& to) {
  const ValueId column = to("ExpandDims", {as_result(node, to, 0)}, {{"axis", std::int64_t{1}}});
  return to("MatMul", {column, to("ExpandDims", {as_result(node, to, 1)}, {{"axis", std::int64_t{0}}})});
}

/// beta * input + alpha * (batch1 @ batch2)
ValueId baddbmm(const NodeView& node, To& to) {
  const auto times = [&](ValueId x, std::string_view factor) {
    return node.number(factor) == 1 ? x : to("Mul", {x, number_of(node, to, factor)});
  };
  const ValueId product = times(to("MatMulExt", {to.in(1), to.in(2)}), "alpha");
  return to("Add", {times(to.in(0), "beta"), product});
}

Ids rms_norm(const NodeView& node, To& to) {
  Ints axes;
  for (std::size_t i = node.type(1).dims.size(); i > 0; --i) axes.push_back(-static_cast<std::int64_t>(i));
  const ValueId x = to.in(0);
  if (axes.empty()) return {to.fail(refuse("gamma is " + to_string(node.type(1))))};
  const ValueId mean = to("ReduceMean", {to("Square", {x})}, {{"axis", axes}, {"keep_dims", true}});
  const ValueId size = to("Sqrt", {to("Add", {mean, number_of(node, to, "epsilon")})});
  return {to("Mul", {to("RealDiv", {x, size}), as_result(node, to, 1)})};
}

Result<ValueId> batch_norm_ext(const NodeView& node, To& to) {
  if (node.flag("training")) return refuse("training: it computes its statistics from the batch");
  if (!node.has_input(3) || !node.has_input(4)) return refuse("no running statistics");
  const Dim& channels = node.type(0).dims[1];
  constexpr std::int64_t kMost = 1 << 20;
  if (!channels.known() || channels.size > kMost) return refuse("its input is " + to_string(node.type(0)));
  const auto given = [&](std::size_t i, double otherwise) {
    const std::vector<double> same(static_cast<std::size_t>(channels.size), otherwise);
    return node.has_input(i) ? to.in(i) : to.numbers(same, node.type(3).dtype);
  };
  return to("BatchNorm", {to.in(0), given(1, 1), given(2, 0), to.in(3), to.in(4)},
            {{"epsilon", node.number("epsilon")}});
}

// ---- windows ----

/// An axis of one more behind the channels.
ValueId as_image(To& to, ValueId line) { return to("ExpandDims", {line}, {{"axis", std::int64_t{2}}}); }
ValueId as_line(To& to, ValueId image) { return to("Squeeze", {image}, {{"axis", Ints{2}}}); }

Ints both(std::int64_t across, const Ints& along) { return {across, along.empty() ? across : along[0]}; }

/// A list of one for all axes, and of a line with what does nothing to the axis that is added.
Ints spread_over(const Ints& given, std::size_t axes, std::int64_t nothing) {
  Ints values = given.size() == 1 ? Ints(axes, given[0]) : given;
  if (axes == 1) values.insert(values.begin(), nothing);
  return values;
}

/// Convolutions in PyTorch's form, of lines, images and volumes.
Result<ValueId> conv(const NodeView& node, To& to, std::size_t axes) {
  const std::string& op = node.node().op;
  const bool general = op.starts_with("Convolution"), word = op == "ConvolutionStr" || op.ends_with("Padding");
  const bool transposed = op == "ConvTranspose2D" || (general && node.flag("transposed"));
  if (transposed && axes > 2) return refuse("GE's rule of transposed convolutions is of images");
  Attrs how{{"stride", spread_over(node.integers("stride"), axes, 1)},
            {"dilation", spread_over(node.integers("dilation"), axes, 1)},
            {"group", node.integer("groups")},
            {"pad_mode", word ? node.text("padding") : std::string("pad")}};
  if (!word) how.emplace("pad_list", both_sides(spread_over(node.integers("padding"), axes, 0)));
  ValueId x = to.in(0), weight = to.in(1);
  if (axes == 1) x = as_image(to, x), weight = as_image(to, weight);
  ValueId result = kAbsent;
  if (transposed) {
    Dims sizes = node.result_type().dims;
    if (axes == 1) sizes.insert(sizes.begin() + 2, Dim(1));
    how.emplace("input_sizes", sizes_of(sizes));
    result = to("Conv2DTranspose", {x, weight}, std::move(how));
    if (node.has_input(2)) result = to("BiasAdd", {result, to.in(2)});
  } else {
    std::vector<ValueId> inputs{x, weight};
    if (node.has_input(2)) inputs.push_back(to.in(2));
    result = to(axes == 3 ? "Conv3D" : "Conv2D", std::move(inputs), std::move(how));
  }
  return axes == 1 ? as_line(to, result) : result;
}

Result<ValueId> convolution_of_any(const NodeView& node, To& to) {
  const std::size_t rank = node.type(1).dims.size();
  if (rank < 3 || rank > 5) return refuse("weight is " + to_string(node.type(1)));
  return conv(node, to, rank - 2);
}

ValueId average_line(const NodeView& node, To& to) {
  Attrs how{{"kernel_size", both(1, node.integers("kernel_size"))},
            {"padding", both(0, node.integers("padding"))},
            {"ceil_mode", node.flag("ceil_mode")},
            {"count_include_pad", node.flag("count_include_pad")}};
  if (!node.is_none("stride")) how.emplace("stride", both(1, node.integers("stride")));
  return as_line(to, to("AvgPool2D", {as_image(to, to.in(0))}, std::move(how)));
}

ValueId average_volume(const NodeView& node, To& to) {
  const Ints& kernel = node.integers("kernel_size");
  return to("AvgPool3D", {to.in(0)},
            {{"kernel_size", kernel},
             {"strides", node.is_none("stride") ? kernel : node.integers("stride")},
             {"pad_mode", std::string("pad")},
             {"pad_list", both_sides(node.integers("padding"))},
             {"ceil_mode", node.flag("ceil_mode")},
             {"count_include_pad", node.flag("count_include_pad")},
             {"divisor_override", node.is_none("divisor_override") ? 0 : node.integer("divisor_override")}});
}

template <Name kOp>
ValueId adaptive_line(const NodeView& node, To& to) {
  const Dim& size = node.result_type().dims.back();
  return as_line(to, to(kOp.view(), {as_image(to, to.in(0))}, {{"output_size", Ints{1, size.size}}}));
}

/// Windows of one size, side by side.
Result<ValueId> adaptive_max(const NodeView& node, To& to) {
  const Dims &input = node.type(0).dims, &result = node.result_type().dims;
  if (input.size() != 4) return refuse("its input is " + to_string(node.type(0)));
  if (result[2] == Dim(1) && result[3] == Dim(1)) {
    return to("ReduceMax", {to.in(0)}, {{"axis", Ints{2, 3}}, {"keep_dims", true}});
  }
  Ints window;
  for (const std::size_t i : {2U, 3U}) {
    const bool even = input[i].known() && result[i].known() && result[i].size > 0 && input[i].size > 0 &&
                      input[i].size % result[i].size == 0;
    if (!even) return refuse("windows of different sizes");
    window.push_back(input[i].size / result[i].size);
  }
  return to("MaxPool", {to.in(0)}, {{"kernel_size", window}, {"strides", window}});
}

/// Without the places.
Ids max_pool(const NodeView& node, To& to) { return {to("MaxPool", {to.in(0)}, node.node().attrs)}; }

// ---- pads and sizes of images ----

/// Which element of an axis is at each place, where those at its ends are repeated or it begins anew.
Result<ValueId> prolonged(To& to, ValueId x, std::size_t axis, const Dim& size, const Ints& pads, bool anew) {
  constexpr std::int64_t kMost = 1 << 16;
  if (pads == Ints{0, 0}) return x;
  const std::int64_t count = size.size + pads[0] + pads[1];
  if (!size.known() || size.size == 0 || count > kMost) return refuse("pads of an axis of " + to_string(size));
  std::vector<double> places;
  for (std::int64_t i = -pads[0]; i < size.size + pads[1]; ++i) {
    const std::int64_t place = anew ? (i + size.size) % size.size : std::clamp<std::int64_t>(i, 0, size.size - 1);
    places.push_back(static_cast<double>(place));
  }
  return to("Gather", {x, to.numbers(places, DType::int32)}, {{"axis", static_cast<std::int64_t>(axis)}});
}

// MindSpore's pairs go from the last axis backwards.
Result<ValueId> pad_v3(const NodeView& node, To& to) {
  const Ints& paddings = node.integers("paddings");
  const std::string& mode = node.text("mode");
  const std::size_t rank = node.type(0).dims.size();
  if (!node.flag("paddings_contiguous")) return refuse("paddings_contiguous is false");
  if (paddings.size() % 2 != 0 || paddings.size() > 2 * rank) return refuse("paddings are not pairs of its axes");
  if (std::ranges::any_of(paddings, [](std::int64_t pad) { return pad < 0; })) return refuse("paddings below 0");
  IntLists lists(rank, Ints{0, 0});
  for (std::size_t i = 0; i < paddings.size() / 2; ++i) lists[rank - 1 - i] = {paddings[2 * i], paddings[2 * i + 1]};
  if (mode == "reflect") return to("MirrorPad", {to.in(0)}, {{"paddings", lists}, {"mode", mode}});
  if (mode == "constant") {
    const auto value = node.has_input(1) ? node.constant_numbers(1) : std::optional<Doubles>(Doubles{0});
    if (!value || *value != Doubles{0}) return refuse("GE's PadD pads with zeros alone");
    return to("Pad", {to.in(0)}, {{"paddings", lists}});
  }
  Result<ValueId> x = to.in(0);
  for (std::size_t axis = 0; x && axis < rank; ++axis)
    x = prolonged(to, *x, axis, node.type(0).dims[axis], lists[axis], mode == "circular");
  return x;
}

template <Name kMode>
ValueId padded(const NodeView& node, To& to) {
  Attrs how{{"paddings", node.integers("padding")}, {"mode", std::string(kMode.view())}};
  return to("PadV3", {to.in(0)}, std::move(how));
}

Result<ValueId> padded_with(const NodeView& node, To& to) {
  if (node.number("value") != 0) return refuse("GE's PadD pads with zeros alone");
  return padded<"constant">(node, to);
}

/// The sizes behind batch and channels: lines as images of one row; of a volume first the planes, then, each of them a
/// row, its depth.
Result<ValueId> resized(const NodeView& node, To& to, std::string_view op, const Attrs& more) {
  const Dims &from = node.type(0).dims, &wanted = node.result_type().dims;
  const auto resize = [&](ValueId x, std::int64_t height, std::int64_t width) {
    Attrs how = more;
    how.emplace("size", Ints{height, width});
    return to(op, {x}, std::move(how));
  };
  const Ints sizes = sizes_of({wanted.begin() + 2, wanted.end()});
  if (sizes.size() == 1) return as_line(to, resize(as_image(to, to.in(0)), 1, sizes[0]));
  if (sizes.size() == 2) return resize(to.in(0), sizes[0], sizes[1]);
  if (!from[1].known() || !from[2].known()) return refuse("its input is " + to_string(node.type(0)));
  const ValueId planes = to.reshape(to.in(0), {from[0], Dim(from[1].size * from[2].size), from[3], from[4]});
  const std::int64_t plane = sizes[1] * sizes[2];
  const ValueId rows = to.reshape(resize(planes, sizes[1], sizes[2]), {from[0], from[1], from[2], Dim(plane)});
  return to.reshape(resize(rows, sizes[0], plane), wanted);
}

Result<ValueId> nearest(const NodeView& node, To& to) { return resized(node, to, "ResizeNearestNeighborV2", {}); }

Result<ValueId> linear(const NodeView& node, To& to, bool corners, bool centred) {
  return resized(node, to, "ResizeBilinearV2", {{"align_corners", corners}, {"half_pixel_centers", centred}});
}

Result<ValueId> upsample_linear(const NodeView& node, To& to) {
  const bool corners = node.flag("align_corners");
  return linear(node, to, corners, !corners);
}

Result<ValueId> resize_line(const NodeView& node, To& to) {
  const std::string& mode = node.text("coordinate_transformation_mode");
  return linear(node, to, mode == "align_corners", mode == "half_pixel");
}

constexpr NamedGeRule kComposedWindowRules[] = {
    {"AdaptiveAvgPool1D", made_of<adaptive_line<"AdaptiveAvgPool2D">>},
    {"AdaptiveMaxPool1D", made_of<adaptive_line<"AdaptiveMaxPool2D">>},
    {"AdaptiveMaxPool2D", made_of<adaptive_max>},
    {"AvgPool1D", made_of<average_line>},
    {"AvgPool3DExt", made_of<average_volume>},
    {"Baddbmm", made_of<baddbmm>},
    {"BatchNormExt", made_of<batch_norm_ext>},
    {"ConstantPadND", made_of<padded_with>},
    {"Conv1DExt", made_of<convolution_of_any>},
    {"Conv1DPadding", made_of<convolution_of_any>},
    {"Conv3DExt", made_of<convolution_of_any>},
    {"Conv3DPadding", made_of<convolution_of_any>},
    {"ConvTranspose2D", made_of<convolution_of_any>},
    {"Convolution", made_of<convolution_of_any>},
    {"ConvolutionStr", made_of<convolution_of_any>},
    {"MaxPoolWithArgmax", made_of<max_pool>},
    {"Outer", made_of<outer>},
    {"PadV3", made_of<pad_v3>},
    {"ReflectionPad1D", made_of<padded<"reflect">>},
    {"ReflectionPad2D", made_of<padded<"reflect">>},
    {"ReflectionPad3D", made_of<padded<"reflect">>},
    {"ReplicationPad1D", made_of<padded<"edge">>},
    {"ReplicationPad2D", made_of<padded<"edge">>},
    {"ReplicationPad3D", made_of<padded<"edge">>},
    {"ResizeLinear1D", made_of<resize_line>},
    {"RmsNorm", made_of<rms_norm>},
    {"UpsampleBilinear2D", made_of<upsample_linear>},
    {"UpsampleLinear1D", made_of<upsample_linear>},
    {"UpsampleNearest1D", made_of<nearest>},
    {"UpsampleNearest2D", made_of<nearest>},
    {"UpsampleNearest3D", made_of<nearest>},
    {"UpsampleTrilinear3D", made_of<upsample_linear>},
};

}  // namespace

std::span<const NamedGeRule> composed_window_rules() { return kComposedWindowRules; }

}  // namespace ckpt::graph::ascend
