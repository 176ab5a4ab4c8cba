#include "pair_metrics.h"

#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

#include "ckpt/element.h"
#include "kernels.h"
#include "numbers.h"

namespace ckpt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// ---- one pair after the other ----

// A pair as everything that is said of it sees it.
struct Values {
  double a = 0;  // magnitudes where `product` is not a * b
  double b = 0;
  double difference = 0;  // b - a; of complex numbers the magnitude of that
  double product = 0;
  bool differs = false;
  bool a_nan = false;
  bool b_nan = false;
  bool a_inf = false;
  bool b_inf = false;
  std::uint64_t ulps = 0;
};

bool is_finite(const Values& v) noexcept { return !(v.a_nan || v.b_nan || v.a_inf || v.b_inf); }

// Whether values that differ do so by more than is tolerated.
bool is_outside(const Values& v, const Bounds& bounds) noexcept {
  if (!is_finite(v) || bounds.kind == Bounds::none) return true;
  if (bounds.kind == Bounds::ulps && v.ulps <= bounds.ulp) return false;
  return std::fabs(v.difference) > bounds.atol + std::fabs(v.a) * bounds.rtol;
}

void add_values(const Values& v, std::uint64_t index, const Bounds& bounds, MetricSums& sums) noexcept {
  if (!is_finite(v)) {
    if (!v.differs) return;
    ++sums.changed;
    ++sums.outside;
    sums.new_nan += !v.a_nan && v.b_nan;
    sums.lost_nan += v.a_nan && !v.b_nan;
    sums.new_inf += v.b_inf && !v.b_nan;
    sums.lost_inf += v.a_inf && !v.a_nan;
    sums.first_index = std::min(sums.first_index, index);
    sums.first_non_finite = std::min(sums.first_non_finite, index);
    return;
  }
  ++sums.finite;
  const double size = std::fabs(v.a);
  const double distance = std::fabs(v.difference);
  sums.sum_abs += distance;
  sums.sum_squares += distance * distance;
  sums.sum_aa += v.a * v.a;
  sums.sum_bb += v.b * v.b;
  sums.sum_ab += v.product;
  if (!v.differs) return;
  ++sums.changed;
  sums.first_index = std::min(sums.first_index, index);
  sums.from_zero += size == 0;
  if (distance > sums.max_abs) {
    sums.max_abs = distance;
    sums.worst_index = index;
  }
  if (size > 0 && distance / size > sums.max_rel) {
    sums.max_rel = distance / size;
    sums.worst_rel_index = index;
  }
  sums.max_ulp = std::max(sums.max_ulp, v.ulps);
  sums.outside += is_outside(v, bounds);
}

Values values_of(double a, double b) noexcept {
  Values v{.a = a, .b = b, .difference = b - a, .product = a * b};
  v.a_nan = std::isnan(a);
  v.b_nan = std::isnan(b);
  v.a_inf = std::isinf(a);
  v.b_inf = std::isinf(b);
  v.differs = a != b && !(v.a_nan && v.b_nan);
  return v;
}

// The position of bits of a floating type among its values; both zeros are one.
template <class Bits>
std::uint64_t ulps_between_bits(Bits a, Bits b) noexcept {
  constexpr auto kSign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
  const auto magnitude = [](Bits bits) { return static_cast<std::uint64_t>(bits & static_cast<Bits>(~kSign)); };
  const bool same_side = (a & kSign) == (b & kSign);
  const std::uint64_t p = magnitude(a);
  const std::uint64_t q = magnitude(b);
  return same_side ? (p > q ? p - q : q - p) : p + q;
}

template <class T>
std::uint64_t distance_of(T a, T b) noexcept {
  return a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
               : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a);
}

