#include "scan.h"

#include <gtest/gtest.h>

#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::RecordBuilder;
using test::values;

Index index_of_bytes(const Bytes& file, const Limits& limits = {}) {
  return scan(*borrow_bytes(bytes_of(file)), limits, {});
}

Bytes floats(std::size_t count) { return Bytes(count * 4, '\1'); }

TEST(Scan, KeepsWhereEverythingIs) {
  const Bytes first = record("conv1.weight", {2, 3}, "Float32", floats(6));
  const Bytes second = record("b", {3}, "Int8", "xyz");
  const Index index = index_of_bytes(first + second);
  ASSERT_FALSE(index.damage);
  ASSERT_EQ(index.tensors.size(), 2U);
  const TensorInfo& w = index.tensors[0];
  EXPECT_EQ(w.name, "conv1.weight");
  EXPECT_EQ(w.dtype, DType::float32);
  EXPECT_EQ(w.dims, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(w.record_offset, 0U);
  EXPECT_EQ(w.record_size, first.size());
  EXPECT_EQ(w.extents, (std::vector<Extent>{{0, first.size() - 24, 24}}));
  EXPECT_TRUE(w.fits());
  EXPECT_EQ(index.tensors[1].record_offset, first.size());
  EXPECT_EQ(index.tensors[1].record_size, second.size());
}

TEST(Scan, AZeroByteFileIsEmpty) {
  const Index index = index_of_bytes("");
  EXPECT_FALSE(index.damage);
  EXPECT_TRUE(index.tensors.empty());
}

TEST(Scan, ScalarsOfBothDialects) {
  const Index index =
      index_of_bytes(record("old", {0}, "Float32", floats(1)) + record("new", {}, "Float32", floats(1)) +
                     record("one", {1}, "Float32", floats(1)) + record("none", {0}, "Float32", ""));
  ASSERT_EQ(index.tensors.size(), 4U);
  EXPECT_TRUE(index.tensors[0].dims.empty());
  EXPECT_TRUE(index.tensors[0].scalar_as_zero);
  EXPECT_TRUE(index.tensors[1].dims.empty());
  EXPECT_FALSE(index.tensors[1].scalar_as_zero);
  EXPECT_EQ(index.tensors[2].dims, std::vector<std::int64_t>{1});
  EXPECT_EQ(index.tensors[3].dims, std::vector<std::int64_t>{0});
  for (const TensorInfo& tensor : index.tensors) EXPECT_TRUE(tensor.fits()) << tensor.name;
  EXPECT_TRUE(index.dialect.scalars_as_zero);
  EXPECT_TRUE(index.dialect.scalars_without_dims);
}

TEST(Scan, TheLastOfARepeatedFieldCounts) {
  const Index index = index_of_bytes(
      record().tag("first").type("Int8").content("abcd").type("Float32").content(floats(2)).dims({2}).tag("last"));
  ASSERT_EQ(index.tensors.size(), 1U);
  EXPECT_EQ(index.tensors[0].name, "last");
  EXPECT_EQ(index.tensors[0].dtype, DType::float32);
  EXPECT_EQ(index.tensors[0].byte_size, 8U);
}

TEST(Scan, TwoTensorFieldsMergeAndTheLastMemberOfTheOneofCounts) {
  const Index merged = index_of_bytes(record().tag("m").dims({2}).type("Int8").tensor().dims({3}).content("abcdef"));
  ASSERT_EQ(merged.tensors.size(), 1U);
  EXPECT_EQ(merged.tensors[0].dims, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(merged.tensors[0].byte_size, 6U);

  const Index map =
      index_of_bytes(record("m", {1}, "Int8", "a").in_value("").part().dims({1}).type("int32").content("abcd"));
  ASSERT_EQ(map.tensors.size(), 1U);
  EXPECT_EQ(map.tensors[0].kind, Kind::map);
  EXPECT_EQ(map.tensors[0].parts.size(), 1U);

  const Index tensor = index_of_bytes(
      record().tag("m").part().type("int32").content("abcd").tensor().dims({1}).type("Int8").content("a"));
  ASSERT_EQ(tensor.tensors.size(), 1U);
  EXPECT_EQ(tensor.tensors[0].kind, Kind::tensor);
  EXPECT_TRUE(tensor.tensors[0].parts.empty());
}

TEST(Scan, ARecordWithoutAValueIsOpaque) {
  const Index index = index_of_bytes(test::bytes_field(1, "") + record().tag("x"));
  ASSERT_EQ(index.tensors.size(), 2U);
  EXPECT_EQ(index.tensors[0].kind, Kind::opaque);
  EXPECT_EQ(index.tensors[0].name, "");
  EXPECT_EQ(index.tensors[1].name, "x");
  EXPECT_TRUE(index.tensors[1].extents.empty());
}

TEST(Join, SlicesAtAnyByteAreOneEntry) {
  const Bytes whole = values({1.0F, 2.0F, 3.0F, 4.0F});
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    const Index index = index_of_bytes(record("a", {4}, "Float32", whole.substr(0, cut)) +
                                       record("a", {4}, "Float32", whole.substr(cut)) + record("b", {1}, "Int8", "x"));
    ASSERT_EQ(index.tensors.size(), 2U) << cut;
    EXPECT_EQ(index.tensors[0].extents.size(), 2U);
    EXPECT_EQ(index.tensors[0].byte_size, 16U);
    EXPECT_TRUE(index.tensors[0].fits());
    EXPECT_EQ(index.tensors[0].record_size, index.tensors[1].record_offset);
    EXPECT_TRUE(index.dialect.slices);
  }
}

TEST(Join, ACompleteEntryIsNotContinued) {
  const Bytes complete = record("a", {2}, "Float32", floats(2));
  EXPECT_EQ(index_of_bytes(complete + complete).tensors.size(), 2U);
  const Bytes text = record("s", {0}, "str", test::utf32(U"x"));
  EXPECT_EQ(index_of_bytes(text + text).tensors.size(), 2U);
  const Bytes opaque = record("r", {9}, "random_op", "abc");
  EXPECT_EQ(index_of_bytes(opaque + opaque).tensors.size(), 2U);
}

TEST(Join, SlicesApartOrOfAnotherShapeStayApart) {
  const Bytes half = record("a", {4}, "Float32", floats(2));
  EXPECT_EQ(index_of_bytes(half + record("b", {1}, "Int8", "x") + half).tensors.size(), 3U);
  EXPECT_EQ(index_of_bytes(half + record("a", {2, 2}, "Float32", floats(2))).tensors.size(), 2U);
  EXPECT_EQ(index_of_bytes(half + record("a", {4}, "Int32", floats(2))).tensors.size(), 2U);
}

TEST(Join, BFloat16StoredAsFloat32) {
  const Index one = index_of_bytes(record("t", {2}, "BFloat16", floats(2)));
  EXPECT_EQ(one.tensors[0].encoding, Encoding::bf16_as_float32);
  EXPECT_EQ(one.tensors[0].byte_size, 4U);
  EXPECT_EQ(one.tensors[0].stored_size, 8U);
  EXPECT_TRUE(one.tensors[0].fits());

  // Two equal halves: each looks like a complete BFloat16 tensor.
  const Index halves =
      index_of_bytes(record("t", {4}, "BFloat16", floats(2)) + record("t", {4}, "BFloat16", floats(2)));
  ASSERT_EQ(halves.tensors.size(), 1U);
  EXPECT_EQ(halves.tensors[0].encoding, Encoding::bf16_as_float32);
  // Chunks of a fixed size and a rest, either way round.
  for (const std::size_t first : {std::size_t{1}, std::size_t{3}}) {
    const Index index =
        index_of_bytes(record("t", {4}, "BFloat16", floats(first)) + record("t", {4}, "BFloat16", floats(4 - first)));
    ASSERT_EQ(index.tensors.size(), 1U);
    EXPECT_EQ(index.tensors[0].encoding, Encoding::bf16_as_float32);
    EXPECT_TRUE(index.tensors[0].fits());
  }
  const Index scalar = index_of_bytes(record("t", {0}, "BFloat16", floats(1)));
  EXPECT_TRUE(scalar.tensors[0].scalar_as_zero);
  EXPECT_EQ(scalar.tensors[0].byte_size, 2U);
}

TEST(Join, MapSlicesAppendRows) {
  const auto map = [](std::int64_t rows) {
    const auto n = static_cast<std::size_t>(rows);
    return Bytes(record()
                     .tag("m")
                     .part()
                     .dims({rows})
                     .type("int32")
                     .content(floats(n))
                     .part()
                     .dims({rows, 2})
                     .type("float32")
                     .content(floats(2 * n))
                     .part()
                     .dims({rows})
                     .type("int32")
                     .content(floats(n)));
  };
  const Index index = index_of_bytes(map(2) + map(3));
  ASSERT_EQ(index.tensors.size(), 1U);
  const TensorInfo& m = index.tensors[0];
  ASSERT_EQ(m.parts.size(), 3U);
  EXPECT_EQ(m.parts[0].name, "keys");
  EXPECT_EQ(m.parts[1].name, "values");
  EXPECT_EQ(m.parts[2].name, "status");
  EXPECT_EQ(m.parts[1].dims, (std::vector<std::int64_t>{5, 2}));
  EXPECT_EQ(m.parts[1].extents.size(), 2U);
  EXPECT_TRUE(m.parts[1].fits());
  EXPECT_EQ(m.byte_size, 80U);
}

TEST(Trailer, OnlyBehindAWholeRecordAndAtTheVeryEnd) {
  const Bytes file = record("a", {2}, "Float32", floats(2));
  const Index index = index_of_bytes(test::with_trailer(file));
  ASSERT_TRUE(index.trailer);
  EXPECT_EQ(index.trailer->offset, file.size());
  EXPECT_EQ(index.trailer->crc, test::plain_crc32(file));
  EXPECT_FALSE(index.trailer->oversized);

  EXPECT_TRUE(index_of_bytes(file + test::trailer(1ULL << 40)).trailer->oversized);
  EXPECT_TRUE(index_of_bytes(test::trailer(0)).trailer);
  EXPECT_TRUE(index_of_bytes(test::with_trailer(file) + "x").damage);
  // Content that looks like one is content.
  const Index lookalike = index_of_bytes(record("a", {17}, "Int8", test::trailer(7)));
  EXPECT_FALSE(lookalike.trailer);
  EXPECT_EQ(lookalike.tensors[0].byte_size, 17U);
}

TEST(Damage, HasAPlaceANameAndNumbers) {
  const Bytes good = record("a", {2}, "Float32", floats(2));
  const Bytes cut = record("conv1.weight", {64}, "Float32", floats(64));
  const Index index = index_of_bytes(good + cut.substr(0, cut.size() - 100));
  ASSERT_TRUE(index.damage);
  EXPECT_EQ(index.tensors.size(), 1U);
  EXPECT_EQ(index.damage->code, Errc::truncated);
  EXPECT_EQ(index.damage->offset, good.size() + cut.size() - 256);
  EXPECT_EQ(to_string(*index.damage), "truncated at byte " + std::to_string(index.damage->offset) +
                                          " inside \"conv1.weight\": needs 256 bytes, 156 are left");
}

TEST(Damage, AnInnerLengthBeyondItsMessage) {
  const Index index =
      index_of_bytes(Bytes(record().tag("a").dims({2}).type("Int8").content_claiming(600, "ab")) + Bytes(700, '\0'));
  ASSERT_TRUE(index.damage);
  EXPECT_EQ(index.damage->code, Errc::malformed);
  EXPECT_EQ(index.damage->tensor, "a");
}

TEST(Damage, LengthsNearTwoToTheSixtyFour) {
  for (const std::uint64_t claim : {std::uint64_t{1} << 32, (std::uint64_t{1} << 32) + 2, std::uint64_t{1} << 62,
                                    ~std::uint64_t{0}, ~std::uint64_t{0} - 3}) {
    EXPECT_TRUE(index_of_bytes(record("a", {2}, "Int8", "ab").claims(claim)).damage) << claim;
    EXPECT_TRUE(index_of_bytes(record().tag("a").dims({2}).type("Int8").content_claiming(claim, "ab")).damage) << claim;
    EXPECT_TRUE(
        index_of_bytes(record().tag("a").dims({2}).type("Int8").content_claiming(claim, "ab").claims(claim)).damage);
    EXPECT_TRUE(index_of_bytes(record().tag_claiming(claim, "a").dims({2})).damage) << claim;
    EXPECT_TRUE(index_of_bytes(test::bytes_field(9, "x", claim)).damage) << claim;
  }
}

TEST(Damage, GroupsMustEndAndNotNestTooDeep) {
  const Bytes entry = record("a", {2}, "Int8", "ab");
  EXPECT_FALSE(index_of_bytes(test::group(7, test::varint_field(1, 5)) + entry).damage);
  EXPECT_FALSE(index_of_bytes(test::nested_groups(7, 99) + entry).damage);
  EXPECT_TRUE(index_of_bytes(test::nested_groups(7, 101) + entry).damage);
  EXPECT_TRUE(index_of_bytes(test::key(7, 3) + entry).damage);
  EXPECT_TRUE(index_of_bytes(test::key(7, 3) + test::key(8, 4) + entry).damage);
  EXPECT_TRUE(index_of_bytes(test::key(7, 4) + entry).damage);
}

TEST(Limits, AreMetWithAMessage) {
  Bytes empties;
  for (int i = 0; i < 100; ++i) empties += test::bytes_field(1, "");
  const Index records = index_of_bytes(empties, {.max_records = 99});
  ASSERT_TRUE(records.damage);
  EXPECT_EQ(records.damage->code, Errc::limit);
  EXPECT_EQ(records.tensors.size(), 99U);

  const Index memory = index_of_bytes(empties, {.max_index_bytes = 1000});
  ASSERT_TRUE(memory.damage);
  EXPECT_EQ(memory.damage->code, Errc::limit);

  EXPECT_EQ(index_of_bytes(record(Bytes(50, 'n'), {}, "Int8", "a"), {.max_name_bytes = 49}).damage->code, Errc::limit);
  EXPECT_FALSE(index_of_bytes(record(Bytes(50, 'n'), {}, "Int8", "a"), {.max_name_bytes = 50}).damage);
  EXPECT_EQ(index_of_bytes(record("a", {1, 1, 1}, "Int8", "a"), {.max_dims = 2}).damage->code, Errc::limit);
  EXPECT_EQ(index_of_bytes(record().tag("a").packed_dims({1, 1, 1}).content("a"), {.max_dims = 2}).damage->code,
            Errc::limit);
}

TEST(Limits, AreMetInsideAMap) {
  // A record of one map with many parts, and the second slice of a map, both stop without losing what came before.
  auto part = [](RecordBuilder& map) { map.part().dims({1}).type("int32").content("abcd"); };
  RecordBuilder wide = record().tag("wide");
  for (int i = 0; i < 100; ++i) part(wide);
  RecordBuilder slice = record().tag("m");
  for (int i = 0; i < 3; ++i) part(slice);
  const Bytes slices = Bytes(slice) + Bytes(slice);

  const Index parts = index_of_bytes(record("a", {2}, "Int8", "ab") + wide, {.max_index_bytes = 2000});
  ASSERT_TRUE(parts.damage);
  EXPECT_EQ(parts.damage->code, Errc::limit);
  EXPECT_EQ(parts.damage->tensor, "wide");
  EXPECT_EQ(parts.tensors.size(), 1U);

  const std::uint64_t one = sizeof(TensorInfo) * 4 + 150;  // enough for the first slice
  const Index joined = index_of_bytes(slices, {.max_index_bytes = one});
  ASSERT_TRUE(joined.damage);
  EXPECT_EQ(joined.damage->code, Errc::limit);
  ASSERT_EQ(joined.tensors.size(), 1U);
  EXPECT_EQ(joined.tensors[0].parts[0].extents.size(), 1U);
  EXPECT_EQ(joined.tensors[0].parts[0].dims, std::vector<std::int64_t>{1});
  EXPECT_FALSE(index_of_bytes(slices, {.max_index_bytes = 2 * one}).damage);
}

}  // namespace
}  // namespace ckpt
