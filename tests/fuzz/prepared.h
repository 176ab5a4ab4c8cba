#pragma once

#include <string>
#include <vector>

#include "fuzz_target.h"
#include "graph.h"
#include "input_spec.h"
#include "prepare.h"
#include "target_graph.h"

/// Refused or not, a network goes its whole way to a target: rules see only what inference found right.
namespace ckpt::test {

inline void expect_prepared(const graph::Graph& network, const graph::Refusals& read,
                            const graph::PrepareOptions& options) {
  graph::Graph graph = network;
  const Status before = graph::verify(graph);
  const auto prepared = graph::prepare(graph, nullptr, options, read);
  if (!prepared) expect_no("a network that needs nothing else is not prepared: " + to_string(prepared.error()));
  const auto after = graph::verify(graph);
  if (before && !after) expect_no("a graph that was prepared is none: " + to_string(after.error()));
}

/// The inputs with an open batch in place of the one that is baked in, if there is one.
inline std::vector<graph::InputSpec> with_open_batch(const graph::Graph& network) {
  const std::vector<graph::Type> types = graph::input_types(network);
  std::vector<graph::InputSpec> specs;
  for (const graph::Type& type : types) {
    specs.push_back({.dims = type.dims});
    if (type.dims.empty() || types[0].dims.empty() || type.dims[0] != types[0].dims[0]) continue;
    specs.back().dims[0] = graph::Dim("N");
  }
  return specs;
}

inline void expect_prepared(const graph::Graph& network, const graph::Refusals& read) {
  for (const int opset : {0, graph::kMinOpset, graph::kMaxOpset})
    expect_prepared(network, read, {.opset = opset, .fold_batch_norm = true});
  const auto open = with_open_batch(network);
  expect_prepared(network, read, {.inputs = open, .recorded = true});
}

}  // namespace ckpt::test
