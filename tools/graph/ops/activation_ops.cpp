#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

NamedAttrs alpha(double value) { return {{"alpha", static_cast<float>(value)}}; }

Status celu(const NodeView& node, Target& target) {
  target.result(0, target.add("Celu", {in(node, target, 0)}, alpha(node.number("alpha"))));
  return {};
}

Status elu(const NodeView& node, Target& target) {
  target.result(0, target.add("Elu", {in(node, target, 0)}, alpha(node.number("alpha"))));
  return {};
}

Status leaky_relu(const NodeView& node, Target& target) {
  target.result(0, target.add("LeakyRelu", {in(node, target, 0)}, alpha(node.number("negative_slope"))));
  return {};
}

/// x * sigmoid(1.702 x), which is what MindSpore's formula in two branches comes to.
Ref fast_gelu(Chain& f, Ref x) { return f("Mul", {x, f("Sigmoid", {f("Mul", {x, f.number(1.702)})})}); }

/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
Ref gelu_tanh(Chain& f, Ref x) {
  const Ref cube = f("Mul", {f("Mul", {x, x}), x});
  const Ref inner = f("Add", {x, f("Mul", {cube, f.number(0.044715)})});
  const Ref tanh = f("Tanh", {f("Mul", {inner, f.number(0.7978845608028654)})});
  return f("Mul", {f("Mul", {x, f.number(0.5)}), f("Add", {tanh, f.number(1)})});
}

/// x/2 (1 + erf(x / sqrt 2))
Ref gelu_erf(Chain& f, Ref x) {
  const Ref erf = f("Erf", {f("Mul", {x, f.number(0.7071067811865476)})});
  return f("Mul", {f("Mul", {x, f.number(0.5)}), f("Add", {erf, f.number(1)})});
}

Status gelu(const NodeView& node, Target& target, const std::string& approximate) {
  if (approximate != "none" && approximate != "tanh") return refuse("approximate " + approximate);
  if (target.opset() >= 20) {
    target.result(0, target.add("Gelu", {in(node, target, 0)}, {{"approximate", approximate}}));
    return {};
  }
  return approximate == "tanh" ? formula<gelu_tanh>(node, target) : formula<gelu_erf>(node, target);
}

Status gelu_onnx(const NodeView& node, Target& target) { return gelu(node, target, "tanh"); }
Status gelu_ext_onnx(const NodeView& node, Target& target) { return gelu(node, target, node.text("approximate")); }

Status shrink(const NodeView& node, Target& target, float bias) {
  const auto lambd = as_float(node, "lambd");
  target.result(0, target.add("Shrink", {in(node, target, 0)}, {{"bias", bias}, {"lambd", lambd}}));
  return {};
}

Status hard_shrink(const NodeView& node, Target& target) { return shrink(node, target, 0); }
Status soft_shrink(const NodeView& node, Target& target) { return shrink(node, target, as_float(node, "lambd")); }

/// relu6(x + 3) / 6
Status hard_sigmoid(const NodeView& node, Target& target) {
  target.result(0, target.add("HardSigmoid", {in(node, target, 0)}, {{"alpha", 1.0F / 6.0F}, {"beta", 0.5F}}));
  return {};
}

Status hard_swish(const NodeView& node, Target& target) {
  const Ref x = in(node, target, 0);
  if (target.opset() >= 14) {
    target.result(0, target.add("HardSwish", {x}));
    return {};
  }
  const Ref gate = target.add("HardSigmoid", {x}, {{"alpha", 1.0F / 6.0F}, {"beta", 0.5F}}, node.type(0));
  target.result(0, target.add("Mul", {x, gate}));
  return {};
}

Status clip(const NodeView& node, Target& target, double least, double most) {
  Chain f(target, node.type(0));
  target.result(0, f("Clip", {in(node, target, 0), f.number(least), f.number(most)}));
  return {};
}

Status relu6(const NodeView& node, Target& target) { return clip(node, target, 0, 6); }
Status hard_tanh(const NodeView& node, Target& target) {
  return clip(node, target, node.number("min_val"), node.number("max_val"));
}

Ref log_sigmoid(Chain& f, Ref x) { return f("Neg", {f("Softplus", {f("Neg", {x})})}); }
Ref silu(Chain& f, Ref x) { return f("Mul", {x, f("Sigmoid", {x})}); }
Ref mish_formula(Chain& f, Ref x) { return f("Mul", {x, f("Tanh", {f("Softplus", {x})})}); }

Status mish(const NodeView& node, Target& target) {
  return target.opset() >= 18 ? one<"Mish">(node, target) : formula<mish_formula>(node, target);
}

/// Of a beta, and of a threshold above which it is the identity.
Status softplus_ext(const NodeView& node, Target& target) {
  Chain f(target, node.type(0));
  const double beta = node.number("beta");
  if (beta == 0) return refuse("beta=0");
  const Ref x = in(node, target, 0);
  const Ref scaled = beta == 1 ? x : f("Mul", {x, f.number(beta)});
  Ref result = f("Softplus", {scaled});
  if (beta != 1) result = f("Mul", {result, f.number(1 / beta)});
  const Ref above = f.truth("Greater", {scaled, f.number(node.number("threshold"))});
  target.result(0, f("Where", {above, x, result}));
  return {};
}

