#pragma once

#include <string_view>
#include <vector>

#include "op.h"

namespace ckpt::graph {

using GradientRule = Result<std::vector<ValueId>> (*)(const NodeView&, Backward&);

/// Null: no gradient is known.
GradientRule gradient_rule(std::string_view op);

}  // namespace ckpt::graph
