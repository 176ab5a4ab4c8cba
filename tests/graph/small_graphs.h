#pragma once

#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph.h"

/// Graphs that tests make by hand.
namespace ckpt::test {

/// Numbers of which no two rows are alike, small enough for Float16.
inline graph::Contents some_floats(std::size_t count, float first = 0.25F) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = first + static_cast<float>(i % 37) / 64;
  const auto bytes = std::as_bytes(std::span(values));
  return graph::in_memory({bytes.begin(), bytes.end()});
}

inline graph::ValueId add_bound(graph::Graph& graph, std::string name, graph::Dims dims, float first = 0.25F) {
  std::size_t count = 1;
  for (const graph::Dim& dim : dims) count *= static_cast<std::size_t>(dim.size);
  const auto id = graph.add_parameter(std::move(name), {.dtype = DType::float32, .dims = std::move(dims)});
  graph.value(id).contents = some_floats(count, first);
  graph.value(id).bound = true;
  return id;
}

/// conv -> BiasAdd, on x: [N, 1, 8, 8].
inline graph::Graph conv_graph(const std::string& weight = "conv.weight", std::int64_t channels = 2) {
  using namespace graph;
  Graph net{.name = "conv"};
  const auto x = net.add_input("x", {.dtype = DType::float32, .dims = {Dim(std::string("N")), 1, 8, 8}});
  const auto w = add_bound(net, weight, {channels, 1, 3, 3});
  const auto b = add_bound(net, "conv.bias", {channels}, -0.5F);
  const auto conv = net.add_node("Conv2D", "Default/conv/Conv2D-op0", {x, w},
                                 {{"kernel_size", Ints{3, 3}},
                                  {"pad_mode", std::string("same")},
                                  {"pad_list", None{}},
                                  {"stride", Ints{1, 1}},
                                  {"dilation", Ints{1, 1}},
                                  {"group", std::int64_t{1}},
                                  {"format", std::string("NCHW")}})
                        .outputs[0];
  const auto sum =
      net.add_node("BiasAdd", "Default/conv/BiasAdd-op1", {conv, b}, {{"format", std::string("NCHW")}}).outputs[0];
  net.outputs = {sum};
  return net;
}

}  // namespace ckpt::test