Status threshold(const NodeView& node, Target& target) {
  Chain f(target, node.type(0));
  const Ref x = in(node, target, 0);
  const Ref above = f.truth("Greater", {x, f.number(node.number("threshold"))});
  target.result(0, f("Where", {above, x, f.number(node.number("value"))}));
  return {};
}

// ---- along an axis ----

Types softmax_types(const NodeView& node) {
  const std::size_t rank = node.type(0).dims.size();
  if (node.integers("axis").empty()) return refuse("axis is empty");
  if (auto axes = axes_of(node.integers("axis"), rank); !axes) return axes.error();
  return same(node);
}

/// Over one axis, or over several at once.
Status softmax(const NodeView& node, Target& target) {
  const Ints& axes = node.integers("axis");
  const Ref x = in(node, target, 0);
  if (axes.size() == 1) {
    target.result(0, target.add("Softmax", {x}, {{"axis", axes[0]}}));
    return {};
  }
  Chain f(target, node.type(0));
  const Ref exp = f("Exp", {f("Sub", {x, reduce(target, "ReduceMax", x, axes, true)})});
  target.result(0, f("Div", {exp, reduce(target, "ReduceSum", exp, axes, true)}));
  return {};
}

Types log_softmax_types(const NodeView& node) {
  if (auto axis = axis_of(node.integer("axis"), node.type(0).dims.size()); !axis) return axis.error();
  return same(node);
}

Status log_softmax(const NodeView& node, Target& target) {
  target.result(0, target.add("LogSoftmax", {in(node, target, 0)}, {{"axis", node.integer("axis")}}));
  return {};
}

/// Without a dim PyTorch takes 0 for 0, 1 and 3 dimensions, else 1.
std::int64_t implied_axis(std::size_t rank) { return rank == 0 || rank == 1 || rank == 3 ? 0 : 1; }

Types log_softmax_ext_types(const NodeView& node) {
  Type type = node.type(0);
  if (!node.is_none("dim")) {
    if (auto axis = axis_of(node.integer("dim"), type.dims.size()); !axis) return axis.error();
  }
  if (!node.is_none("dtype")) type.dtype = node.dtype("dtype");
  return std::vector<Type>{type};
}

Status log_softmax_ext(const NodeView& node, Target& target) {
  const std::int64_t axis = node.is_none("dim") ? implied_axis(node.type(0).dims.size()) : node.integer("dim");
  const Ref x = in_as(node, target, 0, node.result_type().dtype);
  target.result(0, target.add("LogSoftmax", {x}, {{"axis", axis}}));
  return {};
}

Types half_types(const NodeView& node, std::string_view attribute) {
  Type type = node.type(0);
  auto axis = axis_of(node.integer(attribute), type.dims.size());
  if (!axis) return axis.error();
  Dim& dim = type.dims[*axis];
  if (dim.known() && dim.size % 2 != 0) return refuse("an axis of " + std::to_string(dim.size) + " is halved");
  dim = dim.known() ? Dim(dim.size / 2) : Dim();
  return std::vector<Type>{type};
}

Result<std::vector<Ref>> halves(const NodeView& node, Target& target, std::string_view attribute) {
  auto axis = axis_of(node.integer(attribute), node.type(0).dims.size());
  if (!axis) return axis.error();
  const Dim& dim = node.type(0).dims[*axis];
  const Ints sizes = dim.known() ? Ints(2, dim.size / 2) : Ints{};
  return split(target, in(node, target, 0), node.integer(attribute), sizes, 2);
}

Types glu_types(const NodeView& node) { return half_types(node, "axis"); }
Types swiglu_types(const NodeView& node) { return half_types(node, "dim"); }

/// The first half, gated by the second.
Status glu(const NodeView& node, Target& target) {
  auto parts = halves(node, target, "axis");
  if (!parts) return parts.error();
  Chain f(target, node.result_type());
  target.result(0, f("Mul", {(*parts)[0], f("Sigmoid", {(*parts)[1]})}));
  return {};
}

Status swiglu(const NodeView& node, Target& target) {
  auto parts = halves(node, target, "dim");
  if (!parts) return parts.error();
  Chain f(target, node.result_type());
  target.result(0, f("Mul", {silu(f, (*parts)[0]), (*parts)[1]}));
  return {};
}

// ---- PReLU: one slope, or one a channel ----

Types prelu_types(const NodeView& node) {
  const Dims& weight = node.type(1).dims;
  const Dims& input = node.type(0).dims;
  const bool one = element_count(node.type(1)) == 1;
  const bool fits = one || (weight.size() == 1 && input.size() > 1 && unify(weight[0], input[1]));
  if (!fits) return refuse("weight is " + to_string(node.type(1)));
  return same(node);
}

