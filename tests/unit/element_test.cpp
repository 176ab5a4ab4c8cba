#include "ckpt/element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::from_hex;
using test::little_endian;
using test::values;

// The value of a small float by definition: sign, exponent, mantissa.
double by_definition(unsigned bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int mantissa = static_cast<int>(bits) & ((1 << mantissa_bits) - 1);
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                                         : std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
  return (bits >> (exponent_bits + mantissa_bits)) != 0 ? -magnitude : magnitude;
}

std::string text(DType dtype, const Bytes& element) { return element_text(dtype, bytes_of(element)); }
std::string text16(DType dtype, unsigned bits) { return text(dtype, little_endian(static_cast<std::uint16_t>(bits))); }
std::string text8(DType dtype, unsigned bits) { return text(dtype, little_endian(static_cast<std::uint8_t>(bits))); }

std::vector<double> doubles(DType dtype, const Bytes& bytes) {
  std::vector<double> out(bytes.size() / size_of(dtype));
  to_double(dtype, bytes_of(bytes), out);
  return out;
}

TEST(Float16, every_value_is_exact) {
  for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = float16_to_float(static_cast<std::uint16_t>(bits));
    if ((bits & 0x7FFF) > 0x7C00)
      ASSERT_TRUE(std::isnan(value)) << bits;
    else if ((bits & 0x7FFF) == 0x7C00)
      ASSERT_EQ(value, (bits & 0x8000) != 0 ? -INFINITY : INFINITY);
    else
      ASSERT_EQ(double{value}, by_definition(bits, 5, 10)) << bits;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
  }
}

TEST(Float16, known_to_numpy) {
  EXPECT_EQ(float16_to_float(0x0001), 0x1p-24F);
  EXPECT_EQ(float16_to_float(0x03FF), 0x1.ff8p-15F);
  EXPECT_EQ(float16_to_float(0x2E66), 0x1.998p-4F);
  EXPECT_EQ(float16_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(float16_to_float(0xC248), -3.140625F);
}

TEST(BFloat16, is_the_upper_half_of_a_float) {
  EXPECT_EQ(bfloat16_to_float(0x3F80), 1.0F);
  EXPECT_EQ(bfloat16_to_float(0x0001), std::ldexp(1.0F, -133));
  EXPECT_EQ(bfloat16_to_float(0xFF80), -INFINITY);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(0x7F81)));
}

TEST(Float8E4M3FN, every_value_is_exact_and_none_is_infinite) {
  for (unsigned bits = 0; bits <= 0xFF; ++bits) {
    const float value = float8_e4m3fn_to_float(static_cast<std::uint8_t>(bits));
    if ((bits & 0x7F) == 0x7F)
      EXPECT_TRUE(std::isnan(value));
    else
      EXPECT_EQ(double{value}, by_definition(bits, 4, 3)) << bits;
  }
  EXPECT_EQ(float8_e4m3fn_to_float(0x7E), 448.0F);
  EXPECT_EQ(float8_e4m3fn_to_float(0x01), 0x1p-9F);
}

TEST(Float8E5M2, every_value_is_exact) {
  for (unsigned bits = 0; bits <= 0xFF; ++bits) {
    const float value = float8_e5m2_to_float(static_cast<std::uint8_t>(bits));
    if ((bits & 0x7F) > 0x7C)
      EXPECT_TRUE(std::isnan(value));
    else if ((bits & 0x7F) == 0x7C)
      EXPECT_TRUE(std::isinf(value));
    else
      EXPECT_EQ(double{value}, by_definition(bits, 5, 2)) << bits;
  }
}

TEST(ToDouble, every_type) {
  EXPECT_EQ(doubles(DType::boolean, from_hex("00 01 02")), (std::vector<double>{0, 1, 1}));
  EXPECT_EQ(doubles(DType::int8, from_hex("80 ff 7f")), (std::vector<double>{-128, -1, 127}));
  EXPECT_EQ(doubles(DType::uint8, from_hex("80 ff")), (std::vector<double>{128, 255}));
  EXPECT_EQ(doubles(DType::int16, from_hex("00 80")), (std::vector<double>{-32768}));
  EXPECT_EQ(doubles(DType::uint16, from_hex("00 80")), (std::vector<double>{32768}));
  EXPECT_EQ(doubles(DType::int32, values<std::int32_t>({-5, 1 << 30})), (std::vector<double>{-5, 1 << 30}));
  EXPECT_EQ(doubles(DType::uint32, from_hex("ffffffff")), (std::vector<double>{4294967295.0}));
  EXPECT_EQ(doubles(DType::int64, from_hex("0000000000000080")), (std::vector<double>{-0x1p63}));
  EXPECT_EQ(doubles(DType::uint64, from_hex("ffffffffffffffff")), (std::vector<double>{0x1p64}));
  EXPECT_EQ(doubles(DType::float16, from_hex("003c 00c0")), (std::vector<double>{1, -2}));
  EXPECT_EQ(doubles(DType::bfloat16, from_hex("803f 00c0")), (std::vector<double>{1, -2}));
  EXPECT_EQ(doubles(DType::float32, values<float>({0.1F, -2})), (std::vector<double>{0.1F, -2}));
  EXPECT_EQ(doubles(DType::float64, values<double>({0.1, -2})), (std::vector<double>{0.1, -2}));
  EXPECT_EQ(doubles(DType::float8_e4m3fn, from_hex("38 b8")), (std::vector<double>{1, -1}));
  EXPECT_EQ(doubles(DType::float8_e5m2, from_hex("3c bc")), (std::vector<double>{1, -1}));
  EXPECT_EQ(doubles(DType::complex64, values<float>({3, -4, 0, 2})), (std::vector<double>{5, 2}));
  EXPECT_EQ(doubles(DType::complex128, values<double>({-0x1.8p601, 0x1p602})), (std::vector<double>{0x1.4p602}));
}

