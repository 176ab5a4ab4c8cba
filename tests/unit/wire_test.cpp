#include "wire.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "wire_builder.h"

namespace ckpt::wire {
namespace {

using test::bytes_of;
using test::from_hex;

TEST(Varint, IsReadAsProtobufWritesIt) {
  for (const std::uint64_t value :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{127}, std::uint64_t{128}, std::uint64_t{300},
        std::uint64_t{1} << 35, (std::uint64_t{1} << 32) + 5, std::numeric_limits<std::uint64_t>::max()}) {
    const test::Bytes bytes = test::varint(value);
    const Varint read = decode_varint(bytes_of(bytes));
    EXPECT_EQ(read.value, value);
    EXPECT_EQ(read.size, bytes.size());
    EXPECT_EQ(varint_size(value), bytes.size());
    std::array<std::byte, kMaxVarintBytes> written;
    const std::size_t size = encode_varint(value, written);
    EXPECT_EQ(test::to_bytes(std::span(written).first(size)), bytes);
  }
}

TEST(Varint, EveryPrefixIsIncomplete) {
  const test::Bytes bytes = test::varint(std::numeric_limits<std::uint64_t>::max());
  ASSERT_EQ(bytes.size(), kMaxVarintBytes);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(decode_varint(bytes_of(bytes).first(size)).size, 0U) << size;
}

TEST(Varint, OverlongFormsCountAndElevenBytesDoNot) {
  const test::Bytes overlong = from_hex("8a 80 80 00");
  EXPECT_EQ(decode_varint(bytes_of(overlong)).value, 10U);
  EXPECT_EQ(decode_varint(bytes_of(overlong)).size, 4U);
  const test::Bytes endless = from_hex("80 80 80 80 80 80 80 80 80 80 00");
  EXPECT_EQ(decode_varint(bytes_of(endless)).size, 0U);
}

TEST(FieldKey, RefusesWhatProtobufRefuses) {
  EXPECT_EQ(field_key(0x0A), (FieldKey{1, Type::length}));
  EXPECT_EQ(field_key(0xFFFFFFFD), (FieldKey{0x1FFFFFFF, Type::fixed32}));
  EXPECT_FALSE(field_key(0x02));         // field number 0
  EXPECT_FALSE(field_key(0x0E));         // wire type 6
  EXPECT_FALSE(field_key(0x0F));         // wire type 7
  EXPECT_FALSE(field_key(0x10000000A));  // more than 32 bits
}

}  // namespace
}  // namespace ckpt::wire
