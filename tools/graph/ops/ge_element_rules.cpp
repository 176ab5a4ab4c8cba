#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ge_types.h"
#include "ops/ge_steps.h"

// What is done with each element, and what is made of all along an axis.
namespace ckpt::graph::ascend {
namespace {

// ---- activations ----

Status elu(const NodeView& node, Target& target) {
  return emit(node, target, "Elu", {{"alpha", as_float(node, "alpha")}});
}

Status leaky_relu(const NodeView& node, Target& target) {
  return emit(node, target, "LeakyRelu", {{"negative_slope", as_float(node, "negative_slope")}});
}

Status swish(const NodeView& node, Target& target) { return emit(node, target, "Swish", {{"scale", 1.0F}}); }

const NamedAttrs& hard_sigmoid_attrs() {
  static const NamedAttrs attrs{{"alpha", 1.0F / 6}, {"beta", 0.5F}};
  return attrs;
}

Status hard_sigmoid(const NodeView& node, Target& target) {
  return emit(node, target, "HardSigmoid", hard_sigmoid_attrs());
}

Status hard_swish(const NodeView& node, Target& target) {
  const Ref x = in(node, target, 0);
  target.result(0, target.add("Mul", {x, target.add("HardSigmoid", {x}, hard_sigmoid_attrs(), node.type(0))}));
  return {};
}

Status gelu(const NodeView& node, Target& target) {
  if (node.text("approximate") == "tanh") return emit(node, target, "Gelu");
  Chain chain(target, node.type(0));
  const Ref x = in(node, target, 0);
  const Ref erf = chain("Erf", {chain("Mul", {x, chain.number(std::sqrt(0.5))})});
  const Ref half = chain("Mul", {x, chain.number(0.5)});
  target.result(0, chain("Mul", {half, chain("Add", {erf, chain.number(1)})}));
  return {};
}

Status softmax(const NodeView& node, Target& target) {
  return emit(node, target, "SoftmaxV2", {{"axes", node.integers("axis")}});
}

Status log_softmax(const NodeView& node, Target& target) {
  return emit(node, target, "LogSoftmaxV2", {{"axes", Ints{node.integer("axis")}}});
}

// ---- elements ----

Status cast_to(const NodeView& node, Target& target) {
  const std::int64_t type = find_ge_type(&GeType::dtype, node.dtype("dtype")).attribute;
  if (type < 0) return refuse("GE has no " + std::string(name(node.dtype("dtype"))));
  return emit(node, target, "Cast", {{"dst_type", type}});
}

Status log_of(const NodeView& node, Target& target) {
  return emit(
      node, target, "Log",
      {{"base", as_float(node, "base")}, {"scale", as_float(node, "scale")}, {"shift", as_float(node, "shift")}});
}

Status round_to(const NodeView& node, Target& target) {
  return node.integer("decimals") == 0 ? emit(node, target, "Round") : refuse("decimals is not 0");
}

Status like(const NodeView& node, Target& target, std::string_view type) {
  const bool other = !node.is_none("dtype") && node.dtype("dtype") != node.type(0).dtype;
  return other ? refuse("of another type than its input") : emit(node, target, type);
}
Status ones_like(const NodeView& node, Target& target) { return like(node, target, "OnesLike"); }
Status zeros_like(const NodeView& node, Target& target) { return like(node, target, "ZerosLike"); }

Status clamp(const NodeView& node, Target& target) {
  Chain chain(target, node.type(0));
  Ref x = in(node, target, 0);
  if (node.is_none("min") && node.is_none("max")) return refuse("neither min nor max is given");
  if (!node.is_none("min")) x = chain("Maximum", {x, chain.number(node.number("min"))});
  if (!node.is_none("max")) x = chain("Minimum", {x, chain.number(node.number("max"))});
  target.result(0, x);
  return {};
}

// An operation with a number, which must be one of the tensor's type: 0.5 times integers is no integer.
template <Name kType>
Status with_number(const NodeView& node, Target& target) {
  const double value = node.number("other");
  const Type& type = node.type(0);
  if (!is_floating(type.dtype) && value != std::trunc(value)) return refuse("a fraction, of integers");
  return emit_on(node, target, kType.view(), {in(node, target, 0), target.scalar(value, type.dtype)});
}

/// Whether BroadcastTo can make it that large: -1 is the operand's own size there.
bool can_widen(const Dims& from, const Dims& to) {
  const std::size_t ahead = to.size() - std::min(from.size(), to.size());
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!to[i].known() && (i < ahead || from[i - ahead] != to[i])) return false;
  }
  return true;
}

