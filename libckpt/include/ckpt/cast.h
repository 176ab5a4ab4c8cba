#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ckpt/tensor.h"

namespace ckpt {

/// Elements whose value the other type does not have. Rounding to the nearest value is not counted.
struct CastCounts {
  std::uint64_t overflow = 0;  ///< too large: became an infinity (NaN in Float8E4M3FN), or the integer type's limit
  std::uint64_t nan = 0;       ///< NaN that became the integer 0, or false

  friend bool operator==(const CastCounts&, const CastCounts&) = default;
};

/// Between numbers of any kind, and between complex types. Not for str, Int4, HiFloat8 and unknown types.
bool can_cast(DType from, DType to) noexcept;

/// Converts canonical bytes: to a float by rounding to the nearest, ties to even, once (IEEE 754); to an integer the
/// same way, then clamped; to Bool by asking whether it is not zero. `in` and `out` hold the same number of elements
/// and do not overlap. Adds to `counts`. can_cast(from, to) must be true.
void cast(DType from, std::span<const std::byte> in, DType to, std::span<std::byte> out, CastCounts& counts) noexcept;

/// Single values of the narrow types, rounded to nearest even; above the largest an infinity.
std::uint16_t float16_from_double(double value) noexcept;
std::uint16_t bfloat16_from_double(double value) noexcept;
/// Above the largest NaN: this type has no infinity.
std::uint8_t float8_e4m3fn_from_double(double value) noexcept;
std::uint8_t float8_e5m2_from_double(double value) noexcept;

}  // namespace ckpt
