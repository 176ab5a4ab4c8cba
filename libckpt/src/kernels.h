#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// The inner loops of statistics and comparison. Each exists once for every instruction set and gives the same bits with
// all of them: eight fixed lanes, added up in a fixed order, and no contraction of multiplications and additions.
namespace ckpt {

/// Values that a loop is given at once, at most: they stay in the first-level cache for a second look.
inline constexpr std::size_t kBlockValues = 2048;

/// Of one block of finite values. With others among them `mean` is not finite and nothing else counts.
struct BlockMoments {
  double min = 0;
  double max = 0;
  double mean = 0;
  double m2 = 0;  ///< sum of squared distances to the mean
  std::uint32_t zeros = 0;
  std::uint32_t small = 0;  ///< below the smallest normal number, zeros included
};

/// Equal bins from an edge on.
template <class Real>
struct Binning {
  Real low = 0;
  Real scale = 0;  ///< bins a unit
  Real bins = 0;
  Real slack = 0;  ///< how near to an edge rounding may put a value on its wrong side, in bins
};

/// What counts as a difference, and what is known of the largest relative one.
struct Bounds {
  enum Kind : std::uint8_t { none, values, ulps };
  Kind kind = none;  ///< none: every change counts; values: atol and rtol are looked at; ulps: ulp too
  double atol = 0;
  double rtol = 0;
  std::uint64_t ulp = 0;
  double rel = 0;  ///< |a - b| above rel |a| is worth a closer look
};

/// Of one block of pairs. If one of them is not finite `sum_aa + sum_bb` is not, and nothing else counts.
struct BlockMetrics {
  double sum_abs = 0;  ///< of a - b
  double sum_squares = 0;
  double sum_aa = 0;
  double sum_bb = 0;
  double sum_ab = 0;
  double max_abs = 0;
  std::uint64_t max_ulp = 0;  ///< only with Bounds::ulps
  std::uint32_t changed = 0;
  std::uint32_t outside = 0;    ///< of the bounds
  std::uint32_t from_zero = 0;  ///< changed, and a is zero
  bool above_rel = false;       ///< some are above Bounds::rel
};

template <class Real>
struct RealKernels {
  /// `center` should not be much farther from the values than they are from one another.
  BlockMoments (*moments)(const std::byte* values, std::size_t count, Real smallest_normal, double center) noexcept;
  /// The bin of each value; Binning::bins where it is too near to an edge to tell, outside, or not finite.
  void (*bins)(const std::byte* values, std::size_t count, const Binning<Real>& binning, std::uint32_t* bins) noexcept;
  /// One for each Bounds::Kind.
  BlockMetrics (*compare[3])(const std::byte* a, const std::byte* b, std::size_t count, const Bounds& bounds) noexcept;
};

/// Whether one of the words has all bits of `mask`.
template <class Word>
using AnyWith = bool (*)(const std::byte* words, std::size_t count, Word mask) noexcept;

struct Kernels {
  std::string_view name;
  bool (*supported)() noexcept;
  RealKernels<float> f32;
  RealKernels<double> f64;
  void (*widen_float16)(const std::byte* values, std::size_t count, float* out) noexcept;
  void (*widen_bfloat16)(const std::byte* values, std::size_t count, float* out) noexcept;

  /// Copies the bits of those floats whose upper 16 bits are one of `halves` (one to eight), and says how many.
  /// `out` has room for one more than there are values.
  std::size_t (*select_upper_halves)(const std::byte* values, std::size_t count, std::span<const std::uint16_t> halves,
                                     std::uint32_t* out) noexcept;

  AnyWith<std::uint8_t> any_with_8;
  AnyWith<std::uint16_t> any_with_16;
  AnyWith<std::uint32_t> any_with_32;
  AnyWith<std::uint64_t> any_with_64;

  template <class Word>
  AnyWith<Word> any_with() const noexcept {
    if constexpr (sizeof(Word) == 1)
      return any_with_8;
    else if constexpr (sizeof(Word) == 2)
      return any_with_16;
    else if constexpr (sizeof(Word) == 4)
      return any_with_32;
    else
      return any_with_64;
  }

  template <class Real>
  const RealKernels<Real>& real() const noexcept {
    if constexpr (sizeof(Real) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

/// The fastest that this processor has.
const Kernels& kernels() noexcept;
/// All that were compiled, the plainest first.
std::span<const Kernels* const> all_kernels() noexcept;

}  // namespace ckpt
