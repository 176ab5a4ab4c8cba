#pragma once

#include <cstddef>

#include "graph.h"

namespace ckpt::graph {

/// Multiplies BatchNorms (of inference) into the weights of the convolution, transposed convolution or dense layer in
/// front of them (of a dense layer it may be that of images of one pixel, as nn.BatchNorm1d is); a BiasAdd stays, of
/// what was the BatchNorm's bias, or the layer's own. Where that would touch anything else (weights that are shared, a
/// result that somebody else reads too) nothing is done. Values must be bound; they are made when they are written, and
/// are computed in double precision. Returns how many were folded.
std::size_t fold_batch_norms(Graph& graph);

/// Makes a BiasAdd behind a convolution that has no bias that convolution's bias. Returns how many.
std::size_t fold_biases(Graph& graph);

}  // namespace ckpt::graph
