#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

/// A convolution, whichever of MindSpore's operators it came from.
struct Conv {
  Ints stride = {}, dilation = {};
  std::string pad_mode = "pad";
  Ints pads = {};  ///< begin and end of each axis, where pad_mode is "pad"
  std::int64_t group = 1;
  std::size_t bias = 2;  ///< which input, if it is given
  bool transposed = false;
  Ints output_padding = {};

  bool same() const noexcept { return pad_mode == "same"; }
};

Ints spread(const Ints& values, std::size_t axes) { return values.size() == 1 ? Ints(axes, values[0]) : values; }

Result<Ints> kernel_of(const NodeView& node) {
  const Dims& weight = node.type(1).dims;
  if (weight.size() < 3 || weight.size() > 5) return refuse("weight is " + to_string(node.type(1)));
  if (!known_part(weight) || known_part(weight)->unknown > 0) return refuse("weight is " + to_string(node.type(1)));
  return sizes_of({weight.begin() + 2, weight.end()});
}

using Reader = Result<Conv> (*)(const NodeView&);

/// Conv2D, Conv3D: MindSpore's own form.
Result<Conv> own_form(const NodeView& node) {
  const bool flat = node.type(1).dims.size() == 4;
  if (auto status = want_format(node, flat ? "NCHW" : "NCDHW"); !status) return status.error();
  if (!node.is_none("kernel_size")) {
    auto kernel = kernel_of(node);
    if (!kernel) return kernel.error();
    if (*kernel != node.integers("kernel_size")) return refuse("kernel_size is not the weight's");
  }
  return Conv{.stride = node.integers("stride"),
              .dilation = node.integers("dilation"),
              .pad_mode = node.text("pad_mode"),
              .pads = pad_list(node),
              .group = node.integer("group")};
}

/// Conv2DExt and its like: PyTorch's form.
Result<Conv> ext_form(const NodeView& node) {
  return Conv{.stride = node.integers("stride"),
              .dilation = node.integers("dilation"),
              .pads = both_sides(node.integers("padding")),
              .group = node.integer("groups")};
}

Result<Conv> padding_form(const NodeView& node) {
  return Conv{.stride = node.integers("stride"),
              .dilation = node.integers("dilation"),
              .pad_mode = node.text("padding"),
              .group = node.integer("groups")};
}

Result<Conv> transpose_ext_form(const NodeView& node) {
  auto conv = ext_form(node);
  if (conv) {
    conv->transposed = true;
    conv->output_padding = node.integers("output_padding");
  }
  return conv;
}

/// Convolution: any number of axes, either direction.
Result<Conv> general_form(const NodeView& node) {
  const std::size_t axes = node.type(1).dims.size() < 3 ? 0 : node.type(1).dims.size() - 2;
  Conv conv{.stride = spread(node.integers("stride"), axes),
            .dilation = spread(node.integers("dilation"), axes),
            .group = node.integer("groups"),
            .transposed = node.flag("transposed"),
            .output_padding = spread(node.integers("output_padding"), axes)};
  if (node.node().op == "ConvolutionStr") {
    conv.pad_mode = node.text("padding");
    if (conv.transposed) return refuse("padding by a word of a transposed convolution");
  } else {
    conv.pads = both_sides(spread(node.integers("padding"), axes));
  }
  return conv;
}

// ---- forwards ----

Result<Windows> conv_windows(const NodeView& node, const Conv& conv) {
  auto kernel = kernel_of(node);
  if (!kernel) return kernel.error();
  return windows(node.type(0).dims, *kernel, conv.stride, conv.dilation, conv.pad_mode, conv.pads);
}

Status check_group(const NodeView& node, const Conv& conv, std::size_t channels_in, std::size_t channels_out) {
  const std::int64_t in_each = node.type(1).dims[channels_in].size;
  const std::int64_t out = node.type(1).dims[channels_out].size;
  if (conv.group <= 0 || out % conv.group != 0) {
    return refuse("group=" + std::to_string(conv.group) + ": must divide " + std::to_string(out));
  }
  const Dim& channels = node.type(0).dims[1];
  if (channels.known() && channels.size / conv.group != in_each) {
    return refuse("input has " + std::to_string(channels.size) + " channels where the weight wants " +
                  std::to_string(in_each * conv.group));
  }
  return {};
}

