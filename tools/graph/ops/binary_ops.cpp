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

/// Of a tensor and a number: floating point where the number is no integer, or where the source recorded that (2.0 is a
/// whole number, and none of Python's integers).
DType with_number(const NodeView& node, std::size_t i, double value) {
  const DType dtype = node.type(i).dtype;
  const DType recorded = node.recorded_dtype();
  if (is_floating(dtype)) return dtype;
  if (recorded != DType::unknown && recorded != DType::boolean) return recorded;
  if (value != std::trunc(value)) return DType::float32;
  return dtype == DType::boolean ? DType::int64 : dtype;
}

/// In which both are compared, whose result tells nothing.
DType compared_with_number(const NodeView& node, double value) {
  const DType dtype = node.type(0).dtype;
  if (is_floating(dtype)) return dtype;
  if (value != std::trunc(value)) return DType::float32;
  return dtype == DType::boolean ? DType::int32 : dtype;
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
  const DType recorded = node.recorded_dtype();
  const bool converted = !is_floating(dtype) && recorded != DType::unknown;
  return both_types(node, converted ? recorded : dtype);
}

// ---- ONNX ----

/// Both inputs in the type in which the operation is done, and that of the result.
struct Pair {
  Target& target;
  Ref x = 0, y = 0;
  Type type = {};
  Dims x_dims = {}, y_dims = {};

  /// A step on one of them alone, which may be smaller than the result.
  Ref of_x(std::string_view op) const { return target.add(op, {x}, {}, {type.dtype, x_dims}); }
  Ref of_y(std::string_view op) const { return target.add(op, {y}, {}, {type.dtype, y_dims}); }
};

Pair operands(const NodeView& node, Target& target, DType dtype) {
  return {.target = target,
          .x = in_as(node, target, 0, dtype),
          .y = in_as(node, target, 1, dtype),
          .type = {dtype, node.result_type().dims},
          .x_dims = node.type(0).dims,
          .y_dims = node.type(1).dims};
}

Pair with_scalar(const NodeView& node, Target& target, DType dtype) {
  return {.target = target,
          .x = in_as(node, target, 0, dtype),
          .y = target.scalar(node.number("other"), dtype),
          .type = {dtype, node.type(0).dims},
          .x_dims = node.type(0).dims};
}

template <Name kName>
Status arithmetic(const NodeView& node, Target& target) {
  const Pair pair = operands(node, target, node.result_type().dtype);
  target.result(0, target.add(kName.view(), {pair.x, pair.y}));
  return {};
}

/// Of truths, both.
Status product(const NodeView& node, Target& target) {
  return node.result_type().dtype == DType::boolean ? arithmetic<"And">(node, target) : arithmetic<"Mul">(node, target);
}

template <Name kName>
Status comparison(const NodeView& node, Target& target) {
  const bool truths = common(node) == DType::boolean && kName.view() != "Equal";  // ONNX knows no order of these
  const Pair pair = operands(node, target, truths ? DType::int32 : common(node));
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
  const Pair pair = with_scalar(node, target, compared_with_number(node, node.number("other")));
  target.result(0, target.add(kName.view(), {pair.x, pair.y}));
  return {};
}

Status not_equal(const NodeView& node, Target& target) {
  const Pair pair = operands(node, target, common(node));
  target.result(0, target.add("Not", {target.add("Equal", {pair.x, pair.y}, {}, node.result_type())}));
  return {};
}

Ref raised(Chain& f, const Pair& pair) { return f("Pow", {pair.x, pair.y}); }

/// With the sign of the divisor, as Python has it: of floating point what C's remainder leaves, which is exact. ONNX
/// has that of integers only.
Ref floor_remainder(Chain& f, const Pair& pair) {
  if (!is_floating(pair.type.dtype)) return f("Mod", {pair.x, pair.y});
  const Ref rest = f("Mod", {pair.x, pair.y}, {{"fmod", std::int64_t{1}}});
  const Ref crosses = f.truth("Less", {f("Mul", {f("Sign", {rest}), pair.of_y("Sign")}), f.number(0)});
  return f("Where", {crosses, f("Add", {rest, pair.y}), rest});
}

