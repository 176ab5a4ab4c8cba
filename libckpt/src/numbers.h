#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "ckpt/tensor.h"
#include "kernels.h"

namespace ckpt {

/// What the values of a type are computed with: float where it holds all of them, else double.
enum class Precision : std::uint8_t { none, f32, f64 };

Precision precision_of(DType dtype) noexcept;

/// 0 for types without denormals. Of complex numbers that of their parts.
double smallest_normal(DType dtype) noexcept;

/// Whether no two values of the type share the upper 16 bits of their float, and the lower ones are zero.
bool fits_upper_half(DType dtype) noexcept;

/// Elements of any type as an array of Real, kBlockValues at a time.
template <class Real>
class Widener {
 public:
  explicit Widener(DType dtype) noexcept : dtype_(dtype) {}

  /// Of at most kBlockValues elements; where they are Reals already the bytes themselves, else a buffer that is valid
  /// until the next call.
  const std::byte* operator()(std::span<const std::byte> elements, std::size_t count) noexcept;

 private:
  DType dtype_;
  std::array<Real, kBlockValues> values_;
};

extern template class Widener<float>;
extern template class Widener<double>;

}  // namespace ckpt
