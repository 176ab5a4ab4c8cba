#include <cmath>

#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// ---- types ----

Types both_types(const NodeView& node, DType dtype) {
  auto dims = broadcast(node.type(0).dims, node.type(1).dims);
  if (!dims) return dims.error();
  return std::vector<Type>{{.dtype = dtype, .dims = std::move(*dims)}};
}

DType common(const NodeView& node) { return common_dtype(node.type(0).dtype, node.type(1).dtype); }

Types numeric(const NodeView& node) { return both_types(node, common(node)); }
Types boolean(const NodeView& node) { return both_types(node, DType::boolean); }

/// Of a tensor and a number that is no integer: floating point, as the source recorded it.
DType with_number(const NodeView& node, std::size_t i, double value) {
  const DType dtype = node.type(i).dtype;
  if (is_floating(dtype) || (value == std::trunc(value) && dtype != DType::boolean)) return dtype;
  const DType recorded = node.result_type().dtype;
  return recorded == DType::unknown ? DType::float32 : recorded;
}

Types scalar_types(const NodeView& node) {
  return std::vector<Type>{{with_number(node, 0, node.number("other")), node.type(0).dims}};
}

/// A quotient is floating point.
Types quotient_types(const NodeView& node) {
  Type type = node.type(0);
  if (!is_floating(type.dtype)) type.dtype = DType::float32;
  return std::vector<Type>{type};
}

/// ... of two tensors, if the source did not record integers.
Types division_types(const NodeView& node) {
  const DType dtype = common(node);
  const DType recorded = node.result_type().dtype;
  const bool converted = !is_floating(dtype) && recorded != DType::unknown;
  return both_types(node, converted ? recorded : dtype);
}

// ---- ONNX ----

/// Both inputs in the type in which the operation is done.
struct Pair {
  Ref x = 0, y = 0;
  Type type = {};
};

Pair operands(const NodeView& node, Target& target, DType dtype) {
  return {in_as(node, target, 0, dtype), in_as(node, target, 1, dtype), {dtype, node.result_type().dims}};
}

Pair with_scalar(const NodeView& node, Target& target, DType dtype) {
  return {in_as(node, target, 0, dtype), target.scalar(node.number("other"), dtype), {dtype, node.type(0).dims}};
}

template <Name kName>
Status arithmetic(const NodeView& node, Target& target) {
  const Pair pair = operands(node, target, node.result_type().dtype);
  target.result(0, target.add(kName.view(), {pair.x, pair.y}));
  return {};
}

template <Name kName>
Status comparison(const NodeView& node, Target& target) {
  const Pair pair = operands(node, target, common(node));
  target.result(0, target.add(kName.view(), {pair.x, pair.y}));
  return {};
}

/// Numbers are true where they are not 0.
template <Name kName>
Status logical(const NodeView& node, Target& target) {
  const Ref x = in_as(node, target, 0, DType::boolean), y = in_as(node, target, 1, DType::boolean);
  target.result(0, target.add(kName.view(), {x, y}));
  return {};
}

template <Name kName>
Status scalar_arithmetic(const NodeView& node, Target& target) {
  const Pair pair = with_scalar(node, target, node.result_type().dtype);
  target.result(0, target.add(kName.view(), {pair.x, pair.y}));
  return {};
}

template <Name kName>
Status scalar_comparison(const NodeView& node, Target& target) {
  const Pair pair = with_scalar(node, target, with_number(node, 0, node.number("other")));
  target.result(0, target.add(kName.view(), {pair.x, pair.y}));
  return {};
}

Status not_equal(const NodeView& node, Target& target) {
  const Pair pair = operands(node, target, common(node));
  target.result(0, target.add("Not", {target.add("Equal", {pair.x, pair.y}, {}, node.result_type())}));
  return {};
}

Ref raised(Chain& f, const Pair& pair) { return f("Pow", {pair.x, pair.y}); }

/// Towards minus infinity, also of integers, whose division in ONNX is towards zero.
Ref floor_divided(Chain& f, const Pair& pair) {
  if (is_floating(pair.type.dtype)) return f("Floor", {f("Div", {pair.x, pair.y})});
  return f("Div", {f("Sub", {pair.x, f("Mod", {pair.x, pair.y})}), pair.y});
}

