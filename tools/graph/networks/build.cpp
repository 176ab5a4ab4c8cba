#include "networks/build.h"

#include <array>
#include <bit>
#include <cstddef>
#include <utility>

namespace ckpt::graph {

Cell Cell::in(std::string_view name, std::string_view type) const {
  Cell cell = unnamed(name, type);
  cell.parameters.append(name).append(".");
  return cell;
}

Cell Cell::unnamed(std::string_view name, std::string_view type) const {
  Cell cell = *this;
  cell.nodes.append(name).append("-").append(type).append("/");
  return cell;
}

Net::Net(std::string_view name, const NetworkOptions& options, const Checkpoint* file, std::string prefix)
    : options_(options), file_(file), prefix_(std::move(prefix)) {
  graph_.name = name;
}

const TensorInfo* Net::find(std::string_view parameter) const {
  return file_ ? file_->find(prefix_ + std::string(parameter)) : nullptr;
}

bool Net::has(std::string_view parameter, bool fallback) const { return file_ ? find(parameter) != nullptr : fallback; }

std::int64_t Net::dim(std::string_view parameter, std::size_t axis, std::int64_t fallback) const {
  const TensorInfo* tensor = find(parameter);
  if (!tensor || axis >= tensor->dims.size() || tensor->dims[axis] <= 0) return fallback;
  return tensor->dims[axis];
}

std::int64_t Net::classes(std::string_view parameter, std::int64_t fallback) const {
  return options_.num_classes.value_or(dim(parameter, 0, fallback));
}

void Net::fail(std::string message) {
  if (!error_) error_ = Error{.code = Errc::usage, .message = "network " + graph_.name + ": " + std::move(message)};
}

std::int64_t Net::channels(std::int64_t usual) const {
  const Dims& asked = options_.input;
  return asked.size() == 4 && asked[1].known() ? asked[1].size : usual;
}

ValueId Net::input(Dims usual) {
  const Dims& asked = options_.input;
  if (!asked.empty() && asked.size() != usual.size()) {
    fail("its input has " + std::to_string(usual.size()) + " dimensions, not " + std::to_string(asked.size()));
  }
  return graph_.add_input("x", Type{.dtype = DType::float32, .dims = asked.empty() ? std::move(usual) : asked});
}

ValueId Net::parameter(std::string name, std::initializer_list<std::int64_t> dims) {
  return graph_.add_parameter(std::move(name), Type{.dtype = DType::float32, .dims = Dims(dims.begin(), dims.end())});
}

ValueId Net::node(std::string_view op, const Cell& at, std::vector<ValueId> inputs, Attrs attrs) {
  return node_of_several(op, at, std::move(inputs), 1, std::move(attrs)).front();
}

std::vector<ValueId> Net::node_of_several(std::string_view op, const Cell& at, std::vector<ValueId> inputs,
                                          std::size_t results, Attrs attrs) {
  std::string name = at.nodes + std::string(op) + "-op" + std::to_string(next_++);
  return graph_.add_node(std::string(op), std::move(name), std::move(inputs), std::move(attrs), results).outputs;
}

ValueId Net::conv2d(const Cell& at, ValueId x, const Conv& conv) {
  const ValueId weight =
      parameter(at.parameters + "weight", {conv.out, conv.in / conv.group, conv.kernel, conv.kernel});
  Attrs attrs{{"out_channel", conv.out},
              {"kernel_size", Ints{conv.kernel, conv.kernel}},
              {"pad_mode", std::string(conv.pad_mode)},
              {"pad", Ints(4, conv.pad)},
              {"stride", Ints{conv.stride, conv.stride}},
              {"dilation", Ints{1, 1}},
              {"group", conv.group},
              {"format", std::string("NCHW")}};
  if (conv.pad_mode == "pad") attrs.emplace("pad_list", Ints(4, conv.pad));
  const ValueId y = node("Conv2D", at, {x, weight}, std::move(attrs));
  if (!conv.bias) return y;
  return node("BiasAdd", at, {y, parameter(at.parameters + "bias", {conv.out})}, {{"format", std::string("NCHW")}});
}

ValueId Net::batch_norm2d(const Cell& at, ValueId x, std::int64_t channels, double epsilon) {
  const ValueId gamma = parameter(at.parameters + "gamma", {channels});
  const ValueId beta = parameter(at.parameters + "beta", {channels});
  const ValueId mean = parameter(at.parameters + "moving_mean", {channels});
  const ValueId variance = parameter(at.parameters + "moving_variance", {channels});
  return node("BatchNorm", at, {x, gamma, beta, mean, variance},
              {{"is_training", false}, {"epsilon", epsilon}, {"momentum", 0.1}, {"format", std::string("NCHW")}});
}

ValueId Net::dense(const Cell& at, ValueId x, std::int64_t in, std::int64_t out) {
  const ValueId weight = parameter(at.parameters + "weight", {out, in});
  const ValueId y = node("MatMul", at, {x, weight}, {{"transpose_a", false}, {"transpose_b", true}});
  return node("BiasAdd", at, {y, parameter(at.parameters + "bias", {out})}, {{"format", std::string("NCHW")}});
}

ValueId Net::max_pool2d(const Cell& at, ValueId x, std::int64_t kernel, std::int64_t stride,
                        std::string_view pad_mode) {
  return node("MaxPool", at, {x},
              {{"kernel_size", Ints{kernel, kernel}},
               {"strides", Ints{stride, stride}},
               {"pad_mode", std::string(pad_mode)},
               {"format", std::string("NCHW")}});
}

std::vector<ValueId> Net::split(const Cell& at, ValueId x, std::int64_t axis, std::int64_t parts) {
  if (parts == 1) return {x};
  return node_of_several("Split", at, {x}, static_cast<std::size_t>(parts), {{"axis", axis}, {"output_num", parts}});
}

ValueId Net::scalar(std::string_view name, float value) {
  for (std::size_t id = 0; id < graph_.values.size(); ++id) {
    if (graph_.values[id].name == name) return static_cast<ValueId>(id);
  }
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof value>>(value);
  return graph_.add_constant(std::string(name), Type{.dtype = DType::float32},
                             in_memory(std::vector<std::byte>(bytes.begin(), bytes.end())));
}

Result<Graph> Net::finish(ValueId x) && {
  if (error_) return std::move(*error_);
  graph_.outputs = {x};
  return std::move(graph_);
}

}  // namespace ckpt::graph
