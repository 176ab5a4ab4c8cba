#include "table.h"

namespace ckpt::graph {

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
      {.name = "Add", .was = "TensorAdd", .arguments = two()},
      {.name = "AddExt", .arguments = scaled()},
      {.name = "AddN", .arguments = {tensors("x")}},
      {.name = "AddScalar", .arguments = scaled_scalar()},
      {.name = "Addcdiv", .arguments = addc()},
      {.name = "Addcmul", .arguments = addc()},
      {.name = "Atan2", .was = "Atan2Ext", .arguments = two()},
      {.name = "Div", .arguments = two()},
      {.name = "DivMod", .arguments = {tensor("input"), tensor("other"), text("rounding_mode", None{})}},
      {.name = "DivMods", .arguments = {tensor("input"), number("other"), text("rounding_mode", None{})}},
      {.name = "Divs", .arguments = scalar()},
      {.name = "EqScalar", .arguments = scalar()},
      {.name = "Equal", .arguments = two()},
      {.name = "FloorDiv", .arguments = two()},
      {.name = "FloorDivScalar", .arguments = scalar()},
      {.name = "FloorMod", .was = "Mod", .arguments = two()},
      {.name = "FmodScalar", .arguments = scalar()},
      {.name = "FmodTensor", .arguments = two()},
      {.name = "Greater", .arguments = two()},
      {.name = "GreaterEqual", .arguments = two()},
      {.name = "GreaterEqualScalar", .arguments = scalar()},
      {.name = "Lerp", .arguments = {tensor("input"), tensor("end"), tensor("weight")}},
      {.name = "LerpScalar", .arguments = {tensor("input"), tensor("end"), number("weight")}},
      {.name = "Less", .arguments = two()},
      {.name = "LessEqual", .arguments = two()},
      {.name = "LessScalar", .arguments = scalar()},
      {.name = "LogicalAnd", .arguments = two()},
      {.name = "LogicalOr", .arguments = two()},
      {.name = "LogicalXor", .arguments = two()},
      {.name = "MaskedFill", .arguments = {tensor("input"), tensor("mask"), tensor("value")}},
      {.name = "MaskedFillScalar", .arguments = {tensor("input"), tensor("mask"), number("value")}},
      {.name = "Maximum", .arguments = two()},
      {.name = "Minimum", .arguments = two()},
      {.name = "Mul", .arguments = two()},
      {.name = "Muls", .arguments = scalar()},
      {.name = "NotEqual", .arguments = two()},
      {.name = "Pow", .arguments = two()},
      {.name = "PowScalarTensor", .arguments = {number("input"), tensor("exponent")}},
      {.name = "PowTensorScalar", .arguments = {tensor("input"), number("exponent")}},
      {.name = "RealDiv", .arguments = two()},
      {.name = "RemainderScalarTensor", .arguments = {number("input"), tensor("other")}},
      {.name = "RemainderTensorScalar", .arguments = scalar()},
      {.name = "RemainderTensorTensor", .arguments = two()},
      {.name = "Select", .was = "SelectV2 Where", .arguments = {tensor("condition"), tensor("input"), tensor("other")}},
      {.name = "SquaredDifference", .arguments = two()},
      {.name = "Sub", .arguments = two()},
      {.name = "SubExt", .arguments = scaled()},
      {.name = "SubScalar", .arguments = scaled_scalar()},
  };
}

}  // namespace ckpt::graph