/// With the sign of the divisor. ONNX's Mod has it of integers only.
Ref floor_remainder(Chain& f, const Pair& pair) {
  if (!is_floating(pair.type.dtype)) return f("Mod", {pair.x, pair.y});
  const Ref multiple = f("Mul", {f("Floor", {f("Div", {pair.x, pair.y})}), pair.y});
  return f("Sub", {pair.x, multiple});
}

/// With the sign of the dividend.
Ref truncated_remainder(Chain& f, const Pair& pair) { return f("Mod", {pair.x, pair.y}, {{"fmod", std::int64_t{1}}}); }

using PairFormula = Ref (*)(Chain&, const Pair&);

template <PairFormula kFormula>
Status of_both(const NodeView& node, Target& target) {
  const Pair pair = operands(node, target, node.result_type().dtype);
  Chain f(target, pair.type);
  target.result(0, kFormula(f, pair));
  return {};
}

template <PairFormula kFormula>
Status of_scalar(const NodeView& node, Target& target) {
  const Pair pair = with_scalar(node, target, node.result_type().dtype);
  Chain f(target, pair.type);
  target.result(0, kFormula(f, pair));
  return {};
}

Ref truncated(Chain& f, Ref x) { return f("Mul", {f("Sign", {x}), f("Floor", {f("Abs", {x})})}); }

Result<Ref> rounded_division(const NodeView& node, Chain& f, const Pair& pair) {
  if (node.is_none("rounding_mode")) return f("Div", {pair.x, pair.y});
  const std::string& mode = node.text("rounding_mode");
  if (mode == "floor") return floor_divided(f, pair);
  if (mode != "trunc") return refuse("rounding_mode " + mode);
  const Ref quotient = f("Div", {pair.x, pair.y});
  return is_floating(pair.type.dtype) ? truncated(f, quotient) : quotient;
}

template <Pair (*kOperands)(const NodeView&, Target&, DType)>
Status div_mod(const NodeView& node, Target& target) {
  const Pair pair = kOperands(node, target, node.result_type().dtype);
  Chain f(target, pair.type);
  auto result = rounded_division(node, f, pair);
  if (!result) return result.error();
  target.result(0, *result);
  return {};
}

Types div_mod_types(const NodeView& node) {
  auto types = numeric(node);
  if (types && node.is_none("rounding_mode") && !is_floating((*types)[0].dtype)) (*types)[0].dtype = DType::float32;
  return types;
}

Types div_mods_types(const NodeView& node) {
  return node.is_none("rounding_mode") ? quotient_types(node) : scalar_types(node);
}

/// x + alpha y, x - alpha y
template <Name kName, Pair (*kOperands)(const NodeView&, Target&, DType)>
Status plus_multiple(const NodeView& node, Target& target) {
  const Pair pair = kOperands(node, target, node.result_type().dtype);
  Chain f(target, pair.type);
  const double alpha = node.number("alpha");
  const Ref y = alpha == 1 ? pair.y : f("Mul", {pair.y, f.number(alpha)});
  target.result(0, f(kName.view(), {pair.x, y}));
  return {};
}

Types number_first_types(const NodeView& node) {
  return std::vector<Type>{{with_number(node, 0, node.number("input")), node.type(0).dims}};
}

template <PairFormula kFormula>
Status number_first(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  const Pair pair{target.scalar(node.number("input"), dtype), in_as(node, target, 0, dtype), node.result_type()};
  Chain f(target, pair.type);
  target.result(0, kFormula(f, pair));
  return {};
}

Types exponent_types(const NodeView& node) {
  return std::vector<Type>{{with_number(node, 0, node.number("exponent")), node.type(0).dims}};
}

Status to_the_number(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  target.result(0, target.add("Pow", {in_as(node, target, 0, dtype), target.scalar(node.number("exponent"), dtype)}));
  return {};
}

Ref squared_difference(Chain& f, const Pair& pair) {
  const Ref difference = f("Sub", {pair.x, pair.y});
  return f("Mul", {difference, difference});
}

