#include <algorithm>
#include <cmath>

#include "kernels/kernels.h"
#include "kernels/loops.h"
#include "threads.h"

// BatchNorm and its gradient: own loops, because a block of eight channels of a batch stays in the second cache while
// it is read three times, and because the ReLU behind it costs nothing there.
namespace ckpt::train {
namespace {

Status check(const graph::NodeView& node, std::size_t images) {
  const graph::Type& type = node.type(images);
  if (type.dtype != DType::float32 || type.dims.size() != 4) return refusal("works on " + to_string(type));
  if (node.text("format") != "NCHW") return refusal("format " + node.text("format"));
  for (std::size_t i = 0; i < 5; ++i) {
    if (i >= node.input_count() || !node.has_input(i)) return refusal("an input is missing");
  }
  return {};
}

struct Norm {
  Lanes lanes;
  float epsilon = 0, momentum = 0;
  bool training = false, relu = false;
};

struct NormBuffers {
  BufferId x, scale, offset, mean, variance, y, batch_mean, batch_variance;
};

/// MindSpore 2.10's rule on a CPU: the batch is normalised with its own variance, but what is kept is an estimate of
/// that of all images, n / (n - 1) of it. momentum is the share of the new.
void keep_statistics(const Norm& norm, const Eighth& mean, const Eighth& variance, std::size_t block,
                     float* moving_mean, float* moving_variance) {
  const double count = static_cast<double>(norm.lanes.batch * norm.lanes.area());
  const float unbiased = static_cast<float>(count > 1 ? count / (count - 1) : 1);
  for (std::size_t i = 0; i < kLanes; ++i) {
    const std::size_t c = block * kLanes + i;
    if (c >= norm.lanes.channels) return;
    moving_mean[c] = moving_mean[c] * (1 - norm.momentum) + mean.at[i] * norm.momentum;
    moving_variance[c] = moving_variance[c] * (1 - norm.momentum) + variance.at[i] * unbiased * norm.momentum;
  }
}

void normalise(const Norm& norm, const NormBuffers& in, const Addresses& at, std::size_t block) {
  const std::size_t channels = norm.lanes.channels;
  Eighth mean, variance;
  if (norm.training) {
    loops().statistics(norm.lanes, block, at.floats(in.x), mean.at, variance.at);
    mean.store(at.floats(in.batch_mean), block, channels);
    variance.store(at.floats(in.batch_variance), block, channels);
    keep_statistics(norm, mean, variance, block, at.floats(in.mean), at.floats(in.variance));
  } else {
    mean = Eighth(at.floats(in.mean), block, channels);
    variance = Eighth(at.floats(in.variance), block, channels);
  }
  const Eighth scale(at.floats(in.scale), block, channels);
  Eighth offset(at.floats(in.offset), block, channels), factor;
  for (std::size_t i = 0; i < kLanes; ++i) {
    factor.at[i] = scale.at[i] / std::sqrt(variance.at[i] + norm.epsilon);
    offset.at[i] -= mean.at[i] * factor.at[i];
  }
  loops().affine(norm.lanes, block, at.floats(in.x), factor.at, offset.at, norm.relu, at.floats(in.y));
}

}  // namespace

/// Inputs: images, scale, offset, moving mean, moving variance. Results: images; and, in training, the batch's mean and
/// variance as the fourth and fifth. With a ReLU behind it in the same step, where nobody else wants what is between.
Status make_batch_norm(Program& program, const graph::NodeView& node) {
  if (auto status = check(node, 0); !status) return status;
  const auto& inputs = node.node().inputs;
  const auto& outputs = node.node().outputs;
  Norm norm{.lanes = {},
            .epsilon = static_cast<float>(node.number("epsilon")),
            .momentum = static_cast<float>(node.number("momentum")),
            .training = node.flag("is_training")};
  if (norm.training && outputs.size() < 5) return refusal("in training without results for the batch's statistics");
  graph::ValueId result = outputs[0];
  if (const graph::Node* relu = program.only_user(result, "ReLU")) {
    program.fuse(*relu);
    result = relu->outputs[0];
    norm.relu = true;
  }
  const Layout layout = with_lanes(program, inputs[0]);
  norm.lanes = *lanes_of(layout);
  NormBuffers buffers{};
  buffers.x = program.read(inputs[0], layout);
  buffers.scale = program.read_plain(inputs[1]);
  buffers.offset = program.read_plain(inputs[2]);
  buffers.mean = program.read_plain(inputs[3]);
  buffers.variance = program.read_plain(inputs[4]);
  buffers.y = program.write(result, layout);
  std::vector<BufferId> uses{buffers.x, buffers.scale, buffers.offset, buffers.mean, buffers.variance, buffers.y};
  if (norm.training) {
    uses.push_back(buffers.batch_mean = program.write_plain(outputs[3]));
    uses.push_back(buffers.batch_variance = program.write_plain(outputs[4]));
  }
  program.add(std::move(uses), [=](const Addresses& at) -> Status {
    parallel(norm.lanes.blocks, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t block = begin; block < end; ++block) normalise(norm, buffers, at, block);
    });
    return {};
  });
  return {};
}