Types forward_types(const NodeView& node, const Conv& conv) {
  auto moved = conv_windows(node, conv);
  if (!moved) return moved.error();
  if (auto status = check_group(node, conv, 1, 0); !status) return status.error();
  auto sizes = window_sizes(node.type(0).dims, *moved, conv.same(), false);
  if (!sizes) return sizes.error();
  Type type{.dtype = node.type(0).dtype, .dims = {node.type(0).dims[0], node.type(1).dims[0]}};
  type.dims.insert(type.dims.end(), sizes->begin(), sizes->end());
  return std::vector<Type>{type};
}

NamedAttrs window_attrs(const Windows& moved) {
  const WindowLists of = lists_of(moved);
  return {{"dilations", of.dilations}, {"kernel_shape", of.kernel}, {"pads", of.pads}, {"strides", of.strides}};
}

/// SAME over a size that is not known: ONNX finds the pads itself, but runtimes do so only without dilation.
Status auto_pad(NamedAttrs& attrs, const Windows& moved) {
  for (const Window& window : moved.axes) {
    if (window.dilation != 1) return refuse("pad_mode same with dilation over a size that is not known");
  }
  std::erase_if(attrs, [](const auto& attr) { return attr.name == "pads"; });
  attrs.insert(attrs.begin(), {"auto_pad", std::string("SAME_UPPER")});
  return {};
}

Status emit_conv(const NodeView& node, Target& target, const Conv& conv, Ref weight, std::int64_t group) {
  auto moved = conv_windows(node, conv);
  if (!moved) return moved.error();
  NamedAttrs attrs = window_attrs(*moved);
  if (!moved->known) {
    if (auto status = auto_pad(attrs, *moved); !status) return status;
  }
  attrs.push_back({"group", group});
  target.result(0, target.add("Conv", {in(node, target, 0), weight, in(node, target, conv.bias)}, std::move(attrs)));
  return {};
}

// ---- transposed ----

Types transposed_types(const NodeView& node, const Conv& conv) {
  auto kernel = kernel_of(node);
  if (!kernel) return kernel.error();
  const Dims& input = node.type(0).dims;
  if (input.size() != kernel->size() + 2 || conv.output_padding.size() != kernel->size() ||
      conv.stride.size() != kernel->size() || conv.dilation.size() != kernel->size()) {
    return refuse("input is " + to_string(node.type(0)));
  }
  if (conv.pads.size() != 2 * kernel->size()) {
    return refuse("padding has " + std::to_string(conv.pads.size() / 2) + " numbers");
  }
  if (conv.group <= 0) return refuse("group=" + std::to_string(conv.group));
  if (auto channels = unify(input[1], node.type(1).dims[0]); !channels)
    return refuse("input has " + std::to_string(input[1].size) + " channels where the weight wants " +
                  std::to_string(node.type(1).dims[0].size));
  Type type{.dtype = node.type(0).dtype, .dims = {input[0], Dim(node.type(1).dims[1].size * conv.group)}};
  for (std::size_t i = 0; i < kernel->size(); ++i) {
    const std::int64_t more = conv.dilation[i] * ((*kernel)[i] - 1) + 1 - conv.stride[i] + conv.output_padding[i] -
                              conv.pads[2 * i] - conv.pads[2 * i + 1];
    type.dims.push_back(input[i + 2].known()               ? Dim(input[i + 2].size * conv.stride[i] + more)
                        : more == 0 && conv.stride[i] == 1 ? input[i + 2]
                                                           : Dim());
  }
  return std::vector<Type>{type};
}

