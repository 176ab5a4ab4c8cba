#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "target_graph.h"

namespace ckpt::graph {

/// An operator as Ascend's graph engine registers it: what a GEIR file must say of each op besides what the rules do.
struct GeOp {
  struct Port {
    std::string_view name;
    bool optional = false;
    bool dynamic = false;  ///< any number of them: name0, name1 …
  };
  struct Attribute {
    std::string_view name;
    std::optional<Target::Attr> fallback = {};  ///< what is written where a rule says nothing; empty: rules must
  };

  std::string_view type;
  std::vector<Port> inputs = {};
  std::vector<Port> outputs = {};
  std::vector<Attribute> attributes = {};
};

/// Sorted by type. Those of GE v0.3, which MindSpore 0.3 exported for, where they are in it, else of the first version
/// that has them: Mish, Swish, HardSigmoid and GatherElements are of 1.3, LpNorm, Sort, Tril, Triu and volumes' pools
/// of releases behind that.
std::span<const GeOp> ge_ops();

/// Null if there is none.
const GeOp* find_ge_op(std::string_view type);

}  // namespace ckpt::graph