std::uint64_t ulps_between(DType dtype, std::span<const std::byte> a, std::span<const std::byte> b,
                           std::size_t i) noexcept {
  switch (dtype) {
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
      return ulps_between_bits(load<std::uint8_t>(a, i), load<std::uint8_t>(b, i));
    case DType::float16:
    case DType::bfloat16:
      return ulps_between_bits(load<std::uint16_t>(a, i), load<std::uint16_t>(b, i));
    case DType::float32:
      return ulps_between_bits(load<std::uint32_t>(a, i), load<std::uint32_t>(b, i));
    case DType::float64:
      return ulps_between_bits(load<std::uint64_t>(a, i), load<std::uint64_t>(b, i));
    case DType::complex64:
      return std::max(ulps_between(DType::float32, a, b, 2 * i), ulps_between(DType::float32, a, b, 2 * i + 1));
    case DType::complex128:
      return std::max(ulps_between(DType::float64, a, b, 2 * i), ulps_between(DType::float64, a, b, 2 * i + 1));
    case DType::boolean:
      return (a[i] != std::byte{0}) != (b[i] != std::byte{0}) ? 1 : 0;
    case DType::int8:
      return distance_of(load<std::int8_t>(a, i), load<std::int8_t>(b, i));
    case DType::uint8:
      return distance_of(load<std::uint8_t>(a, i), load<std::uint8_t>(b, i));
    case DType::int16:
      return distance_of(load<std::int16_t>(a, i), load<std::int16_t>(b, i));
    case DType::uint16:
      return distance_of(load<std::uint16_t>(a, i), load<std::uint16_t>(b, i));
    case DType::int32:
      return distance_of(load<std::int32_t>(a, i), load<std::int32_t>(b, i));
    case DType::uint32:
      return distance_of(load<std::uint32_t>(a, i), load<std::uint32_t>(b, i));
    case DType::int64:
      return distance_of(load<std::int64_t>(a, i), load<std::int64_t>(b, i));
    case DType::uint64:
      return distance_of(load<std::uint64_t>(a, i), load<std::uint64_t>(b, i));
    default:
      return ~std::uint64_t{0};
  }
}

std::complex<double> complex_at(DType dtype, std::span<const std::byte> elements, std::size_t i) noexcept {
  if (dtype == DType::complex64)
    return {static_cast<double>(load<float>(elements, 2 * i)), static_cast<double>(load<float>(elements, 2 * i + 1))};
  if (dtype == DType::complex128) return {load<double>(elements, 2 * i), load<double>(elements, 2 * i + 1)};
  double real = 0;
  to_double(dtype, elements.subspan(i * size_of(dtype), size_of(dtype)), {&real, 1});
  return real;
}

// A complex number is NaN where a part is, else infinite where a part is.
Values values_of(const std::complex<double>& a, const std::complex<double>& b) noexcept {
  Values v{.a = std::abs(a), .b = std::abs(b), .difference = std::abs(b - a)};
  v.product = a.real() * b.real() + a.imag() * b.imag();
  const auto is_nan = [](const std::complex<double>& z) { return std::isnan(z.real()) || std::isnan(z.imag()); };
  const auto is_inf = [](const std::complex<double>& z) { return std::isinf(z.real()) || std::isinf(z.imag()); };
  v.a_nan = is_nan(a);
  v.b_nan = is_nan(b);
  v.a_inf = is_inf(a);
  v.b_inf = is_inf(b);
  v.differs = a != b && !(v.a_nan && v.b_nan);
  return v;
}

template <class T>
Values exactly(T a, T b) noexcept {
  Values v = values_of(static_cast<double>(a), static_cast<double>(b));
  const auto distance = static_cast<double>(distance_of(a, b));
  v.difference = b < a ? -distance : distance;
  v.differs = a != b;
  return v;
}

// Elements of two types, one pair after the other.
struct PairOfTypes {
  DType a = DType::unknown;
  DType b = DType::unknown;
  Bounds bounds = {};

  Values at(std::span<const std::byte> x, std::span<const std::byte> y, std::size_t i) const noexcept {
    Values v = values_at(x, y, i);
    if (bounds.kind == Bounds::ulps) v.ulps = ulps_between(a, x, y, i);
    return v;
  }

 private:
  Values values_at(std::span<const std::byte> x, std::span<const std::byte> y, std::size_t i) const noexcept {
    if (a == b && a == DType::int64) return exactly(load<std::int64_t>(x, i), load<std::int64_t>(y, i));
    if (a == b && a == DType::uint64) return exactly(load<std::uint64_t>(x, i), load<std::uint64_t>(y, i));
    if (is_complex(a) || is_complex(b)) return values_of(complex_at(a, x, i), complex_at(b, y, i));
    return values_of(complex_at(a, x, i).real(), complex_at(b, y, i).real());
  }
};

// Types that the vector loops cannot do: 64-bit integers, whose difference is exact; complex numbers; ULPs of types
// that are widened.
class PairByPair final : public PairMetrics {
 public:
  explicit PairByPair(const PairOfTypes& types) : types_(types) {}

