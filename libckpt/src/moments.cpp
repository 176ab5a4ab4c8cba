#include "moments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "kernels.h"
#include "numbers.h"

namespace ckpt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// It is among them.
template <class Real>
std::uint64_t index_of(double wanted, const std::byte* values, std::uint64_t first) noexcept {
  std::size_t i = 0;
  while (static_cast<double>(load_real<Real>(values, i)) != wanted) ++i;
  return first + i;
}

// Of finite values whose sum is above double's range.
template <class Real>
double mean_of_huge(std::span<const Real> values) noexcept {
  double mean = 0;
  for (const Real value : values) mean += static_cast<double>(value) / static_cast<double>(values.size());
  return mean;
}

}  // namespace

void Moments::add_mean(std::uint64_t more, double mean_of_more, double m2_of_more) noexcept {
  if (finite == 0) {
    finite = more;
    mean = mean_of_more;
    m2 = m2_of_more;
    return;
  }
  const double share = static_cast<double>(more) / static_cast<double>(finite + more);
  const double delta = mean_of_more - mean;
  m2 += m2_of_more + delta * delta * (static_cast<double>(finite) * share);
  mean = std::isfinite(delta) ? mean + delta * share : mean * (1 - share) + mean_of_more * share;
  finite += more;
}

template <class Real>
void Moments::absorb(const BlockMoments& block, std::size_t count, const std::byte* values, std::uint64_t first,
                     bool has_denormals) {
  if (finite == 0 || block.min < min) {
    min_index = index_of<Real>(block.min, values, first);
    min = block.min;
  }
  if (finite == 0 || block.max > max) {
    max_index = index_of<Real>(block.max, values, first);
    max = block.max;
  }
  zeros += block.zeros;
  if (has_denormals) denormals += block.small - block.zeros;
  add_mean(count, block.mean, block.m2);
}

template <class Real>
void Moments::add_block(const std::byte* values, std::size_t count, std::uint64_t first, double smallest_normal) {
  if (count == 0) return;
  const auto moments = kernels().real<Real>().moments;
  const auto smallest = static_cast<Real>(smallest_normal);
  const double center = finite > 0 ? mean : static_cast<double>(load_real<Real>(values, 0));
  BlockMoments block = moments(values, count, smallest, center);
  if (std::isfinite(block.mean)) return absorb<Real>(block, count, values, first, smallest_normal > 0);

  std::array<Real, kBlockValues> kept;
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Real value = load_real<Real>(values, i);
    if (std::isfinite(value)) {
      kept[size++] = value;
      continue;
    }
    first_non_finite = std::min(first_non_finite, first + i);
    ++(std::isnan(value) ? nan : value > 0 ? positive_inf : negative_inf);
  }
  if (size == 0) return;
  block = moments(reinterpret_cast<const std::byte*>(kept.data()), size, smallest,
                  finite > 0 ? mean : static_cast<double>(kept[0]));
  if (!std::isfinite(block.mean)) {
    block.mean = mean_of_huge(std::span<const Real>(kept).first(size));
    block.m2 = kInfinity;
  }
  absorb<Real>(block, size, values, first, smallest_normal > 0);
}

template void Moments::add_block<float>(const std::byte*, std::size_t, std::uint64_t, double);
template void Moments::add_block<double>(const std::byte*, std::size_t, std::uint64_t, double);

void Moments::add(const Moments& later) noexcept {
  nan += later.nan;
  positive_inf += later.positive_inf;
  negative_inf += later.negative_inf;
  first_non_finite = std::min(first_non_finite, later.first_non_finite);
  if (later.finite == 0) return;
  if (finite == 0 || later.min < min) {
    min = later.min;
    min_index = later.min_index;
  }
  if (finite == 0 || later.max > max) {
    max = later.max;
    max_index = later.max_index;
  }
  zeros += later.zeros;
  denormals += later.denormals;
  add_mean(later.finite, later.mean, later.m2);
}

Statistics Moments::statistics() const {
  Statistics out{.count = count(),
                 .finite = finite,
                 .nan = nan,
                 .positive_inf = positive_inf,
                 .negative_inf = negative_inf,
                 .zeros = zeros,
                 .denormals = denormals,
                 .min_index = min_index,
                 .max_index = max_index,
                 .first_non_finite = first_non_finite};
  if (finite == 0) {
    out.min = out.max = out.mean = out.std = out.l2 = kNaN;
    return out;
  }
  const auto n = static_cast<double>(finite);
  out.min = min;
  out.max = max;
  out.mean = mean;
  out.std = std::sqrt(m2 / n);
  out.l2 = std::sqrt(m2 + n * mean * mean);
  return out;
}

}  // namespace ckpt