// x where the mask is false. Select does not broadcast.
Status select_filled(const NodeView& node, Target& target, Ref value) {
  const Type& result = node.result_type();
  auto shape = one_unknown(result.dims);
  if (!shape) return shape.error();
  if (node.type(1).dtype != DType::boolean) return refuse("its mask is " + to_string(node.type(1)));
  const auto widened = [&](Ref x, const Type& type) -> Result<Ref> {
    if (type.dims == result.dims) return x;
    if (!can_widen(type.dims, result.dims)) return refuse("repeated for each example, of which the number is open");
    auto sizes = vector(target, *shape);
    if (!sizes) return sizes.error();
    return target.add("BroadcastTo", {x, *sizes}, {}, {type.dtype, result.dims});
  };
  const Ref input = in(node, target, 0);
  const bool open = !can_widen({}, result.dims) && node.type(0).dims == result.dims && result.dtype != DType::boolean;
  if (open) value = target.add("Add", {target.add("ZerosLike", {input}, {}, result), value}, {}, result);
  auto mask = widened(in(node, target, 1), node.type(1));
  auto filled = widened(value, {result.dtype, open ? result.dims : Dims{}});
  auto x = widened(input, node.type(0));
  if (!mask || !filled || !x) return (!mask ? mask : !filled ? filled : x).error();
  return emit_on(node, target, "Select", {*mask, *filled, *x});
}

Status masked_fill_ge(const NodeView& node, Target& target) {
  if (!node.type(2).dims.empty()) return refuse("its value is " + to_string(node.type(2)));
  auto value = as_type(node, target, 2, node.result_type().dtype);
  return value ? select_filled(node, target, *value) : Status(value.error());
}

Status masked_fill_number(const NodeView& node, Target& target) {
  return select_filled(node, target, target.scalar(node.number("value"), node.result_type().dtype));
}

Status divide(const NodeView& node, Target& target) {
  if (!is_floating(node.type(0).dtype)) return refuse("of integers");
  return same_types<"RealDiv">(node, target);
}

Status divide_by_number(const NodeView& node, Target& target) {
  if (!is_floating(node.type(0).dtype)) return refuse("of integers");
  return with_number<"RealDiv">(node, target);
}

Status add_n(const NodeView& node, Target& target) {
  return emit(node, target, "AddN", {{"N", static_cast<std::int64_t>(node.input_count())}});
}

// ---- reductions ----

template <Name kType>
Status reduction(const NodeView& node, Target& target) {
  auto axes = axes_of(node.integers("axis"), node.type(0).dims.size());
  if (!axes) return axes.error();
  return emit(node, target, kType.view(), {{"axes", as_ints(*axes)}, {"keep_dims", node.flag("keep_dims")}});
}

Status reduce_sum(const NodeView& node, Target& target) {
  if (node.flag("skip_mode") && node.integers("axis").empty()) return emit(node, target, "Identity");
  return reduction<"ReduceSumD">(node, target);
}

template <Name kType>
Status arg(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(), {{"dimension", node.integer("axis")}, {"dtype", node.dtype("output_type")}});
}

template <Name kType>
Status arg_with_value(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(), {{"dimension", node.integer("axis")}, {"keep_dims", node.flag("keep_dims")}});
}