Status prelu(const NodeView& node, Target& target) {
  const std::size_t rank = node.type(0).dims.size();
  Ref slope = in_as(node, target, 1, node.type(0).dtype);
  if (rank > 2 && element_count(node.type(1)) != 1) {
    Ints shape(rank - 1, 1);
    shape[0] = -1;
    Dims dims(rank - 1, Dim(1));
    dims[0] = node.type(1).dims[0];
    slope = reshape(target, slope, shape, {node.type(0).dtype, dims});
  }
  target.result(0, target.add("PRelu", {in(node, target, 0), slope}));
  return {};
}

// ---- ReLUV2: its second result is for the gradient ----

Types relu_v2_types(const NodeView& node) {
  return std::vector<Type>{node.type(0), {.dtype = DType::unknown, .dims = {}}};
}

}  // namespace

std::vector<Op> activation_ops() {
  const auto x = [] { return std::vector<Argument>{tensor("input")}; };
  const auto with = [](Argument argument) { return std::vector<Argument>{tensor("input"), std::move(argument)}; };
  return {
      {.name = "CeLU", .arguments = with(number("alpha", 1.0)), .infer = same, .to_onnx = celu},
      {.name = "Elu", .was = "EluExt", .arguments = with(number("alpha", 1.0)), .infer = same, .to_onnx = elu},
      {.name = "FastGeLU", .was = "FastGelu", .arguments = x(), .infer = same, .to_onnx = formula<fast_gelu>},
      {.name = "GLU", .arguments = with(integer("axis", whole(-1))), .infer = glu_types, .to_onnx = glu},
      {.name = "GeLU", .was = "Gelu", .arguments = x(), .infer = same, .to_onnx = gelu_onnx},
      {.name = "GeluExt",
       .arguments = with(text("approximate", words("none"))),
       .infer = same,
       .to_onnx = gelu_ext_onnx},
      {.name = "HShrink", .arguments = with(number("lambd", 0.5)), .infer = same, .to_onnx = hard_shrink},
      {.name = "HSigmoid", .arguments = x(), .infer = same, .to_onnx = hard_sigmoid},
      {.name = "HSwish", .arguments = x(), .infer = same, .to_onnx = hard_swish},
      {.name = "Hardtanh",
       .arguments = {tensor("input"), number("min_val", -1.0), number("max_val", 1.0)},
       .infer = same,
       .to_onnx = hard_tanh},
      {.name = "LeakyReLUExt",
       .was = "LeakyRelu LeakyReLU",
       .arguments = with(number("negative_slope", 0.01, "alpha")),
       .infer = same,
       .to_onnx = leaky_relu},
      {.name = "LogSigmoid", .arguments = x(), .infer = same, .to_onnx = formula<log_sigmoid>},
      {.name = "LogSoftmax",
       .arguments = with(integer("axis", whole(-1))),
       .infer = log_softmax_types,
       .to_onnx = log_softmax},
      {.name = "LogSoftmaxExt",
       .arguments = {tensor("input"), integer("dim", None{}), dtype("dtype", None{})},
       .infer = log_softmax_ext_types,
       .to_onnx = log_softmax_ext},
      {.name = "Mish", .was = "MishExt", .arguments = x(), .infer = same, .to_onnx = mish},
      {.name = "PReLU", .arguments = {tensor("input"), tensor("weight")}, .infer = prelu_types, .to_onnx = prelu},
      {.name = "ReLU", .arguments = x(), .infer = same, .to_onnx = one<"Relu">},
      {.name = "ReLU6", .arguments = x(), .infer = same, .to_onnx = relu6},
      {.name = "ReLUV2", .arguments = x(), .infer = relu_v2_types, .to_onnx = one<"Relu">},
      {.name = "SeLU", .was = "SeLUExt", .arguments = x(), .infer = same, .to_onnx = one<"Selu">},
      {.name = "SiLU", .was = "Swish", .arguments = x(), .infer = same, .to_onnx = formula<silu>},
      {.name = "Sigmoid", .arguments = x(), .infer = same, .to_onnx = one<"Sigmoid">},
      {.name = "SoftShrink", .arguments = with(number("lambd", 0.5)), .infer = same, .to_onnx = soft_shrink},
      {.name = "Softmax", .arguments = with(integers("axis", Ints{-1})), .infer = softmax_types, .to_onnx = softmax},
      {.name = "Softplus", .arguments = x(), .infer = same, .to_onnx = one<"Softplus">},
      {.name = "SoftplusExt",
       .arguments = {tensor("input"), number("beta", 1.0), number("threshold", 20.0)},
       .infer = same,
       .to_onnx = softplus_ext},
      {.name = "Softsign", .arguments = x(), .infer = same, .to_onnx = one<"Softsign">},
      {.name = "Swiglu", .arguments = with(integer("dim", whole(-1))), .infer = swiglu_types, .to_onnx = swiglu},
      {.name = "Tanh", .arguments = x(), .infer = same, .to_onnx = one<"Tanh">},
      {.name = "Threshold",
       .arguments = {tensor("input"), number("threshold"), number("value")},
       .infer = same,
       .to_onnx = threshold},
  };
}

}  // namespace ckpt::graph
