#include <algorithm>

#include "kernels/kernels.h"
#include "kernels/loops.h"
#include "ops/rules.h"
#include "threads.h"

namespace ckpt::train {
namespace {

constexpr std::size_t kLeast = 8192;  ///< elements that are worth a thread

bool is_float(const graph::Type& type) { return type.dtype == DType::float32; }

Status want_floats(const graph::NodeView& node) {
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    if (!is_float(node.type(i))) return refusal("works on " + to_string(node.type(i)));
  }
  return {};
}

/// All the floats of a buffer, those that only pad blocks of channels too.
std::size_t floats_in(const Layout& layout) { return layout.get_size() / sizeof(float); }

/// The layout that values of one shape meet in: one that has blocks of channels rather than a row-major one.
Layout meeting(const Program& program, std::initializer_list<graph::ValueId> values) {
  const graph::ValueId first = *values.begin();
  const Layout plain = plain_layout(program.graph().value(first).type);
  for (const graph::ValueId value : values) {
    if (program.layout(value) != plain) return program.layout(value);
  }
  return plain;
}

using BinaryLoop = void (*)(const float*, const float*, float*, std::size_t);

void run_binary(BinaryLoop loop, const float* a, const float* b, float* y, std::size_t count) {
  parallel(count, kLeast,
           [&](std::size_t begin, std::size_t end) { loop(a + begin, b + begin, y + begin, end - begin); });
}

/// y = loop(a, b), over a if that is not needed any more, else over b.
void add_binary(Program& program, BinaryLoop loop, graph::ValueId a, graph::ValueId b, graph::ValueId result) {
  const Layout layout = meeting(program, {a, b});
  const BufferId from_a = program.read(a, layout), from_b = program.read(b, layout);
  const bool over_a = program.layout(a) == layout;
  const bool over_b = !over_a && program.layout(b) == layout;
  const BufferId to = over_a   ? program.write_over(result, a)
                      : over_b ? program.write_over(result, b)
                               : program.write(result, layout);
  program.add({from_a, from_b, to}, [=, count = floats_in(layout)](const Addresses& at) -> Status {
    run_binary(loop, at.floats(from_a), at.floats(from_b), at.floats(to), count);
    return {};
  });
}

}  // namespace

Status make_relu(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node); !status) return status;
  const graph::ValueId x = node.node().inputs[0];
  const BufferId from = program.read(x), to = program.write_over(node.node().outputs[0], x);
  program.add({from, to}, [=, count = floats_in(program.layout(x))](const Addresses& at) -> Status {
    parallel(count, kLeast, [&](std::size_t begin, std::size_t end) {
      loops().relu(at.floats(from) + begin, at.floats(to) + begin, end - begin);
    });
    return {};
  });
  return {};
}

/// Inputs: gradient, result of the ReLU. As part of a BatchNormGrad behind it, where nobody else wants what is between.
Status make_relu_grad(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node); !status) return status;
  const graph::ValueId dy = node.node().inputs[0], y = node.node().inputs[1], result = node.node().outputs[0];
  if (const graph::Node* norm = program.only_user(result, "BatchNormGrad"); norm && norm->inputs[0] == result) {
    program.fuse(*norm);
    return make_batch_norm_grad_behind(program, graph::NodeView(program.graph(), *norm), dy, y);
  }
  add_binary(program, loops().relu_grad, dy, y, result);
  return {};
}

// ---- two values, NumPy's broadcasting ----

namespace {

/// Strides of an operand for each axis of the result: zero where it is repeated.
std::vector<std::size_t> strides_in(const graph::Type& operand, const graph::Type& result) {
  const std::size_t missing = result.dims.size() - operand.dims.size();
  std::vector<std::size_t> strides(result.dims.size(), 0);
  std::size_t stride = 1;
  for (std::size_t i = operand.dims.size(); i-- > 0;) {
    const auto size = static_cast<std::size_t>(operand.dims[i].size);
    if (size != 1) strides[missing + i] = stride;
    stride *= size;
  }
  return strides;
}

template <class T, class F>
void broadcast_loop(const std::vector<std::size_t>& dims, const std::vector<std::size_t>& in_a,
                    const std::vector<std::size_t>& in_b, const T* a, const T* b, T* y, F f) {
  std::size_t total = 1;
  for (const std::size_t dim : dims) total *= dim;
  std::vector<std::size_t> at(dims.size(), 0);
  std::size_t i = 0, j = 0;
  for (std::size_t k = 0; k < total; ++k) {
    y[k] = f(a[i], b[j]);
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      i += in_a[axis];
      j += in_b[axis];
      if (++at[axis] < dims[axis]) break;
      i -= in_a[axis] * dims[axis];
      j -= in_b[axis] * dims[axis];
      at[axis] = 0;
    }
  }
}

