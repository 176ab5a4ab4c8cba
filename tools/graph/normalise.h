#pragma once

#include "anf.h"
#include "ckpt/error.h"
#include "graph.h"

namespace ckpt::graph {

/// The graph without tuples and monads. Arguments that are constants become attributes under the names that the table
/// of operators has for them, or constants of the graph where it wants a tensor. Outputs that are tuples become
/// several. Errors: malformed for what no graph can be (cycles, names of parameters that come twice).
Result<Graph> normalise(const AnfGraph& from, Refusals& refusals);

}  // namespace ckpt::graph
