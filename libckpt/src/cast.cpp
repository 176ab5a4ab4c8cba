#include "ckpt/cast.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "ckpt/element.h"
#include "numbers.h"

namespace ckpt {
namespace {

constexpr std::size_t kStackElements = 1024;  // elements, on the stack

// The bits of a float of ExponentBits and MantissaBits, without its sign; may exceed those of its largest number.
template <int ExponentBits, int MantissaBits>
std::uint32_t round_to(std::uint64_t magnitude) noexcept {
  constexpr int kDoubleMantissa = 52;
  constexpr int kDoubleBias = 1023;
  constexpr int kSmallestExponent = 2 - (1 << (ExponentBits - 1));  // of a normal number
  constexpr std::uint64_t kHidden = std::uint64_t{1} << kDoubleMantissa;
  const int exponent = static_cast<int>(magnitude >> kDoubleMantissa) - kDoubleBias;
  const std::uint64_t mantissa = (magnitude & (kHidden - 1)) | kHidden;
  const int below = std::max(0, kSmallestExponent - exponent);
  const int shift = kDoubleMantissa - MantissaBits + below;
  if (shift > kDoubleMantissa + 2) return 0;  // less than half of the smallest subnormal, or zero itself
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  const std::uint64_t rounded = (mantissa + half - 1 + ((mantissa >> shift) & 1)) >> shift;
  // The hidden bit carries into the exponent, as does a mantissa that was rounded up to the next power of two.
  const int steps = std::min(below > 0 ? 0 : exponent - kSmallestExponent, 1 << ExponentBits);
  return (static_cast<std::uint32_t>(steps) << MantissaBits) + static_cast<std::uint32_t>(rounded);
}

constexpr std::uint64_t kDoubleSign = std::uint64_t{1} << 63;
constexpr std::uint64_t kDoubleInfinity = std::uint64_t{0x7FF} << 52;

// `Infinity` is the pattern that everything above the largest number becomes.
template <class Bits, int ExponentBits, int MantissaBits, std::uint32_t Infinity, std::uint32_t NaN>
Bits narrow(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint32_t>(bits >> 63) << (8 * sizeof(Bits) - 1);
  const std::uint64_t magnitude = bits & ~kDoubleSign;
  if (magnitude > kDoubleInfinity) return static_cast<Bits>(sign | NaN);
  if (magnitude == kDoubleInfinity) return static_cast<Bits>(sign | Infinity);
  return static_cast<Bits>(sign | std::min(round_to<ExponentBits, MantissaBits>(magnitude), Infinity));
}

// ---- into doubles ----

// A 64-bit integer with its last bits gathered into one, so that rounding it again, to fewer bits, is rounding it once.
double sticky(std::uint64_t magnitude) noexcept {
  constexpr std::uint64_t kLow = 0x7FF;
  if (magnitude >= std::uint64_t{1} << 53 && (magnitude & kLow) != 0) magnitude = (magnitude & ~kLow) | (kLow + 1);
  return static_cast<double>(magnitude);
}

void integers_to_double(DType from, std::span<const std::byte> in, std::span<double> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (from == DType::uint64) {
      out[i] = sticky(load<std::uint64_t>(in, i));
    } else {
      const auto value = load<std::int64_t>(in, i);
      const auto magnitude = static_cast<std::uint64_t>(value);
      out[i] = value < 0 ? -sticky(~magnitude + 1) : sticky(magnitude);
    }
  }
}

// ---- out of doubles ----

template <class T>
void store(std::span<std::byte> out, std::size_t i, T value) noexcept {
  std::memcpy(out.data() + i * sizeof(T), &value, sizeof(T));
}

template <class Encode>
void to_floats(std::span<const double> in, std::span<std::byte> out, CastCounts& counts, Encode encode) noexcept {
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto [bits, finite] = encode(in[i]);
    store(out, i, bits);
    counts.overflow += !finite && std::isfinite(in[i]);
  }
}

template <class Bits>
auto narrow_with(Bits (*encode)(double), std::uint32_t infinity) noexcept {
  constexpr auto kMagnitude = static_cast<Bits>(static_cast<Bits>(~Bits{0}) >> 1);
  return [encode, infinity](double value) {
    const Bits bits = encode(value);
    return std::pair(bits, static_cast<Bits>(bits & kMagnitude) < infinity);
  };
}

template <class T>
void to_integers(std::span<const double> in, std::span<std::byte> out, CastCounts& counts) noexcept {
  constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
  // 2^bits: the first double that is too large.
  constexpr double kHigh = 2.0 * static_cast<double>(std::uint64_t{1} << (std::numeric_limits<T>::digits - 1));
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double rounded = std::nearbyint(in[i]);
    T value = 0;
    if (std::isnan(rounded)) {
      ++counts.nan;
    } else if (rounded < kLow) {
      value = std::numeric_limits<T>::min();
      ++counts.overflow;
    } else if (rounded >= kHigh) {
      value = std::numeric_limits<T>::max();
      ++counts.overflow;
    } else {
      value = static_cast<T>(rounded);
    }
    store(out, i, value);
  }
}

