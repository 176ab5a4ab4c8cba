#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ckpt/error.h"
#include "graph.h"

namespace ckpt::graph {

/// What a user says of an input: `32x3x224x224`, `Nx3x224x224:float32`, `x=Nx128:int32`, `scalar`.
///
/// A dimension is a number, a name for a size that is known only when the network runs (letters, digits and `_`, but no
/// `x`; equal names are equal sizes), or `?`.
struct InputSpec {
  std::string input = {};  ///< empty: the next one
  Dims dims = {};
  std::optional<DType> dtype = {};  ///< empty: as the graph says, or Float32
};

/// Errc::usage, with what is wrong.
Result<InputSpec> parse_input_spec(std::string_view text);

/// Gives inputs of the graph these types: the named ones, then, in order, those that nobody named. Where that changes
/// anything, what the source recorded of results is dropped, because it may not hold any more. Errc::usage for an input
/// that is not there, or is named twice.
Status apply_input_specs(Graph& graph, std::span<const InputSpec> specs);

}  // namespace ckpt::graph