// ---- more than two ----

Types sum_types(const NodeView& node) {
  Type type = node.type(0);
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    auto dims = broadcast(type.dims, node.type(i).dims);
    if (!dims) return dims.error();
    type = {common_dtype(type.dtype, node.type(i).dtype), std::move(*dims)};
  }
  return std::vector<Type>{type};
}

Status sum(const NodeView& node, Target& target) {
  const Type& type = node.result_type();
  if (is_floating(type.dtype)) {
    std::vector<Ref> inputs;
    for (std::size_t i = 0; i < node.input_count(); ++i) inputs.push_back(in_as(node, target, i, type.dtype));
    target.result(0, target.add("Sum", std::move(inputs)));
    return {};
  }
  Chain f(target, type);  // ONNX's Sum is of floating point only
  Ref result = in_as(node, target, 0, type.dtype);
  for (std::size_t i = 1; i < node.input_count(); ++i) result = f("Add", {result, in_as(node, target, i, type.dtype)});
  target.result(0, result);
  return {};
}

Types all_types(const NodeView& node, std::size_t first) {
  Dims dims = node.type(0).dims;
  DType dtype = node.type(first).dtype;
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    auto both = broadcast(dims, node.type(i).dims);
    if (!both) return both.error();
    dims = std::move(*both);
    if (i > first) dtype = common_dtype(dtype, node.type(i).dtype);
  }
  return std::vector<Type>{{dtype, dims}};
}

Types every_type(const NodeView& node) { return all_types(node, 0); }
Types select_types(const NodeView& node) { return all_types(node, 1); }

Status select(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  target.result(0, target.add("Where", {in_as(node, target, 0, DType::boolean), in_as(node, target, 1, dtype),
                                        in_as(node, target, 2, dtype)}));
  return {};
}

/// input + value * (tensor1 op tensor2)
template <Name kName>
Status add_combined(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  Chain f(target, node.result_type());
  const Ref both = f(kName.view(), {in_as(node, target, 1, dtype), in_as(node, target, 2, dtype)});
  target.result(0, f("Add", {in_as(node, target, 0, dtype), f("Mul", {both, in_as(node, target, 3, dtype)})}));
  return {};
}

/// input + weight (end - input)
Ref between(Chain& f, Ref from, Ref to, Ref weight) {
  return f("Add", {from, f("Mul", {weight, f("Sub", {to, from})})});
}

Status lerp(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  Chain f(target, node.result_type());
  target.result(
      0, between(f, in_as(node, target, 0, dtype), in_as(node, target, 1, dtype), in_as(node, target, 2, dtype)));
  return {};
}

Status lerp_scalar(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  Chain f(target, node.result_type());
  target.result(
      0, between(f, in_as(node, target, 0, dtype), in_as(node, target, 1, dtype), f.number(node.number("weight"))));
  return {};
}

Types masked_types(const NodeView& node) {
  auto dims = broadcast(node.type(0).dims, node.type(1).dims);
  if (!dims) return dims.error();
  return std::vector<Type>{{node.type(0).dtype, std::move(*dims)}};
}

Status masked_fill(const NodeView& node, Target& target) {
  const DType dtype = node.type(0).dtype;
  target.result(0, target.add("Where", {in_as(node, target, 1, DType::boolean), in_as(node, target, 2, dtype),
                                        in(node, target, 0)}));
  return {};
}

Status masked_fill_scalar(const NodeView& node, Target& target) {
  const Ref value = target.scalar(node.number("value"), node.type(0).dtype);
  target.result(0, target.add("Where", {in_as(node, target, 1, DType::boolean), value, in(node, target, 0)}));
  return {};
}