enum class Operation { add, subtract, multiply, divide };

template <class T>
T apply(Operation operation, T a, T b) {
  switch (operation) {
    case Operation::add:
      return a + b;
    case Operation::subtract:
      return a - b;
    case Operation::multiply:
      return a * b;
    case Operation::divide:
      break;
  }
  return a / b;
}

Operation operation_of(const std::string& op) {
  if (op == "Add" || op == "BiasAdd") return Operation::add;
  if (op == "Sub") return Operation::subtract;
  return op == "Mul" ? Operation::multiply : Operation::divide;
}

BinaryLoop loop_of(Operation operation) {
  switch (operation) {
    case Operation::add:
      return loops().add;
    case Operation::subtract:
      return loops().subtract;
    case Operation::multiply:
      return loops().multiply;
    case Operation::divide:
      break;
  }
  return loops().divide;
}

template <class T>
void add_broadcast(Program& program, Operation operation, const graph::NodeView& node, const graph::Type& second) {
  const graph::Type& result = node.result_type();
  std::vector<std::size_t> dims;
  for (const graph::Dim& dim : result.dims) dims.push_back(static_cast<std::size_t>(dim.size));
  const BufferId a = program.read_plain(node.node().inputs[0]), b = program.read_plain(node.node().inputs[1]);
  const BufferId y = program.write_plain(node.node().outputs[0]);
  program.add(
      {a, b, y},
      [=, in_a = strides_in(node.type(0), result), in_b = strides_in(second, result)](const Addresses& at) -> Status {
        broadcast_loop(dims, in_a, in_b, at.at<T>(a), at.at<T>(b), at.at<T>(y),
                       [operation](T left, T right) { return apply(operation, left, right); });
        return {};
      });
}

/// Any value with one that is a single number: times it, or through it.
void add_scaling(Program& program, Operation operation, graph::ValueId x, graph::ValueId number,
                 graph::ValueId result) {
  const Layout layout = program.layout(x);
  const BufferId from = program.read(x), by = program.read_plain(number), to = program.write_over(result, x);
  const bool divide = operation == Operation::divide;
  program.add({from, by, to}, [=, count = floats_in(layout)](const Addresses& at) -> Status {
    const float factor = divide ? 1 / *at.floats(by) : *at.floats(by);
    parallel(count, kLeast, [&](std::size_t begin, std::size_t end) {
      loops().scale(at.floats(from) + begin, factor, at.floats(to) + begin, end - begin);
    });
    return {};
  });
}

bool is_single(const graph::Type& type) { return graph::element_count(type) == 1; }

Status add_float_binary(Program& program, Operation operation, const graph::NodeView& node) {
  const auto& in = node.node().inputs;
  const graph::ValueId result = node.node().outputs[0];
  const bool scaling = operation == Operation::multiply || operation == Operation::divide;
  if (node.type(0).dims == node.type(1).dims) {
    if (operation == Operation::divide) {  // what pads blocks of channels would become NaN
      add_broadcast<float>(program, operation, node, node.type(1));
    } else if (const graph::Node* relu = program.only_user(result, "ReLU"); relu && operation == Operation::add) {
      program.fuse(*relu);
      add_binary(program, loops().add_relu, in[0], in[1], relu->outputs[0]);
    } else {
      add_binary(program, loop_of(operation), in[0], in[1], result);
    }
  } else if (scaling && is_single(node.type(1)) && node.type(0).dims == node.result_type().dims) {
    add_scaling(program, operation, in[0], in[1], result);
  } else if (operation == Operation::multiply && is_single(node.type(0)) &&
             node.type(1).dims == node.result_type().dims) {
    add_scaling(program, operation, in[1], in[0], result);
  } else {
    add_broadcast<float>(program, operation, node, node.type(1));
  }
  return {};
}

}  // namespace

