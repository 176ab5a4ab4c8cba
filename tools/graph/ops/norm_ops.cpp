#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

/// Of a normalisation, itself and its statistics: those are what the source recorded. Some releases have placeholders
/// of other shapes for them.
std::vector<Type> as_recorded(const NodeView& node, std::vector<Type> types) {
  for (std::size_t i = 1; i < node.node().outputs.size() && i < types.size(); ++i) {
    if (node.result_type(i).dtype != DType::unknown) types[i] = node.result_type(i);
  }
  return types;
}

// ---- over the batch, with the statistics that training left ----

Types batch_norm_types(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  if (input.size() < 2) return refuse("input is " + to_string(node.type(0)));
  for (std::size_t i = 1; i < 5; ++i) {
    if (!node.has_input(i)) continue;
    if (auto status = want_rank(node, i, 1); !status) return status.error();
    if (auto channels = unify(input[1], node.type(i).dims[0]); !channels) return channels.error();
  }
  // The number of statistics differs between releases.
  std::vector<Type> types{node.type(0)};
  const DType dtype = node.has_input(1) ? node.type(1).dtype : node.type(0).dtype;
  for (int i = 0; i < 5; ++i) types.push_back({.dtype = dtype, .dims = {input[1]}});
  return as_recorded(node, std::move(types));
}

Status batch_norm(const NodeView& node, Target& target) {
  if (node.flag("is_training")) return refuse("is_training: it computes its statistics from the batch");
  if (auto status = node.type(0).dims.size() > 2 ? want_format(node, "NCHW") : Status(); !status) return status;
  std::vector<Ref> inputs{in(node, target, 0)};
  for (std::size_t i = 1; i < 5; ++i) inputs.push_back(in(node, target, i));
  target.result(0, target.add("BatchNormalization", std::move(inputs), {{"epsilon", as_float(node, "epsilon")}}));
  return {};
}

Status batch_norm_ext(const NodeView& node, Target& target) {
  if (node.flag("training")) return refuse("training: it computes its statistics from the batch");
  if (!node.has_input(3) || !node.has_input(4)) return refuse("no running statistics");
  const Dim& channels = node.type(0).dims[1];
  if (!channels.known()) return refuse("channels are not known");
  const auto count = static_cast<std::size_t>(channels.size);
  const auto given = [&](std::size_t i, double otherwise) {
    return node.has_input(i) ? in(node, target, i)
                             : vector_of(target, node.type(3).dtype, std::vector<double>(count, otherwise));
  };
  target.result(0, target.add("BatchNormalization",
                              {in(node, target, 0), given(1, 1), given(2, 0), in(node, target, 3), in(node, target, 4)},
                              {{"epsilon", as_float(node, "epsilon")}}));
  return {};
}

// ---- over the last axes ----

/// Results of a normalisation: itself, and a mean and a deviation with ones for the axes that are gone.
std::vector<Type> with_statistics(const NodeView& node, std::size_t first_axis) {
  Type statistics = node.type(0);
  for (std::size_t i = first_axis; i < statistics.dims.size(); ++i) statistics.dims[i] = Dim(1);
  return {node.type(0), statistics, statistics};
}

Types layer_norm_types(const NodeView& node) {
  auto axis = axis_of(node.integer("begin_norm_axis"), node.type(0).dims.size());
  if (!axis) return axis.error();
  auto params = axis_of(node.integer("begin_params_axis"), node.type(0).dims.size());
  if (!params) return params.error();
  const Dims behind(node.type(0).dims.begin() + static_cast<std::ptrdiff_t>(*params), node.type(0).dims.end());
  for (std::size_t i = 1; i < 3; ++i) {
    const Dims& dims = node.type(i).dims;
    if (dims.size() != behind.size() || !broadcast(dims, behind)) {
      return refuse("gamma or beta is " + to_string(node.type(i)) + ", not of the axes from " +
                    std::to_string(*params));
    }
  }
  return as_recorded(node, with_statistics(node, *axis));
}

/// (x - mean) / sqrt(variance + epsilon)
Ref normalised(Target& target, const NodeView& node, Ref x, const Ints& axes, double epsilon) {
  Chain f(target, node.type(0));
  Type small = node.type(0);
  for (const std::int64_t axis : axes) small.dims[static_cast<std::size_t>(axis)] = Dim(1);
  const Ref centred = f("Sub", {x, reduce(target, "ReduceMean", x, axes, true, small)});
  const Ref variance = reduce(target, "ReduceMean", f("Mul", {centred, centred}), axes, true, small);
  const Ref deviation = target.add("Sqrt", {target.add("Add", {variance, f.number(epsilon)}, {}, small)}, {}, small);
  return f("Div", {centred, deviation});
}