template <Name kType>
Status cumulative(const NodeView& node, Target& target) {
  return emit(
      node, target, kType.view(),
      {{"axis", node.integer("axis")}, {"exclusive", node.flag("exclusive")}, {"reverse", node.flag("reverse")}});
}

Status sort(const NodeView& node, Target& target) {
  return emit(node, target, "Sort", {{"axis", node.integer("axis")}, {"descending", node.flag("descending")}});
}

template <Name kType>
Status triangle(const NodeView& node, Target& target) {
  return emit(node, target, kType.view(), {{"diagonal", node.integer("diagonal")}});
}

Status top_k(const NodeView& node, Target& target) {
  auto k = whole_number(target, node.integer("k"));
  if (!k) return k.error();
  return emit_on(node, target, "TopK", {in(node, target, 0), *k}, {{"sorted", node.flag("sorted")}});
}

template <Name kType>
Status reduction_ext(const NodeView& node, Target& target) {
  auto x = as_type(node, target, 0, node.result_type().dtype);
  if (!x) return x.error();
  auto axes = axes_of(node.is_none("dim") ? Ints{} : node.integers("dim"), node.type(0).dims.size());
  if (!axes) return axes.error();
  return emit_on(node, target, kType.view(), {*x}, {{"axes", as_ints(*axes)}, {"keep_dims", node.flag("keepdim")}});
}

/// x + alpha * y.
template <Name kType>
Status with_multiple(const NodeView& node, Target& target) {
  if (node.type(0).dtype != node.type(1).dtype) return same_types<kType>(node, target);
  const std::vector<Ref> inputs = inputs_of(node, target);
  Ref other = inputs[1];
  const double alpha = node.number("alpha");
  if (alpha != 1) other = target.add("Mul", {other, target.scalar(alpha, node.type(1).dtype)}, {}, node.type(1));
  return emit_on(node, target, kType.view(), {inputs[0], other});
}

