#include "ckpt/cast.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "ckpt/element.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::values;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

struct Converted {
  Bytes bytes;
  CastCounts counts;
};

Converted converted(DType from, const Bytes& in, DType to) {
  Converted result;
  result.bytes.resize(in.size() / size_of(from) * size_of(to));
  cast(from, bytes_of(in), to, std::as_writable_bytes(std::span(result.bytes)), result.counts);
  return result;
}

// Every value of a narrow type comes back; between two neighbours lies the tie, which goes to the even one, and
// whatever is on either side of it goes there.
template <class Bits>
void check_rounding(Bits (*encode)(double), float (*decode)(Bits), Bits infinity) {
  for (Bits bits = 0; bits + 1 < infinity; ++bits) {
    const double low = decode(bits);
    const double high = decode(static_cast<Bits>(bits + 1));
    const double tie = (low + high) / 2;  // exact in double
    ASSERT_EQ(encode(low), bits);
    ASSERT_EQ(encode(tie), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(encode(std::nextafter(tie, 0)), bits);
    ASSERT_EQ(encode(std::nextafter(tie, kInf)), bits + 1);
    const auto sign = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
    ASSERT_EQ(encode(-low), bits | sign);
  }
}

TEST(Cast, NarrowFloatsAreRoundedToNearestEven) {
  check_rounding<std::uint16_t>(float16_from_double, float16_to_float, 0x7C00);
  check_rounding<std::uint16_t>(bfloat16_from_double, bfloat16_to_float, 0x7F80);
  check_rounding<std::uint8_t>(float8_e4m3fn_from_double, float8_e4m3fn_to_float, 0x7F);
  check_rounding<std::uint8_t>(float8_e5m2_from_double, float8_e5m2_to_float, 0x7C);
}

TEST(Cast, NarrowFloatsOverflowWhereTheNextStepWouldBe) {
  EXPECT_EQ(float16_from_double(65519.99), 0x7BFF);
  EXPECT_EQ(float16_from_double(65520), 0x7C00);
  EXPECT_EQ(float16_from_double(-1e300), 0xFC00);
  EXPECT_EQ(float16_from_double(kInf), 0x7C00);
  EXPECT_EQ(float16_from_double(1e-300), 0);
  EXPECT_EQ(float16_from_double(std::numeric_limits<double>::denorm_min()), 0);
  EXPECT_TRUE(std::isnan(float16_to_float(float16_from_double(kNotANumber))));
  EXPECT_EQ(float8_e4m3fn_from_double(464), 0x7E);  // the tie above 448, which goes to the even one
  EXPECT_EQ(float8_e4m3fn_from_double(464.1), 0x7F);
  EXPECT_EQ(float8_e4m3fn_from_double(-kInf), 0xFF);
  EXPECT_EQ(bfloat16_from_double(3.4e38), 0x7F80);
}

TEST(Cast, OverflowIsCountedInfinitiesAreNot) {
  const auto half = converted(DType::float32, values<float>({1e6F, -1, INFINITY, -1e6F}), DType::float16);
  EXPECT_EQ(half.bytes, values<std::uint16_t>({0x7C00, 0xBC00, 0x7C00, 0xFC00}));
  EXPECT_EQ(half.counts, (CastCounts{.overflow = 2}));
  const auto single = converted(DType::float64, values<double>({1e39, kNotANumber}), DType::float32);
  EXPECT_EQ(single.counts, (CastCounts{.overflow = 1}));
}

TEST(Cast, ToIntegersRoundsAndClamps) {
  const auto in = values<float>({0.5F, 1.5F, -2.5F, 127.4F, 128, -129, NAN, INFINITY});
  const auto out = converted(DType::float32, in, DType::int8);
  EXPECT_EQ(out.bytes, values<std::int8_t>({0, 2, -2, 127, 127, -128, 0, 127}));
  EXPECT_EQ(out.counts, (CastCounts{.overflow = 3, .nan = 1}));
  EXPECT_EQ(
      converted(DType::float64, values<double>({9223372036854775808.0, -9223372036854775808.0}), DType::int64).bytes,
      values<std::int64_t>({INT64_MAX, INT64_MIN}));
  EXPECT_EQ(converted(DType::float64, values<double>({-1, 18446744073709551616.0}), DType::uint64).bytes,
            values<std::uint64_t>({0, UINT64_MAX}));
}

TEST(Cast, LargeIntegersAreNotRoundedTwice) {
  const std::int64_t odd = (std::int64_t{1} << 62) + 1;
  EXPECT_EQ(converted(DType::int64, values<std::int64_t>({odd}), DType::uint64).bytes,
            values<std::uint64_t>({static_cast<std::uint64_t>(odd)}));
  EXPECT_EQ(converted(DType::int64, values<std::int64_t>({-1, 300}), DType::uint8).bytes,
            values<std::uint8_t>({0, 255}));
  // Just above a tie of Float32, where a double would fall onto the tie and then to the even side.
  const std::int64_t above = (std::int64_t{1} << 62) + (std::int64_t{1} << 38) + 1;
  EXPECT_EQ(converted(DType::int64, values<std::int64_t>({above, -above}), DType::float32).bytes,
            values<float>({static_cast<float>(above), static_cast<float>(-above)}));
  EXPECT_EQ(converted(DType::uint64, values<std::uint64_t>({UINT64_MAX}), DType::float64).bytes,
            values<double>({18446744073709551616.0}));
}

TEST(Cast, BoolsAndComplexNumbers) {
  EXPECT_EQ(converted(DType::boolean, Bytes("\0\1\2", 3), DType::float32).bytes, values<float>({0, 1, 1}));
  EXPECT_EQ(converted(DType::float32, values<float>({0, -0.0F, 0.1F}), DType::boolean).bytes, Bytes("\0\0\1", 3));
  EXPECT_EQ(converted(DType::complex128, values<double>({1, -2}), DType::complex64).bytes, values<float>({1, -2}));
  EXPECT_TRUE(can_cast(DType::complex64, DType::complex128));
  EXPECT_FALSE(can_cast(DType::complex64, DType::float32));
  EXPECT_FALSE(can_cast(DType::string, DType::float32));
  EXPECT_FALSE(can_cast(DType::int4, DType::int8));
}

TEST(Cast, LongRunsAreCutIntoBlocks) {
  Bytes in;
  Bytes out;
  for (int i = 0; i < 5000; ++i) {
    in += values<std::int32_t>({i});
    out += values<double>({static_cast<double>(i)});
  }
  EXPECT_EQ(converted(DType::int32, in, DType::float64).bytes, out);
}

}  // namespace
}  // namespace ckpt
