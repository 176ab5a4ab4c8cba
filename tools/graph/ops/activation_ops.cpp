#include "table.h"

namespace ckpt::graph {

std::vector<Op> activation_ops() {
  const auto x = [] { return std::vector<Argument>{tensor("input")}; };
  const auto with = [](Argument argument) { return std::vector<Argument>{tensor("input"), std::move(argument)}; };
  return {
      {.name = "CeLU", .arguments = with(number("alpha", 1.0))},
      {.name = "Elu", .was = "EluExt", .arguments = with(number("alpha", 1.0))},
      {.name = "FastGeLU", .was = "FastGelu", .arguments = x()},
      {.name = "GLU", .arguments = with(integer("axis", whole(-1)))},
      {.name = "GeLU", .was = "Gelu", .arguments = x()},
      {.name = "GeluExt", .arguments = with(text("approximate", words("none")))},
      {.name = "HShrink", .arguments = with(number("lambd", 0.5))},
      {.name = "HSigmoid", .arguments = x()},
      {.name = "HSwish", .arguments = x()},
      {.name = "Hardtanh", .arguments = {tensor("input"), number("min_val", -1.0), number("max_val", 1.0)}},
      {.name = "LeakyReLUExt",
       .was = "LeakyRelu LeakyReLU",
       .arguments = with(number("negative_slope", 0.01, "alpha"))},
      {.name = "LogSigmoid", .arguments = x()},
      {.name = "LogSoftmax", .arguments = with(integer("axis", whole(-1)))},
      {.name = "LogSoftmaxExt", .arguments = {tensor("input"), integer("dim", None{}), dtype("dtype", None{})}},
      {.name = "Mish", .was = "MishExt", .arguments = x()},
      {.name = "PReLU", .arguments = {tensor("input"), tensor("weight")}},
      {.name = "ReLU", .arguments = x()},
      {.name = "ReLU6", .arguments = x()},
      {.name = "ReLUV2", .arguments = x()},
      {.name = "SeLU", .was = "SeLUExt", .arguments = x()},
      {.name = "SiLU", .was = "Swish", .arguments = x()},
      {.name = "Sigmoid", .arguments = x()},
      {.name = "SoftShrink", .arguments = with(number("lambd", 0.5))},
      {.name = "Softmax", .arguments = with(integers("axis", Ints{-1}))},
      {.name = "Softplus", .arguments = x()},
      {.name = "SoftplusExt", .arguments = {tensor("input"), number("beta", 1.0), number("threshold", 20.0)}},
      {.name = "Softsign", .arguments = x()},
      {.name = "Swiglu", .arguments = with(integer("dim", whole(-1)))},
      {.name = "Tanh", .arguments = x()},
      {.name = "Threshold", .arguments = {tensor("input"), number("threshold"), number("value")}},
  };
}

}  // namespace ckpt::graph
