#include "distribution.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "ckpt/element.h"
#include "numbers.h"

namespace ckpt {
namespace {

std::uint16_t upper_half(float value) noexcept {
  return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
}

// Rounding keeps the order, so what is of one bin lies together.
std::uint16_t upper_half(double value) noexcept {
  constexpr double kMost = std::numeric_limits<float>::max();
  return upper_half(static_cast<float>(std::clamp(value, -kMost, kMost)));
}

// Unsigned numbers in the order of the values, -0 before 0.
std::uint64_t key_of(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}
std::uint64_t key_of(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return bits >> 63 != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}

template <class Real>
Real value_of(std::uint64_t key) noexcept {
  if constexpr (sizeof(Real) == 4) {
    const auto bits = static_cast<std::uint32_t>(key);
    return std::bit_cast<float>(bits >> 31 != 0 ? bits & 0x7FFFFFFFu : ~bits);
  } else {
    return std::bit_cast<double>(key >> 63 != 0 ? key & ~(std::uint64_t{1} << 63) : ~key);
  }
}

// The smallest key of a finite value whose bin is at least `order`; one above the largest if there is none.
template <class Real>
std::uint64_t first_key_of(std::size_t order) noexcept {
  std::uint64_t low = key_of(std::numeric_limits<Real>::lowest());
  std::uint64_t high = key_of(std::numeric_limits<Real>::max()) + 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (Sketch::order_of(upper_half(value_of<Real>(middle))) >= order)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

constexpr std::size_t kTableBytes = std::size_t{8} << 20;  // of all brackets of a tensor
constexpr std::uint64_t kManyKeys = std::uint64_t{1} << 19;
constexpr std::size_t kManyPlaces = 65536;
constexpr unsigned kFewBins = 1024;

}  // namespace

void Sketch::add(std::span<const std::uint32_t> counts) noexcept {
  for (std::size_t i = 0; i < kBins; ++i) counts_[i] += counts[i];
}

double Sketch::lowest(std::size_t i) noexcept {
  const std::uint32_t bits = std::uint32_t{bits_of(i)} << 16;
  return static_cast<double>(std::bit_cast<float>(bits >> 31 != 0 ? bits | 0xFFFFu : bits));
}

double Sketch::highest(std::size_t i) noexcept {
  const std::uint32_t bits = std::uint32_t{bits_of(i)} << 16;
  return static_cast<double>(std::bit_cast<float>(bits >> 31 != 0 ? bits : bits | 0xFFFFu));
}

template <class Real>
void count_upper_halves(const std::byte* values, std::size_t count, std::span<std::uint32_t> counts) noexcept {
  if constexpr (sizeof(Real) == 4) {
    static_assert(std::endian::native == std::endian::little);
    for (std::size_t i = 0; i < count; ++i) ++counts[load<std::uint16_t>(std::span(values, 4 * count), 2 * i + 1)];
  } else {
    for (std::size_t i = 0; i < count; ++i)
      if (const double value = load_real<double>(values, i); std::isfinite(value)) ++counts[upper_half(value)];
  }
}

template void count_upper_halves<float>(const std::byte*, std::size_t, std::span<std::uint32_t>) noexcept;
template void count_upper_halves<double>(const std::byte*, std::size_t, std::span<std::uint32_t>) noexcept;

// ---- histogram ----

HistogramCounter::HistogramCounter(double min, double max, unsigned bins)
    : low_(min == max ? min - 0.5 : min),
      high_(min == max ? max + 0.5 : max),
      tables_(bins < kFewBins ? 4 : 1),
      counts_(bins) {
  const Histogram shape{.low = low_, .high = high_, .counts = counts_};
  for (unsigned i = 0; i <= bins; ++i) edges_.push_back(shape.edge(i));
  set_binning(binning_f32_);
  set_binning(binning_f64_);
}

// What the loop computes is off by some units in the last place of the bin's number, an edge by one in that of the
// larger end.
template <class Real>
void HistogramCounter::set_binning(Binning<Real>& binning) const noexcept {
  const auto bins = static_cast<double>(counts_.size());
  const double width = high_ / bins - low_ / bins;
  binning.low = static_cast<Real>(low_);
  binning.scale = static_cast<Real>(1 / width);
  binning.bins = static_cast<Real>(bins);
  const double low_error = std::fabs(static_cast<double>(binning.low) - low_);
  const double edge_error = std::max(std::fabs(low_), std::fabs(high_)) * 0x1p-50;
  const double slack =
      bins * 8 * static_cast<double>(std::numeric_limits<Real>::epsilon()) + (edge_error + low_error) / width;
  binning.slack = slack < 0.5 ? static_cast<Real>(slack) : Real{1};  // 1: nothing is sure
}

template <class Real>
const Binning<Real>& HistogramCounter::binning() const noexcept {
  if constexpr (sizeof(Real) == 4)
    return binning_f32_;
  else
    return binning_f64_;
}

std::size_t HistogramCounter::bin_of(double value) const noexcept {
  const std::size_t bins = counts_.size();
  const double at = (value - binning_f64_.low) * binning_f64_.scale;
  std::size_t bin = at >= 0 && at < static_cast<double>(bins) ? static_cast<std::size_t>(at) : at > 0 ? bins - 1 : 0;
  while (bin > 0 && value < edges_[bin]) --bin;
  while (bin + 1 < bins && value >= edges_[bin + 1]) ++bin;
  return bin;
}

template <class Real>
void HistogramCounter::count(const std::byte* values, std::size_t count, Counts& counts) const noexcept {
  std::uint32_t bins[kBlockValues];
  kernels().real<Real>().bins(values, count, binning<Real>(), bins);
  const std::size_t uncertain = counts_.size();
  const std::size_t table = tables_ == 4 ? counts_.size() + 1 : 0;
  const auto unsure = [&] {
    std::uint32_t sum = 0;
    for (std::size_t t = 0; t < tables_; ++t) sum += counts[t * table + uncertain];
    return sum;
  };
  const std::uint32_t before = unsure();
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    ++counts[bins[i]];
    ++counts[table + bins[i + 1]];
    ++counts[2 * table + bins[i + 2]];
    ++counts[3 * table + bins[i + 3]];
  }
  for (; i < count; ++i) ++counts[bins[i]];
  if (unsure() == before) return;
  for (i = 0; i < count; ++i) {
    if (bins[i] != uncertain) continue;
    const auto value = static_cast<double>(load_real<Real>(values, i));
    if (std::isfinite(value)) ++counts[bin_of(value)];
  }
}

template void HistogramCounter::count<float>(const std::byte*, std::size_t, Counts&) const noexcept;
template void HistogramCounter::count<double>(const std::byte*, std::size_t, Counts&) const noexcept;

void HistogramCounter::add(const Counts& counts) noexcept {
  for (std::size_t t = 0; t < tables_; ++t)
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += counts[t * (counts_.size() + 1) + i];
}

void HistogramCounter::approximate(const Sketch& sketch, std::uint64_t finite) {
  exact_ = false;
  std::size_t at = Sketch::kFirst;
  std::uint64_t below = 0;  // values in the bins before `at`
  std::uint64_t counted = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    std::uint64_t until = finite;
    if (i + 1 < counts_.size()) {
      const double edge = edges_[i + 1];
      while (at <= Sketch::kLast && Sketch::highest(at) < edge) below += sketch.in_order(at++);
      until = below;
      if (at <= Sketch::kLast && Sketch::lowest(at) < edge) {
        const double share = (edge - Sketch::lowest(at)) / (Sketch::highest(at) - Sketch::lowest(at));
        until += static_cast<std::uint64_t>(std::llround(share * static_cast<double>(sketch.in_order(at))));
      }
    }
    counts_[i] = until - counted;
    counted = until;
  }
}

