#pragma once

#include <cstddef>
#include <cstdint>

#include "ckpt/statistics.h"
#include "kernels.h"

namespace ckpt {

/// What statistics add up, of a run of elements: mergeable, in order of the runs.
struct Moments {
  std::uint64_t finite = 0;
  std::uint64_t nan = 0;
  std::uint64_t positive_inf = 0;
  std::uint64_t negative_inf = 0;
  std::uint64_t zeros = 0;
  std::uint64_t denormals = 0;
  double min = 0;
  double max = 0;
  double mean = 0;
  double m2 = 0;
  std::uint64_t min_index = kNoIndex;
  std::uint64_t max_index = kNoIndex;
  std::uint64_t first_non_finite = kNoIndex;

  /// At most kBlockValues unaligned values of which the first is element `first`.
  template <class Real>
  void add_block(const std::byte* values, std::size_t count, std::uint64_t first, double smallest_normal);
  /// Of elements that come later.
  void add(const Moments& later) noexcept;

  std::uint64_t count() const noexcept { return finite + nan + positive_inf + negative_inf; }
  Statistics statistics() const;

 private:
  template <class Real>
  void absorb(const BlockMoments& block, std::size_t count, const std::byte* values, std::uint64_t first,
              bool has_denormals);
  void add_mean(std::uint64_t more, double mean_of_more, double m2_of_more) noexcept;
};

extern template void Moments::add_block<float>(const std::byte*, std::size_t, std::uint64_t, double);
extern template void Moments::add_block<double>(const std::byte*, std::size_t, std::uint64_t, double);

}  // namespace ckpt
