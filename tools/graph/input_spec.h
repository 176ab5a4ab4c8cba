#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

std::vector<Type> input_types(const Graph& graph);

/// The types of all inputs when these get what is said of them: the named ones, then, in order, those that nobody
/// named. Errc::usage for an input that is not there, or is named twice.
Result<std::vector<Type>> wanted_inputs(const Graph& graph, std::span<const InputSpec> specs);

/// Gives the inputs these types. What the source recorded of results is dropped, because it may not hold any more.
void set_inputs(Graph& graph, const std::vector<Type>& types);

/// Both, where that changes anything.
Status apply_input_specs(Graph& graph, std::span<const InputSpec> specs);

}  // namespace ckpt::graph
