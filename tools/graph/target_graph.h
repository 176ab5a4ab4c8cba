#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "graph.h"

namespace ckpt::graph {

class NodeView;

/// What rules write: nodes of the target format in its own terms, without its serialisation. One Target a graph; each
/// rule appends the nodes of one node of the source and says what its results are.
class Target {
 public:
  /// A value of the target graph.
  using Ref = std::uint32_t;
  static constexpr Ref kNothing = ~Ref{0};  ///< an optional input left out

  using Attr = std::variant<bool, std::int64_t, float, std::string, Ints, std::vector<float>, Strings, IntLists, DType>;
  struct NamedAttr {
    std::string_view name;
    Attr value;
  };

  struct Output {
    std::string name = {};
    Type type = {};          ///< dtype unknown: of a step in between that nobody gave a type
    bool constant = false;   ///< a tensor with contents: an initialiser, a Const
    bool parameter = false;  ///< ... that is a parameter of the network
    Contents contents = {};
  };
  struct Step {
    std::string op = {};
    std::string name = {};
    std::vector<Ref> inputs = {};
    std::vector<Ref> outputs = {};
    std::vector<NamedAttr> attrs = {};
  };

  /// `opset` is ONNX's (kMinOpset to kMaxOpset); 0 where the target is GE.
  Target(const Graph& graph, int opset) : opset_(opset), graph_(&graph), by_value_(graph.values.size(), kNothing) {}
  int opset() const noexcept { return opset_; }

  /// The value that stands for a value of the source graph: inputs, parameters, constants, results of earlier nodes.
  /// Parameters and constants get into the target when they are asked for.
  Ref of(ValueId id);
  /// kNothing of what is not needed.
  Ref of(ValueId id) const { return id == kAbsent ? kNothing : by_value_[id]; }

  /// A step with one result, of the given type where it is known.
  Ref add(std::string_view op, std::vector<Ref> inputs, std::vector<NamedAttr> attrs = {}, Type type = {});
  /// ... with several.
  std::vector<Ref> add_many(std::string_view op, std::vector<Ref> inputs, std::size_t results,
                            std::vector<NamedAttr> attrs = {});
  /// Small tensors that the rule needs. Equal ones are one.
  Ref constant(const Ints& values);       ///< 1-D int64
  Ref scalar(double value, DType dtype);  ///< a number that its type of integers does not have is refused
  Ref tensor(Type type, Contents contents);

  /// Result `index` of the node being converted: a value that a step of this rule made, or one that was there before
  /// (Identity). A result that nobody uses may be left out; one that is used and left out is refused.
  void result(std::size_t index, Ref ref);

  /// Converts, in the course of the node being converted, one of another graph by its rule; `refs` are of that graph's
  /// values.
  using Rule = Status (*)(const NodeView&, Target&);
  Status convert(const Graph& graph, const Node& node, Rule rule, std::vector<Ref>& refs);

  const std::vector<Step>& steps() const noexcept { return steps_; }
  const std::vector<Output>& outputs() const noexcept { return outputs_; }

 private:
  friend class Conversion;
  Ref fresh(Output output);

  int opset_;
  const Graph* graph_;
  const Node* node_ = nullptr;  ///< being converted
  std::vector<Ref> by_value_;
  std::map<std::pair<std::string, std::vector<std::byte>>, Ref> constants_ = {};  ///< by type and bytes
  std::vector<Output> outputs_ = {};
  std::vector<Step> steps_ = {};
  std::string unfit_ = {};  ///< the first number that its type does not have
};

inline constexpr int kMinOpset = 13;
inline constexpr int kMaxOpset = 21;

/// Runs the rules over a graph whose types are inferred. Everything that cannot be converted is in `refusals`; the
/// target is complete only if there are none. All outputs of the graph bear their names in the target: an Identity is
/// added where a value would have two. The target refers to the graph, which must outlive it.
struct Converted {
  Target target;
  Refusals refusals;
};

/// The reason of a conversion that leaves out nodes without types and has nothing else to refuse. Where infer_types
/// refused something, that is why.
inline constexpr std::string_view kUntyped = "the types of its inputs and results are not known";

Converted convert_to_onnx(const Graph& graph, int opset);
Converted convert_to_ge(const Graph& graph);

}  // namespace ckpt::graph
