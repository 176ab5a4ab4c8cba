#pragma once

#include <cstdint>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/progress.h"

namespace ckpt::viewer {

/// How many values there are of each magnitude, in bins that are about equally wide in the logarithm; exact counts.
/// Zeros, which have no logarithm, NaN and infinities are counted apart.
struct Magnitudes {
  std::vector<double> edges = {};  ///< of |x|, ascending and above 0; one more than there are bins; none: no bins
  std::vector<std::uint64_t> negative = {};  ///< by bin: edges[i] <= |x| < edges[i + 1]
  std::vector<std::uint64_t> positive = {};
  std::uint64_t zeros = 0;
  std::uint64_t non_finite = 0;
};

/// Of a tensor with numbers, in one pass. Complex numbers count by their magnitude. Errors: io, cancelled.
Result<Magnitudes> magnitudes(const Checkpoint& file, const TensorInfo& tensor, std::size_t bins,
                              const Progress& progress = {});

}  // namespace ckpt::viewer
