#include <cmath>
#include <cstring>

#include "kernels/kernels.h"
#include "kernels/loops.h"
#include "threads.h"

// What changes parameters. All of it is memory traffic, so every core takes part from a few thousand values on.
namespace ckpt::train {
namespace {

constexpr std::size_t kLeast = 4096;

Status want_floats(const graph::NodeView& node, std::size_t inputs) {
  if (node.input_count() != inputs) return refusal("has " + std::to_string(node.input_count()) + " inputs");
  for (std::size_t i = 0; i < inputs; ++i) {
    if (node.type(i).dtype != DType::float32) return refusal("works on " + to_string(node.type(i)));
  }
  return {};
}

/// These inputs are as many numbers as the first; all others one.
Status want_sizes(const graph::NodeView& node, std::initializer_list<std::size_t> like_first) {
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    const bool alike = std::find(like_first.begin(), like_first.end(), i) != like_first.end();
    if (graph::element_count(node.type(i)) != (alike ? graph::element_count(node.type(0)) : 1)) {
      return refusal("an input " + to_string(node.type(i)) + " for a parameter " + to_string(node.type(0)));
    }
  }
  return {};
}

std::vector<BufferId> read_all(Program& program, const graph::NodeView& node) {
  std::vector<BufferId> buffers;
  for (const graph::ValueId id : node.node().inputs) buffers.push_back(program.read_plain(id));
  return buffers;
}

std::size_t count_of(const graph::NodeView& node) {
  return static_cast<std::size_t>(graph::element_count(node.type(0)).value_or(0));
}

/// What an optimizer's loop runs over: the parameter as it lies, and these inputs like it.
struct Rows {
  std::vector<BufferId> in = {};
  std::size_t count = 0;
};

Result<Rows> rows_of(Program& program, const graph::NodeView& node, std::initializer_list<std::size_t> like_first) {
  const auto& inputs = node.node().inputs;
  const Layout layout = program.layout(inputs[0]);
  if (layout == plain_layout(node.type(0))) return Rows{read_all(program, node), count_of(node)};
  Rows rows{.in = {}, .count = layout.get_size() / sizeof(float)};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool alike = i == 0 || std::find(like_first.begin(), like_first.end(), i) != like_first.end();
    if (alike) program.settle(inputs[i], layout);
    const bool parameter = program.graph().value(inputs[i]).kind == graph::ValueKind::parameter;
    if (alike && parameter && program.layout(inputs[i]) != layout)
      return refusal("changes what is used otherwise, too");
    rows.in.push_back(alike ? program.read(inputs[i], layout) : program.read_plain(inputs[i]));
  }
  return rows;
}

/// The new values of the parameters, for whoever uses the results.
void finish(Program& program, const graph::NodeView& node) {
  const auto& outputs = node.node().outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) program.share(outputs[i], node.node().inputs[i]);
}

}  // namespace

/// Inputs: parameter, velocity, learning rate, gradient, momentum.
Status make_apply_momentum(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node, 5); !status) return status;
  if (auto status = want_sizes(node, {1, 3}); !status) return status;
  const bool nesterov = node.flag("use_nesterov");
  const float scale = static_cast<float>(node.number("gradient_scale"));
  auto rows = rows_of(program, node, {1, 3});
  if (!rows) return rows.error();
  program.add(rows->in, [=, in = rows->in, count = rows->count](const Addresses& at) -> Status {
    const MomentumStep step{
        .rate = *at.floats(in[2]), .momentum = *at.floats(in[4]), .scale = scale, .nesterov = nesterov};
    parallel(count, kLeast, [&](std::size_t begin, std::size_t end) {
      loops().momentum(step, at.floats(in[0]) + begin, at.floats(in[1]) + begin, at.floats(in[3]) + begin, end - begin);
    });
    return {};
  });
  finish(program, node);
  return {};
}