namespace {

struct NormGradBuffers {
  BufferId dy, x, y, scale, mean, variance, dx, dscale, doffset;
};

void gradients(const Norm& norm, const NormGradBuffers& in, const Addresses& at, std::size_t block) {
  const std::size_t channels = norm.lanes.channels;
  const Eighth scale(at.floats(in.scale), block, channels), mean(at.floats(in.mean), block, channels);
  Eighth deviation(at.floats(in.variance), block, channels), dscale, doffset;
  for (float& number : deviation.at) number = 1 / std::sqrt(number + norm.epsilon);
  loops().norm_grad(norm.lanes, block, at.floats(in.dy), at.floats(in.x), norm.relu ? at.floats(in.y) : nullptr,
                    {.mean = mean.at, .deviation = deviation.at, .scale = scale.at, .training = norm.training},
                    at.floats(in.dx), dscale.at, doffset.at);
  dscale.store(at.floats(in.dscale), block, channels);
  doffset.store(at.floats(in.doffset), block, channels);
}

}  // namespace

/// Inputs: gradient, images, scale, the mean and the variance that they were normalised with. Results: gradients of
/// images, scale and offset. A ReluGrad before it may be part of it (see make_relu_grad).
Status make_batch_norm_grad_behind(Program& program, const graph::NodeView& node, graph::ValueId dy,
                                   std::optional<graph::ValueId> relu_result) {
  if (auto status = check(node, 1); !status) return status;
  const auto& inputs = node.node().inputs;
  const auto& outputs = node.node().outputs;
  if (outputs.size() < 3) return refusal("without results for scale and offset");
  const Layout layout = with_lanes(program, inputs[1]);
  const Norm norm{.lanes = *lanes_of(layout),
                  .epsilon = static_cast<float>(node.number("epsilon")),
                  .training = node.flag("is_training"),
                  .relu = relu_result.has_value()};
  NormGradBuffers buffers{};
  buffers.dy = program.read(dy, layout);
  buffers.x = program.read(inputs[1], layout);
  buffers.y = relu_result ? program.read(*relu_result, layout) : buffers.x;
  buffers.scale = program.read_plain(inputs[2]);
  buffers.mean = program.read_plain(inputs[3]);
  buffers.variance = program.read_plain(inputs[4]);
  buffers.dx = program.layout(dy) == layout ? program.write_over(outputs[0], dy) : program.write(outputs[0], layout);
  buffers.dscale = program.write_plain(outputs[1]);
  buffers.doffset = program.write_plain(outputs[2]);
  program.add({buffers.dy, buffers.x, buffers.y, buffers.scale, buffers.mean, buffers.variance, buffers.dx,
               buffers.dscale, buffers.doffset},
              [=](const Addresses& at) -> Status {
                parallel(norm.lanes.blocks, 1, [&](std::size_t begin, std::size_t end) {
                  for (std::size_t block = begin; block < end; ++block) gradients(norm, buffers, at, block);
                });
                return {};
              });
  return {};
}

Status make_batch_norm_grad(Program& program, const graph::NodeView& node) {
  return make_batch_norm_grad_behind(program, node, node.node().inputs[0], {});
}

}  // namespace ckpt::train
