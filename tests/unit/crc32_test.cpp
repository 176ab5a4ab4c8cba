#include "crc32.h"

#include <gtest/gtest.h>

#include <string>

#include "wire_builder.h"

namespace ckpt {
namespace {

using test::bytes_of;

TEST(Crc32, IsZlibs) {
  EXPECT_EQ(crc32(0, {}), 0U);
  EXPECT_EQ(crc32(0, bytes_of("123456789")), 0xCBF43926U);  // the check value of CRC-32/ISO-HDLC
  EXPECT_EQ(crc32(crc32(0, bytes_of("1234")), bytes_of("56789")), 0xCBF43926U);
}

TEST(Crc32, CombinesAnyTwoParts) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * i);
  for (std::size_t cut = 0; cut <= text.size(); cut += 37) {
    const auto a = bytes_of(text).first(cut);
    const auto b = bytes_of(text).subspan(cut);
    EXPECT_EQ(crc32_combine(crc32(0, a), crc32(0, b), b.size()), test::plain_crc32(text)) << cut;
  }
  // As if a terabyte of zeros followed: 40 squarings, no loop over the bytes.
  EXPECT_EQ(crc32_combine(crc32_combine(1, 0, std::uint64_t{1} << 39), 0, std::uint64_t{1} << 39),
            crc32_combine(1, 0, std::uint64_t{1} << 40));
}

}  // namespace
}  // namespace ckpt
