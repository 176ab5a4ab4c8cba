#include <cmath>
#include <limits>

#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

Ref erfc(Chain& f, Ref x) { return f("Sub", {f.number(1), f("Erf", {x})}); }
Ref exp2(Chain& f, Ref x) { return f("Pow", {f.number(2), x}); }
Ref expm1(Chain& f, Ref x) { return f("Sub", {f("Exp", {x}), f.number(1)}); }
Ref log1p(Chain& f, Ref x) { return f("Log", {f("Add", {x, f.number(1)})}); }
Ref log2(Chain& f, Ref x) { return f("Mul", {f("Log", {x}), f.number(1.4426950408889634)}); }
Ref log10(Chain& f, Ref x) { return f("Mul", {f("Log", {x}), f.number(0.4342944819032518)}); }
Ref rsqrt(Chain& f, Ref x) { return f("Reciprocal", {f("Sqrt", {x})}); }
Ref square(Chain& f, Ref x) { return f("Mul", {x, x}); }
Ref trunc(Chain& f, Ref x) { return f("Mul", {f("Sign", {x}), f("Floor", {f("Abs", {x})})}); }
Ref reciprocal(Chain& f, Ref x) { return f("Reciprocal", {x}); }
Ref root(Chain& f, Ref x) { return f("Sqrt", {x}); }
Ref like_that(Chain&, Ref x) { return x; }

/// Of integers MindSpore makes Float32.
Types floating(const NodeView& node) {
  const DType dtype = node.type(0).dtype;
  return std::vector<Type>{{is_floating(dtype) ? dtype : DType::float32, node.type(0).dims}};
}

template <Ref (*kFormula)(Chain&, Ref)>
Status floating_formula(const NodeView& node, Target& target) {
  Chain chain(target, node.result_type());
  target.result(0, kFormula(chain, in_as(node, target, 0, node.result_type().dtype)));
  return {};
}

Status is_finite(const NodeView& node, Target& target) {
  Chain f(target, node.type(0));
  const Ref x = in(node, target, 0);
  const Ref infinite = f.truth("IsInf", {x}), nan = f.truth("IsNaN", {x});
  target.result(0, f.truth("Not", {f.truth("Or", {infinite, nan})}));
  return {};
}

/// Numbers are true where they are not 0.
Status logical_not(const NodeView& node, Target& target) {
  target.result(0, target.add("Not", {in_as(node, target, 0, DType::boolean)}));
  return {};
}

Types cast_types(const NodeView& node) {
  return std::vector<Type>{{.dtype = node.dtype("dtype"), .dims = node.type(0).dims}};
}

Status cast_onnx(const NodeView& node, Target& target) {
  const std::int64_t to = onnx_dtype(node.dtype("dtype"));
  if (to == 0) return refuse("ONNX has no " + std::string(name(node.dtype("dtype"))));
  target.result(0, target.add("Cast", {in(node, target, 0)}, {{"to", to}}));
  return {};
}

/// Integers between bounds that are none become what the source recorded.
Types clamp_types(const NodeView& node) {
  Type type = node.type(0);
  const bool whole_bounds = (node.is_none("min") || node.number("min") == std::trunc(node.number("min"))) &&
                            (node.is_none("max") || node.number("max") == std::trunc(node.number("max")));
  const DType recorded = node.recorded_dtype();
  if (!is_floating(type.dtype) && is_floating(recorded)) type.dtype = recorded;
  if (!is_floating(type.dtype) && !whole_bounds) type.dtype = DType::float32;
  return std::vector<Type>{type};
}

Status clamp_scalar(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  const Ref least = node.is_none("min") ? Target::kNothing : target.scalar(node.number("min"), dtype);
  const Ref most = node.is_none("max") ? Target::kNothing : target.scalar(node.number("max"), dtype);
  target.result(0, target.add("Clip", {in_as(node, target, 0, dtype), least, most}));
  return {};
}

Types clamp_tensor_types(const NodeView& node) {
  Type type = node.type(0);
  for (std::size_t i = 1; i < 3; ++i) {
    if (!node.has_input(i)) continue;
    auto dims = broadcast(type.dims, node.type(i).dims);
    if (!dims) return dims.error();
    type.dims = std::move(*dims);
  }
  return std::vector<Type>{type};
}

Status clamp_tensor(const NodeView& node, Target& target) {
  const Type& type = node.result_type();
  Ref result = in(node, target, 0);
  if (node.has_input(1)) result = target.add("Max", {result, in_as(node, target, 1, type.dtype)}, {}, type);
  if (node.has_input(2)) result = target.add("Min", {result, in_as(node, target, 2, type.dtype)}, {}, type);
  target.result(0, result);
  return {};
}

Types scalar_like(const NodeView& node) { return std::vector<Type>{{.dtype = node.type(0).dtype}}; }

/// Half the sum of the squares.
Status l2_loss(const NodeView& node, Target& target) {
  const Ref squares = reduce(target, "ReduceSumSquare", in(node, target, 0), {}, false, {node.type(0).dtype});
  target.result(0, target.add("Mul", {squares, target.scalar(0.5, node.type(0).dtype)}));
  return {};
}

