#pragma once

#include <span>
#include <string_view>

#include "op.h"

namespace ckpt::graph {

using GeRule = Status (*)(const NodeView&, Target&);

struct NamedGeRule {
  std::string_view op;
  GeRule rule;
};

/// Sorted by operator. The table of operators takes them from here.
std::span<const NamedGeRule> ge_rules();

/// Null if there is none for that operator.
GeRule ge_rule(std::string_view op);

}  // namespace ckpt::graph