Status make_binary(Program& program, const graph::NodeView& node) {
  const Operation operation = operation_of(node.node().op);
  const DType dtype = node.result_type().dtype;
  for (std::size_t i = 0; i < 2; ++i) {
    if (node.type(i).dtype != dtype) return refusal("of different types: " + to_string(node.type(i)));
  }
  if (dtype == DType::float32) return add_float_binary(program, operation, node);
  if (dtype != DType::int32 || operation == Operation::divide) return refusal("works on " + to_string(node.type(0)));
  add_broadcast<std::int32_t>(program, operation, node, node.type(1));
  return {};
}

Status make_bias_add(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node); !status) return status;
  if (node.type(0).dims.size() > 2 && node.text("format") != "NCHW") return refusal("format " + node.text("format"));
  graph::Type bias = node.type(1);
  bias.dims.resize(node.type(0).dims.size() - 1, graph::Dim(1));  // [C] as [C, 1, 1]
  add_broadcast<float>(program, Operation::add, node, bias);
  return {};
}

/// The sum over all axes but the second.
Status make_bias_add_grad(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node); !status) return status;
  const graph::Type& type = node.type(0);
  if (type.dims.size() > 2 && node.text("format") != "NCHW") return refusal("format " + node.text("format"));
  const graph::ValueId dy = node.node().inputs[0];
  if (type.dims.size() != 2 && type.dims.size() != 4) return refusal("works on " + to_string(type));
  const LayoutDims dims = dims_of(type);
  // a matrix [N, C] is a batch of images of one pixel, channels last
  const bool flat = dims.size() == 2;
  const std::size_t batch = static_cast<std::size_t>(dims[0]), channels = static_cast<std::size_t>(dims[1]);
  const BufferId to = program.write_plain(node.node().outputs[0]);
  if (flat) {
    const BufferId from = program.read_plain(dy);
    program.add({from, to}, [=](const Addresses& at) -> Status {
      float* sums = at.floats(to);
      std::fill(sums, sums + channels, 0.0F);
      for (std::size_t n = 0; n < batch; ++n) loops().add(sums, at.floats(from) + n * channels, sums, channels);
      return {};
    });
    return {};
  }
  const Layout layout = with_lanes(program, dy);
  const BufferId from = program.read(dy, layout);
  program.add({from, to}, [=, lanes = *lanes_of(layout)](const Addresses& at) -> Status {
    parallel(lanes.blocks, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t block = begin; block < end; ++block) {
        Eighth sums;
        loops().channel_sums(lanes, block, at.floats(from), sums.at);
        sums.store(at.floats(to), block, channels);
      }
    });
    return {};
  });
  return {};
}

Status make_add_n(Program& program, const graph::NodeView& node) {
  if (auto status = want_floats(node); !status) return status;
  const auto& in = node.node().inputs;
  const graph::ValueId result = node.node().outputs[0];
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (node.type(i).dims != node.type(0).dims) return refusal("of different shapes");
  }
  if (in.size() == 1) {
    program.share(result, in[0]);
    return {};
  }
  if (in.size() == 2) {
    add_binary(program, loops().add, in[0], in[1], result);
    return {};
  }
  const Layout layout = meeting(program, {in[0], in[1]});
  BufferId sum = program.read(in[0], layout);
  const BufferId to = program.write(result, layout);  // not over an input: it may be given twice
  for (std::size_t i = 1; i < in.size(); ++i) {
    const BufferId next = program.read(in[i], layout);
    program.add({sum, next, to}, [=, count = floats_in(layout)](const Addresses& at) -> Status {
      run_binary(loops().add, at.floats(sum), at.floats(next), at.floats(to), count);
      return {};
    });
    sum = to;
  }
  return {};
}

}  // namespace ckpt::train
