// Gradients, in the primitives that MindSpore itself records for them. A rule returns those of the node's inputs.
#include "gradient_rules.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "gradients.h"
#include "rules.h"

namespace ckpt::graph {

namespace {

using Gradients = Result<std::vector<ValueId>>;

/// Autodiff sees to it that they are known.
Ints sizes(const Type& type) { return sizes_of(type.dims); }

ValueId input(const NodeView& node, std::size_t i) { return node.node().inputs[i]; }
ValueId result(const NodeView& node, std::size_t i = 0) { return node.node().outputs[i]; }

/// With the attributes of the node.
ValueId likewise(const NodeView& node, Backward& to, std::string_view op, std::vector<ValueId> inputs,
                 Attrs more = {}) {
  more.insert(node.node().attrs.begin(), node.node().attrs.end());
  return to.add(op, std::move(inputs), std::move(more));
}

ValueId reshaped(Backward& to, ValueId x, const Ints& shape) {
  return sizes(to.type(x)) == shape ? x : to.add("Reshape", {x}, {{"shape", shape}});
}

ValueId summed(Backward& to, ValueId x, Ints axes) {
  return axes.empty() ? x : to.add("ReduceSum", {x}, {{"axis", std::move(axes)}, {"keep_dims", false}});
}

// ---- elements ----

/// The gradient of an operand that was broadcast, or converted: the sum over what it was repeated for.
ValueId as_operand(const NodeView& node, Backward& to, std::size_t i, ValueId gradient) {
  const Ints whole = sizes(node.result_type()), own = sizes(node.type(i));
  const std::size_t ahead = whole.size() - own.size();
  Ints axes;
  for (std::size_t axis = 0; axis < whole.size(); ++axis) {
    const bool repeated = axis < ahead || (own[axis - ahead] == 1 && whole[axis] != 1);
    if (repeated) axes.push_back(static_cast<std::int64_t>(axis));
  }
  const ValueId sum = reshaped(to, summed(to, gradient, std::move(axes)), own);
  const DType dtype = node.type(i).dtype;
  return dtype == node.result_type().dtype ? sum : to.add("Cast", {sum}, {{"dtype", dtype}});
}

Gradients add(const NodeView& node, Backward& to) {
  std::vector<ValueId> gradients(2, kAbsent);
  for (std::size_t i = 0; i < 2; ++i) {
    if (to.wants(i)) gradients[i] = as_operand(node, to, i, to.gradient());
  }
  return gradients;
}

Gradients subtract(const NodeView& node, Backward& to) {
  std::vector<ValueId> gradients(2, kAbsent);
  if (to.wants(0)) gradients[0] = as_operand(node, to, 0, to.gradient());
  if (to.wants(1)) gradients[1] = as_operand(node, to, 1, to.add("Neg", {to.gradient()}));
  return gradients;
}

Gradients multiply(const NodeView& node, Backward& to) {
  std::vector<ValueId> gradients(2, kAbsent);
  for (std::size_t i = 0; i < 2; ++i) {
    if (to.wants(i)) gradients[i] = as_operand(node, to, i, to.add("Mul", {to.gradient(), input(node, 1 - i)}));
  }
  return gradients;
}

Gradients multiply_scalar(const NodeView& node, Backward& to) {
  return std::vector{likewise(node, to, "Muls", {to.gradient()})};
}

Gradients divide(const NodeView& node, Backward& to) {
  std::vector<ValueId> gradients(2, kAbsent);
  const ValueId by_x = to.add(node.node().op, {to.gradient(), input(node, 1)}, node.node().attrs);
  if (to.wants(0)) gradients[0] = as_operand(node, to, 0, by_x);
  if (to.wants(1)) {
    gradients[1] = as_operand(node, to, 1, to.add("Neg", {to.add("Mul", {by_x, result(node)})}));
  }
  return gradients;
}

/// The same gradient for each.
Gradients to_all(const NodeView& node, Backward& to) { return std::vector<ValueId>(node.input_count(), to.gradient()); }

Gradients negate(const NodeView&, Backward& to) { return std::vector{to.add("Neg", {to.gradient()})}; }

Gradients square(const NodeView& node, Backward& to) {
  const ValueId two = to.constant({.dtype = node.type(0).dtype}, 2);
  return std::vector{to.add("Mul", {to.gradient(), to.add("Mul", {input(node, 0), two})})};
}

Gradients relu(const NodeView& node, Backward& to) {
  return std::vector{to.add("ReluGrad", {to.gradient(), result(node)})};
}

Gradients relu6(const NodeView& node, Backward& to) {
  return std::vector{to.add("ReLU6Grad", {to.gradient(), input(node, 0)})};
}

Gradients sigmoid(const NodeView& node, Backward& to) {
  return std::vector{to.add("SigmoidGrad", {result(node), to.gradient()})};
}

Gradients tanh(const NodeView& node, Backward& to) {
  return std::vector{to.add("TanhGrad", {result(node), to.gradient()})};
}

Gradients cast(const NodeView& node, Backward& to) {
  if (!is_floating(node.type(0).dtype)) return std::vector{kAbsent};
  return std::vector{to.add("Cast", {to.gradient()}, {{"dtype", node.type(0).dtype}})};
}

// ---- shapes ----

Gradients as_before(const NodeView& node, Backward& to) {
  return std::vector{reshaped(to, to.gradient(), sizes(node.type(0)))};
}

Gradients transpose(const NodeView& node, Backward& to) {
  const Ints& order = node.integers("dims");
  Ints back(order.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    auto axis = axis_of(order[i], order.size());
    if (!axis) return axis.error();
    back[*axis] = static_cast<std::int64_t>(i);
  }
  return std::vector{to.add("Transpose", {to.gradient()}, {{"dims", back}})};
}

Gradients pad(const NodeView& node, Backward& to) {
  Ints begin;
  for (const Ints& sides : node.int_lists("paddings")) begin.push_back(sides[0]);
  return std::vector{to.add("Slice", {to.gradient()}, {{"begin", begin}, {"size", sizes(node.type(0))}})};
}

Gradients slice(const NodeView& node, Backward& to) {
  const Ints before = sizes(node.type(0)), kept = sizes(node.result_type());
  IntLists paddings;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::int64_t begin = node.integers("begin")[i];
    paddings.push_back({begin, before[i] - begin - kept[i]});
  }
  return std::vector{to.add("Pad", {to.gradient()}, {{"paddings", paddings}})};
}

Gradients broadcast_to(const NodeView& node, Backward& to) {
  return std::vector{as_operand(node, to, 0, to.gradient())};
}

/// Each axis as two, how often and what: the sum over the first of each.
Gradients tile(const NodeView& node, Backward& to) {
  const Ints whole = sizes(node.result_type()), own = sizes(node.type(0));
  const std::size_t ahead = whole.size() - own.size();
  Ints split, axes;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const std::int64_t size = i < ahead ? 1 : own[i - ahead];
    axes.push_back(static_cast<std::int64_t>(split.size()));
    split.insert(split.end(), {size == 0 ? 0 : whole[i] / size, size});
  }
  return std::vector{reshaped(to, summed(to, reshaped(to, to.gradient(), split), axes), own)};
}

