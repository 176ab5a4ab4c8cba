#include "ckpt/element.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "ckpt/text.h"

namespace ckpt {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// One loop for each type, over bytes that may start anywhere: simple enough for the compiler to vectorise.
template <class Bits, class Decode>
void decode_all(std::span<const std::byte> in, std::span<double> out, Decode decode) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(decode(load<Bits>(in, i)));
}

template <class Real>
void magnitudes(std::span<const std::byte> in, std::span<double> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = std::hypot(static_cast<double>(load<Real>(in, 2 * i)), static_cast<double>(load<Real>(in, 2 * i + 1)));
}

template <class T>
std::string number_text(T value) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(value)) return "nan";  // without the sign to_chars would show
  std::array<char, 32> buffer;
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

// A narrow type has few enough bits that its shortest text is far shorter than that of the float it converts to: 0.1 in
// Float16, not 0.09997559. It is the first number of digits whose nearest value in that type is the one at hand; which
// value is the nearest is decided by the neighbours, half way to which doubles hold exactly.
template <class Bits>
std::string narrow_text(Bits bits, float (*decode)(Bits)) {
  const double value = decode(bits);
  constexpr Bits kSign = static_cast<Bits>(1u << (8 * sizeof(Bits) - 1));
  const auto magnitude = static_cast<Bits>(bits & ~kSign);
  if (!std::isfinite(value) || magnitude == 0) return number_text(value);
  const double at = std::fabs(value);
  const double below = decode(static_cast<Bits>(magnitude - 1));
  const double next = decode(static_cast<Bits>(magnitude + 1));
  const double above = std::isfinite(next) ? next : at + (at - below);  // beyond the largest the step is the same
  const bool even = magnitude % 2 == 0;                                 // ties go to the even one
  for (int digits = 0; digits < 8; ++digits) {
    std::array<char, 32> buffer;
    const auto [end, ignored] =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific, digits);
    double text = 0;
    std::from_chars(buffer.data(), end, text);
    const double distance = std::fabs(text);
    const double low = (below + at) / 2;
    const double high = (at + above) / 2;
    if ((distance > low && distance < high) || (even && (distance == low || distance == high)))
      return number_text(text);
  }
  return number_text(value);
}

template <class Real>
std::string complex_text(std::span<const std::byte> element) {
  const std::string imaginary = number_text(load<Real>(element, 1));
  return number_text(load<Real>(element, 0)) + (imaginary.starts_with('-') ? "" : "+") + imaginary + 'j';
}

}  // namespace

// Both ways of a number that is normal or not are computed and one is chosen: no branch, so that a loop vectorises.
// The subnormal one is an integer times a power of two, exact even where the processor flushes subnormals to zero.
float float16_to_float(std::uint16_t bits) noexcept {
  const std::uint32_t magnitude = bits & 0x7FFFu;
  constexpr std::uint32_t kRebias = std::uint32_t{127 - 15} << 23;
  const std::uint32_t special = magnitude >= 0x7C00 ? kRebias : 0;  // infinities and NaN: all ones there too
  const std::uint32_t normal = (magnitude << 13) + kRebias + special;
  const auto subnormal = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<int>(magnitude)) * 0x1p-24F);
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  return std::bit_cast<float>(sign | (magnitude < 0x400 ? subnormal : normal));
}

float bfloat16_to_float(std::uint16_t bits) noexcept { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

// No infinities: all ones is the only NaN, and the rest of the top exponent are ordinary numbers.
float float8_e4m3fn_to_float(std::uint8_t bits) noexcept {
  const std::uint32_t magnitude = bits & 0x7Fu;
  const std::uint32_t normal = (magnitude << 20) + (std::uint32_t{127 - 7} << 23);
  const auto subnormal = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<int>(magnitude)) * 0x1p-9F);
  const std::uint32_t sign = (bits & 0x80u) << 24;
  return std::bit_cast<float>(sign | (magnitude == 0x7F ? 0x7FC00000u : magnitude < 8 ? subnormal : normal));
}

