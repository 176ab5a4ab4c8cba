// Nodes that change parameters. What they return is the parameter's new value.
#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

/// Inputs that are as large as the first one, and others that are one number.
Status want_update(const NodeView& node, std::initializer_list<std::size_t> as_first,
                   std::initializer_list<std::size_t> numbers) {
  const auto differ = [&](std::size_t i) {
    return refuse("input " + std::to_string(i) + " is " + to_string(node.type(i)));
  };
  for (const std::size_t i : as_first) {
    if (node.type(i).dims != node.type(0).dims) return differ(i);
  }
  for (const std::size_t i : numbers) {
    if (const auto count = element_count(node.type(i)); count && *count != 1) return differ(i);
  }
  return {};
}

Types adam_types(const NodeView& node) {
  if (auto status = want_update(node, {1, 2, 9}, {3, 4, 5, 6, 7, 8}); !status) return status.error();
  return std::vector<Type>{node.type(0), node.type(1), node.type(2)};
}

Types momentum_types(const NodeView& node) {
  if (auto status = want_update(node, {1, 3}, {2, 4}); !status) return status.error();
  return same(node);
}

Types sgd_types(const NodeView& node) {
  if (auto status = want_update(node, {1, 3, 5}, {2, 4}); !status) return status.error();
  return same(node);
}

Types assign_types(const NodeView& node) {
  if (auto status = want_update(node, {1}, {}); !status) return status.error();
  return same(node);
}

}  // namespace

std::vector<Op> optimizer_ops() {
  return {
      {.name = "Adam",
       .arguments = {tensor("var"), tensor("m"), tensor("v"), tensor("beta1_power"), tensor("beta2_power"),
                     tensor("lr"), tensor("beta1"), tensor("beta2"), tensor("epsilon"), tensor("gradient"),
                     flag("use_locking", false), flag("use_nesterov", false)},
       .changes = {0, 1, 2},
       .has_attributes = true,
       .infer = adam_types},
      {.name = "ApplyMomentum",
       .arguments = {tensor("variable"), tensor("accumulation"), tensor("learning_rate"), tensor("gradient"),
                     tensor("momentum"), flag("use_nesterov", false), flag("use_locking", false),
                     number("gradient_scale", 1.0)},
       .changes = {0, 1},
       .has_attributes = true,
       .infer = momentum_types},
      {.name = "Assign", .arguments = {tensor("variable"), tensor("value")}, .changes = {0}, .infer = assign_types},
      {.name = "AssignAdd", .arguments = {tensor("variable"), tensor("value")}, .changes = {0}, .infer = assign_types},
      {.name = "SGD",
       .arguments = {tensor("parameters"), tensor("gradient"), tensor("learning_rate"), tensor("accum"),
                     tensor("momentum"), tensor("stat"), number("dampening", 0.0), number("weight_decay", 0.0),
                     flag("nesterov", false)},
       .changes = {0, 3, 5},
       .has_attributes = true,
       .infer = sgd_types},
  };
}

}  // namespace ckpt::graph
