#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph.h"

/// What a network has once for each example, though it is the same for all: a class token, the zeros that a state
/// begins with, positions, a mask. In a file with a certain batch it has as many rows as that.
namespace ckpt::graph {

/// An input of a node, and the axis along which it has its rows.
struct RowsUse {
  std::size_t node = 0, input = 0, axis = 0;
};

/// Whether along an axis a constant is its first so many rows over and over, bit for bit; `period` divides the size.
bool repeats_along(const Value& constant, std::size_t axis, std::int64_t period);

/// These inputs, which are constants or parameters, get rows for the batch that the network runs with (the first
/// dimension of its first input), where they had them for the recorded one. Other uses of the same values stay.
void repeat_for_batch(Graph& graph, const std::vector<RowsUse>& uses, std::int64_t recorded);

}  // namespace ckpt::graph