/// A gradient of a sum is that of each element of it.
ValueId repeated(const NodeView& node, Backward& to) {
  const Type& x = node.type(0);
  if (const auto number = to.number(to.gradient())) return to.constant(x, *number);
  auto axes = axes_of(node.integers("axis"), x.dims.size());
  if (!axes) return to.fail(axes.error().message);
  Ints kept = sizes(x), times(kept.size(), 1);
  for (const std::size_t axis : *axes) std::swap(kept[axis], times[axis]);
  return to.add("Tile", {reshaped(to, to.gradient(), kept)}, {{"dims", times}});
}

Gradients reduce_sum(const NodeView& node, Backward& to) { return std::vector{repeated(node, to)}; }

Gradients reduce_mean(const NodeView& node, Backward& to) {
  const double each = static_cast<double>(*element_count(node.type(0)));
  const double means = static_cast<double>(*element_count(node.result_type()));
  const ValueId count = to.constant({.dtype = node.type(0).dtype}, each / means);
  return std::vector{to.add("RealDiv", {repeated(node, to), count})};
}

// ---- layers ----

Gradients matmul(const NodeView& node, Backward& to) {
  if (node.has_input(2)) return refuse("MatMul with a bias of its own");
  if (node.type(0).dims.size() != 2 || node.type(1).dims.size() != 2) return refuse("not of two matrices");
  const bool a = node.flag("transpose_a"), b = node.flag("transpose_b");
  const ValueId x = input(node, 0), w = input(node, 1), dy = to.gradient();
  const auto product = [&](ValueId left, ValueId right, bool turn_left, bool turn_right) {
    return to.add("MatMul", {left, right}, {{"transpose_a", turn_left}, {"transpose_b", turn_right}});
  };
  std::vector<ValueId> gradients(2, kAbsent);
  if (to.wants(0)) gradients[0] = a ? product(w, dy, b, true) : product(dy, w, false, !b);
  if (to.wants(1)) gradients[1] = b ? product(dy, x, true, a) : product(x, dy, !a, false);
  return gradients;
}

