#pragma once

#include <cstdint>

#include "graph.h"

/// Rewrites of a graph, before it is converted.
namespace ckpt::graph {

/// Computes what is constant: nodes of which all inputs are constants, and those between bound parameters and an
/// operator that wants constants (the packed weights of an LSTM). Their results become constants that are made when
/// they are needed. Other parameters stay what they are, so that their names stay in the export. Types must be
/// inferred. Results above `limit` bytes stay nodes.
void fold_constants(Graph& graph, std::uint64_t limit = std::uint64_t{1} << 30);

/// Before the inputs get another batch than the source recorded: where an attribute has it baked in as a number (the
/// shapes of Reshape and BroadcastTo, the size of Slice, the end of StridedSlice), and where a constant has as many
/// equal rows (zeros that a state begins with), it is made to follow the input. With the old batch the network is what
/// it was. The batch is the first dimension of the first input. Returned is what cannot be made to follow, which is in
/// the way of another batch only: of each value the size must be known in terms of the batch, and be what the source
/// recorded where that is put in.
Refusals release_batch(Graph& graph);

/// Behind it: the inputs get the types that are asked for. Other sizes than the batch are numbers in attributes, too
/// (shapes, sizes of Resize, ends of slices), and an index may be one of as many as the input had; nothing tells them
/// from numbers that are no sizes. So a node with such a number, whose input has another size there than was recorded,
/// is refused.
Refusals resize_inputs(Graph& graph, const std::vector<Type>& asked);

}  // namespace ckpt::graph