Status emit_transposed(const NodeView& node, Target& target, const Conv& conv) {
  auto kernel = kernel_of(node);
  if (!kernel) return kernel.error();
  Ints pads;
  for (std::size_t i = 0; i < kernel->size(); ++i) pads.push_back(conv.pads[2 * i]);
  for (std::size_t i = 0; i < kernel->size(); ++i) pads.push_back(conv.pads[2 * i + 1]);
  NamedAttrs attrs{{"dilations", conv.dilation},
                   {"group", conv.group},
                   {"kernel_shape", *kernel},
                   {"output_padding", conv.output_padding},
                   {"pads", pads},
                   {"strides", conv.stride}};
  target.result(0, target.add("ConvTranspose", {in(node, target, 0), in(node, target, 1), in(node, target, conv.bias)},
                              std::move(attrs)));
  return {};
}

/// How much larger than size * stride the result is along an axis, and the pads of SAME.
Status transposed_axis(const NodeView& node, std::size_t i, std::int64_t kernel, Conv& conv) {
  const std::string& mode = node.text("pad_mode");
  const Dim& size = node.type(0).dims[i + 2];
  const std::int64_t stride = conv.stride[i];
  const std::int64_t reach = conv.dilation[i] * (kernel - 1) + 1;
  std::int64_t& padding = conv.output_padding[i];  // what the operator asks for, if it does
  std::int64_t more = mode == "valid" ? std::max<std::int64_t>(reach - stride, 0) : 0;
  if (mode == "pad") more = reach - stride - conv.pads[2 * i] - conv.pads[2 * i + 1];
  more += padding;
  if (!node.is_none("input_sizes")) {
    const Ints& sizes = node.integers("input_sizes");
    if (sizes.size() != node.type(0).dims.size()) {
      return refuse("input_sizes has " + std::to_string(sizes.size()) + " numbers");
    }
    if (size.known() && sizes[i + 2] >= 0) more = sizes[i + 2] - size.size * stride;
  }
  if (mode == "same") {
    const std::int64_t need = std::max<std::int64_t>(0, reach - stride - more);
    conv.pads[2 * i] = need / 2;
    conv.pads[2 * i + 1] = need - need / 2;
  }
  padding = more - (reach - stride - conv.pads[2 * i] - conv.pads[2 * i + 1]);
  if (padding >= 0 && padding < std::max(stride, conv.dilation[i])) return {};
  return refuse("an output size that is not reached from its input's");
}

/// Conv2DTranspose and Conv3DTranspose, in PyTorch's terms: explicit pads, and the rest of the size that is asked for
/// as output_padding.
template <std::size_t kAxes>
Result<Conv> own_transposed_form(const NodeView& node) {
  if (auto status = want_format(node, kAxes == 2 ? "NCHW" : "NCDHW"); !status) return status.error();
  if (auto status = want_rank(node, 0, kAxes + 2); !status) return status.error();
  auto kernel = kernel_of(node);
  if (!kernel) return kernel.error();
  if (kernel->size() != kAxes) return refuse("weight is " + to_string(node.type(1)));
  const std::string& mode = node.text("pad_mode");
  if (mode == "pad" && node.is_none("pad_list")) return refuse("pad_mode pad without pads");
  Conv conv{.stride = node.integers("stride"),
            .dilation = node.integers("dilation"),
            .pads = mode == "pad" ? node.integers("pad_list") : Ints(2 * kAxes, 0),
            .group = node.integer("group"),
            .transposed = true,
            .output_padding = node.is_none("output_padding") ? Ints(kAxes, 0) : node.integers("output_padding")};
  for (std::size_t i = 0; i < kAxes; ++i) {
    if (auto status = transposed_axis(node, i, (*kernel)[i], conv); !status) return status.error();
  }
  return conv;
}

// ---- any ----

template <Reader read>
Types conv_types(const NodeView& node) {
  auto conv = read(node);
  if (!conv) return conv.error();
  return conv->transposed ? transposed_types(node, *conv) : forward_types(node, *conv);
}