Histogram HistogramCounter::take() {
  return {.low = low_, .high = high_, .counts = std::move(counts_), .exact = exact_};
}

// ---- quantiles ----

QuantilePlace quantile_place(double fraction, std::uint64_t finite) noexcept {
  const double at = fraction * static_cast<double>(finite - 1);
  const auto below = std::min(static_cast<std::uint64_t>(at), finite - 1);
  return {below, std::min(below + 1, finite - 1), at - static_cast<double>(below)};
}

double QuantilePlace::between(double a, double b) const noexcept {
  if (fraction == 0 || a == b) return a;
  return fraction < 0.5 ? a + (b - a) * fraction : b - (b - a) * (1 - fraction);
}

std::vector<double> approximate_values(const Sketch& sketch, std::span<const std::uint64_t> ranks, double min,
                                       double max, bool upper_half_only) {
  std::vector<double> values;
  std::size_t at = Sketch::kFirst;
  std::uint64_t below = 0;
  for (const std::uint64_t rank : ranks) {
    while (at < Sketch::kLast && rank >= below + sketch.in_order(at)) below += sketch.in_order(at++);
    const double low = at == Sketch::kFirst ? std::min(min, Sketch::lowest(at)) : Sketch::lowest(at);
    const double high = at == Sketch::kLast ? std::max(max, Sketch::highest(at)) : Sketch::highest(at);
    const double share = (static_cast<double>(rank - below) + 0.5) /
                         static_cast<double>(std::max<std::uint64_t>(sketch.in_order(at), 1));
    double value = low + (high - low) * share;
    // Zeros are many, denormals few, and one bin has both.
    if (std::max(std::fabs(low), std::fabs(high)) < std::numeric_limits<float>::min()) value = 0;
    if (upper_half_only) value = at < Sketch::kBins / 2 ? high : low;
    values.push_back(std::clamp(value, min, max));
  }
  return values;
}

