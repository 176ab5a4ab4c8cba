#include "initial_weights.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "data/draw.h"

namespace ckpt::train {
namespace {

using graph::Graph;
using graph::Node;
using graph::Value;
using graph::ValueKind;

void draw_uniform(const std::string& name, double bound, std::uint64_t seed, Parameters& parameters) {
  Draw draw(mixed(seed, name));
  for (float& x : parameters.floats(name)) x = static_cast<float>((2 * draw.fraction() - 1) * bound);
}

// How many values make one output of a Conv2D or MatMul; 0 of others.
double fan_in(const Graph& network, const Node& node) {
  if (node.op != "Conv2D" && node.op != "MatMul") return 0;
  const graph::Dims& dims = network.value(node.inputs[1]).type.dims;
  double count = 1;
  for (std::size_t i = 1; i < dims.size(); ++i) count *= static_cast<double>(dims[i].size);
  return count;
}

}  // namespace

void initialise(const Graph& network, std::uint64_t seed, Parameters& parameters) {
  for (const Node& node : network.nodes) {
    if (const double fan = fan_in(network, node); fan > 0) {
      draw_uniform(network.value(node.inputs[1]).name, 1 / std::sqrt(fan), seed, parameters);
    } else if (node.op == "BiasAdd") {
      const Value& sum = network.value(node.inputs[0]);
      if (sum.kind != ValueKind::result) continue;
      const double behind = fan_in(network, network.nodes[sum.producer]);
      if (behind > 0) draw_uniform(network.value(node.inputs[1]).name, 1 / std::sqrt(behind), seed, parameters);
    } else if (node.op == "BatchNorm") {
      std::ranges::fill(parameters.floats(network.value(node.inputs[1]).name), 1.0F);
      std::ranges::fill(parameters.floats(network.value(node.inputs[4]).name), 1.0F);
    }
  }
}

}  // namespace ckpt::train
