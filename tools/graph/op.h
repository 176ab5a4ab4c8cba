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
#include "target_graph.h"

namespace ckpt::graph {

/// One argument of an operator, in the order of MindSpore's call: operands first, then those of the constructor.
struct Argument {
  enum class Is : std::uint8_t {
    tensor,
    optional_tensor,
    sizes,    ///< tensors of which a shape before asks for sizes (asked_size), if it does: the rest of the inputs
    tensors,  ///< a tuple of them (Concat, Stack, AddN): the rest of the node's inputs
    boolean,
    integer,
    number,
    text,  ///< enumerations too: MindSpore's numbers for pad_mode and format become its words
    integers,
    numbers,
    int_lists,
    dtype,
  };

  std::string_view name;
  Is is = Is::tensor;
  std::optional<Attr> fallback = {};  ///< what it is where nobody says; empty: it must be given
  std::string_view was = {};          ///< other spellings, separated by spaces, the better one first: "ksize"
  std::size_t numbers = 0;            ///< of integers: how many in canonical form; 0: any

  bool is_tensor() const noexcept { return is <= Is::tensors; }
};

/// Which of Attr's alternatives the value of an argument is that is no tensor.
std::size_t attr_index(Argument::Is is);

/// Among the numbers of a shape: the size of an axis of another input, which the network asks for when it runs.
struct AskedSize {
  std::size_t input = 0, axis = 0;
};
std::int64_t asked_size(AskedSize which);
std::optional<AskedSize> asked_size(std::int64_t number);  ///< empty: a number like any other

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

  /// What rules ask where types do not tell: the element type of the result, if the source recorded it.
  DType recorded_dtype() const {
    const Value& result = graph_.value(node_.outputs[0]);
    return result.type.dtype == DType::unknown ? result.recorded : result.type.dtype;
  }

  /// The node that an input is a result of; empty if it is none.
  std::optional<NodeView> maker(std::size_t i) const;

  bool flag(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  const Ints& integers(std::string_view name) const;  ///< a single integer too, as a list of one
  const Doubles& numbers(std::string_view name) const;
  const IntLists& int_lists(std::string_view name) const;
  DType dtype(std::string_view name) const;
  bool is_none(std::string_view name) const;

  /// The numbers of an input that is a constant (or a bound parameter): integers, booleans, floating point. Empty if
  /// the input is computed when the network runs.
  std::optional<Doubles> constant_numbers(std::size_t i) const;

 private:
  const Attr& attr(std::string_view name) const;
  const Graph& graph_;
  const Node& node_;
};

class Backward;

/// All that is known of an operator, in one place. Rules are pure and know no protobuf; their errors are reasons, to
/// which the walker adds operator and node.
struct Op {
  std::string_view name;      ///< newest spelling: "Add"
  std::string_view was = {};  ///< other spellings with the same meaning and arguments: "TensorAdd"
  std::vector<Argument> arguments = {};
  /// Operands that it changes in place, parameters all of them; what it returns is their new values, or made with them.
  std::vector<std::size_t> changes = {};
  std::string_view changes_if = {};  ///< ... where this attribute is true; empty: always
  /// In a training graph of MindSpore its arguments are attributes of the primitive; else they are constant operands.
  bool has_attributes = false;
  Result<std::vector<Type>> (*infer)(const NodeView&) = nullptr;
  Status (*to_onnx)(const NodeView&, Target&) = nullptr;  ///< null: refused by name
  Status (*to_ge)(const NodeView&, Target&) = nullptr;
  /// Gradients of the inputs, in their order; kAbsent for one that has none. Null: none is known.
  Result<std::vector<ValueId>> (*gradient)(const NodeView&, Backward&) = nullptr;
};

/// Sorted by name.
std::span<const Op> ops();

/// By a name of any release; null if there is none.
const Op* find_op(std::string_view name);

/// The operands that a node changes, by Op::changes; none of a node that is not in the table.
std::span<const std::size_t> changed_operands(const Node& node);

/// Makes of a node as a source has it one as the table has it, so that readers need not know operators:
/// - operator and attributes get the table's names, what it does not name goes, and fallbacks are filled in;
/// - a number is of the kind that is wanted (true for 1, 1.0 for 1, [1] for 1, a DType for MindSpore's TypeId 43);
/// - kernel_size, stride, dilation and the like have one number for each axis of the image: (3, 3) of 3, of
///   (1, 1, 3, 3), and of MaxPoolWithArgmax's (1, 3, 3, 1);
/// - pad_mode is "valid", "same" or "pad", format "NCHW", "NHWC" or "NCDHW", whatever the case or number they came as;
///   a pad_list that is not known (-1), or comes with another pad_mode than it was made for, is None: computed from
///   the shapes.
/// An operator that the table does not have stays as it is: infer_types and the walkers name it. Errc::unsupported for
/// an attribute that is missing, or of a wrong kind.
Status canonicalise(Node& node);

/// What the table knows, as a page of docs/: names, arguments, which targets, whether there is a gradient.
std::string operators_markdown();

/// Types of all results, from the inputs' to the outputs'. What a source recorded and inference knows too must agree;
/// refusals say where not, and which operators or arguments are not known. A type that could not be inferred stays as
/// it was.
Refusals infer_types(Graph& graph);
/// Those of one node.
Status infer_types(Graph& graph, const Node& node);

}  // namespace ckpt::graph