Types log_types(const NodeView& node) {
  const double base = node.number("base");
  if (base != -1 && !(base > 0 && base != 1 && std::isfinite(base))) return refuse("base of a logarithm");
  if (!std::isfinite(node.number("scale")) || !std::isfinite(node.number("shift"))) return refuse("scale or shift");
  return same(node);
}

/// log(scale * x + shift) / log(base); base -1 is e.
Status log(const NodeView& node, Target& target) {
  const double base = node.number("base"), scale = node.number("scale"), shift = node.number("shift");
  Chain f(target, node.type(0));
  Ref x = in(node, target, 0);
  if (scale != 1) x = f("Mul", {x, f.number(scale)});
  if (shift != 0) x = f("Add", {x, f.number(shift)});
  const Ref natural = f("Log", {x});
  target.result(0, base == -1 ? natural : f("Div", {natural, f.number(std::log(base))}));
  return {};
}

/// log(x / (1 - x)), of x between epsilon and 1 - epsilon.
Status logit(const NodeView& node, Target& target) {
  Chain f(target, node.type(0));
  const double epsilon = node.number("bound");
  Ref x = in(node, target, 0);
  if (epsilon >= 0) x = f("Min", {f("Max", {x, f.number(epsilon)}), f.number(1 - epsilon)});
  target.result(0, f("Log", {f("Div", {x, f("Sub", {f.number(1), x})})}));
  return {};
}

/// The largest finite number of a type.
double largest_number(DType dtype) {
  constexpr double kHalf = 65504, kBrain = 3.3895313892515355e38;
  return dtype == DType::float16    ? kHalf
         : dtype == DType::bfloat16 ? kBrain
         : dtype == DType::float64  ? std::numeric_limits<double>::max()
                                    : static_cast<double>(std::numeric_limits<float>::max());
}

/// Numbers in place of what is none, and of infinities.
Status nan_to_num(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  if (!is_floating(type.dtype)) return formula<like_that>(node, target);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  Chain f(target, type);
  const auto given = [&](std::string_view name, double otherwise) {
    return f.number(node.is_none(name) ? otherwise : node.number(name));
  };
  const Ref x = in(node, target, 0);
  const Ref finite = f("Where", {f.truth("IsNaN", {x}), given("nan", 0), x});
  const Ref above = f.truth("Equal", {x, f.number(kInfinity)});
  const Ref below = f.truth("Equal", {x, f.number(-kInfinity)});
  const Ref upper = f("Where", {above, given("posinf", largest_number(type.dtype)), finite});
  target.result(0, f("Where", {below, given("neginf", -largest_number(type.dtype)), upper}));
  return {};
}

Types filled_types(const NodeView& node) {
  Type type = node.type(0);
  if (!node.is_none("dtype")) type.dtype = node.dtype("dtype");
  return std::vector<Type>{type};
}

/// A tensor of one value, of the input's shape: known when converting, or only when the network runs.
Status filled(const NodeView& node, Target& target, double value) {
  const Type& type = node.result_type();
  const Ref number = target.scalar(value, type.dtype);
  const auto dims = known_part(type.dims);
  const Type shape_type{DType::int64, {Dim(static_cast<std::int64_t>(type.dims.size()))}};
  const Ref sizes = dims && dims->unknown == 0 ? target.constant(sizes_of(type.dims))
                                               : target.add("Shape", {in(node, target, 0)}, {}, shape_type);
  target.result(0, target.add("Expand", {number, sizes}));
  return {};
}

Status ones(const NodeView& node, Target& target) { return filled(node, target, 1); }
Status zeros(const NodeView& node, Target& target) { return filled(node, target, 0); }

/// Half to even, as both sides have it.
Status round(const NodeView& node, Target& target) {
  if (node.integer("decimals") != 0) return refuse("decimals=" + std::to_string(node.integer("decimals")));
  if (!is_floating(node.type(0).dtype)) return formula<like_that>(node, target);
  return one<"Round">(node, target);
}

/// Of integers ONNX has no roundings: they are what they are.
template <Status (*kRule)(const NodeView&, Target&)>
Status rounding(const NodeView& node, Target& target) {
  return is_floating(node.type(0).dtype) ? kRule(node, target) : formula<like_that>(node, target);
}

}  // namespace

