#pragma once

#include <cstdint>
#include <vector>

#include "rules.h"

/// What a StridedSlice means: for its rules, and for folding it.
namespace ckpt::graph {

/// One axis of a slice, as Python counts.
struct Cut {
  std::int64_t axis = 0, begin = 0, end = kToTheEnd, step = 1;
};

/// With its masks resolved: cuts, then axes that vanish, then new ones.
struct Strided {
  std::vector<Cut> cuts = {};
  Ints gone = {};   ///< axes of the input
  Ints added = {};  ///< axes of the result
};

Result<Strided> strided(const NodeView& node);

/// Slice, as cuts.
Result<std::vector<Cut>> slice_cuts(const NodeView& node);
/// SliceExt and Narrow: of one axis.
Result<std::vector<Cut>> ext_cuts(const NodeView& node);
Result<std::vector<Cut>> narrow_cuts(const NodeView& node);

/// The element of an axis that is the first when it is rolled.
std::int64_t rolled_begin(std::int64_t size, std::int64_t shift);

/// The first element of an axis of that size, and how many there are.
struct Reach {
  std::int64_t first = 0, count = 0;
};
Reach reach_of(std::int64_t size, const Cut& cut);

}  // namespace ckpt::graph
