#pragma once

#include <vector>

#include "ckpt/error.h"
#include "graph.h"
#include "op.h"

namespace ckpt::graph {

/// Whether the inputs are as many as the operator wants, and the attributes there and of the kind it says. Rules trust
/// that they are.
Status check_node(const Op& op, const Node& node);

/// The types of a node's results, as its rule says and the source recorded; or why it has none. The node was checked
/// before (check_node). Rules of conversion see only nodes that this has types for: they trust it.
Result<std::vector<Type>> infer_node(const Graph& graph, const Op& op, const Node& node);

}  // namespace ckpt::graph