  void add(std::span<const std::byte> a, std::span<const std::byte> b, std::uint64_t first, MetricSums& sums) override {
    const std::size_t count = a.size() / size_of(types_.a);
    for (std::size_t i = 0; i < count; ++i) add_values(types_.at(a, b, i), first + i, types_.bounds, sums);
  }

 private:
  PairOfTypes types_;
};

// ---- the vector loops ----

template <class Real>
class Blocks final : public PairMetrics {
 public:
  Blocks(DType a, DType b, const Bounds& bounds) : a_(a), b_(b), widen_a_(a), widen_b_(b), bounds_(bounds) {}

  void add(std::span<const std::byte> a, std::span<const std::byte> b, std::uint64_t first, MetricSums& sums) override {
    const std::size_t count = a.size() / size_of(a_);
    for (std::size_t i = 0; i < count; i += kBlockValues) {
      const std::size_t take = std::min(kBlockValues, count - i);
      add_block(widen_a_(a.subspan(i * size_of(a_), take * size_of(a_)), take),
                widen_b_(b.subspan(i * size_of(b_), take * size_of(b_)), take), take, first + i, sums);
    }
  }

 private:
  static Real at(const std::byte* values, std::size_t i) noexcept {
    Real value;
    std::memcpy(&value, values + i * sizeof(Real), sizeof value);
    return value;
  }

  void add_block(const std::byte* a, const std::byte* b, std::size_t count, std::uint64_t first, MetricSums& sums) {
    // A little less, so that rounding hides none that is larger.
    bounds_.rel = sums.max_rel * (1 - 0x1p-50);
    const BlockMetrics block = kernels().real<Real>().compare[bounds_.kind](a, b, count, bounds_);
    if (!std::isfinite(block.sum_aa + block.sum_bb)) return one_by_one(a, b, count, first, sums);
    sums.finite += count;
    sums.sum_abs += block.sum_abs;
    sums.sum_squares += block.sum_squares;
    sums.sum_aa += block.sum_aa;
    sums.sum_bb += block.sum_bb;
    sums.sum_ab += block.sum_ab;
    if (block.changed == 0) return;
    sums.changed += block.changed;
    sums.outside += block.outside;
    sums.from_zero += block.from_zero;
    sums.max_ulp = std::max(sums.max_ulp, block.max_ulp);
    if (sums.first_index == Metrics::kNone) {
      std::size_t i = 0;
      while (at(a, i) == at(b, i)) ++i;
      sums.first_index = first + i;
    }
    if (block.max_abs > sums.max_abs) {
      sums.max_abs = block.max_abs;
      std::size_t i = 0;
      while (std::fabs(static_cast<double>(at(a, i)) - static_cast<double>(at(b, i))) != block.max_abs) ++i;
      sums.worst_index = first + i;
    }
    if (block.above_rel) find_largest_rel(a, b, count, first, sums);
  }

  static void find_largest_rel(const std::byte* a, const std::byte* b, std::size_t count, std::uint64_t first,
                               MetricSums& sums) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
      const auto x = static_cast<double>(at(a, i));
      const double rel = std::fabs(x - static_cast<double>(at(b, i))) / std::fabs(x);
      if (x == 0 || !(rel > sums.max_rel)) continue;
      sums.max_rel = rel;
      sums.worst_rel_index = first + i;
    }
  }

  // Some are not finite, or their squares are not.
  void one_by_one(const std::byte* a, const std::byte* b, std::size_t count, std::uint64_t first, MetricSums& sums) {
    for (std::size_t i = 0; i < count; ++i) {
      Values v = values_of(static_cast<double>(at(a, i)), static_cast<double>(at(b, i)));
      if (bounds_.kind == Bounds::ulps) {
        constexpr DType kType = sizeof(Real) == 4 ? DType::float32 : DType::float64;
        v.ulps = ulps_between(kType, {a, count * sizeof(Real)}, {b, count * sizeof(Real)}, i);
      }
      add_values(v, first + i, bounds_, sums);
    }
  }

  DType a_;
  DType b_;
  Widener<Real> widen_a_;
  Widener<Real> widen_b_;
  Bounds bounds_;
};

Bounds bounds_of(DType a, DType b, const Tolerance& tolerance) noexcept {
  return {.kind = tolerance.ulp && a == b                      ? Bounds::ulps
                  : tolerance.atol == 0 && tolerance.rtol == 0 ? Bounds::none
                                                               : Bounds::values,
          .atol = tolerance.atol,
          .rtol = tolerance.rtol,
          .ulp = tolerance.ulp.value_or(0)};
}

