#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/stream.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// No element: nothing was found.
inline constexpr std::uint64_t kNoIndex = ~std::uint64_t{0};

/// Equal bins from `low` to `high`: bin i counts edge(i) <= x < edge(i + 1), the last one its upper edge too; what
/// numpy.histogram says. Of values that are all the same the edges are half below and half above.
struct Histogram {
  double low = 0;
  double high = 0;
  std::vector<std::uint64_t> counts = {};
  bool exact = true;  ///< false from a pipe: values are then known to one part in 128

  double edge(std::size_t i) const noexcept;
};

/// numpy.quantile, with its linear interpolation between the two values next to it.
struct Quantile {
  double fraction = 0;  ///< 0 the smallest, 0.5 the median, 1 the largest
  double value = 0;     ///< NaN where there are no finite values
  bool exact = true;    ///< false: off by one part in 128 at most, inside float's range of normal numbers
};

/// What the values of a tensor are like. NaN and infinities are counted, and left out of everything else. Values are
/// computed with as doubles (of 64-bit integers that is 53 bits), complex ones by their magnitude, Bool as 0 and 1.
struct Statistics {
  std::uint64_t count = 0;   ///< of elements
  std::uint64_t finite = 0;  ///< what the numbers below are of; where it is 0 they are NaN
  std::uint64_t nan = 0;
  std::uint64_t positive_inf = 0;
  std::uint64_t negative_inf = 0;
  std::uint64_t zeros = 0;      ///< both signs
  std::uint64_t denormals = 0;  ///< not zero, and below the type's smallest normal number
  double min = 0;
  double max = 0;
  double mean = 0;
  double std = 0;                             ///< of the population: the root of the mean squared distance to the mean
  double l2 = 0;                              ///< the root of the sum of squares
  std::uint64_t min_index = kNoIndex;         ///< the first that is `min`, counted in C order
  std::uint64_t max_index = kNoIndex;         ///< the first that is `max`
  std::uint64_t first_non_finite = kNoIndex;  ///< the first NaN or infinity
  std::optional<Histogram> histogram = {};    ///< from min to max, where asked for and there are finite values
  std::vector<Quantile> quantiles = {};       ///< in the order asked for
};

struct StatisticsOptions {
  unsigned bins = 0;                   ///< of the histogram; 0 = none. It costs a second pass over large tensors
  std::vector<double> quantiles = {};  ///< fractions in [0, 1]
  bool exact_quantiles =
      false;                  ///< further passes over large tensors; up to 4,096 values, 8 bits and BFloat16 always are
  bool keep_damaged = false;  ///< of a stream that fails: what came before; its next() gives the error again
  unsigned threads = 0;       ///< 0 = all cores; the results do not depend on it, to the last bit
  Progress progress = {};
};

/// Whether statistics() has something to say about it: numbers, as many as dims and type ask for. Not strings, maps
/// (their parts have), opaque entries, Int4 and HiFloat8, whose bits nobody has specified.
bool has_statistics(const TensorInfo& tensor) noexcept;

/// One for each of `tensors` (entries of `file`, or parts of its maps); empty where !has_statistics(). Each byte is
/// read once, in blocks; see the options for what needs more. Errors: io, changed, cancelled; usage for a fraction
/// outside [0, 1] and for more than 65,536 bins.
Result<std::vector<std::optional<Statistics>>> statistics(const Checkpoint& file,
                                                          std::span<const TensorInfo* const> tensors,
                                                          const StatisticsOptions& options = {});

/// One for each entry of the stream, which is read to its end, and for each part of a map instead of the map; empty for
/// those that `select` is false for. The same numbers as for a file, but that what would need a second pass is
/// approximate, and says so.
Result<std::vector<std::optional<Statistics>>> statistics(RecordStream& stream,
                                                          const std::function<bool(const TensorInfo& entry)>& select,
                                                          const StatisticsOptions& options = {});

/// Of the values of both; without indices, histogram and quantiles, which have no meaning then.
Statistics merged(const Statistics& a, const Statistics& b) noexcept;

}  // namespace ckpt