constexpr NamedGeRule kElementRules[] = {
    {"ACos", same_inputs<"Acos">},
    {"Abs", same_inputs<"Abs">},
    {"Acosh", same_inputs<"Acosh">},
    {"Add", same_types<"Add">},
    {"AddExt", with_multiple<"Add">},
    {"AddN", add_n},
    {"ArgMaxWithValue", arg_with_value<"ArgMaxWithValue">},
    {"ArgMinWithValue", arg_with_value<"ArgMinWithValue">},
    {"Argmax", arg<"ArgMaxD">},
    {"Argmin", arg<"ArgMinD">},
    {"Asin", same_inputs<"Asin">},
    {"Asinh", same_inputs<"Asinh">},
    {"Atan", same_inputs<"Atan">},
    {"Atan2", same_types<"Atan2">},
    {"Atanh", same_inputs<"Atanh">},
    {"BitwiseAnd", same_types<"BitwiseAnd">},
    {"BitwiseOr", same_types<"BitwiseOr">},
    {"BitwiseXor", same_types<"BitwiseXor">},
    {"Cast", cast_to},
    {"Ceil", same_inputs<"Ceil">},
    {"ClampScalar", clamp},
    {"Cos", same_inputs<"Cos">},
    {"Cosh", same_inputs<"Cosh">},
    {"CumProd", cumulative<"CumprodD">},
    {"CumSum", cumulative<"CumsumD">},
    {"Div", divide},
    {"Divs", divide_by_number},
    {"Elu", elu},
    {"EqScalar", with_number<"Equal">},
    {"Equal", same_types<"Equal">},
    {"Erf", same_inputs<"Erf">},
    {"Exp", same_inputs<"Exp">},
    {"Expm1", same_inputs<"Expm1">},
    {"Floor", same_inputs<"Floor">},
    {"FloorDiv", same_types<"FloorDiv">},
    {"FloorMod", same_types<"FloorMod">},
    {"GeLU", same_inputs<"Gelu">},
    {"GeluExt", gelu},
    {"Greater", same_types<"Greater">},
    {"GreaterEqual", same_types<"GreaterEqual">},
    {"GreaterEqualScalar", with_number<"GreaterEqual">},
    {"HSigmoid", hard_sigmoid},
    {"HSwish", hard_swish},
    {"L2Loss", same_inputs<"L2Loss">},
    {"LeakyReLUExt", leaky_relu},
    {"Less", same_types<"Less">},
    {"LessEqual", same_types<"LessEqual">},
    {"LessScalar", with_number<"Less">},
    {"Log", log_of},
    {"Log1p", same_inputs<"Log1p">},
    {"LogSoftmax", log_softmax},
    {"LogicalAnd", same_types<"LogicalAnd">},
    {"LogicalNot", same_inputs<"LogicalNot">},
    {"LogicalOr", same_types<"LogicalOr">},
    {"MaskedFill", masked_fill_ge},
    {"MaskedFillScalar", masked_fill_number},
    {"Maximum", same_types<"Maximum">},
    {"MeanExt", reduction_ext<"ReduceMeanD">},
    {"Minimum", same_types<"Minimum">},
    {"Mish", same_inputs<"Mish">},
    {"Mod", same_types<"Mod">},
    {"Mul", same_types<"Mul">},
    {"Muls", with_number<"Mul">},
    {"Neg", same_inputs<"Neg">},
    {"NotEqual", same_types<"NotEqual">},
    {"OnesLike", ones_like},
    {"PReLU", same_types<"PRelu">},
    {"Pow", same_types<"Pow">},
    {"ProdExt", reduction_ext<"ReduceProdD">},
    {"ReLU", same_inputs<"Relu">},
    {"ReLU6", same_inputs<"Relu6">},
    {"ReLUV2", same_inputs<"Relu">},
    {"RealDiv", divide},
    {"Reciprocal", same_inputs<"Reciprocal">},
    {"ReduceAll", reduction<"ReduceAllD">},
    {"ReduceAny", reduction<"ReduceAnyD">},
    {"ReduceMax", reduction<"ReduceMaxD">},
    {"ReduceMean", reduction<"ReduceMeanD">},
    {"ReduceMin", reduction<"ReduceMinD">},
    {"ReduceProd", reduction<"ReduceProdD">},
    {"ReduceSum", reduce_sum},
    {"RemainderTensorScalar", with_number<"FloorMod">},
    {"RemainderTensorTensor", same_types<"FloorMod">},
    {"Round", round_to},
    {"Rsqrt", same_inputs<"Rsqrt">},
    {"SeLU", same_inputs<"Selu">},
    {"Select", same_inputs<"Select">},
    {"SiLU", swish},
    {"Sigmoid", same_inputs<"Sigmoid">},
    {"Sign", same_inputs<"Sign">},
    {"Sin", same_inputs<"Sin">},
    {"Sinh", same_inputs<"Sinh">},
    {"Softmax", softmax},
    {"Softplus", same_inputs<"Softplus">},
    {"Softsign", same_inputs<"Softsign">},
    {"Sort", sort},
    {"Sqrt", same_inputs<"Sqrt">},
    {"Square", same_inputs<"Square">},
    {"SquareSumAll", same_inputs<"SquareSumAll">},
    {"SquaredDifference", same_types<"SquaredDifference">},
    {"Sub", same_types<"Sub">},
    {"SubExt", with_multiple<"Sub">},
    {"SumExt", reduction_ext<"ReduceSumD">},
    {"Tan", same_inputs<"Tan">},
    {"Tanh", same_inputs<"Tanh">},
    {"TopK", top_k},
    {"Tril", triangle<"Tril">},
    {"Triu", triangle<"Triu">},
    {"TruncateDiv", same_types<"TruncateDiv">},
    {"TruncateMod", same_types<"TruncateMod">},
    {"Xlogy", same_types<"Xlogy">},
    {"ZerosLike", zeros_like},
};

}  // namespace

std::span<const NamedGeRule> element_rules() { return kElementRules; }

}  // namespace ckpt::graph::ascend