template <class Real>
RankFinder RankFinder::create(const Sketch& sketch, std::span<const std::uint64_t> ranks) {
  RankFinder finder;
  std::size_t at = Sketch::kFirst;
  std::uint64_t below = 0;
  for (const std::uint64_t rank : ranks) {
    while (at < Sketch::kLast && rank >= below + sketch.in_order(at)) below += sketch.in_order(at++);
    const std::uint16_t upper = Sketch::bits_of(at);
    if (finder.brackets_.empty() || finder.brackets_.back().upper != upper)
      finder.brackets_.push_back({.upper = upper,
                                  .low = first_key_of<Real>(at),
                                  .high = first_key_of<Real>(at + 1) - 1,
                                  .before = below,
                                  .count = sketch.in_order(at)});
    finder.ranks_.push_back({.rank = rank, .bracket = finder.brackets_.size() - 1});
  }
  finder.plan_pass();
  return finder;
}

double RankFinder::value(std::uint64_t rank) const noexcept {
  const auto at = std::lower_bound(ranks_.begin(), ranks_.end(), rank,
                                   [](const Rank& r, std::uint64_t wanted) { return r.rank < wanted; });
  return at->value;
}

void RankFinder::plan_pass() {
  std::uint64_t near = 0;
  for (const Bracket& bracket : brackets_) near += bracket.count;
  collects_ = near <= kManyKeys;
  if (collects_ || brackets_.empty()) return;
  const std::size_t each = kTableBytes / sizeof(std::uint64_t) / brackets_.size();
  bits_ = std::clamp(static_cast<unsigned>(std::bit_width(each)), 5u, 17u) - 1;
  for (Bracket& bracket : brackets_) {
    const auto width = static_cast<unsigned>(std::bit_width(bracket.high - bracket.low));
    bracket.shift = width > bits_ ? width - bits_ : 0;
  }
}

std::size_t RankFinder::pass_bytes() const noexcept {
  if (!collects_) return (brackets_.size() << bits_) * sizeof(std::uint64_t);
  std::uint64_t near = 0;
  for (const Bracket& bracket : brackets_) near += bracket.count;
  return static_cast<std::size_t>(near) * sizeof(std::uint64_t);
}

void RankFinder::enter(Slots& slots) const {
  slots.resize(Sketch::kBins);
  for (const Bracket& bracket : brackets_) slots[bracket.upper] = 1;
}

void RankFinder::leave(Slots& slots) const noexcept {
  for (const Bracket& bracket : brackets_) slots[bracket.upper] = 0;
}

void RankFinder::begin_pass() {
  if (collects_)
    keys_.resize(brackets_.size());
  else
    counts_.resize(brackets_.size() << bits_);
}