template <Reader read>
Status conv_onnx(const NodeView& node, Target& target) {
  auto conv = read(node);
  if (!conv) return conv.error();
  if (conv->transposed) return emit_transposed(node, target, *conv);
  return emit_conv(node, target, *conv, in(node, target, 1), conv->group);
}

// ---- DepthwiseConv2dNative: weight [multiplier, channels, h, w] ----

Result<Conv> depthwise_form(const NodeView& node) {
  if (auto status = want_format(node, "NCHW"); !status) return status.error();
  return Conv{.stride = node.integers("stride"),
              .dilation = node.integers("dilation"),
              .pad_mode = node.text("pad_mode"),
              .pads = pad_list(node)};
}

Types depthwise_types(const NodeView& node) {
  auto conv = depthwise_form(node);
  if (!conv) return conv.error();
  auto moved = conv_windows(node, *conv);
  if (!moved) return moved.error();
  const Dims& weight = node.type(1).dims;
  if (auto channels = unify(node.type(0).dims[1], weight[1]); !channels) return channels.error();
  auto sizes = window_sizes(node.type(0).dims, *moved, conv->same(), false);
  if (!sizes) return sizes.error();
  Type type{.dtype = node.type(0).dtype, .dims = {node.type(0).dims[0], Dim(weight[0].size * weight[1].size)}};
  type.dims.insert(type.dims.end(), sizes->begin(), sizes->end());
  return std::vector<Type>{type};
}

Status depthwise_onnx(const NodeView& node, Target& target) {
  auto conv = depthwise_form(node);
  if (!conv) return conv.error();
  const Dims& weight = node.type(1).dims;
  const DType type = node.type(1).dtype;
  const Dims turned{weight[1], weight[0], weight[2], weight[3]};
  const Dims flat{Dim(weight[0].size * weight[1].size), Dim(1), weight[2], weight[3]};
  const Ref by_channel = transpose(target, in(node, target, 1), {1, 0, 2, 3}, {type, turned});
  const Ref filter = reshape(target, by_channel, {flat[0].size, 1, flat[2].size, flat[3].size}, {type, flat});
  return emit_conv(node, target, *conv, filter, weight[1].size);
}

// ---- BiasAdd ----

Types bias_types(const NodeView& node) {
  if (auto status = want_rank(node, 1, 1); !status) return status.error();
  if (node.type(0).dims.size() < 2) return refuse("input is " + to_string(node.type(0)));
  if (auto channels = unify(node.type(0).dims[1], node.type(1).dims[0]); !channels) return channels.error();
  return same(node);
}

Status bias_onnx(const NodeView& node, Target& target) {
  const Type& x = node.type(0);
  if (node.text("format") == "NHWC" && x.dims.size() > 2) return want_format(node, "NCHW");
  Ref bias = in_as(node, target, 1, x.dtype);
  if (x.dims.size() > 2) {
    Ints shape(x.dims.size() - 1, 1);
    shape[0] = -1;
    Dims dims(x.dims.size() - 1, Dim(1));
    dims[0] = node.type(1).dims[0];
    bias = reshape(target, bias, shape, {x.dtype, dims});
  }
  target.result(0, target.add("Add", {in(node, target, 0), bias}));
  return {};
}

// ---- arguments ----

using Arguments = std::vector<Argument>;

Arguments own_arguments(std::size_t axes) {
  return {tensor("x"),
          tensor("w"),
          per_axis("kernel_size", axes, None{}),
          text("pad_mode", words("valid")),
          per_axis("pad_list", 2 * axes, None{}, "pads pad"),
          per_axis("stride", axes, Ints(axes, 1), "strides"),
          per_axis("dilation", axes, Ints(axes, 1), "dilations"),
          integer("group", whole(1), "groups"),
          text("format", words(axes == 2 ? "NCHW" : "NCDHW"), "data_format"),
          optional("bias")};
}

