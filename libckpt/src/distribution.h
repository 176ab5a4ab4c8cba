#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ckpt/statistics.h"
#include "kernels.h"

// How the values of a tensor are spread: histograms and quantiles.
namespace ckpt {

/// How many finite values there are of each upper half of a float: sign, exponent and seven bits of the fraction.
/// Doubles count as their nearest float, those beyond its range as its largest.
class Sketch {
 public:
  static constexpr std::size_t kBins = 65536;

  Sketch() : counts_(kBins) {}

  void add(std::span<const std::uint32_t> counts) noexcept;
  void clear() noexcept { std::fill(counts_.begin(), counts_.end(), 0); }

  /// Bins by the order of their values, not by their bits.
  std::uint64_t in_order(std::size_t i) const noexcept { return counts_[bits_of(i)]; }
  static constexpr std::uint16_t bits_of(std::size_t i) noexcept {
    return static_cast<std::uint16_t>(i < kBins / 2 ? kBins - 1 - i : i - kBins / 2);
  }
  static constexpr std::size_t order_of(std::uint16_t bits) noexcept {
    return bits >= kBins / 2 ? kBins - 1u - bits : bits + kBins / 2;
  }
  /// The first and the last bin of finite values, in order.
  static constexpr std::size_t kFirst = kBins - 1 - 0xFF7F;
  static constexpr std::size_t kLast = kBins / 2 + 0x7F7F;
  /// The values that a bin is for, as floats: those of doubles go half a float's step beyond.
  static double lowest(std::size_t i) noexcept;
  static double highest(std::size_t i) noexcept;

 private:
  std::vector<std::uint64_t> counts_;
};

/// Counts values for a Sketch.
template <class Real>
void count_upper_halves(const std::byte* values, std::size_t count, std::span<std::uint32_t> counts) noexcept;

/// Counts values into equal bins, as numpy.histogram does.
class HistogramCounter {
 public:
  HistogramCounter() = default;
  HistogramCounter(double min, double max, unsigned bins);

  unsigned bins() const noexcept { return static_cast<unsigned>(counts_.size()); }

  /// What a run of values adds. Of few bins there are four tables, because counting the same bin again and again is
  /// slow.
  using Counts = std::vector<std::uint32_t>;
  Counts empty() const { return Counts(tables_ * (counts_.size() + 1)); }
  /// At most kBlockValues; those that are not finite are passed over.
  template <class Real>
  void count(const std::byte* values, std::size_t count, Counts& counts) const noexcept;
  void add(const Counts& counts) noexcept;
  /// From a sketch, with values spread evenly within its bins.
  void approximate(const Sketch& sketch, std::uint64_t finite);
  Histogram take();

 private:
  std::size_t bin_of(double value) const noexcept;
  template <class Real>
  void set_binning(Binning<Real>& binning) const noexcept;
  template <class Real>
  const Binning<Real>& binning() const noexcept;

  double low_ = 0;
  double high_ = 0;
  std::vector<double> edges_ = {};
  Binning<float> binning_f32_ = {};
  Binning<double> binning_f64_ = {};
  std::size_t tables_ = 1;
  std::vector<std::uint64_t> counts_ = {};
  bool exact_ = true;
};

/// Finds the values of given ranks exactly, in passes over all values. A sketch tells how many lie near each rank: if
/// they are few, one pass collects them; if not, a pass counts them by their next 16 bits.
class RankFinder {
 public:
  RankFinder() = default;
  /// `ranks` among finite values, ascending, without repetitions; all below their number.
  template <class Real>
  static RankFinder create(const Sketch& sketch, std::span<const std::uint64_t> ranks);

  bool done() const noexcept { return brackets_.empty(); }
  double value(std::uint64_t rank) const noexcept;
  std::size_t pass_bytes() const noexcept;  ///< memory that a pass needs

  /// Which upper halves have a bracket: 65,536 flags.
  using Slots = std::vector<std::uint8_t>;
  /// From enter() to leave() a thread's table is for the brackets of this finder.
  void enter(Slots& slots) const;
  void leave(Slots& slots) const noexcept;

  /// What a run of values adds to a pass.
  struct Hits {
    std::vector<std::vector<std::uint64_t>> keys = {};  // by bracket
    std::vector<std::uint32_t> places = {};
    std::vector<std::uint32_t> counts = {};  // once there are too many places
  };

  void begin_pass();
  template <class Real>
  void look(const std::byte* values, std::size_t count, const Slots& slots, Hits& hits) const;
  void add(Hits&& hits);
  template <class Real>
  void end_pass();

 private:
  // Neighbouring keys, in the order of the values, that some of the wanted ones are among.
  struct Bracket {
    std::uint16_t upper = 0;  // the sketch's bin
    std::uint64_t low = 0;
    std::uint64_t high = 0;    // within
    std::uint64_t before = 0;  // values below `low`
    std::uint64_t count = 0;   // values within
    unsigned shift = 0;        // key bits that this pass does not tell apart
  };
  struct Rank {
    std::uint64_t rank = 0;
    double value = 0;
    std::size_t bracket = 0;
    bool known = false;
  };

  void plan_pass();
  template <class Real>
  void pick();
  template <class Real>
  void narrow();

  template <class Real>
  void hit(Real value, Hits& hits) const;

  std::vector<Rank> ranks_ = {};
  std::vector<Bracket> brackets_ = {};  // by key
  bool collects_ = false;
  unsigned bits_ = 16;  // of the places in a bracket
  std::vector<std::vector<std::uint64_t>> keys_ = {};
  std::vector<std::uint64_t> counts_ = {};
};

/// Ranks and how they make a quantile: numpy's "linear".
struct QuantilePlace {
  std::uint64_t below = 0;
  std::uint64_t above = 0;
  double fraction = 0;

  double between(double a, double b) const noexcept;
};
QuantilePlace quantile_place(double fraction, std::uint64_t finite) noexcept;

/// The value of a rank about: where it lies in its bin, as if the bin's values were spread evenly. Ascending ranks.
std::vector<double> approximate_values(const Sketch& sketch, std::span<const std::uint64_t> ranks, double min,
                                       double max, bool upper_half_only);

}  // namespace ckpt
