#pragma once

#include <cstddef>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"

namespace ckpt::graph {

/// A training graph as the bytes of a -graph.meta: the anf_ir.ModelProto that MindSpore's ModelCheckpoint writes beside
/// checkpoints. Parameters are read by Load, what changes them is ordered by UpdateState, and the first output comes
/// after all of it. As MindSpore's, it has no values of tensors. The same graph gives the same bytes.
///
/// Types must be inferred. Errc::unsupported for an operator that the table has not, with the node's name, and for what
/// protobuf cannot hold.
Result<std::vector<std::byte>> to_meta(const Graph& graph);

}  // namespace ckpt::graph
