// What only training has: losses, and the primitives that MindSpore records for gradients.
#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

Status want_same(const NodeView& node, std::size_t a, std::size_t b) {
  const Dims &left = node.type(a).dims, &right = node.type(b).dims;
  bool same = left.size() == right.size();
  for (std::size_t i = 0; same && i < left.size(); ++i) same = bool(unify(left[i], right[i]));
  if (same) return {};
  return refuse("inputs " + std::to_string(a) + " and " + std::to_string(b) + " are " + to_string(node.type(a)) +
                " and " + to_string(node.type(b)));
}

/// Both of one shape, which the result has too.
Types both_same(const NodeView& node) {
  if (auto status = want_same(node, 0, 1); !status) return status.error();
  return same(node);
}

/// x, y and the gradient of y.
Types pool_gradient_types(const NodeView& node) {
  if (auto status = want_same(node, 1, 2); !status) return status.error();
  if (auto status = want_rank(node, 0, 4); !status) return status.error();
  if (auto status = want_rank(node, 1, 4); !status) return status.error();
  return same(node);
}

Types bias_gradient_types(const NodeView& node) {
  const Type& y = node.type(0);
  if (y.dims.size() < 2) return refuse("input is " + to_string(y));
  return std::vector<Type>{{.dtype = y.dtype, .dims = {y.dims[1]}}};
}

Types norm_gradient_types(const NodeView& node) {
  if (auto status = want_same(node, 0, 1); !status) return status.error();
  if (node.type(1).dims.size() < 2) return refuse("input is " + to_string(node.type(1)));
  for (std::size_t i = 2; i < 6; ++i) {
    if (auto status = want_rank(node, i, 1); !status) return status.error();
    if (auto channels = unify(node.type(1).dims[1], node.type(i).dims[0]); !channels) return channels.error();
  }
  return std::vector<Type>{node.type(1), node.type(2), node.type(2)};
}

/// The gradient of y, x, and the sizes of the filter.
Types filter_gradient_types(const NodeView& node) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (auto status = want_rank(node, i, 4); !status) return status.error();
  }
  if (auto status = want_format(node, "NCHW"); !status) return status.error();
  const Ints& filter = node.integers("filter_sizes");
  if (filter.size() != 4 || std::ranges::any_of(filter, [](std::int64_t size) { return size < 1; })) {
    return refuse("filter_sizes are not four sizes");
  }
  auto moved = windows(node, node.type(1).dims, {filter[2], filter[3]});
  if (!moved) return moved.error();
  auto counts = window_sizes(node.type(1).dims, *moved, node.text("pad_mode") == "same", false);
  if (!counts) return counts.error();
  Dims wanted{node.type(1).dims[0], Dim(filter[0])};
  wanted.insert(wanted.end(), counts->begin(), counts->end());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (auto size = unify(wanted[i], node.type(0).dims[i]); !size) return size.error();
  }
  return std::vector<Type>{{.dtype = node.type(0).dtype, .dims = Dims(filter.begin(), filter.end())}};
}

// ---- losses: logits [n, classes] ----

Types cross_entropy_types(const NodeView& node) {
  if (auto status = want_rank(node, 0, 2); !status) return status.error();
  if (auto status = want_same(node, 0, 1); !status) return status.error();
  return std::vector<Type>{{.dtype = node.type(0).dtype, .dims = {node.type(0).dims[0]}}, node.type(0)};
}

Types sparse_cross_entropy_types(const NodeView& node) {
  if (auto status = want_rank(node, 0, 2); !status) return status.error();
  if (auto status = want_rank(node, 1, 1); !status) return status.error();
  if (auto rows = unify(node.type(0).dims[0], node.type(1).dims[0]); !rows) return rows.error();
  if (node.flag("is_grad")) return same(node);
  return std::vector<Type>{{.dtype = node.type(0).dtype}};
}

}  // namespace

std::vector<Op> gradient_ops() {
  const auto pool = [](std::string_view x, std::string_view y, std::string_view dy) {
    return std::vector<Argument>{tensor(x),
                                 tensor(y),
                                 tensor(dy),
                                 per_axis("kernel_size", 2, Ints{1, 1}, "ksize"),
                                 per_axis("strides", 2, Ints{1, 1}, "stride"),
                                 text("pad_mode", words("valid"), "padding"),
                                 text("format", words("NCHW"), "data_format")};
  };
  const auto two = [](std::string_view a, std::string_view b) { return std::vector<Argument>{tensor(a), tensor(b)}; };
  return {
      {.name = "AvgPoolGrad", .arguments = pool("x", "out", "dout"), .infer = pool_gradient_types},
      {.name = "BatchNormGrad",
       .arguments = {tensor("dout"), tensor("x"), tensor("scale"), tensor("saved_mean"), tensor("saved_variance"),
                     tensor("reserve"), flag("is_training", false), number("epsilon", 1e-5),
                     text("format", words("NCHW"), "data_format")},
       .infer = norm_gradient_types},
      {.name = "BiasAddGrad",
       .arguments = {tensor("dout"), text("format", words("NCHW"), "data_format")},
       .infer = bias_gradient_types},
      {.name = "Conv2DBackpropFilter",
       .arguments = {tensor("out_backprop"), tensor("input"), integers("filter_sizes"),
                     per_axis("kernel_size", 2, None{}), text("pad_mode", words("valid")),
                     per_axis("pad_list", 4, None{}, "pads pad"), per_axis("stride", 2, Ints{1, 1}, "strides"),
                     per_axis("dilation", 2, Ints{1, 1}, "dilations"), integer("group", whole(1), "groups"),
                     text("format", words("NCHW"), "data_format")},
       .has_attributes = true,
       .infer = filter_gradient_types},
      {.name = "MaxPoolGrad",
       .arguments = pool("x_origin", "out_origin", "grad"),
       .has_attributes = true,
       .infer = pool_gradient_types},
      {.name = "ReLU6Grad", .arguments = two("y_backprop", "x"), .infer = both_same},
      {.name = "ReluGrad", .arguments = two("y_backprop", "x"), .infer = both_same},
      {.name = "SigmoidGrad", .arguments = two("y", "dy"), .infer = both_same},
      {.name = "SoftmaxCrossEntropyWithLogits", .arguments = two("logits", "labels"), .infer = cross_entropy_types},
      {.name = "SparseSoftmaxCrossEntropyWithLogits",
       .arguments = {tensor("logits"), tensor("labels"), flag("is_grad", false), number("sens", 1.0)},
       .has_attributes = true,
       .infer = sparse_cross_entropy_types},
      {.name = "TanhGrad", .arguments = two("y", "dy"), .infer = both_same},
  };
}

}  // namespace ckpt::graph
