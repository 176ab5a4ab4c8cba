#include "crc32.h"

#include <libdeflate.h>

#include <array>

namespace ckpt {
namespace {

constexpr std::uint32_t kPolynomial = 0xEDB88320;  // reflected

// a * b modulo the polynomial, bit 31 being the coefficient of x^0.
std::uint32_t multiply(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 0x80000000; bit != 0; bit >>= 1) {
    if ((a & bit) != 0) product ^= b;
    b = (b >> 1) ^ ((b & 1) != 0 ? kPolynomial : 0);
  }
  return product;
}

}  // namespace

std::uint32_t crc32(std::uint32_t crc, std::span<const std::byte> bytes) noexcept {
  return bytes.empty() ? crc : libdeflate_crc32(crc, bytes.data(), bytes.size());
}

// Appending n bytes multiplies the CRC by x^(8n).
std::uint32_t crc32_combine(std::uint32_t a, std::uint32_t b, std::uint64_t b_size) noexcept {
  std::uint32_t power = 0x00800000;  // x^8
  for (; b_size != 0; b_size >>= 1) {
    if ((b_size & 1) != 0) a = multiply(a, power);
    power = multiply(power, power);
  }
  return a ^ b;
}

}  // namespace ckpt
