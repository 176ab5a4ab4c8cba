#pragma once

#include <string_view>
#include <vector>

#include "gradients.h"
#include "op.h"

namespace ckpt::graph {

using GradientRule = Ruled<std::vector<ValueId>> (*)(const NodeView&, Backward&);

/// Null: no gradient is known.
GradientRule gradient_rule(std::string_view op);

}  // namespace ckpt::graph