TEST(ToDouble, unknown_bits_are_nan) {
  for (const DType dtype : {DType::int4, DType::hifloat8, DType::unknown, DType::string}) {
    std::vector<double> out(2, 7.0);
    to_double(dtype, bytes_of(Bytes(8, '\x3c')), out);
    EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[1])) << name(dtype);
  }
}

// A payload starts wherever its header ends.
TEST(ToDouble, takes_bytes_at_any_address) {
  const Bytes bytes = "x" + values<double>({1.5, -7});
  std::vector<double> out(2);
  to_double(DType::float64, bytes_of(bytes).subspan(1), out);
  EXPECT_EQ(out, (std::vector<double>{1.5, -7}));
}

TEST(ElementText, integers_and_booleans) {
  EXPECT_EQ(text(DType::boolean, from_hex("00")), "False");
  EXPECT_EQ(text(DType::boolean, from_hex("02")), "True");
  EXPECT_EQ(text(DType::int8, from_hex("80")), "-128");
  EXPECT_EQ(text(DType::uint8, from_hex("80")), "128");
  EXPECT_EQ(text(DType::int64, from_hex("0000000000000080")), "-9223372036854775808");
  EXPECT_EQ(text(DType::uint64, from_hex("ffffffffffffffff")), "18446744073709551615");
}

TEST(ElementText, floats_are_the_shortest_that_read_back) {
  EXPECT_EQ(text(DType::float32, values<float>({0.1F})), "0.1");
  EXPECT_EQ(text(DType::float32, values<float>({1})), "1");
  EXPECT_EQ(text(DType::float32, values<float>({1e-7F})), "1e-07");
  EXPECT_EQ(text(DType::float32, from_hex("01000000")), "1e-45");
  EXPECT_EQ(text(DType::float32, from_hex("ffff7f7f")), "3.4028235e+38");
  EXPECT_EQ(text(DType::float32, values<float>({-0.0F})), "-0");
  EXPECT_EQ(text(DType::float64, values<double>({0.1})), "0.1");
  EXPECT_EQ(text(DType::float64, values<double>({-INFINITY})), "-inf");
  EXPECT_EQ(text(DType::float64, from_hex("000000000000f8ff")), "nan");
}

// As numpy prints its float16.
TEST(ElementText, narrow_floats_too) {
  EXPECT_EQ(text16(DType::float16, 0x2E66), "0.1");
  EXPECT_EQ(text16(DType::float16, 0x3555), "0.3333");
  EXPECT_EQ(text16(DType::float16, 0x0001), "6e-08");
  EXPECT_EQ(text16(DType::float16, 0x03FF), "6.1e-05");
  EXPECT_EQ(text16(DType::float16, 0x0400), "6.104e-05");
  EXPECT_EQ(text16(DType::float16, 0x7BFF), "65500");
  EXPECT_EQ(text16(DType::float16, 0xC248), "-3.14");
  EXPECT_EQ(text16(DType::float16, 0x63D0), "1000");
  EXPECT_EQ(text16(DType::float16, 0x8000), "-0");
  EXPECT_EQ(text16(DType::float16, 0xFC00), "-inf");
  EXPECT_EQ(text16(DType::bfloat16, 0x4049), "3.14");
  EXPECT_EQ(text16(DType::bfloat16, 0x3DCD), "0.1");
  EXPECT_EQ(text8(DType::float8_e4m3fn, 0x7E), "450");
  EXPECT_EQ(text8(DType::float8_e4m3fn, 0x7F), "nan");
  EXPECT_EQ(text8(DType::float8_e5m2, 0xFC), "-inf");
}

// Reading a text back means: the nearest of all values of the type, the even one of two.
TEST(ElementText, every_float16_reads_back) {
  std::vector<double> all;  // the values that are not negative, ascending
  for (unsigned bits = 0; bits < 0x7C00; ++bits) all.push_back(float16_to_float(static_cast<std::uint16_t>(bits)));
  for (unsigned bits = 0; bits < 0x7C00; ++bits) {
    const double value = std::stod(text16(DType::float16, bits));
    auto above = static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), value) - all.begin());
    std::size_t nearest = std::min(above, all.size() - 1);
    if (above > 0 && above < all.size()) {
      const double up = all[above] - value;
      const double down = value - all[above - 1];
      if (down < up || (down == up && above % 2 == 1)) nearest = above - 1;
    }
    ASSERT_EQ(nearest, bits) << value;
  }
}

TEST(ElementText, complex_numbers) {
  EXPECT_EQ(text(DType::complex64, values<float>({1, 2})), "1+2j");
  EXPECT_EQ(text(DType::complex128, values<double>({-0.5, -1e-9})), "-0.5-1e-09j");
  EXPECT_EQ(text(DType::complex64, values<float>({NAN, -INFINITY})), "nan-infj");
}

TEST(ElementText, bits_without_a_meaning_are_shown_as_they_are) {
  EXPECT_EQ(text(DType::int4, from_hex("f3")), "f3");
  EXPECT_EQ(text(DType::hifloat8, from_hex("0a")), "0a");
  EXPECT_EQ(text(DType::unknown, from_hex("00ff10")), "00ff10");
}

}  // namespace
}  // namespace ckpt