std::vector<Op> unary_ops() {
  const auto x = [] { return std::vector<Argument>{tensor("input")}; };
  return {
      {.name = "ACos", .was = "AcosExt", .arguments = x(), .infer = same, .to_onnx = one<"Acos">},
      {.name = "Abs", .arguments = x(), .infer = same, .to_onnx = one<"Abs">},
      {.name = "Acosh", .was = "AcoshExt", .arguments = x(), .infer = same, .to_onnx = one<"Acosh">},
      {.name = "Asin", .was = "AsinExt", .arguments = x(), .infer = same, .to_onnx = one<"Asin">},
      {.name = "Asinh", .was = "AsinhExt", .arguments = x(), .infer = same, .to_onnx = one<"Asinh">},
      {.name = "Atan", .was = "AtanExt", .arguments = x(), .infer = same, .to_onnx = one<"Atan">},
      {.name = "Atanh", .arguments = x(), .infer = same, .to_onnx = one<"Atanh">},
      {.name = "Ceil", .arguments = x(), .infer = same, .to_onnx = rounding<one<"Ceil">>},
      {.name = "Cos", .arguments = x(), .infer = same, .to_onnx = one<"Cos">},
      {.name = "Cosh", .arguments = x(), .infer = same, .to_onnx = one<"Cosh">},
      {.name = "Erf", .arguments = x(), .infer = same, .to_onnx = one<"Erf">},
      {.name = "Erfc", .arguments = x(), .infer = same, .to_onnx = formula<erfc>},
      {.name = "Exp", .arguments = x(), .infer = same, .to_onnx = one<"Exp">},
      {.name = "Exp2", .arguments = x(), .infer = same, .to_onnx = formula<exp2>},
      {.name = "Expm1", .arguments = x(), .infer = same, .to_onnx = formula<expm1>},
      {.name = "Floor", .arguments = x(), .infer = same, .to_onnx = rounding<one<"Floor">>},
      {.name = "Identity",
       .was = "StopGradient Detach Contiguous Copy",
       .arguments = x(),
       .infer = same,
       .to_onnx = formula<like_that>},
      {.name = "IsFinite", .arguments = x(), .infer = same_boolean, .to_onnx = is_finite},
      {.name = "IsInf", .arguments = x(), .infer = same_boolean, .to_onnx = one<"IsInf">},
      {.name = "IsNan", .arguments = x(), .infer = same_boolean, .to_onnx = one<"IsNaN">},
      {.name = "Log10", .arguments = x(), .infer = same, .to_onnx = formula<log10>},
      {.name = "Log1p", .arguments = x(), .infer = same, .to_onnx = formula<log1p>},
      {.name = "Log2", .arguments = x(), .infer = same, .to_onnx = formula<log2>},
      {.name = "LogicalNot", .was = "BoolNot", .arguments = x(), .infer = same_boolean, .to_onnx = logical_not},
      {.name = "Neg", .arguments = x(), .infer = same, .to_onnx = one<"Neg">},
      {.name = "Reciprocal",
       .was = "Inv",
       .arguments = x(),
       .infer = floating,
       .to_onnx = floating_formula<reciprocal>},
      {.name = "Rsqrt", .arguments = x(), .infer = same, .to_onnx = formula<rsqrt>},
      {.name = "Sign", .arguments = x(), .infer = same, .to_onnx = one<"Sign">},
      {.name = "Sin", .arguments = x(), .infer = same, .to_onnx = one<"Sin">},
      {.name = "Sinh", .arguments = x(), .infer = same, .to_onnx = one<"Sinh">},
      {.name = "Sqrt", .arguments = x(), .infer = floating, .to_onnx = floating_formula<root>},
      {.name = "Square", .arguments = x(), .infer = same, .to_onnx = formula<square>},
      {.name = "Tan", .arguments = x(), .infer = same, .to_onnx = one<"Tan">},
      {.name = "Trunc", .arguments = x(), .infer = same, .to_onnx = rounding<formula<trunc>>},
      {.name = "Cast",
       .was = "ToDtype",
       .arguments = {tensor("input"), dtype("dtype", {}, "dst_type")},
       .infer = cast_types,
       .to_onnx = cast_onnx},
      {.name = "ClampScalar",
       .arguments = {tensor("input"), number("min", None{}), number("max", None{})},
       .infer = clamp_types,
       .to_onnx = clamp_scalar},
      {.name = "ClampTensor",
       .arguments = {tensor("input"), optional("min"), optional("max")},
       .infer = clamp_tensor_types,
       .to_onnx = clamp_tensor},
      {.name = "L2Loss", .arguments = {tensor("x")}, .infer = scalar_like, .to_onnx = l2_loss},
      {.name = "Log",
       .arguments = {tensor("input"), number("base", -1.0), number("scale", 1.0), number("shift", 0.0)},
       .infer = log_types,
       .to_onnx = log},
      {.name = "Logit", .arguments = {tensor("input"), number("bound", -1.0, "eps")}, .infer = same, .to_onnx = logit},
      {.name = "NanToNum",
       .arguments = {tensor("input"), number("nan", None{}), number("posinf", None{}), number("neginf", None{})},
       .infer = same,
       .to_onnx = nan_to_num},
      {.name = "OnesLike",
       .was = "OnesLikeExt",
       .arguments = {tensor("input"), dtype("dtype", None{})},
       .infer = filled_types,
       .to_onnx = ones},
      {.name = "Round", .arguments = {tensor("input"), integer("decimals", whole(0))}, .infer = same, .to_onnx = round},
      {.name = "ZerosLike",
       .was = "ZerosLikeExt",
       .arguments = {tensor("input"), dtype("dtype", None{})},
       .infer = filled_types,
       .to_onnx = zeros},
  };
}

}  // namespace ckpt::graph