Status normalise_last(const NodeView& node, Target& target, std::size_t axis, double epsilon, Ref gamma, Ref beta,
                      bool own_operator) {
  const Ref x = in(node, target, 0);
  if (own_operator && target.opset() >= 17 && gamma != Target::kNothing) {
    target.result(0, target.add("LayerNormalization", {x, gamma, beta},
                                {{"axis", static_cast<std::int64_t>(axis)}, {"epsilon", static_cast<float>(epsilon)}}));
    return {};
  }
  Ints axes;
  for (std::size_t i = axis; i < node.type(0).dims.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  Chain f(target, node.type(0));
  Ref result = normalised(target, node, x, axes, epsilon);
  if (gamma != Target::kNothing) result = f("Mul", {result, gamma});
  if (beta != Target::kNothing) result = f("Add", {result, beta});
  target.result(0, result);
  return {};
}

Status layer_norm(const NodeView& node, Target& target) {
  auto axis = axis_of(node.integer("begin_norm_axis"), node.type(0).dims.size());
  if (!axis) return axis.error();
  auto params = axis_of(node.integer("begin_params_axis"), node.type(0).dims.size());
  if (!params) return params.error();
  return normalise_last(node, target, *axis, node.number("epsilon"), in(node, target, 1), in(node, target, 2),
                        *axis == *params);
}

Result<std::size_t> normalised_axis(const NodeView& node) {
  const std::size_t count = node.integers("normalized_shape").size();
  const std::size_t rank = node.type(0).dims.size();
  if (count == 0 || count > rank) return refuse("normalized_shape has " + std::to_string(count) + " numbers");
  return rank - count;
}

Types layer_norm_ext_types(const NodeView& node) {
  auto axis = normalised_axis(node);
  if (!axis) return axis.error();
  return with_statistics(node, *axis);
}

Status layer_norm_ext(const NodeView& node, Target& target) {
  auto axis = normalised_axis(node);
  if (!axis) return axis.error();
  return normalise_last(node, target, *axis, node.number("eps"), in(node, target, 1), in(node, target, 2), true);
}

/// x / sqrt(mean(x^2) + epsilon) * gamma
Types rms_norm_types(const NodeView& node) {
  const std::size_t rank = node.type(0).dims.size();
  if (node.type(1).dims.size() > rank) return refuse("gamma is " + to_string(node.type(1)));
  auto types = with_statistics(node, rank - node.type(1).dims.size());
  types.pop_back();
  types.back().dtype = DType::float32;
  return types;
}

Status rms_norm(const NodeView& node, Target& target) {
  Chain f(target, node.type(0));
  const std::size_t rank = node.type(0).dims.size();
  Ints axes;
  for (std::size_t i = rank - node.type(1).dims.size(); i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  const Ref x = in(node, target, 0);
  const Ref mean = reduce(target, "ReduceMean", f("Mul", {x, x}), axes, true);
  const Ref size = target.add("Sqrt", {target.add("Add", {mean, f.number(node.number("epsilon"))})});
  target.result(0, f("Mul", {f("Div", {x, size}), in(node, target, 1)}));
  return {};
}

/// x / sqrt(max(sum(x^2), epsilon))
Types l2_types(const NodeView& node) {
  if (auto axes = axes_of(node.integers("axis"), node.type(0).dims.size()); !axes) return axes.error();
  return same(node);
}

Status l2_normalize(const NodeView& node, Target& target) {
  Chain f(target, node.type(0));
  const Ref x = in(node, target, 0);
  const Ref sum = reduce(target, "ReduceSum", f("Mul", {x, x}), node.integers("axis"), true);
  const Ref size = target.add("Sqrt", {target.add("Max", {sum, f.number(node.number("epsilon"))})});
  target.result(0, f("Div", {x, size}));
  return {};
}

// ---- over the channels beside ----

Types lrn_types(const NodeView& node) {
  if (auto status = want_rank(node, 0, 4); !status) return status.error();
  if (node.integer("depth_radius") < 0) return refuse("depth_radius " + std::to_string(node.integer("depth_radius")));
  return same(node);
}

/// x / (bias + alpha * sum(x^2))^beta. ONNX divides alpha by the number of channels that are summed up.
Status lrn(const NodeView& node, Target& target) {
  if (node.text("norm_region") != "across_channels") return refuse("norm_region " + node.text("norm_region"));
  const std::int64_t size = 2 * node.integer("depth_radius") + 1;
  target.result(0, target.add("LRN", {in(node, target, 0)},
                              {{"alpha", static_cast<float>(node.number("alpha") * static_cast<double>(size))},
                               {"beta", as_float(node, "beta")},
                               {"bias", as_float(node, "bias")},
                               {"size", size}}));
  return {};
}

// ---- over groups of channels ----

Types group_norm_types(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  if (input.size() < 2) return refuse("input is " + to_string(node.type(0)));
  const std::int64_t groups = node.integer("num_groups");
  if (!input[1].known() || groups <= 0 || input[1].size % groups != 0) {
    return refuse("num_groups=" + std::to_string(groups) + ": must divide the channels");
  }
  const Type statistics{node.type(0).dtype, {input[0], Dim(groups)}};
  return std::vector<Type>{node.type(0), statistics, statistics};
}

/// Each channel's factor or summand, laid along the channels of x.
Ref along_channels(Target& target, const NodeView& node, std::size_t i) {
  const std::size_t rank = node.type(0).dims.size();
  Ints shape(rank - 1, 1);
  shape[0] = node.type(0).dims[1].size;
  Dims dims(rank - 1, Dim(1));
  dims[0] = node.type(0).dims[1];
  return reshape(target, in_as(node, target, i, node.type(0).dtype), shape, {node.type(0).dtype, dims});
}

Status group_norm(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  const std::int64_t groups = node.integer("num_groups");
  const auto epsilon = as_float(node, "eps");
  const Ref x = in(node, target, 0);
  if (target.opset() >= 21 && node.has_input(1) && node.has_input(2)) {
    target.result(0, target.add("GroupNormalization", {x, in(node, target, 1), in(node, target, 2)},
                                {{"epsilon", epsilon}, {"num_groups", groups}}));
    return {};
  }
  Chain f(target, type);
  const auto count = static_cast<std::size_t>(groups);
  const Type grouped{type.dtype, {type.dims[0], Dim(groups), Dim()}};
  const Ref each = target.add(
      "InstanceNormalization",
      {reshape(target, x, {0, groups, -1}, grouped), vector_of(target, type.dtype, std::vector<double>(count, 1)),
       vector_of(target, type.dtype, std::vector<double>(count, 0))},
      {{"epsilon", epsilon}}, grouped);
  const auto shape = reshape_to(grouped.dims, type.dims);
  const Type shape_type{DType::int64, {Dim(static_cast<std::int64_t>(type.dims.size()))}};
  const Ref sizes = shape ? target.constant(*shape) : target.add("Shape", {x}, {}, shape_type);
  Ref result = f("Reshape", {each, sizes});
  if (node.has_input(1)) result = f("Mul", {result, along_channels(target, node, 1)});
  if (node.has_input(2)) result = f("Add", {result, along_channels(target, node, 2)});
  target.result(0, result);
  return {};
}

}  // namespace

std::vector<Op> norm_ops() {
  return {
      {.name = "BatchNorm",
       .was = "FusedBatchNorm FusedBatchNormEx",
       .arguments = {tensor("x"), tensor("scale"), tensor("bias"), tensor("mean"), tensor("variance"),
                     flag("is_training", false), number("epsilon", 1e-5), number("momentum", 0.1),
                     text("format", words("NCHW"), "data_format")},
       .changes = {3, 4},
       .changes_if = "is_training",
       .infer = batch_norm_types,
       .to_onnx = batch_norm},
      {.name = "BatchNormExt",
       .arguments = {tensor("input"), optional("weight"), optional("bias"), optional("running_mean"),
                     optional("running_var"), flag("training", false), number("momentum", 0.1),
                     number("epsilon", 1e-5, "eps")},
       .infer = batch_norm_types,
       .to_onnx = batch_norm_ext},
      {.name = "GroupNorm",
       .arguments = {tensor("input"), integer("num_groups"), optional("weight"), optional("bias"),
                     number("eps", 1e-5, "epsilon")},
       .infer = group_norm_types,
       .to_onnx = group_norm},
      {.name = "LRN",
       .arguments = {tensor("x"), integer("depth_radius", whole(5)), number("bias", 1.0), number("alpha", 1.0),
                     number("beta", 0.5), text("norm_region", words("ACROSS_CHANNELS"))},
       .infer = lrn_types,
       .to_onnx = lrn},
      {.name = "L2Normalize",
       .arguments = {tensor("x"), integers("axis", Ints{0}), number("epsilon", 1e-4)},
       .infer = l2_types,
       .to_onnx = l2_normalize},
      {.name = "LayerNorm",
       .was = "LayerNormV3",
       .arguments = {tensor("x"), tensor("gamma"), tensor("beta"), integer("begin_norm_axis", whole(1)),
                     integer("begin_params_axis", whole(1)), number("epsilon", 1e-7)},
       .infer = layer_norm_types,
       .to_onnx = layer_norm},
      {.name = "LayerNormExt",
       .arguments = {tensor("input"), integers("normalized_shape"), optional("weight"), optional("bias"),
                     number("eps", 1e-5, "epsilon")},
       .infer = layer_norm_ext_types,
       .to_onnx = layer_norm_ext},
      {.name = "RmsNorm",
       .arguments = {tensor("x"), tensor("gamma"), number("epsilon", 1e-6)},
       .infer = rms_norm_types,
       .to_onnx = rms_norm},
  };
}

}  // namespace ckpt::graph
