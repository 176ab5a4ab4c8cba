#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "ckpt/tensor.h"
#include "kernels.h"

namespace ckpt {

/// What the values of a type are computed with: float where it holds all of them, else double.
enum class Precision : std::uint8_t { none, f32, f64 };

Precision precision_of(DType dtype) noexcept;

inline bool is_complex(DType dtype) noexcept { return dtype == DType::complex64 || dtype == DType::complex128; }

/// Whether the entry is a tensor with numbers in it, as many as its dims ask for.
bool has_values(const TensorInfo& tensor) noexcept;

/// The i-th of unaligned numbers.
template <class Real>
Real load_real(const std::byte* values, std::size_t i) noexcept {
  Real value;
  std::memcpy(&value, values + i * sizeof(Real), sizeof value);
  return value;
}

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
