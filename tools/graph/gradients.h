#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"

/// Training as a graph: gradients are nodes, MindSpore's own primitives for them, behind those of the network.
namespace ckpt::graph {

/// Extends the graph by the gradients of `of`, one number, by each of `by`: returns those, in their order. Gradients of
/// a value that several nodes use are added. `seed` is the gradient of `of` itself: 1, or a loss scale.
///
/// Types must be inferred, without dimensions that are not known. Errc::unsupported names all operators on the way that
/// have no gradient rule, with the first node of each, and a value of `by` that `of` does not depend on. After an error
/// the graph is good for nothing.
Result<std::vector<ValueId>> add_gradients(Graph& graph, ValueId of, std::span<const ValueId> by, double seed = 1);

/// What the names of nodes are made with, as MindSpore numbers them: "Default/relu-ReLU" and ReLU become
/// "Default/relu-ReLU/ReLU-op0", then "Default/relu-ReLU/ReLU-op1".
class NodeNames {
 public:
  /// Knows those that the graph has.
  explicit NodeNames(const Graph& graph);

  std::string next(std::string_view scope, std::string_view op);

 private:
  std::map<std::string, std::size_t> next_ = {};
};

/// "Default/relu-ReLU" of "Default/relu-ReLU/ReLU-op0".
std::string_view scope_of(std::string_view node_name) noexcept;

/// Where a gradient rule works: it adds nodes to the graph, for one node of the network. They are typed at once, and
/// are called "Gradients/Default/fc1-Dense/Grad_MatMul/MatMul-op0". What cannot be typed is remembered; add_gradients
/// returns it once the rule is done.
class Backward {
 public:
  Backward(Graph& graph, NodeNames& names) : graph_(graph), names_(names) {}

  /// The gradient of a result of the node; kAbsent where none comes back.
  ValueId gradient(std::size_t result = 0) const { return gradients_[result]; }
  /// Whether the gradient of an input is needed. A rule may return kAbsent for one that is not.
  bool wants(std::size_t input) const { return wanted_[input]; }

  ValueId add(std::string_view op, std::vector<ValueId> inputs, Attrs attrs = {});
  std::vector<ValueId> add_several(std::string_view op, std::vector<ValueId> inputs, std::size_t results, Attrs attrs);
  /// Every element is this number.
  ValueId constant(Type type, double number);
  /// The number that every element of a constant is, if it came from constant().
  std::optional<double> number(ValueId id) const;
  const Type& type(ValueId id) const { return graph_.value(id).type; }
  /// Remembered as the error; returns an id that is good for nothing.
  ValueId fail(std::string why);

 private:
  friend class Autodiff;

  Graph& graph_;
  NodeNames& names_;
  std::string scope_ = {};
  std::vector<ValueId> gradients_ = {};
  std::vector<bool> wanted_ = {};
  std::map<ValueId, double> numbers_ = {};
  std::optional<Error> error_ = {};
};

}  // namespace ckpt::graph
