#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"
#include "target.h"

namespace ckpt::graph {

/// One argument of an operator, in the order of MindSpore's call: operands first, then those of the constructor.
struct Argument {
  enum class Is : std::uint8_t {
    tensor,
    optional_tensor,
    tensors,  ///< a tuple of them (Concat, Stack, AddN): the rest of the node's inputs
    boolean,
    integer,
    number,
    text,  ///< enumerations too: MindSpore's numbers for pad_mode and format become its words
    integers,
    int_lists,
    dtype,
  };

  std::string_view name;
  Is is = Is::tensor;
  std::optional<Attr> fallback = {};  ///< what it is where nobody says; empty: it must be given
  std::string_view was = {};          ///< spellings of other releases, separated by spaces: "ksize"

  bool is_tensor() const noexcept { return is <= Is::tensors; }
};

/// A node as rules see it: its inputs' types and its attributes, read with the right type. The walker checked before
/// that the inputs are as many as the operator wants, and that the attributes are there and of the kind it says.
class NodeView {
 public:
  NodeView(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  const Node& node() const noexcept { return node_; }
  std::size_t input_count() const noexcept { return node_.inputs.size(); }
  bool has_input(std::size_t i) const noexcept { return i < node_.inputs.size() && node_.inputs[i] != kAbsent; }
  const Value& input(std::size_t i) const { return graph_.value(node_.inputs[i]); }
  const Type& type(std::size_t i) const { return input(i).type; }
  const Type& result_type(std::size_t i = 0) const { return graph_.value(node_.outputs[i]).type; }

  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  const Ints& integers(std::string_view name) const;  ///< a single integer too, as a list of one
  const IntLists& int_lists(std::string_view name) const;
  DType dtype(std::string_view name) const;
  bool is_none(std::string_view name) const;

  /// The numbers of an input that is a constant (or a bound parameter): integers, booleans, floating point. Empty if
  /// the input is computed when the network runs.
  std::optional<Ints> constant_integers(std::size_t i) const;
  std::optional<Doubles> constant_numbers(std::size_t i) const;

 private:
  const Attr& attr(std::string_view name) const;
  const Graph& graph_;
  const Node& node_;
};

/// A reason that this node cannot be typed or converted; the walker adds operator and node.
template <class T>
using Ruled = Result<T>;

/// All that is known of an operator, in one place. Rules are pure and know no protobuf.
struct Op {
  std::string_view name;      ///< newest spelling: "Add"
  std::string_view was = {};  ///< other spellings with the same meaning and arguments: "TensorAdd"
  std::vector<Argument> arguments = {};
  Ruled<std::vector<Type>> (*infer)(const NodeView&) = nullptr;
  Status (*to_onnx)(const NodeView&, Target&) = nullptr;  ///< null: refused by name
  Status (*to_ge)(const NodeView&, Target&) = nullptr;
};

/// Sorted by name.
std::span<const Op> ops();

/// By a name of any release; null if there is none.
const Op* find_op(std::string_view name);

/// Types of all results, from the inputs' to the outputs'. What a source recorded and inference knows too must agree;
/// refusals say where not, and which operators or arguments are not known. A type that could not be inferred stays as
/// it was.
Refusals infer_types(Graph& graph);

}  // namespace ckpt::graph