/// PyTorch's order, with one padding for both sides of an axis or a word for it.
Arguments ext_arguments(std::size_t axes, Argument padding) {
  return {tensor("input"),
          tensor("weight"),
          optional("bias"),
          per_axis("stride", axes, Ints(axes, 1)),
          std::move(padding),
          per_axis("dilation", axes, Ints(axes, 1)),
          integer("groups", whole(1))};
}

Arguments general_arguments(Argument padding) {
  return {tensor("input"),
          tensor("weight"),
          optional("bias"),
          integers("stride", Ints{1}),
          std::move(padding),
          integers("dilation", Ints{1}),
          flag("transposed", false),
          integers("output_padding", Ints{0}),
          integer("groups", whole(1))};
}

Arguments transposed_arguments() {
  Arguments arguments = own_arguments(2);
  arguments[0] = tensor("out_backprop");
  arguments[1] = tensor("filter");
  arguments.insert(arguments.begin() + 2, integers("input_sizes", None{}, "input_size"));
  return arguments;
}

/// The size that Conv3DTranspose has recorded is that of one input, and follows from the rest.
Arguments transposed_3d_arguments() {
  Arguments arguments = own_arguments(3);
  arguments.pop_back();
  arguments.push_back(per_axis("output_padding", 3, Ints{0, 0, 0}));
  return arguments;
}

Arguments depthwise_arguments() {
  Arguments arguments = own_arguments(2);
  std::erase_if(arguments, [](const Argument& each) { return each.name == "group" || each.name == "bias"; });
  return arguments;
}

template <Reader kForm>
Op conv_op(std::string_view name, Arguments arguments) {
  return {.name = name, .arguments = std::move(arguments), .infer = conv_types<kForm>, .to_onnx = conv_onnx<kForm>};
}

Op with_attributes(Op op) {
  op.has_attributes = true;
  return op;
}

Op ext_op(std::string_view name, std::size_t axes) {
  return conv_op<ext_form>(name, ext_arguments(axes, per_axis("padding", axes, Ints(axes, 0))));
}

Op padding_op(std::string_view name, std::size_t axes) {
  return conv_op<padding_form>(name, ext_arguments(axes, text("padding", words("valid"))));
}

}  // namespace

std::vector<Op> conv_ops() {
  return {
      {.name = "BiasAdd",
       .arguments = {tensor("x"), tensor("bias"), text("format", words("NCHW"), "data_format")},
       .infer = bias_types,
       .to_onnx = bias_onnx},
      ext_op("Conv1DExt", 1),
      padding_op("Conv1DPadding", 1),
      with_attributes(conv_op<own_form>("Conv2D", own_arguments(2))),
      ext_op("Conv2DExt", 2),
      padding_op("Conv2DPadding", 2),
      // older releases have it for Conv2DTranspose
      with_attributes(conv_op<own_transposed_form<2>>("Conv2DBackpropInput", transposed_arguments())),
      conv_op<own_transposed_form<2>>("Conv2DTranspose", transposed_arguments()),
      conv_op<own_form>("Conv3D", own_arguments(3)),
      ext_op("Conv3DExt", 3),
      padding_op("Conv3DPadding", 3),
      conv_op<own_transposed_form<3>>("Conv3DTranspose", transposed_3d_arguments()),
      conv_op<transpose_ext_form>(
          "ConvTranspose2D", {tensor("input"), tensor("weight"), optional("bias"), per_axis("stride", 2, Ints{1, 1}),
                              per_axis("padding", 2, Ints{0, 0}), per_axis("output_padding", 2, Ints{0, 0}),
                              integer("groups", whole(1)), per_axis("dilation", 2, Ints{1, 1})}),
      conv_op<general_form>("Convolution", general_arguments(integers("padding", Ints{0}))),
      conv_op<general_form>("ConvolutionStr", general_arguments(text("padding", words("valid")))),
      {.name = "DepthwiseConv2dNative",
       .arguments = depthwise_arguments(),
       .infer = depthwise_types,
       .to_onnx = depthwise_onnx},
  };
}

}  // namespace ckpt::graph
