#include "small_networks.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "finite_differences.h"
#include "networks/build.h"
#include "op.h"
#include "ops/rules.h"

namespace ckpt::train::test {

using graph::Graph;
using graph::Ints;
using graph::Value;
using graph::ValueKind;

namespace {

/// With numbers of the size that an initialisation gives.
void bind_random(Graph& graph) {
  std::uint64_t seed = 1;
  for (Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    const std::size_t count = *element_count(value.type);
    const double fan = static_cast<double>(count) / static_cast<double>(value.type.dims[0].size);
    const bool near_one = value.name.ends_with("gamma") || value.name.ends_with("moving_variance");
    auto numbers = value.type.dims.size() == 1 ? random_numbers(count, seed, -0.2, 0.2)
                                               : random_numbers(count, seed, -1 / std::sqrt(fan), 1 / std::sqrt(fan));
    if (near_one) std::ranges::transform(numbers, numbers.begin(), [](double x) { return 1 + x; });
    value.contents = graph::contents_of(DType::float32, numbers);
    value.bound = true;
    ++seed;
  }
}

Graph ready(Result<Graph> made) {
  if (!made) throw std::runtime_error(made.error().message);
  Graph graph = std::move(*made);
  for (graph::Node& node : graph.nodes) {
    if (!canonicalise(node)) throw std::runtime_error(node.name);
  }
  if (!infer_types(graph).empty()) throw std::runtime_error(graph.name + ": types");
  bind_random(graph);
  return graph;
}

}  // namespace

Graph network(const char* name, Ints input, std::int64_t classes) {
  return ready(graph::make_network(name, {.num_classes = classes, .input = {input.begin(), input.end()}}));
}

Graph small_resnet() {
  using graph::Cell;
  const graph::NetworkOptions options{.num_classes = 3, .input = {3, 2, 12, 12}};
  graph::Net net("small", options, nullptr);
  const Cell root;
  const auto layer = [&](const char* name, graph::ValueId x, graph::Conv conv) {
    x = net.conv2d(root.in(std::string("conv") + name, "Conv2d"), x, conv);
    return net.batch_norm2d(root.in(std::string("bn") + name, "BatchNorm2d"), x, conv.out);
  };
  graph::ValueId x = net.input({3, 2, 12, 12});
  x = net.relu(root, layer("0", x, {.in = 2, .out = 4, .kernel = 3, .stride = 1}));
  x = net.node("Pad", root.in("pad", "Pad"), {x}, {{"paddings", graph::IntLists{{0, 0}, {0, 0}, {1, 1}, {1, 1}}}});
  x = net.max_pool2d(root.in("pool", "MaxPool2d"), x, 3, 2, "valid");
  const graph::ValueId block = net.relu(root, layer("1", x, {.in = 4, .out = 6, .kernel = 3, .stride = 2}));
  const graph::ValueId shortcut = layer("2", x, {.in = 4, .out = 6, .kernel = 1, .stride = 2});
  x = net.relu(root, net.node("Add", root, {block, shortcut}));
  const graph::ValueId deeper =
      layer("3", x, {.in = 6, .out = 6, .kernel = 3, .pad_mode = "pad", .pad = 1, .bias = true});
  x = net.relu(root, net.node("Add", root, {deeper, x}));
  x = net.node("ReduceMean", root, {x}, {{"axis", Ints{2, 3}}, {"keep_dims", true}});
  x = net.node("Flatten", root.in("flatten", "Flatten"), {x});
  return ready(std::move(net).finish(net.dense(root.in("fc", "Dense"), x, 6, 3)));
}

std::vector<std::string> parameters_of(const Graph& graph) {
  std::vector<std::string> names;
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::parameter) names.push_back(value.name);
  }
  return names;
}

std::vector<Array> batch(const Graph& graph) {
  std::vector<Array> inputs;
  for (const graph::ValueId id : graph.inputs) {
    Ints dims;
    for (const graph::Dim& dim : graph.value(id).type.dims) dims.push_back(dim.size);
    inputs.push_back(zeros(dims));
  }
  inputs[0].values = random_numbers(inputs[0].values.size(), 99, 0, 1);
  const std::size_t rows = static_cast<std::size_t>(inputs[1].dims[0]), columns = inputs[1].values.size() / rows;
  for (std::size_t i = 0; i < rows; ++i) {
    if (columns == 1) inputs[1].values[i] = static_cast<double>(i % 3);
    if (columns > 1) inputs[1].values[i * columns + i % 3] = 1;
  }
  return inputs;
}

}  // namespace ckpt::train::test
