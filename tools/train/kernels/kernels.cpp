#include "kernels/kernels.h"

#include <array>

namespace ckpt::train {

std::span<const Program::Kernel> kernels() {
  static const std::array kAll{
      Program::Kernel{.op = "Adam", .make = make_adam, .in_any_layout = true},
      Program::Kernel{.op = "Add", .make = make_binary},
      Program::Kernel{.op = "AddN", .make = make_add_n},
      Program::Kernel{.op = "ApplyMomentum", .make = make_apply_momentum, .in_any_layout = true},
      Program::Kernel{.op = "Assign", .make = make_assign},
      Program::Kernel{.op = "AssignAdd", .make = make_assign_add},
      Program::Kernel{.op = "AvgPool", .make = make_avg_pool},
      Program::Kernel{.op = "AvgPoolGrad", .make = make_avg_pool_grad},
      Program::Kernel{.op = "BatchNorm", .make = make_batch_norm},
      Program::Kernel{.op = "BatchNormGrad", .make = make_batch_norm_grad},
      Program::Kernel{.op = "BiasAdd", .make = make_bias_add},
      Program::Kernel{.op = "BiasAddGrad", .make = make_bias_add_grad},
      Program::Kernel{.op = "BroadcastTo", .make = make_broadcast_to},
      Program::Kernel{.op = "Cast", .make = make_cast},
      Program::Kernel{.op = "Conv2D", .make = make_conv2d},
      Program::Kernel{.op = "Conv2DBackpropFilter", .make = make_conv2d_backprop_filter},
      Program::Kernel{.op = "Conv2DBackpropInput", .make = make_conv2d_backprop_input},
      Program::Kernel{.op = "ExpandDims", .make = make_reshape},
      Program::Kernel{.op = "Flatten", .make = make_reshape},
      Program::Kernel{.op = "Gather", .make = make_gather},
      Program::Kernel{.op = "MatMul", .make = make_mat_mul},
      Program::Kernel{.op = "MaxPool", .make = make_max_pool},
      Program::Kernel{.op = "MaxPoolGrad", .make = make_max_pool_grad},
      Program::Kernel{.op = "Mul", .make = make_binary},
      Program::Kernel{.op = "OneHot", .make = make_one_hot},
      Program::Kernel{.op = "Pad", .make = make_pad},
      Program::Kernel{.op = "ReLU", .make = make_relu},
      Program::Kernel{.op = "RealDiv", .make = make_binary},
      Program::Kernel{.op = "ReduceMean", .make = make_reduce},
      Program::Kernel{.op = "ReduceSum", .make = make_reduce},
      Program::Kernel{.op = "ReluGrad", .make = make_relu_grad},
      Program::Kernel{.op = "Reshape", .make = make_reshape},
      Program::Kernel{.op = "SGD", .make = make_sgd, .in_any_layout = true},
      Program::Kernel{.op = "Slice", .make = make_slice},
      Program::Kernel{.op = "SoftmaxCrossEntropyWithLogits", .make = make_softmax_cross_entropy},
      Program::Kernel{.op = "SparseSoftmaxCrossEntropyWithLogits", .make = make_sparse_softmax_cross_entropy},
      Program::Kernel{.op = "Squeeze", .make = make_reshape},
      Program::Kernel{.op = "Sub", .make = make_binary},
      Program::Kernel{.op = "Tile", .make = make_tile},
  };
  return kAll;
}

Fused fuse_bias_and_relu(Program& program, const graph::NodeView& node) {
  Fused fused{.result = node.node().outputs[0], .attr = program.attr()};
  if (const graph::Node* add = program.only_user(fused.result, "BiasAdd"); add && add->inputs[0] == fused.result) {
    program.fuse(*add);
    fused.bias = add->inputs[1];
    fused.result = add->outputs[0];
  }
  if (const graph::Node* relu = program.only_user(fused.result, "ReLU")) {
    program.fuse(*relu);
    fused.result = relu->outputs[0];
    dnnl::post_ops behind;
    behind.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    fused.attr.set_post_ops(behind);
  }
  return fused;
}

}  // namespace ckpt::train
