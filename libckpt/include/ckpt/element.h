#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

#include "ckpt/tensor.h"

namespace ckpt {

/// The i-th T out of unaligned little-endian bytes. (i + 1) * sizeof(T) must not exceed bytes.size().
template <class T>
requires std::is_trivially_copyable_v<T> T load(std::span<const std::byte> bytes, std::size_t i)
noexcept {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

/// Real values of out.size() elements as double: Bool as 0 and 1, 64-bit integers rounded, a complex number's
/// magnitude. `in` has out.size() * size_of(dtype) bytes. Types without a known meaning of their bits (Int4,
/// HiFloat8, unknown, str) give NaN.
void to_double(DType dtype, std::span<const std::byte> in, std::span<double> out) noexcept;

/// One element as text, exactly: shortest decimal that reads back the same ("0.1", "nan", "-inf", "1e-07"),
/// integers in full, "True"/"False", "1+2j", and hexadecimal bytes where to_double gives NaN.
std::string element_text(DType dtype, std::span<const std::byte> element);

/// Single values of the narrow types.
float float16_to_float(std::uint16_t bits) noexcept;
float bfloat16_to_float(std::uint16_t bits) noexcept;
float float8_e4m3fn_to_float(std::uint8_t bits) noexcept;
float float8_e5m2_to_float(std::uint8_t bits) noexcept;

}  // namespace ckpt