Gradients bias_add(const NodeView& node, Backward& to) {
  const ValueId bias = to.wants(1) ? likewise(node, to, "BiasAddGrad", {to.gradient()}) : kAbsent;
  return std::vector{to.gradient(), bias};
}

Gradients conv2d(const NodeView& node, Backward& to) {
  if (node.has_input(2)) return refuse("Conv2D with a bias of its own");
  std::vector<ValueId> gradients(2, kAbsent);
  if (to.wants(0)) {
    gradients[0] = likewise(node, to, "Conv2DBackpropInput", {to.gradient(), input(node, 1)},
                            {{"input_sizes", sizes(node.type(0))}});
  }
  if (to.wants(1)) {
    gradients[1] = likewise(node, to, "Conv2DBackpropFilter", {to.gradient(), input(node, 0)},
                            {{"filter_sizes", sizes(node.type(1))}});
  }
  return gradients;
}

Gradients max_pool(const NodeView& node, Backward& to) {
  return std::vector{likewise(node, to, "MaxPoolGrad", {input(node, 0), result(node), to.gradient()})};
}

Gradients avg_pool(const NodeView& node, Backward& to) {
  return std::vector{likewise(node, to, "AvgPoolGrad", {input(node, 0), result(node), to.gradient()})};
}

/// By the statistics that normalised: of the batch in training, else the moving ones.
Gradients batch_norm(const NodeView& node, Backward& to) {
  const std::vector<ValueId>& results = node.node().outputs;
  if (to.gradient() == kAbsent) return refuse("a gradient of its statistics");
  if (results.size() < 5) return refuse("BatchNorm without its statistics as results");
  const bool training = node.flag("is_training");
  const ValueId mean = training ? results[3] : input(node, 3), variance = training ? results[4] : input(node, 4);
  auto gradients =
      to.add_several("BatchNormGrad", {to.gradient(), input(node, 0), input(node, 1), mean, variance, results[2]}, 3,
                     {{"is_training", training}, {"epsilon", node.number("epsilon")}, {"format", node.text("format")}});
  gradients.resize(node.input_count(), kAbsent);
  return gradients;
}

// ---- losses ----

Gradients sparse_cross_entropy(const NodeView& node, Backward& to) {
  const ValueId own =
      to.add("SparseSoftmaxCrossEntropyWithLogits", {input(node, 0), input(node, 1)}, {{"is_grad", true}});
  const bool as_it_is = to.number(to.gradient()) == 1.0;
  return std::vector{as_it_is ? own : to.add("Mul", {own, to.gradient()}), kAbsent};
}

/// The second result is the gradient of each row's loss.
Gradients cross_entropy(const NodeView& node, Backward& to) {
  if (to.gradient() == kAbsent || node.node().outputs.size() < 2) return refuse("a gradient of its gradient");
  const ValueId column = to.add("ExpandDims", {to.gradient()}, {{"axis", std::int64_t{-1}}});
  return std::vector{to.add("Mul", {result(node, 1), column}), kAbsent};
}

struct NamedRule {
  std::string_view op;
  GradientRule rule;
};

constexpr NamedRule kRules[] = {
    {"Add", add},
    {"AddN", to_all},
    {"AvgPool", avg_pool},
    {"BatchNorm", batch_norm},
    {"BiasAdd", bias_add},
    {"BroadcastTo", broadcast_to},
    {"Cast", cast},
    {"Conv2D", conv2d},
    {"Div", divide},
    {"ExpandDims", as_before},
    {"Flatten", as_before},
    {"Identity", to_all},
    {"MatMul", matmul},
    {"MaxPool", max_pool},
    {"Mul", multiply},
    {"Muls", multiply_scalar},
    {"Neg", negate},
    {"Pad", pad},
    {"ReLU", relu},
    {"ReLU6", relu6},
    {"RealDiv", divide},
    {"ReduceMean", reduce_mean},
    {"ReduceSum", reduce_sum},
    {"Reshape", as_before},
    {"Sigmoid", sigmoid},
    {"Slice", slice},
    {"SoftmaxCrossEntropyWithLogits", cross_entropy},
    {"SparseSoftmaxCrossEntropyWithLogits", sparse_cross_entropy},
    {"Square", square},
    {"Squeeze", as_before},
    {"Sub", subtract},
    {"Tanh", tanh},
    {"Tile", tile},
    {"Transpose", transpose},
};

}  // namespace

GradientRule gradient_rule(std::string_view op) {
  const auto at = std::ranges::lower_bound(kRules, op, {}, &NamedRule::op);
  return at != std::end(kRules) && at->op == op ? at->rule : nullptr;
}

}  // namespace ckpt::graph
