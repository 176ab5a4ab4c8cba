#pragma once

#include <optional>
#include <span>

#include "kernels/program.h"

namespace ckpt::train {

/// All of them; an operator is found by the name the table of operators has for it.
std::span<const Program::Kernel> kernels();

// Each makes a node's steps, or refuses: Errc::unsupported with a reason.

/// What a node becomes with the BiasAdd and the ReLU behind it.
struct Fused {
  graph::ValueId result = graph::kAbsent;
  std::optional<graph::ValueId> bias = {};
  dnnl::primitive_attr attr = {};
};
/// Takes them into the step of the node, where nobody else wants what is between.
Fused fuse_bias_and_relu(Program& program, const graph::NodeView& node);

Status make_conv2d(Program& program, const graph::NodeView& node);
Status make_conv2d_backprop_input(Program& program, const graph::NodeView& node);
Status make_conv2d_backprop_filter(Program& program, const graph::NodeView& node);

Status make_max_pool(Program& program, const graph::NodeView& node);
Status make_max_pool_grad(Program& program, const graph::NodeView& node);
Status make_avg_pool(Program& program, const graph::NodeView& node);
Status make_avg_pool_grad(Program& program, const graph::NodeView& node);

Status make_batch_norm(Program& program, const graph::NodeView& node);
Status make_batch_norm_grad(Program& program, const graph::NodeView& node);
/// ... of another gradient than its first input: that behind a ReLU, whose result is given.
Status make_batch_norm_grad_behind(Program& program, const graph::NodeView& node, graph::ValueId dy,
                                   std::optional<graph::ValueId> relu_result);

Status make_mat_mul(Program& program, const graph::NodeView& node);

Status make_relu(Program& program, const graph::NodeView& node);
Status make_relu_grad(Program& program, const graph::NodeView& node);
Status make_bias_add(Program& program, const graph::NodeView& node);
Status make_bias_add_grad(Program& program, const graph::NodeView& node);
Status make_add_n(Program& program, const graph::NodeView& node);
Status make_binary(Program& program, const graph::NodeView& node);  ///< Add, Sub, Mul, RealDiv

Status make_reshape(Program& program, const graph::NodeView& node);  ///< Flatten, ExpandDims, Squeeze too
Status make_pad(Program& program, const graph::NodeView& node);
Status make_slice(Program& program, const graph::NodeView& node);
Status make_broadcast_to(Program& program, const graph::NodeView& node);
Status make_tile(Program& program, const graph::NodeView& node);
Status make_reduce(Program& program, const graph::NodeView& node);  ///< ReduceMean, ReduceSum
Status make_gather(Program& program, const graph::NodeView& node);
Status make_one_hot(Program& program, const graph::NodeView& node);
Status make_cast(Program& program, const graph::NodeView& node);

Status make_sparse_softmax_cross_entropy(Program& program, const graph::NodeView& node);
Status make_softmax_cross_entropy(Program& program, const graph::NodeView& node);

Status make_assign(Program& program, const graph::NodeView& node);
Status make_assign_add(Program& program, const graph::NodeView& node);
Status make_apply_momentum(Program& program, const graph::NodeView& node);
Status make_sgd(Program& program, const graph::NodeView& node);
Status make_adam(Program& program, const graph::NodeView& node);

}  // namespace ckpt::train
