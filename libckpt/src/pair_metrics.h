#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ckpt/diff.h"

namespace ckpt {

/// What a comparison adds up, of a run of elements: mergeable, in order of the runs.
struct MetricSums {
  std::uint64_t changed = 0;
  std::uint64_t outside = 0;
  std::uint64_t from_zero = 0;
  std::uint64_t new_nan = 0;
  std::uint64_t lost_nan = 0;
  std::uint64_t new_inf = 0;
  std::uint64_t lost_inf = 0;
  std::uint64_t finite = 0;  ///< pairs of finite values, of those that were looked at
  double sum_abs = 0;
  double sum_squares = 0;
  double sum_aa = 0;
  double sum_bb = 0;
  double sum_ab = 0;
  double max_abs = 0;
  double max_rel = 0;
  std::uint64_t max_ulp = 0;
  std::uint64_t first_index = Metrics::kNone;
  std::uint64_t worst_index = Metrics::kNone;
  std::uint64_t worst_rel_index = Metrics::kNone;
  std::uint64_t first_non_finite = Metrics::kNone;

  /// Of elements that come later.
  void add(const MetricSums& later) noexcept;
  /// Only what elements that did not change have: their norms.
  void add_unchanged(const MetricSums& same) noexcept;
  /// Of `elements` in all, of which those that were not looked at are finite and have not changed.
  Metrics metrics(std::uint64_t elements) const noexcept;
};

/// Compares elements of two types.
class PairMetrics {
 public:
  virtual ~PairMetrics() = default;
  /// The same number of elements of both, of which the first has the index `first`.
  virtual void add(std::span<const std::byte> a, std::span<const std::byte> b, std::uint64_t first,
                   MetricSums& sums) = 0;
};

/// By value; null where one of the types has none.
std::unique_ptr<PairMetrics> metrics_by_value(DType a, DType b, const Tolerance& tolerance);

/// By bytes, whatever they mean.
void add_bytes(std::span<const std::byte> a, std::span<const std::byte> b, std::uint64_t first,
               MetricSums& sums) noexcept;

}  // namespace ckpt
