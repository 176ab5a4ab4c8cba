#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"

namespace ckpt::graph {

/// What MindIR and graph.meta have in common: MindSpore's own graph, where tuples, monads and arguments that are no
/// tensors are values like any other.

/// A constant or an attribute.
struct Literal {
  enum class Is : std::uint8_t { none, monad, boolean, integer, number, text, dtype, tensor, list, other };

  Is is = Is::none;
  std::int64_t integer = 0;  ///< a boolean, too
  double number = 0;
  std::string text = {};  ///< of `other`: what it is, for a refusal
  std::string name = {};  ///< of a constant, where the file names it
  Type type = {};         ///< of a tensor; of a dtype: its dtype
  Contents contents = {};
  bool recorded = true;  ///< false: a tensor whose values the file does not have
  std::vector<Literal> items = {};

  static Literal of(bool value) { return {.is = Is::boolean, .integer = value ? 1 : 0}; }
  static Literal of(std::int64_t value) { return {.is = Is::integer, .integer = value}; }
  static Literal of(double value) { return {.is = Is::number, .number = value}; }
  static Literal of(std::string value) { return {.is = Is::text, .text = std::move(value)}; }
  static Literal of(DType value) { return {.is = Is::dtype, .type = {.dtype = value}}; }
  static Literal other(std::string what) { return {.is = Is::other, .text = std::move(what)}; }
};

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

/// The graph without tuples and monads. Arguments that are constants become attributes under the names that the table
/// of operators has for them, or constants of the graph where it wants a tensor. Outputs that are tuples become
/// several. Errors: malformed for what no graph can be (cycles, names of parameters that come twice).
Result<Graph> normalise(const AnfGraph& from, Refusals& refusals);

/// Of a constant: its value as an attribute; empty if it has none (a tensor of two dims, nested lists, values that are
/// not recorded).
std::optional<Attr> attr_of(const Literal& literal);

}  // namespace ckpt::graph
