#pragma once

#include <string>
#include <vector>

#include "op.h"

/// One node of each operator, or of each way to use it: what the tests of the table go through.
namespace ckpt::graph::test {

struct OperatorCase {
  std::string op;
  std::vector<Type> inputs;  ///< dtype unknown: not given
  Attrs attrs = {};
  std::vector<Type> results;
  std::size_t constants_from = 99;  ///< inputs from there on are parameters that are bound to ones
  int since = kMinOpset;            ///< before that opset it is refused
};

std::vector<OperatorCase> operator_cases();
/// Of those that only training has.
std::vector<OperatorCase> training_cases();

/// With a number for the batch of its inputs.
OperatorCase of_batch(OperatorCase each, std::int64_t batch);

/// The case as a graph, before its attributes are in canonical form.
Graph graph_of(const OperatorCase& each);

/// Float32 of sizes; a negative one is the batch "N".
Type f32(const Ints& sizes);
Type typed(DType dtype, const Ints& sizes);

}  // namespace ckpt::graph::test