bool have_values(DType a, DType b) noexcept {
  return precision_of(a) != Precision::none && precision_of(b) != Precision::none;
}

}  // namespace

std::unique_ptr<PairMetrics> metrics_by_value(DType a, DType b, const Tolerance& tolerance) {
  if (!have_values(a, b)) return nullptr;
  const Bounds bounds = bounds_of(a, b, tolerance);
  const bool wide = a == b && (a == DType::int64 || a == DType::uint64);
  const bool own_ulps = bounds.kind == Bounds::ulps && a != DType::float32 && a != DType::float64;
  if (wide || own_ulps || is_complex(a) || is_complex(b))
    return std::make_unique<PairByPair>(PairOfTypes{a, b, bounds});
  if (precision_of(a) == Precision::f32 && precision_of(b) == Precision::f32)
    return std::make_unique<Blocks<float>>(a, b, bounds);
  return std::make_unique<Blocks<double>>(a, b, bounds);
}

std::vector<ElementDiff> compare_elements(DType type_a, std::span<const std::byte> a, DType type_b,
                                          std::span<const std::byte> b, const Tolerance& tolerance) {
  if (!have_values(type_a, type_b)) return {};
  const PairOfTypes types{type_a, type_b, bounds_of(type_a, type_b, tolerance)};
  std::vector<ElementDiff> elements(std::min(a.size() / size_of(type_a), b.size() / size_of(type_b)));
  if (type_a == type_b && std::ranges::equal(a, b)) return elements;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const Values v = types.at(a, b, i);
    if (!v.differs) continue;
    elements[i].change = is_outside(v, types.bounds) ? Change::changed : Change::within_tolerance;
    elements[i].difference = v.difference;
  }
  return elements;
}

void add_bytes(std::span<const std::byte> a, std::span<const std::byte> b, std::uint64_t first,
               MetricSums& sums) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    ++sums.changed;
    ++sums.outside;
    sums.first_index = std::min(sums.first_index, first + i);
  }
}

void MetricSums::add(const MetricSums& later) noexcept {
  changed += later.changed;
  outside += later.outside;
  from_zero += later.from_zero;
  new_nan += later.new_nan;
  lost_nan += later.lost_nan;
  new_inf += later.new_inf;
  lost_inf += later.lost_inf;
  add_unchanged(later);
  sum_abs += later.sum_abs;
  sum_squares += later.sum_squares;
  if (later.max_abs > max_abs) {
    max_abs = later.max_abs;
    worst_index = later.worst_index;
  }
  if (later.max_rel > max_rel) {
    max_rel = later.max_rel;
    worst_rel_index = later.worst_rel_index;
  }
  max_ulp = std::max(max_ulp, later.max_ulp);
  first_index = std::min(first_index, later.first_index);
  first_non_finite = std::min(first_non_finite, later.first_non_finite);
}

void MetricSums::add_unchanged(const MetricSums& same) noexcept {
  finite += same.finite;
  sum_aa += same.sum_aa;
  sum_bb += same.sum_bb;
  sum_ab += same.sum_ab;
}

Metrics MetricSums::metrics(std::uint64_t elements) const noexcept {
  Metrics out{.elements = elements,
              .changed_elements = changed,
              .outside = outside,
              .from_zero = from_zero,
              .new_nan = new_nan,
              .lost_nan = lost_nan,
              .new_inf = new_inf,
              .lost_inf = lost_inf,
              .max_abs = max_abs,
              .max_rel = max_rel,
              .l2 = std::sqrt(sum_squares),
              .first_index = first_index,
              .worst_index = worst_index,
              .worst_rel_index = worst_rel_index,
              .first_non_finite = first_non_finite};
  if (finite > 0) {
    out.mean_abs = sum_abs / static_cast<double>(finite);
    out.rms = std::sqrt(sum_squares / static_cast<double>(finite));
  }
  out.relative_update = sum_squares == 0 ? 0 : sum_aa == 0 ? kInfinity : std::sqrt(sum_squares / sum_aa);
  // A vector is its own direction, exactly; roundings apart, no cosine is above 1.
  if (sum_aa == 0 || sum_bb == 0)
    out.cosine = sum_aa == sum_bb ? 1 : 0;
  else if (sum_squares > 0)
    out.cosine = std::clamp(sum_ab / (std::sqrt(sum_aa) * std::sqrt(sum_bb)), -1.0, 1.0);
  return out;
}

}  // namespace ckpt
