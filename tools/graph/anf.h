#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"
#include "literal.h"

namespace ckpt::graph {

// What MindIR and graph.meta have in common, and GEIR is made: MindSpore's own graph, where tuples, monads and
// arguments that are no tensors are values like any other.

/// What the source recorded of a node's result.
struct Recorded {
  enum class Is : std::uint8_t { nothing, tensor, list, other };

  Is is = Is::nothing;
  Type type = {};
  std::vector<Recorded> items = {};
};

struct Operand {
  enum class Is : std::uint8_t { node, constant, input, parameter };

  Is is = Is::node;
  std::uint32_t index = 0;
};

struct AnfNode {
  std::string op = {};
  std::string name = {};  ///< its full name, scope first
  std::vector<Operand> operands = {};
  std::map<std::string, Literal, std::less<>> attrs = {};
  Recorded recorded = {};
  std::string problem = {};  ///< why it cannot be part of a graph ("calls a function of the network"); mostly empty
};

struct AnfValue {
  std::string name = {};
  Type type = {};
  Contents contents = {};
  bool bound = false;
};

struct AnfGraph {
  std::string name = {};
  std::vector<AnfValue> inputs = {};
  std::vector<AnfValue> parameters = {};
  std::vector<Literal> constants = {};
  std::vector<AnfNode> nodes = {};
  std::vector<Operand> outputs = {};
};

/// The last node that bears the name, or is in the scope; Errc::usage if there is none.
Result<Operand> find_output(const AnfGraph& graph, std::string_view name_or_scope);

/// The nodes that the outputs need, each after those it needs; monads need nothing. Errc::malformed for a cycle.
Result<std::vector<std::uint32_t>> needed_nodes(const AnfGraph& graph);

/// What a node is that is no operator.
enum class Plumbing : std::uint8_t {
  none,
  pass_first,  ///< its first operand
  tuple,
  element,  ///< of a tuple
  monad,
  control,  ///< flow that depends on values
};
Plumbing plumbing(std::string_view op);

}  // namespace ckpt::graph
