#include "numbers.h"

#include <limits>

#include "ckpt/element.h"

namespace ckpt {
namespace {

template <class From, class Real>
void widen(std::span<const std::byte> elements, std::span<Real> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Real>(load<From>(elements, i));
}

void widen_eighths(float (*decode)(std::uint8_t), std::span<const std::byte> elements, std::span<float> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = decode(load<std::uint8_t>(elements, i));
}

void to_reals(DType dtype, std::span<const std::byte> elements, std::span<float> out) noexcept {
  switch (dtype) {
    case DType::float16:
      return kernels().widen_float16(elements.data(), out.size(), out.data());
    case DType::bfloat16:
      return kernels().widen_bfloat16(elements.data(), out.size(), out.data());
    case DType::float8_e4m3fn:
      return widen_eighths(float8_e4m3fn_to_float, elements, out);
    case DType::float8_e5m2:
      return widen_eighths(float8_e5m2_to_float, elements, out);
    case DType::boolean:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = elements[i] != std::byte{0} ? 1.0F : 0.0F;
      return;
    case DType::int8:
      return widen<std::int8_t>(elements, out);
    case DType::uint8:
      return widen<std::uint8_t>(elements, out);
    case DType::int16:
      return widen<std::int16_t>(elements, out);
    case DType::uint16:
      return widen<std::uint16_t>(elements, out);
    default:
      return widen<float>(elements, out);
  }
}

void to_reals(DType dtype, std::span<const std::byte> elements, std::span<double> out) noexcept {
  if (precision_of(dtype) == Precision::f64) return to_double(dtype, elements, out);
  std::array<float, kBlockValues> narrow;
  to_reals(dtype, elements, std::span(narrow).first(out.size()));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(narrow[i]);
}

}  // namespace

Precision precision_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::unknown:
    case DType::string:
    case DType::int4:
    case DType::hifloat8:
      return Precision::none;
    case DType::boolean:
    case DType::int8:
    case DType::uint8:
    case DType::int16:
    case DType::uint16:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
    case DType::float16:
    case DType::bfloat16:
    case DType::float32:
      return Precision::f32;
    case DType::int32:
    case DType::uint32:
    case DType::int64:
    case DType::uint64:
    case DType::float64:
    case DType::complex64:
    case DType::complex128:
      return Precision::f64;
  }
  return Precision::none;
}

bool has_values(const TensorInfo& tensor) noexcept {
  return tensor.kind == Kind::tensor && precision_of(tensor.dtype) != Precision::none && tensor.fits();
}

double smallest_normal(DType dtype) noexcept {
  switch (dtype) {
    case DType::float8_e4m3fn:
      return 0x1p-6;
    case DType::float8_e5m2:
    case DType::float16:
      return 0x1p-14;
    case DType::bfloat16:
    case DType::float32:
    case DType::complex64:
      return static_cast<double>(std::numeric_limits<float>::min());
    case DType::float64:
    case DType::complex128:
      return std::numeric_limits<double>::min();
    default:
      return 0;
  }
}

bool fits_upper_half(DType dtype) noexcept {
  switch (dtype) {
    case DType::boolean:
    case DType::int8:
    case DType::uint8:
    case DType::float8_e4m3fn:
    case DType::float8_e5m2:
    case DType::bfloat16:
      return true;
    default:
      return false;
  }
}

template <class Real>
const std::byte* Widener<Real>::operator()(std::span<const std::byte> elements, std::size_t count) noexcept {
  if (dtype_ == (sizeof(Real) == 4 ? DType::float32 : DType::float64)) return elements.data();
  to_reals(dtype_, elements, std::span(values_).first(count));
  return reinterpret_cast<const std::byte*>(values_.data());
}

template class Widener<float>;
template class Widener<double>;

}  // namespace ckpt
