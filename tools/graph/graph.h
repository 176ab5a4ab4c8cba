#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/source.h"
#include "ckpt/tensor.h"

/// Networks between their sources (MindIR, graph.meta, GEIR, ONNX, the built-in ones) and their targets (ONNX, GEIR).
///
/// One small graph in SSA form: values with a dtype and a shape, and nodes with MindSpore's primitive names. All that
/// differs between the sources is gone once a reader returns: tensors are inputs, everything else is an attribute under
/// the name that the table of operators (op.h) has for it, and there are no tuples, monads, Loads or Depends.
namespace ckpt::graph {

/// One dimension: a number, or a name for what is only known when the network runs ("N", a dynamic batch).
struct Dim {
  std::int64_t size = -1;   ///< -1: not known
  std::string symbol = {};  ///< where size is -1: equal symbols are equal sizes; empty: nothing is known

  Dim() = default;
  Dim(std::int64_t number) : size(number) {}
  explicit Dim(std::string name) : symbol(std::move(name)) {}

  bool known() const noexcept { return size >= 0; }
  friend bool operator==(const Dim&, const Dim&) = default;
};

/// "3"; its name; "?" where nothing is known.
std::string to_string(const Dim& dim);

using Dims = std::vector<Dim>;

struct Type {
  DType dtype = DType::unknown;
  Dims dims = {};

  friend bool operator==(const Type&, const Type&) = default;
};

/// "Float32 [N, 3, 224, 224]".
std::string to_string(const Type& type);

/// Product of the dimensions; empty where one is not known, or the product exceeds 2^63-1.
std::optional<std::uint64_t> element_count(const Type& type);

using Ints = std::vector<std::int64_t>;
using Doubles = std::vector<double>;
using Strings = std::vector<std::string>;
using IntLists = std::vector<Ints>;  ///< Pad.paddings

struct None {
  friend bool operator==(const None&, const None&) = default;
};

/// An argument that is not a tensor.
using Attr = std::variant<None, bool, std::int64_t, double, std::string, Ints, Doubles, Strings, IntLists, DType>;
using Attrs = std::map<std::string, Attr, std::less<>>;

/// The bytes of a tensor, little-endian and row-major: where they are, or how they are made. Copies are cheap and
/// share.
struct Contents {
  struct Run {
    SourcePtr source = {};
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };

  std::vector<Run> runs = {};  ///< in order; they make up the tensor
  /// Set instead of runs: makes the bytes when they are needed (folded, transposed, converted). Any thread; may fail as
  /// reading does.
  std::function<Result<std::vector<std::byte>>()> make = {};
  std::uint64_t size = 0;  ///< in bytes
};

/// Contents that are kept in memory: small constants.
Contents in_memory(std::vector<std::byte> bytes);

/// The bytes themselves. Errors: those of the source; Errc::limit above `limit` bytes.
Result<std::vector<std::byte>> bytes_of(const Contents& contents, std::uint64_t limit);

using ValueId = std::uint32_t;
inline constexpr ValueId kAbsent = ~ValueId{0};  ///< an optional input that is not given

enum class ValueKind : std::uint8_t {
  input,      ///< given when the network runs
  parameter,  ///< bears the name it has in a checkpoint; contents come from there or from the graph's file
  constant,   ///< a tensor that belongs to the graph
  result,     ///< of a node
};

struct Value {
  std::string name = {};  ///< unique in the graph
  ValueKind kind = ValueKind::result;
  Type type = {};  ///< of a result: dtype is DType::unknown until infer_types() said, or as the source recorded it
  DType recorded = DType::unknown;  ///< of a result whose type was forgotten: as the source has it
  Contents contents = {};           ///< of a constant, and of a parameter that is bound
  bool bound = false;               ///< contents are there
  std::uint32_t producer = 0;       ///< of a result: index of its node
};

struct Node {
  std::string op = {};    ///< MindSpore's primitive, newest spelling of those in the table of operators: "Conv2D"
  std::string name = {};  ///< its full name: "Default/conv1-Conv2d/Conv2D-op0"; unique in the graph
  std::vector<ValueId> inputs = {};
  std::vector<ValueId> outputs = {};
  Attrs attrs = {};
};

struct Graph {
  std::string name = {};
  std::vector<Value> values = {};
  std::vector<Node> nodes = {};  ///< each after those it needs
  std::vector<ValueId> inputs = {};
  std::vector<ValueId> outputs = {};

  const Value& value(ValueId id) const { return values[id]; }
  Value& value(ValueId id) { return values[id]; }

  ValueId add_input(std::string value_name, Type type);
  ValueId add_parameter(std::string value_name, Type type);
  ValueId add_constant(std::string value_name, Type type, Contents contents);
  /// With `count` results; those of several are called NAME:0, NAME:1 …
  const Node& add_node(std::string op, std::string node_name, std::vector<ValueId> node_inputs, Attrs attrs = {},
                       std::size_t count = 1);
};

/// Whether the graph is what the types above promise: ids in range, each node after those it needs, names unique,
/// outputs there, contents as large as type says. Errc::malformed, with the first thing that is not so.
Status verify(const Graph& graph);

/// Types of results are no longer known, for the inputs get others: rules say what they are. Where none of these has
/// another element type, `dtypes` is false, and those of results are still what the source recorded.
void forget_results(Graph& graph, bool dtypes);

/// Of each value, whether it depends on an input of the network.
std::vector<bool> dependent(const Graph& graph);

/// Drops the nodes, constants and parameters that no output needs; inputs stay.
void drop_unused(Graph& graph);

/// What cannot be converted, and why: collected over a whole graph, one an operator and reason.
struct Refusal {
  std::string op = {};
  std::string reason = {};  ///< "no rule", "attribute group=0: must divide 64"
  std::size_t nodes = 0;
  std::string first = {};  ///< name of the first node concerned
};

/// Sorted by operator, then reason.
class Refusals {
 public:
  void add(const Node& node, std::string reason);
  void add(std::string_view op, std::string_view node, std::string reason);
  bool empty() const noexcept { return list_.empty(); }
  const std::vector<Refusal>& list() const noexcept { return list_; }

 private:
  std::vector<Refusal> list_ = {};
};

}  // namespace ckpt::graph