void from_double(DType to, std::span<const double> in, std::span<std::byte> out, CastCounts& counts) noexcept {
  switch (to) {
    case DType::boolean:
      for (std::size_t i = 0; i < in.size(); ++i) {
        counts.nan += std::isnan(in[i]);
        store(out, i, static_cast<std::uint8_t>(in[i] != 0 && !std::isnan(in[i])));
      }
      return;
    case DType::int8:
      return to_integers<std::int8_t>(in, out, counts);
    case DType::int16:
      return to_integers<std::int16_t>(in, out, counts);
    case DType::int32:
      return to_integers<std::int32_t>(in, out, counts);
    case DType::int64:
      return to_integers<std::int64_t>(in, out, counts);
    case DType::uint8:
      return to_integers<std::uint8_t>(in, out, counts);
    case DType::uint16:
      return to_integers<std::uint16_t>(in, out, counts);
    case DType::uint32:
      return to_integers<std::uint32_t>(in, out, counts);
    case DType::uint64:
      return to_integers<std::uint64_t>(in, out, counts);
    case DType::float16:
      return to_floats(in, out, counts, narrow_with(float16_from_double, 0x7C00));
    case DType::bfloat16:
      return to_floats(in, out, counts, narrow_with(bfloat16_from_double, 0x7F80));
    case DType::float8_e4m3fn:
      return to_floats(in, out, counts, narrow_with(float8_e4m3fn_from_double, 0x7F));
    case DType::float8_e5m2:
      return to_floats(in, out, counts, narrow_with(float8_e5m2_from_double, 0x7C));
    case DType::float32:
      return to_floats(in, out, counts, [](double value) {
        const auto narrowed = static_cast<float>(value);
        return std::pair(narrowed, std::isfinite(narrowed));
      });
    case DType::float64:
      for (std::size_t i = 0; i < in.size(); ++i) store(out, i, in[i]);
      return;
    default:
      return;
  }
}

// ---- what doubles cannot carry ----

template <class From, class To>
void integers_to_integers(std::span<const std::byte> in, std::span<std::byte> out, CastCounts& counts) noexcept {
  for (std::size_t i = 0; i < in.size() / sizeof(From); ++i) {
    const auto value = load<From>(in, i);
    auto clamped = static_cast<To>(value);
    if (!std::in_range<To>(value)) {
      clamped = std::cmp_less(value, 0) ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
      ++counts.overflow;
    }
    store(out, i, clamped);
  }
}

// From and to 64-bit integers, which a double does not hold exactly.
template <class From>
bool integers_to(DType to, std::span<const std::byte> in, std::span<std::byte> out, CastCounts& counts) noexcept {
  switch (to) {
    case DType::int8:
      return integers_to_integers<From, std::int8_t>(in, out, counts), true;
    case DType::int16:
      return integers_to_integers<From, std::int16_t>(in, out, counts), true;
    case DType::int32:
      return integers_to_integers<From, std::int32_t>(in, out, counts), true;
    case DType::int64:
      return integers_to_integers<From, std::int64_t>(in, out, counts), true;
    case DType::uint8:
      return integers_to_integers<From, std::uint8_t>(in, out, counts), true;
    case DType::uint16:
      return integers_to_integers<From, std::uint16_t>(in, out, counts), true;
    case DType::uint32:
      return integers_to_integers<From, std::uint32_t>(in, out, counts), true;
    case DType::uint64:
      return integers_to_integers<From, std::uint64_t>(in, out, counts), true;
    case DType::float64:
      for (std::size_t i = 0; i < in.size() / sizeof(From); ++i) store(out, i, static_cast<double>(load<From>(in, i)));
      return true;
    default:
      return false;
  }
}

bool is_number(DType dtype) noexcept { return precision_of(dtype) != Precision::none && !is_complex(dtype); }

}  // namespace

std::uint16_t float16_from_double(double value) noexcept { return narrow<std::uint16_t, 5, 10, 0x7C00, 0x7E00>(value); }

std::uint16_t bfloat16_from_double(double value) noexcept { return narrow<std::uint16_t, 8, 7, 0x7F80, 0x7FC0>(value); }

std::uint8_t float8_e4m3fn_from_double(double value) noexcept { return narrow<std::uint8_t, 4, 3, 0x7F, 0x7F>(value); }

std::uint8_t float8_e5m2_from_double(double value) noexcept { return narrow<std::uint8_t, 5, 2, 0x7C, 0x7E>(value); }

bool can_cast(DType from, DType to) noexcept {
  return (is_number(from) && is_number(to)) || (is_complex(from) && is_complex(to));
}

void cast(DType from, std::span<const std::byte> in, DType to, std::span<std::byte> out, CastCounts& counts) noexcept {
  if (from == to) {
    if (!in.empty()) std::memcpy(out.data(), in.data(), in.size());
    return;
  }
  if (is_complex(from)) {  // pairs of numbers
    const auto part = [](DType dtype) { return dtype == DType::complex64 ? DType::float32 : DType::float64; };
    return cast(part(from), in, part(to), out, counts);
  }
  if (from == DType::int64 && integers_to<std::int64_t>(to, in, out, counts)) return;
  if (from == DType::uint64 && integers_to<std::uint64_t>(to, in, out, counts)) return;
  std::array<double, kStackElements> doubles;
  const std::size_t from_size = size_of(from);
  const std::size_t to_size = size_of(to);
  for (std::size_t count = in.size() / from_size; count > 0;) {
    const std::size_t take = std::min(count, kStackElements);
    const auto block = std::span(doubles).first(take);
    if (from == DType::int64 || from == DType::uint64)
      integers_to_double(from, in, block);
    else
      to_double(from, in, block);
    from_double(to, block, out, counts);
    in = in.subspan(take * from_size);
    out = out.subspan(take * to_size);
    count -= take;
  }
}

}  // namespace ckpt