// Few values are hits, and where they are nobody can foresee: so all are copied, over one another unless they are.
template <class Real>
void RankFinder::look(const std::byte* values, std::size_t count, const Slots& slots, Hits& hits) const {
  Real found[kBlockValues + 1];
  std::size_t size = 0;
  if constexpr (sizeof(Real) == 4) {
    if (brackets_.size() <= 8) {
      std::uint16_t halves[8];
      for (std::size_t i = 0; i < brackets_.size(); ++i) halves[i] = brackets_[i].upper;
      std::uint32_t bits[kBlockValues + 1];
      size = kernels().select_upper_halves(values, count, std::span(halves).first(brackets_.size()), bits);
      std::memcpy(found, bits, size * sizeof(Real));
      count = 0;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Real value = load_real<Real>(values, i);
    found[size] = value;
    size += slots[upper_half(value)];
  }
  if (collects_) hits.keys.resize(brackets_.size());
  for (std::size_t i = 0; i < size; ++i) hit(found[i], hits);
  if (hits.places.size() < kManyPlaces) return;
  hits.counts.resize(brackets_.size() << bits_);
  for (const std::uint32_t place : hits.places) ++hits.counts[place];
  hits.places.clear();
}

template <class Real>
void RankFinder::hit(Real value, Hits& hits) const {
  const std::uint64_t key = key_of(value);
  const auto bracket = std::lower_bound(brackets_.begin(), brackets_.end(), key,
                                        [](const Bracket& b, std::uint64_t k) { return b.high < k; });
  if (bracket == brackets_.end() || key < bracket->low) return;
  const auto b = static_cast<std::size_t>(bracket - brackets_.begin());
  if (collects_)
    hits.keys[b].push_back(key);
  else
    hits.places.push_back(static_cast<std::uint32_t>((b << bits_) + ((key - bracket->low) >> bracket->shift)));
}

void RankFinder::add(Hits&& hits) {
  for (std::size_t i = 0; i < hits.keys.size(); ++i)
    keys_[i].insert(keys_[i].end(), hits.keys[i].begin(), hits.keys[i].end());
  for (const std::uint32_t place : hits.places) ++counts_[place];
  for (std::size_t i = 0; i < hits.counts.size(); ++i) counts_[i] += hits.counts[i];
}

template <class Real>
void RankFinder::end_pass() {
  if (collects_)
    pick<Real>();
  else
    narrow<Real>();
  plan_pass();
}

template <class Real>
void RankFinder::pick() {
  for (Rank& rank : ranks_) {
    if (rank.known) continue;
    rank.known = true;
    auto& keys = keys_[rank.bracket];
    const std::uint64_t within = rank.rank - brackets_[rank.bracket].before;
    if (within >= keys.size()) continue;  // other values than in the pass before: the file was changed
    const auto at = keys.begin() + static_cast<std::ptrdiff_t>(within);
    std::nth_element(keys.begin(), at, keys.end());
    rank.value = static_cast<double>(value_of<Real>(*at));
  }
  brackets_.clear();
  keys_.clear();
}

template <class Real>
void RankFinder::narrow() {
  std::vector<Bracket> next;
  for (Rank& rank : ranks_) {
    if (rank.known) continue;
    const Bracket& bracket = brackets_[rank.bracket];
    const std::uint64_t* const table = counts_.data() + (rank.bracket << bits_);
    std::uint64_t before = bracket.before;
    std::uint64_t place = 0;
    while (place + 1 < (std::uint64_t{1} << bits_) && rank.rank >= before + table[place]) before += table[place++];
    const std::uint64_t low = bracket.low + (place << bracket.shift);
    if (bracket.shift == 0) {
      rank.known = true;
      rank.value = static_cast<double>(value_of<Real>(low));
      continue;
    }
    if (next.empty() || next.back().low != low)
      next.push_back({.upper = bracket.upper,
                      .low = low,
                      .high = std::min(bracket.high, low + (std::uint64_t{1} << bracket.shift) - 1),
                      .before = before,
                      .count = table[place]});
    rank.bracket = next.size() - 1;
  }
  brackets_ = std::move(next);
  counts_ = {};
}

template RankFinder RankFinder::create<float>(const Sketch&, std::span<const std::uint64_t>);
template RankFinder RankFinder::create<double>(const Sketch&, std::span<const std::uint64_t>);
template void RankFinder::look<float>(const std::byte*, std::size_t, const Slots&, Hits&) const;
template void RankFinder::look<double>(const std::byte*, std::size_t, const Slots&, Hits&) const;
template void RankFinder::end_pass<float>();
template void RankFinder::end_pass<double>();

}  // namespace ckpt