/// The angle of (x, y): the quadrant from the signs.
Status atan2(const NodeView& node, Target& target) {
  constexpr double kPi = 3.141592653589793;
  const Pair pair = operands(node, target, node.result_type().dtype);  // y, x
  Chain f(target, pair.type);
  Chain of_y(target, {pair.type.dtype, node.type(0).dims});
  const auto is = [&](std::string_view op, std::size_t i) {
    return target.add(op, {i == 0 ? pair.x : pair.y, f.number(0)}, {}, {DType::boolean, node.type(i).dims});
  };
  const Ref angle = f("Atan", {f("Div", {pair.x, pair.y})});
  const Ref turn = of_y("Where", {is("GreaterOrEqual", 0), f.number(kPi), f.number(-kPi)});
  const Ref upright = of_y("Where", {is("Less", 0), f.number(-kPi / 2), f.number(0)});
  const Ref vertical = of_y("Where", {is("Greater", 0), f.number(kPi / 2), upright});
  const Ref left = f("Where", {is("Less", 1), f("Add", {angle, turn}), vertical});
  target.result(0, f("Where", {is("Greater", 1), angle, left}));
  return {};
}

}  // namespace

std::vector<Op> binary_ops() {
  const auto two = [] { return std::vector<Argument>{tensor("input"), tensor("other")}; };
  const auto scalar = [] { return std::vector<Argument>{tensor("input"), number("other")}; };
  const auto scaled = [] { return std::vector<Argument>{tensor("input"), tensor("other"), number("alpha", 1.0)}; };
  const auto scaled_scalar = [] {
    return std::vector<Argument>{tensor("input"), number("other"), number("alpha", 1.0)};
  };
  const auto addc = [] {
    return std::vector<Argument>{tensor("input"), tensor("tensor1"), tensor("tensor2"), tensor("value")};
  };
  return {
      {.name = "Add", .was = "TensorAdd", .arguments = two(), .infer = numeric, .to_onnx = arithmetic<"Add">},
      {.name = "AddExt", .arguments = scaled(), .infer = numeric, .to_onnx = plus_multiple<"Add", operands>},
      {.name = "AddN", .arguments = {tensors("x")}, .infer = sum_types, .to_onnx = sum},
      {.name = "AddScalar",
       .arguments = scaled_scalar(),
       .infer = scalar_types,
       .to_onnx = plus_multiple<"Add", with_scalar>},
      {.name = "Addcdiv", .arguments = addc(), .infer = every_type, .to_onnx = add_combined<"Div">},
      {.name = "Addcmul", .arguments = addc(), .infer = every_type, .to_onnx = add_combined<"Mul">},
      {.name = "Atan2", .was = "Atan2Ext", .arguments = two(), .infer = numeric, .to_onnx = atan2},
      {.name = "Div", .arguments = two(), .infer = division_types, .to_onnx = arithmetic<"Div">},
      {.name = "DivMod",
       .arguments = {tensor("input"), tensor("other"), text("rounding_mode", None{})},
       .infer = div_mod_types,
       .to_onnx = div_mod<operands>},
      {.name = "DivMods",
       .arguments = {tensor("input"), number("other"), text("rounding_mode", None{})},
       .infer = div_mods_types,
       .to_onnx = div_mod<with_scalar>},
      {.name = "Divs", .arguments = scalar(), .infer = quotient_types, .to_onnx = scalar_arithmetic<"Div">},
      {.name = "EqScalar", .arguments = scalar(), .infer = same_boolean, .to_onnx = scalar_comparison<"Equal">},
      {.name = "Equal", .arguments = two(), .infer = boolean, .to_onnx = comparison<"Equal">},
      {.name = "FloorDiv", .arguments = two(), .infer = numeric, .to_onnx = of_both<floor_divided>},
      {.name = "FloorDivScalar", .arguments = scalar(), .infer = scalar_types, .to_onnx = of_scalar<floor_divided>},
      {.name = "FloorMod", .arguments = two(), .infer = numeric, .to_onnx = of_both<floor_remainder>},
      {.name = "FmodScalar", .arguments = scalar(), .infer = scalar_types, .to_onnx = of_scalar<truncated_remainder>},
      {.name = "FmodTensor", .arguments = two(), .infer = numeric, .to_onnx = of_both<truncated_remainder>},
      {.name = "Greater", .arguments = two(), .infer = boolean, .to_onnx = comparison<"Greater">},
      {.name = "GreaterEqual", .arguments = two(), .infer = boolean, .to_onnx = comparison<"GreaterOrEqual">},
      {.name = "GreaterEqualScalar",
       .arguments = scalar(),
       .infer = same_boolean,
       .to_onnx = scalar_comparison<"GreaterOrEqual">},
      {.name = "Lerp",
       .arguments = {tensor("input"), tensor("end"), tensor("weight")},
       .infer = every_type,
       .to_onnx = lerp},
      {.name = "LerpScalar",
       .arguments = {tensor("input"), tensor("end"), number("weight")},
       .infer = numeric,
       .to_onnx = lerp_scalar},
      {.name = "Less", .arguments = two(), .infer = boolean, .to_onnx = comparison<"Less">},
      {.name = "LessEqual", .arguments = two(), .infer = boolean, .to_onnx = comparison<"LessOrEqual">},
      {.name = "LessScalar", .arguments = scalar(), .infer = same_boolean, .to_onnx = scalar_comparison<"Less">},
      {.name = "LogicalAnd", .arguments = two(), .infer = boolean, .to_onnx = logical<"And">},
      {.name = "LogicalOr", .arguments = two(), .infer = boolean, .to_onnx = logical<"Or">},
      {.name = "LogicalXor", .arguments = two(), .infer = boolean, .to_onnx = logical<"Xor">},
      {.name = "MaskedFill",
       .arguments = {tensor("input"), tensor("mask"), tensor("value")},
       .infer = masked_types,
       .to_onnx = masked_fill},
      {.name = "MaskedFillScalar",
       .arguments = {tensor("input"), tensor("mask"), number("value")},
       .infer = masked_types,
       .to_onnx = masked_fill_scalar},
      {.name = "Maximum", .arguments = two(), .infer = numeric, .to_onnx = arithmetic<"Max">},
      {.name = "Minimum", .arguments = two(), .infer = numeric, .to_onnx = arithmetic<"Min">},
      {.name = "Mod", .arguments = two(), .infer = numeric, .to_onnx = of_both<truncated_remainder>},
      {.name = "Mul", .arguments = two(), .infer = numeric, .to_onnx = arithmetic<"Mul">},
      {.name = "Muls", .arguments = scalar(), .infer = scalar_types, .to_onnx = scalar_arithmetic<"Mul">},
      {.name = "NotEqual", .arguments = two(), .infer = boolean, .to_onnx = not_equal},
      {.name = "Pow", .arguments = two(), .infer = numeric, .to_onnx = of_both<raised>},
      {.name = "PowScalarTensor",
       .arguments = {number("input"), tensor("exponent")},
       .infer = number_first_types,
       .to_onnx = number_first<raised>},
      {.name = "PowTensorScalar",
       .arguments = {tensor("input"), number("exponent")},
       .infer = exponent_types,
       .to_onnx = to_the_number},
      {.name = "RealDiv", .arguments = two(), .infer = division_types, .to_onnx = arithmetic<"Div">},
      {.name = "RemainderScalarTensor",
       .arguments = {number("input"), tensor("other")},
       .infer = number_first_types,
       .to_onnx = number_first<floor_remainder>},
      {.name = "RemainderTensorScalar",
       .arguments = scalar(),
       .infer = scalar_types,
       .to_onnx = of_scalar<floor_remainder>},
      {.name = "RemainderTensorTensor", .arguments = two(), .infer = numeric, .to_onnx = of_both<floor_remainder>},
      {.name = "Select",
       .was = "SelectV2 Where",
       .arguments = {tensor("condition"), tensor("input"), tensor("other")},
       .infer = select_types,
       .to_onnx = select},
      {.name = "SquaredDifference", .arguments = two(), .infer = numeric, .to_onnx = of_both<squared_difference>},
      {.name = "Sub", .arguments = two(), .infer = numeric, .to_onnx = arithmetic<"Sub">},
      {.name = "SubExt", .arguments = scaled(), .infer = numeric, .to_onnx = plus_multiple<"Sub", operands>},
      {.name = "SubScalar",
       .arguments = scaled_scalar(),
       .infer = scalar_types,
       .to_onnx = plus_multiple<"Sub", with_scalar>},
  };
}

}  // namespace ckpt::graph