/// Inputs: parameter, gradient, learning rate, velocity, momentum, stat: above zero until the first step.
Status make_sgd(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node, 6); !status) return status;
  if (auto status = want_sizes(node, {1, 3, 5}); !status) return status;
  SgdStep fixed{.dampening = static_cast<float>(node.number("dampening")),
                .decay = static_cast<float>(node.number("weight_decay")),
                .nesterov = node.flag("nesterov")};
  auto rows = rows_of(program, node, {1, 3, 5});
  if (!rows) return rows.error();
  program.add(rows->in, [=, in = rows->in, count = rows->count](const Addresses& at) -> Status {
    SgdStep step = fixed;
    step.rate = *at.floats(in[2]);
    step.momentum = *at.floats(in[4]);
    parallel(count, kLeast, [&](std::size_t begin, std::size_t end) {
      loops().sgd(step, at.floats(in[0]) + begin, at.floats(in[3]) + begin, at.floats(in[5]) + begin,
                  at.floats(in[1]) + begin, end - begin);
    });
    return {};
  });
  finish(program, node);
  return {};
}

/// Inputs: parameter, first and second moment, beta1 and beta2 to the power of the steps, learning rate, beta1, beta2,
/// epsilon, gradient.
Status make_adam(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node, 10); !status) return status;
  if (auto status = want_sizes(node, {1, 2, 9}); !status) return status;
  const bool nesterov = node.flag("use_nesterov");
  auto rows = rows_of(program, node, {1, 2, 9});
  if (!rows) return rows.error();
  program.add(rows->in, [=, in = rows->in, count = rows->count](const Addresses& at) -> Status {
    const float power1 = *at.floats(in[3]), power2 = *at.floats(in[4]);
    const AdamStep step{.rate = *at.floats(in[5]) * std::sqrt(1 - power2) / (1 - power1),
                        .beta1 = *at.floats(in[6]),
                        .beta2 = *at.floats(in[7]),
                        .epsilon = *at.floats(in[8]),
                        .nesterov = nesterov};
    parallel(count, kLeast, [&](std::size_t begin, std::size_t end) {
      loops().adam(step, at.floats(in[0]) + begin, at.floats(in[1]) + begin, at.floats(in[2]) + begin,
                   at.floats(in[9]) + begin, end - begin);
    });
    return {};
  });
  finish(program, node);
  return {};
}

/// Inputs: parameter, its new value.
Status make_assign(Program& program, const graph::NodeView& node) {
  if (node.type(0).dtype != node.type(1).dtype ||
      graph::element_count(node.type(0)) != graph::element_count(node.type(1))) {
    return refusal("puts " + to_string(node.type(1)) + " into " + to_string(node.type(0)));
  }
  const std::vector<BufferId> in = read_all(program, node);
  program.add(in, [=, bytes = count_of(node) * size_of(node.type(0).dtype)](const Addresses& at) -> Status {
    std::memmove(at.at<std::byte>(in[0]), at.at<std::byte>(in[1]), bytes);
    return {};
  });
  finish(program, node);
  return {};
}

namespace {

template <class T>
void add_assign_add(Program& program, const std::vector<BufferId>& in, std::size_t count, std::size_t step) {
  program.add(in, [=](const Addresses& at) -> Status {
    for (std::size_t i = 0; i < count; ++i) at.at<T>(in[0])[i] += at.at<T>(in[1])[i * step];
    return {};
  });
}

}  // namespace

/// Inputs: parameter, what is added to it.
Status make_assign_add(Program& program, const graph::NodeView& node) {
  const DType dtype = node.type(0).dtype;
  const std::size_t count = count_of(node);
  const std::uint64_t more = graph::element_count(node.type(1)).value_or(0);
  if (node.type(1).dtype != dtype || (more != count && more != 1)) {
    return refusal("adds " + to_string(node.type(1)) + " to " + to_string(node.type(0)));
  }
  const std::vector<BufferId> in = read_all(program, node);
  const std::size_t step = more == count ? 1 : 0;
  if (dtype == DType::float32) {
    add_assign_add<float>(program, in, count, step);
  } else if (dtype == DType::int32) {
    add_assign_add<std::int32_t>(program, in, count, step);
  } else if (dtype == DType::int64) {
    add_assign_add<std::int64_t>(program, in, count, step);
  } else {
    return refusal("works on " + to_string(node.type(0)));
  }
  finish(program, node);
  return {};
}

}  // namespace ckpt::train
