#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ops/ge_expansion.h"

// What is written as other operators: most of what mint and the newer layers are made of. Of each element.
namespace ckpt::graph::ascend {
namespace {

// ---- each element ----

template <Name kOp>
ValueId of_both(const NodeView& node, To& to) {
  return to(kOp.view(), {as_result(node, to, 0), as_result(node, to, 1)});
}

template <Name kOp, Name kNumber>
ValueId with_that(const NodeView& node, To& to) {
  return to(kOp.view(), {as_result(node, to), number_of(node, to, kNumber.view())});
}

template <Name kOp>
ValueId that_with(const NodeView& node, To& to) {
  return to(kOp.view(), {number_of(node, to, "input"), as_result(node, to)});
}

/// x + alpha * number
template <Name kOp>
ValueId with_multiple_of_number(const NodeView& node, To& to) {
  const double other = node.number("alpha") * node.number("other");
  return to(kOp.view(), {as_result(node, to), to.number(other, node.result_type().dtype)});
}

ValueId erfc(const NodeView& node, To& to) {
  return to("Sub", {to.number(1, node.type(0).dtype), to("Erf", {to.in(0)})});
}

ValueId exp2(const NodeView& node, To& to) { return to("Pow", {to.number(2, node.type(0).dtype), to.in(0)}); }

template <int kBase>
ValueId log_to(const NodeView&, To& to) {
  return to("Log", {to.in(0)}, {{"base", double{kBase}}});
}

ValueId trunc(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return is_floating(node.type(0).dtype) ? to("Mul", {to("Sign", {x}), to("Floor", {to("Abs", {x})})}) : x;
}

ValueId is_nan(const NodeView&, To& to) { return to("NotEqual", {to.in(0), to.in(0)}); }

/// How it is to infinity.
template <Name kOp>
ValueId magnitude(const NodeView& node, To& to) {
  return to(kOp.view(), {to("Abs", {to.in(0)}), to.number(kInfinity, node.type(0).dtype)});
}

ValueId exclusive_or(const NodeView&, To& to) {
  return to("NotEqual", {to.in(0, DType::boolean), to.in(1, DType::boolean)});
}

ValueId hypot(const NodeView& node, To& to) {
  return to("Sqrt", {to("Add", {to("Square", {as_result(node, to, 0)}), to("Square", {as_result(node, to, 1)})})});
}

Result<ValueId> div_mod(const NodeView& node, To& to, ValueId x, ValueId y) {
  const std::string mode = node.is_none("rounding_mode") ? "" : node.text("rounding_mode");
  if (mode.empty()) return to("RealDiv", {x, y});
  if (mode == "floor") return to("FloorDiv", {x, y});
  if (mode == "trunc") return to("TruncateDiv", {x, y});
  return refuse("rounding_mode " + mode);
}

Result<ValueId> div_mod_of_both(const NodeView& node, To& to) {
  return div_mod(node, to, as_result(node, to, 0), as_result(node, to, 1));
}

Result<ValueId> div_mod_by_number(const NodeView& node, To& to) {
  return div_mod(node, to, as_result(node, to), number_of(node, to, "other"));
}

/// input + value * (tensor1 op tensor2)
template <Name kOp>
ValueId add_combined(const NodeView& node, To& to) {
  const ValueId both = to(kOp.view(), {as_result(node, to, 1), as_result(node, to, 2)});
  return to("Add", {as_result(node, to, 0), to("Mul", {both, as_result(node, to, 3)})});
}

ValueId between(const NodeView& node, To& to, ValueId weight) {
  const ValueId from = as_result(node, to, 0);
  return to("Add", {from, to("Mul", {weight, to("Sub", {as_result(node, to, 1), from})})});
}

ValueId lerp(const NodeView& node, To& to) { return between(node, to, as_result(node, to, 2)); }
ValueId lerp_scalar(const NodeView& node, To& to) { return between(node, to, number_of(node, to, "weight")); }

ValueId clamp_tensor(const NodeView& node, To& to) {
  ValueId x = to.in(0);
  if (node.has_input(1)) x = to("Maximum", {x, as_result(node, to, 1)});
  if (node.has_input(2)) x = to("Minimum", {x, as_result(node, to, 2)});
  return x;
}

ValueId logit(const NodeView& node, To& to) {
  const double bound = node.number("bound");
  ValueId x = to.in(0);
  if (bound >= 0) x = to("ClampScalar", {x}, {{"min", bound}, {"max", 1 - bound}});
  return to("Log", {to("RealDiv", {x, to("Sub", {to.number(1, node.type(0).dtype), x})})});
}

// ---- activations ----

/// max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)
Result<ValueId> celu(const NodeView& node, To& to) {
  const ValueId x = to.in(0), alpha = number_of(node, to, "alpha"), zero = to.number(0, node.type(0).dtype);
  if (node.number("alpha") == 0) return refuse("alpha=0");
  const ValueId below = to("Mul", {alpha, to("Expm1", {to("RealDiv", {to("Minimum", {x, zero}), alpha})})});
  return to("Add", {to("Maximum", {x, zero}), below});
}

ValueId fast_gelu(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return to("Mul", {x, to("Sigmoid", {to("Mul", {x, to.number(1.702, node.type(0).dtype)})})});
}

ValueId hard_tanh(const NodeView& node, To& to) {
  return to("ClampScalar", {to.in(0)}, {{"min", node.number("min_val")}, {"max", node.number("max_val")}});
}

/// What is not above becomes that number.
ValueId unless_above(const NodeView& node, To& to, ValueId x, ValueId what, double least, double otherwise) {
  const ValueId above = to("Greater", {what, to.number(least, node.type(0).dtype)});
  return to("MaskedFillScalar", {x, to("LogicalNot", {above})}, {{"value", otherwise}});
}

ValueId threshold(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return unless_above(node, to, x, x, node.number("threshold"), node.number("value"));
}

ValueId hard_shrink(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  return unless_above(node, to, x, to("Abs", {x}), node.number("lambd"), 0);
}

Result<ValueId> soft_shrink(const NodeView& node, To& to) {
  const ValueId x = to.in(0);
  const double most = node.number("lambd");
  if (most < 0) return refuse("lambd below 0");
  return to("Sub", {x, to("ClampScalar", {x}, {{"min", -most}, {"max", most}})});
}

ValueId log_sigmoid(const NodeView&, To& to) { return to("Neg", {to("Softplus", {to("Neg", {to.in(0)})})}); }

Result<ValueId> softplus_ext(const NodeView& node, To& to) {
  const double beta = node.number("beta");
  if (beta == 0) return refuse("beta=0");
  const ValueId x = to.in(0), factor = number_of(node, to, "beta");
  const ValueId scaled = beta == 1 ? x : to("Mul", {x, factor});
  const ValueId soft = to("Softplus", {scaled});
  const ValueId above = to("Greater", {scaled, number_of(node, to, "threshold")});
  return to("Select", {above, x, beta == 1 ? soft : to("RealDiv", {soft, factor})});
}

ValueId log_softmax_ext(const NodeView& node, To& to) {
  const std::size_t rank = node.type(0).dims.size();
  const std::int64_t implied = rank == 0 || rank == 1 || rank == 3 ? 0 : 1;
  return to("LogSoftmax", {as_result(node, to)}, {{"axis", node.is_none("dim") ? implied : node.integer("dim")}});
}

Ids halves(const NodeView& node, To& to, std::string_view axis) {
  return to.several("Split", {to.in(0)}, 2, {{"axis", node.integer(axis)}, {"output_num", std::int64_t{2}}});
}

ValueId glu(const NodeView& node, To& to) {
  const Ids half = halves(node, to, "axis");
  return to("Mul", {half[0], to("Sigmoid", {half[1]})});
}

ValueId swiglu(const NodeView& node, To& to) {
  const Ids half = halves(node, to, "dim");
  return to("Mul", {to("SiLU", {half[0]}), half[1]});
}

constexpr NamedGeRule kComposedElementRules[] = {
    {"AddScalar", made_of<with_multiple_of_number<"Add">>},
    {"Addcdiv", made_of<add_combined<"RealDiv">>},
    {"Addcmul", made_of<add_combined<"Mul">>},
    {"CeLU", made_of<celu>},
    {"ClampTensor", made_of<clamp_tensor>},
    {"DivMod", made_of<div_mod_of_both>},
    {"DivMods", made_of<div_mod_by_number>},
    {"Erfc", made_of<erfc>},
    {"Exp2", made_of<exp2>},
    {"FastGeLU", made_of<fast_gelu>},
    {"FloorDivScalar", made_of<with_that<"FloorDiv", "other">>},
    {"FmodScalar", made_of<with_that<"Mod", "other">>},
    {"FmodTensor", made_of<of_both<"Mod">>},
    {"GLU", made_of<glu>},
    {"HShrink", made_of<hard_shrink>},
    {"Hardtanh", made_of<hard_tanh>},
    {"Hypot", made_of<hypot>},
    {"IsFinite", made_of<magnitude<"Less">>},
    {"IsInf", made_of<magnitude<"Equal">>},
    {"IsNan", made_of<is_nan>},
    {"Lerp", made_of<lerp>},
    {"LerpScalar", made_of<lerp_scalar>},
    {"Log10", made_of<log_to<10>>},
    {"Log2", made_of<log_to<2>>},
    {"LogSigmoid", made_of<log_sigmoid>},
    {"LogSoftmaxExt", made_of<log_softmax_ext>},
    {"LogicalXor", made_of<exclusive_or>},
    {"Logit", made_of<logit>},
    {"PowScalarTensor", made_of<that_with<"Pow">>},
    {"PowTensorScalar", made_of<with_that<"Pow", "exponent">>},
    {"RemainderScalarTensor", made_of<that_with<"FloorMod">>},
    {"SoftShrink", made_of<soft_shrink>},
    {"SoftplusExt", made_of<softplus_ext>},
    {"SubScalar", made_of<with_multiple_of_number<"Sub">>},
    {"Swiglu", made_of<swiglu>},
    {"Threshold", made_of<threshold>},
    {"Trunc", made_of<trunc>},
};

}  // namespace

std::span<const NamedGeRule> composed_element_rules() { return kComposedElementRules; }

}  // namespace ckpt::graph::ascend
