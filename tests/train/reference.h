#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph.h"
#include "op.h"

/// What the trainer's operators mean: plain loops in double precision, written to be read beside MindSpore's
/// definitions. Kernels and gradient rules are checked against it.
namespace ckpt::train::test {

/// A tensor, row-major: integers and booleans too, whatever dtype the graph gives them.
struct Array {
  graph::Ints dims = {};
  std::vector<double> values = {};
};

/// Of that many elements: the product of `dims`.
Array zeros(graph::Ints dims);

/// The results of one node. What updates parameters (ApplyMomentum, AssignAdd …; BatchNorm in training) changes those
/// inputs. Sizes are those of the arrays: types of the graph are not looked at, but for how many results there are.
/// Throws std::runtime_error with the node's name for an operator, or a use of it, that is not known here.
std::vector<Array> run_node(const graph::NodeView& node, std::span<Array* const> inputs);

/// Runs a graph. Parameters keep what a run made of them for the next one.
class Reference {
 public:
  /// Bound parameters and constants have their contents, the other parameters zeros. Borrows the graph.
  explicit Reference(const graph::Graph& graph);

  /// Of a parameter, of a result of the last run. Throws std::out_of_range for a name that is none.
  Array& value(std::string_view name);
  Array& value(graph::ValueId id) { return values_[id]; }

  /// In the graph's order; the outputs.
  std::vector<Array> run(const std::vector<Array>& inputs);

 private:
  const graph::Graph& graph_;
  std::vector<Array> values_ = {};  // by id
};

}  // namespace ckpt::train::test
