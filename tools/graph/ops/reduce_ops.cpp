#include "table.h"

namespace ckpt::graph {

std::vector<Op> reduce_ops() {
  const auto reduce = [] {
    return std::vector<Argument>{tensor("x"), integers("axis", Ints{}), flag("keep_dims", false)};
  };
  const auto sum = [] {
    return std::vector<Argument>{tensor("x"), integers("axis", Ints{}), flag("keep_dims", false),
                                 flag("skip_mode", false)};
  };
  const auto ext = [] {
    return std::vector<Argument>{tensor("input"), integers("dim", None{}), flag("keepdim", false),
                                 dtype("dtype", None{})};
  };
  const auto along = [] { return std::vector<Argument>{tensor("input"), integer("dim"), flag("keepdim", false)}; };
  const auto with_value = [] {
    return std::vector<Argument>{tensor("input"), integer("axis", whole(0)), flag("keep_dims", false)};
  };
  const auto arg = [] {
    return std::vector<Argument>{tensor("input"), integer("axis", whole(-1)), dtype("output_type", DType::int32)};
  };
  const auto arg_ext = [] {
    return std::vector<Argument>{tensor("input"), integer("dim", None{}), flag("keepdim", false)};
  };
  const auto spread = [] {
    return std::vector<Argument>{tensor("input"), integers("dim", None{}), integer("correction", whole(1)),
                                 flag("keepdim", false)};
  };
  return {
      {.name = "ArgMaxExt", .arguments = arg_ext()},
      {.name = "ArgMaxWithValue", .arguments = with_value()},
      {.name = "ArgMinExt", .arguments = arg_ext()},
      {.name = "ArgMinWithValue", .arguments = with_value()},
      {.name = "Argmax", .arguments = arg()},
      {.name = "Argmin", .arguments = arg()},
      {.name = "CumProd",
       .arguments = {tensor("input"), integer("axis"), flag("exclusive", false), flag("reverse", false)}},
      {.name = "CumSum",
       .arguments = {tensor("input"), integer("axis"), flag("exclusive", false), flag("reverse", false)}},
      {.name = "CumsumExt", .arguments = {tensor("input"), integer("dim"), dtype("dtype", None{})}},
      {.name = "LogSumExp", .arguments = {tensor("input"), integers("dim"), flag("keepdim", false)}},
      {.name = "Max", .arguments = {tensor("input")}},
      {.name = "MaxDim", .arguments = along()},
      {.name = "MeanExt", .arguments = ext()},
      {.name = "Min", .arguments = {tensor("input")}},
      {.name = "MinDim", .arguments = along()},
      {.name = "ProdExt", .arguments = ext()},
      {.name = "ReduceAll", .arguments = reduce()},
      {.name = "ReduceAny", .arguments = reduce()},
      {.name = "ReduceMax", .arguments = reduce()},
      {.name = "ReduceMean", .arguments = reduce()},
      {.name = "ReduceMin", .arguments = reduce()},
      {.name = "ReduceProd", .arguments = reduce()},
      {.name = "ReduceStd",
       .arguments = {tensor("input"), integers("axis", Ints{}), flag("unbiased", true), flag("keep_dims", false)}},
      {.name = "ReduceSum", .arguments = sum()},
      {.name = "Std", .arguments = spread()},
      {.name = "StdMean", .arguments = spread()},
      {.name = "SumExt", .arguments = ext()},
      {.name = "TopK", .arguments = {tensor("input"), integer("k"), flag("sorted", true)}},
      {.name = "TopkExt",
       .arguments = {tensor("input"), integer("k"), integer("dim", whole(-1)), flag("largest", true),
                     flag("sorted", true)}},
      {.name = "Var", .arguments = spread()},
      {.name = "VarMean", .arguments = spread()},
  };
}

}  // namespace ckpt::graph
