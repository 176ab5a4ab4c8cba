#pragma once

#include <cstdint>

#include "rules.h"

/// What a variance or its root is of: for the rules of each target.
namespace ckpt::graph {

/// With `correction` less than the count below the sum of squares.
struct Spread {
  Ints axes = {};
  bool keep = false;
  std::int64_t correction = 0;
};

using SpreadReader = Spread (*)(const NodeView&);
Spread spread_form(const NodeView& node);
/// As ReduceStd says it.
Spread reduce_std_form(const NodeView& node);

/// What the sum of squares is divided by.
Result<double> divisor_of(const NodeView& node, const Spread& form);

}  // namespace ckpt::graph
