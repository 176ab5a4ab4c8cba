#pragma once

#include <cstdint>
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

/// The number of ge::DataType, which GE's attributes have (its descriptors have another); -1 if it has none.
std::int64_t ge_dtype(DType dtype) noexcept;

}  // namespace ckpt::graph
