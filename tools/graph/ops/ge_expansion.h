#pragma once

#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/ge_steps.h"

namespace ckpt::graph::ascend {

/// Writes a node as other operators of MindSpore's, for which there are rules: what its newer spellings are made of.
/// They are nodes of a small graph of their own, which types them as any, and are converted one after the other. What
/// cannot be typed or converted is remembered, and nothing more is done.
class Expansion {
 public:
  Expansion(const NodeView& node, Target& target) : node_(node), target_(target) {}

  /// An input of the node; kAbsent if it is not given.
  ValueId in(std::size_t i);
  /// ... converted to that type, if it is another.
  ValueId in(std::size_t i, DType dtype) { return as(in(i), dtype); }
  ValueId as(ValueId x, DType dtype);

  /// A node with one result.
  ValueId operator()(std::string_view op, std::vector<ValueId> inputs, Attrs attrs = {}) {
    return several(op, std::move(inputs), 1, std::move(attrs)).front();
  }
  std::vector<ValueId> several(std::string_view op, std::vector<ValueId> inputs, std::size_t results, Attrs attrs = {});
  /// Constants.
  ValueId number(double value, DType dtype);
  /// ... of one dimension.
  ValueId numbers(const std::vector<double>& values, DType dtype);
  /// Of those sizes, of which one may be unknown.
  ValueId reshape(ValueId x, const Dims& dims);

  const Type& type(ValueId id) const { return graph_.value(id).type; }
  ValueId fail(const Status& why);

  /// The results of the node; one that is kAbsent is left out.
  Status finish(const std::vector<ValueId>& results);
  Status finish(ValueId result) { return finish(std::vector<ValueId>{result}); }
  template <class Results>
  Status finish(const Result<Results>& results) {
    return results ? finish(*results) : Status(results.error());
  }

 private:
  ValueId add(Value value, Ref ref);
  ValueId add_constant(Type type, const std::vector<double>& values, Ref ref);

  const NodeView& node_;
  Target& target_;
  Graph graph_ = {};
  std::vector<Ref> refs_ = {};  ///< of the values of graph_
  Status status_ = {};
};

/// A rule, of what says of which others a node is made.
template <auto kMade>
Status made_of(const NodeView& node, Target& target) {
  Expansion to(node, target);
  return to.finish(kMade(node, to));
}

// Of rules.
using To = Expansion;
using Ids = std::vector<ValueId>;

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// An input as the result's type.
inline ValueId as_result(const NodeView& node, To& to, std::size_t i = 0) { return to.in(i, node.result_type().dtype); }

/// An attribute as a constant of the result's type.
inline ValueId number_of(const NodeView& node, To& to, std::string_view name) {
  return to.number(node.number(name), node.result_type().dtype);
}

}  // namespace ckpt::graph::ascend
