#pragma once

#include <span>

#include "ckpt/error.h"
#include "target_graph.h"

namespace ckpt::graph {

/// Whether ONNX's operator of that opset takes values of the types that it is given: an error says which it does not.
/// A value of which no type is known passes.
Status check_onnx_types(const Target::Step& step, std::span<const Target::Output> values, int opset);

}  // namespace ckpt::graph