// The upper half of a Float16.
float float8_e5m2_to_float(std::uint8_t bits) noexcept {
  return float16_to_float(static_cast<std::uint16_t>(bits << 8));
}

void to_double(DType dtype, std::span<const std::byte> in, std::span<double> out) noexcept {
  constexpr auto same = [](auto value) { return value; };
  switch (dtype) {
    case DType::boolean:
      return decode_all<std::uint8_t>(in, out, [](std::uint8_t byte) { return byte != 0 ? 1.0 : 0.0; });
    case DType::int8:
      return decode_all<std::int8_t>(in, out, same);
    case DType::int16:
      return decode_all<std::int16_t>(in, out, same);
    case DType::int32:
      return decode_all<std::int32_t>(in, out, same);
    case DType::int64:
      return decode_all<std::int64_t>(in, out, same);
    case DType::uint8:
      return decode_all<std::uint8_t>(in, out, same);
    case DType::uint16:
      return decode_all<std::uint16_t>(in, out, same);
    case DType::uint32:
      return decode_all<std::uint32_t>(in, out, same);
    case DType::uint64:
      return decode_all<std::uint64_t>(in, out, same);
    case DType::float16:
      return decode_all<std::uint16_t>(in, out, [](std::uint16_t bits) { return float16_to_float(bits); });
    case DType::bfloat16:
      return decode_all<std::uint16_t>(in, out, [](std::uint16_t bits) { return bfloat16_to_float(bits); });
    case DType::float32:
      return decode_all<float>(in, out, same);
    case DType::float64:
      return decode_all<double>(in, out, same);
    case DType::float8_e4m3fn:
      return decode_all<std::uint8_t>(in, out, [](std::uint8_t bits) { return float8_e4m3fn_to_float(bits); });
    case DType::float8_e5m2:
      return decode_all<std::uint8_t>(in, out, [](std::uint8_t bits) { return float8_e5m2_to_float(bits); });
    case DType::complex64:
      return magnitudes<float>(in, out);
    case DType::complex128:
      return magnitudes<double>(in, out);
    case DType::unknown:
    case DType::int4:
    case DType::hifloat8:
    case DType::string:
      break;
  }
  std::fill(out.begin(), out.end(), kNaN);
}

std::string element_text(DType dtype, std::span<const std::byte> element) {
  if (element.size() != size_of(dtype)) return hexadecimal(element);
  switch (dtype) {
    case DType::boolean:
      return element[0] != std::byte{0} ? "True" : "False";
    case DType::int8:
      return number_text(int{load<std::int8_t>(element, 0)});
    case DType::int16:
      return number_text(load<std::int16_t>(element, 0));
    case DType::int32:
      return number_text(load<std::int32_t>(element, 0));
    case DType::int64:
      return number_text(load<std::int64_t>(element, 0));
    case DType::uint8:
      return number_text(unsigned{load<std::uint8_t>(element, 0)});
    case DType::uint16:
      return number_text(load<std::uint16_t>(element, 0));
    case DType::uint32:
      return number_text(load<std::uint32_t>(element, 0));
    case DType::uint64:
      return number_text(load<std::uint64_t>(element, 0));
    case DType::float16:
      return narrow_text(load<std::uint16_t>(element, 0), float16_to_float);
    case DType::bfloat16:
      return narrow_text(load<std::uint16_t>(element, 0), bfloat16_to_float);
    case DType::float32:
      return number_text(load<float>(element, 0));
    case DType::float64:
      return number_text(load<double>(element, 0));
    case DType::float8_e4m3fn:
      return narrow_text(load<std::uint8_t>(element, 0), float8_e4m3fn_to_float);
    case DType::float8_e5m2:
      return narrow_text(load<std::uint8_t>(element, 0), float8_e5m2_to_float);
    case DType::complex64:
      return complex_text<float>(element);
    case DType::complex128:
      return complex_text<double>(element);
    case DType::unknown:
    case DType::int4:
    case DType::hifloat8:
    case DType::string:
      break;
  }
  return hexadecimal(element);
}

}  // namespace ckpt