/// Towards minus infinity, also of integers, whose division in ONNX is towards zero. Of floating point it is what is
/// left without the remainder: 1 // 0.1 is 9. By zero there is no remainder.
Ref floor_divided(Chain& f, const Pair& pair) {
  const Ref multiple = f("Sub", {pair.x, floor_remainder(f, pair)});
  if (!is_floating(pair.type.dtype)) return f("Div", {multiple, pair.y});
  const Ref quotient = f("Div", {pair.x, pair.y});
  const Ref whole = f("Round", {f("Div", {multiple, pair.y})});
  return f("Where", {f.truth("IsNaN", {whole}), f("Floor", {quotient}), whole});
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

/// Towards zero.
Ref truncated_division(Chain& f, const Pair& pair) {
  const Ref quotient = f("Div", {pair.x, pair.y});
  if (!is_floating(pair.type.dtype)) return quotient;
  return f("Mul", {f("Sign", {quotient}), f("Floor", {f("Abs", {quotient})})});
}

Result<Ref> rounded_division(const NodeView& node, Chain& f, const Pair& pair) {
  if (node.is_none("rounding_mode")) return f("Div", {pair.x, pair.y});
  const std::string& mode = node.text("rounding_mode");
  if (mode == "floor") return floor_divided(f, pair);
  if (mode == "trunc") return truncated_division(f, pair);
  return refuse("rounding_mode " + mode);
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
  const Pair pair{.target = target,
                  .x = target.scalar(node.number("input"), dtype),
                  .y = in_as(node, target, 0, dtype),
                  .type = node.result_type(),
                  .y_dims = node.type(0).dims};
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

Types masked_types(const NodeView& node) { return both_types(node, node.type(0).dtype); }

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

/// x log(y), and 0 of 0.
Ref x_log_y(Chain& f, const Pair& pair) {
  const Ref none = pair.target.add("Equal", {pair.x, f.number(0)}, {}, {DType::boolean, pair.x_dims});
  return f("Where", {none, f.number(0), f("Mul", {pair.x, pair.of_y("Log")})});
}

Ref hypotenuse(Chain& f, const Pair& pair) {
  const Ref x = pair.target.add("Mul", {pair.x, pair.x}, {}, {pair.type.dtype, pair.x_dims});
  const Ref y = pair.target.add("Mul", {pair.y, pair.y}, {}, {pair.type.dtype, pair.y_dims});
  return f("Sqrt", {f("Add", {x, y})});
}

/// |x - y| <= atol + rtol |y|; infinities are close to themselves alone.
Status is_close(const NodeView& node, Target& target) {
  const DType both = common(node);
  const bool narrow = both == DType::float16 || both == DType::bfloat16;
  const DType dtype = narrow ? DType::float32 : is_floating(both) ? both : DType::float64;
  const Pair pair = operands(node, target, dtype);
  Chain f(target, pair.type);
  const Ref apart = f("Abs", {f("Sub", {pair.x, pair.y})});
  Chain of_y(target, {dtype, node.type(1).dims});
  const Ref part = of_y("Mul", {pair.of_y("Abs"), f.number(node.number("rtol"))});
  const Ref most = of_y("Add", {part, f.number(node.number("atol"))});
  const Ref finite = f.truth("Not", {f.truth("IsInf", {apart})});
  const Ref near = f.truth("And", {f.truth("LessOrEqual", {apart, most}), finite});
  Ref close = f.truth("Or", {near, f.truth("Equal", {pair.x, pair.y})});
  if (node.flag("equal_nan")) {
    const Ref x = target.add("IsNaN", {pair.x}, {}, {DType::boolean, node.type(0).dims});
    const Ref y = target.add("IsNaN", {pair.y}, {}, {DType::boolean, node.type(1).dims});
    close = f.truth("Or", {close, f.truth("And", {x, y})});
  }
  target.result(0, close);
  return {};
}

/// Of truths an operator that every opset has.
template <Name kTruths, Name kBits>
Status bitwise(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  if (dtype != DType::boolean && target.opset() < 18) {
    return refuse("ONNX has " + std::string(kBits.view()) + " of integers from opset 18 on");
  }
  return dtype == DType::boolean ? arithmetic<kTruths>(node, target) : arithmetic<kBits>(node, target);
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

// ---- the table ----

using Infer = Types (*)(const NodeView&);
using Rule = Status (*)(const NodeView&, Target&);

Op of_two(std::string_view name, Infer infer, Rule rule, std::string_view was = {}) {
  return {.name = name, .was = was, .arguments = {tensor("input"), tensor("other")}, .infer = infer, .to_onnx = rule};
}

Op of_number(std::string_view name, Infer infer, Rule rule) {
  return {.name = name, .arguments = {tensor("input"), number("other")}, .infer = infer, .to_onnx = rule};
}

Op with_argument(Op op, Argument argument) {
  op.arguments.push_back(std::move(argument));
  return op;
}

Op of_four(std::string_view name, Rule rule) {
  return {.name = name,
          .arguments = {tensor("input"), tensor("tensor1"), tensor("tensor2"), tensor("value")},
          .infer = every_type,
          .to_onnx = rule};
}

std::vector<Op> sums_and_products() {
  const auto alpha = [] { return number("alpha", 1.0); };
  return {
      of_two("Add", numeric, arithmetic<"Add">, "TensorAdd"),
      with_argument(of_two("AddExt", numeric, plus_multiple<"Add", operands>), alpha()),
      {.name = "AddN", .arguments = {tensors("x")}, .infer = sum_types, .to_onnx = sum},
      with_argument(of_number("AddScalar", scalar_types, plus_multiple<"Add", with_scalar>), alpha()),
      of_four("Addcdiv", add_combined<"Div">),
      of_four("Addcmul", add_combined<"Mul">),
      of_two("Mul", numeric, product),
      of_number("Muls", scalar_types, scalar_arithmetic<"Mul">),
      of_two("SquaredDifference", numeric, of_both<squared_difference>),
      of_two("Sub", numeric, arithmetic<"Sub">),
      with_argument(of_two("SubExt", numeric, plus_multiple<"Sub", operands>), alpha()),
      with_argument(of_number("SubScalar", scalar_types, plus_multiple<"Sub", with_scalar>), alpha()),
  };
}

std::vector<Op> quotients_and_remainders() {
  const auto mode = [] { return text("rounding_mode", None{}); };
  return {
      of_two("Div", division_types, arithmetic<"Div">),
      with_argument(of_two("DivMod", div_mod_types, div_mod<operands>), mode()),
      with_argument(of_number("DivMods", div_mods_types, div_mod<with_scalar>), mode()),
      of_number("Divs", quotient_types, scalar_arithmetic<"Div">),
      of_two("FloorDiv", numeric, of_both<floor_divided>),
      of_number("FloorDivScalar", scalar_types, of_scalar<floor_divided>),
      of_two("FloorMod", numeric, of_both<floor_remainder>),
      of_number("FmodScalar", scalar_types, of_scalar<truncated_remainder>),
      of_two("FmodTensor", numeric, of_both<truncated_remainder>),
      of_two("Mod", numeric, of_both<truncated_remainder>),
      of_two("RealDiv", division_types, arithmetic<"Div">),
      {.name = "RemainderScalarTensor",
       .arguments = {number("input"), tensor("other")},
       .infer = number_first_types,
       .to_onnx = number_first<floor_remainder>},
      of_number("RemainderTensorScalar", scalar_types, of_scalar<floor_remainder>),
      of_two("RemainderTensorTensor", numeric, of_both<floor_remainder>),
      of_two("TruncateDiv", numeric, of_both<truncated_division>),
      of_two("TruncateMod", numeric, of_both<truncated_remainder>),
  };
}

std::vector<Op> comparisons() {
  return {
      of_number("EqScalar", same_boolean, scalar_comparison<"Equal">),
      of_two("Equal", boolean, comparison<"Equal">),
      of_two("Greater", boolean, comparison<"Greater">),
      of_two("GreaterEqual", boolean, comparison<"GreaterOrEqual">),
      of_number("GreaterEqualScalar", same_boolean, scalar_comparison<"GreaterOrEqual">),
      {.name = "IsClose",
       .arguments = {tensor("input"), tensor("other"), number("rtol", 1e-5), number("atol", 1e-8),
                     flag("equal_nan", false)},
       .infer = boolean,
       .to_onnx = is_close},
      of_two("Less", boolean, comparison<"Less">),
      of_two("LessEqual", boolean, comparison<"LessOrEqual">),
      of_number("LessScalar", same_boolean, scalar_comparison<"Less">),
      of_two("LogicalAnd", boolean, logical<"And">),
      of_two("LogicalOr", boolean, logical<"Or">),
      of_two("LogicalXor", boolean, logical<"Xor">),
      of_two("Maximum", numeric, arithmetic<"Max">),
      of_two("Minimum", numeric, arithmetic<"Min">),
      of_two("NotEqual", boolean, not_equal),
  };
}

std::vector<Op> choices() {
  return {
      {.name = "Lerp",
       .arguments = {tensor("input"), tensor("end"), tensor("weight")},
       .infer = every_type,
       .to_onnx = lerp},
      {.name = "LerpScalar",
       .arguments = {tensor("input"), tensor("end"), number("weight")},
       .infer = numeric,
       .to_onnx = lerp_scalar},
      {.name = "MaskedFill",
       .arguments = {tensor("input"), tensor("mask"), tensor("value")},
       .infer = masked_types,
       .to_onnx = masked_fill},
      {.name = "MaskedFillScalar",
       .arguments = {tensor("input"), tensor("mask"), number("value")},
       .infer = masked_types,
       .to_onnx = masked_fill_scalar},
      {.name = "Select",
       .was = "SelectV2 Where",
       .arguments = {tensor("condition"), tensor("input"), tensor("other")},
       .infer = select_types,
       .to_onnx = select},
  };
}

}  // namespace

std::vector<Op> binary_ops() {
  std::vector<Op> all = sums_and_products();
  for (const auto family : {quotients_and_remainders, comparisons, choices}) {
    std::ranges::move(family(), std::back_inserter(all));
  }
  all.push_back(of_two("Atan2", numeric, atan2, "Atan2Ext"));
  all.push_back(of_two("BitwiseAnd", numeric, bitwise<"And", "BitwiseAnd">, "BitwiseAndTensor"));
  all.push_back(of_two("BitwiseOr", numeric, bitwise<"Or", "BitwiseOr">, "BitwiseOrTensor"));
  all.push_back(of_two("BitwiseXor", numeric, bitwise<"Xor", "BitwiseXor">, "BitwiseXorTensor"));
  all.push_back(of_two("Hypot", numeric, of_both<hypotenuse>));
  all.push_back(of_two("Pow", numeric, of_both<raised>));
  all.push_back({.name = "PowScalarTensor",
                 .arguments = {number("input"), tensor("exponent")},
                 .infer = number_first_types,
                 .to_onnx = number_first<raised>});
  all.push_back({.name = "PowTensorScalar",
                 .arguments = {tensor("input"), number("exponent")},
                 .infer = exponent_types,
                 .to_onnx = to_the_number});
  all.push_back(of_two("Xlogy", numeric, of_both<x_log_y>));
  return all;
}

}  // namespace ckpt::graph
