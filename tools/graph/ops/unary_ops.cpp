#include "table.h"

namespace ckpt::graph {

std::vector<Op> unary_ops() {
  std::vector<Op> table;
  for (const char* name :
       {"Abs",        "Asinh", "Acosh", "Atanh",    "Ceil",  "Cos",   "Cosh",   "Erf",   "Erfc", "Exp",
        "Exp2",       "Expm1", "Floor", "IsFinite", "IsInf", "IsNan", "Log10",  "Log1p", "Log2", "Neg",
        "Reciprocal", "Rsqrt", "Sign",  "Sin",      "Sinh",  "Sqrt",  "Square", "Tan",   "Trunc"}) {
    table.push_back({.name = name, .arguments = {tensor("input")}});
  }
  table.push_back({.name = "ACos", .was = "AcosExt", .arguments = {tensor("input")}});
  table.push_back({.name = "Asin", .was = "AsinExt", .arguments = {tensor("input")}});
  table.push_back({.name = "Atan", .was = "AtanExt", .arguments = {tensor("input")}});
  table.push_back({.name = "Cast", .was = "ToDtype", .arguments = {tensor("input"), dtype("dtype", {}, "dst_type")}});
  table.push_back(
      {.name = "ClampScalar", .arguments = {tensor("input"), number("min", None{}), number("max", None{})}});
  table.push_back({.name = "ClampTensor", .arguments = {tensor("input"), optional("min"), optional("max")}});
  table.push_back({.name = "Identity", .was = "StopGradient Detach Contiguous Copy", .arguments = {tensor("input")}});
  table.push_back({.name = "L2Loss", .arguments = {tensor("x")}});
  table.push_back({.name = "Log",
                   .arguments = {tensor("input"), number("base", -1.0), number("scale", 1.0), number("shift", 0.0)}});
  table.push_back({.name = "LogicalNot", .was = "BoolNot", .arguments = {tensor("input")}});
  table.push_back({.name = "OnesLike", .was = "OnesLikeExt", .arguments = {tensor("input"), dtype("dtype", None{})}});
  table.push_back({.name = "Round", .arguments = {tensor("input"), integer("decimals", whole(0))}});
  table.push_back({.name = "ZerosLike", .was = "ZerosLikeExt", .arguments = {tensor("input"), dtype("dtype", None{})}});
  return table;
}

}  // namespace ckpt::graph
