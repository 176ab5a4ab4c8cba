#include "ckpt/salvage.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "file_bytes.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::values;

// The bytes stay where they are until the end: a Salvage reads them again when it writes.
Salvage examined(Bytes bytes, const SalvageOptions& options = {}) {
  static std::deque<Bytes> kept;
  kept.push_back(std::move(bytes));
  auto salvage = Salvage::examine(borrow_bytes(bytes_of(kept.back())), options);
  EXPECT_TRUE(salvage) << to_string(salvage.error());
  return std::move(*salvage);
}

std::set<std::string> names_of(const Salvage& salvage) {
  std::set<std::string> names;
  for (const TensorInfo& entry : salvage.kept()) names.insert(entry.name);
  return names;
}

Bytes written(const Salvage& salvage, const WriteOptions& options = {}) {
  const test::TempDir dir;
  const auto status = salvage.write(dir / "out.ckpt", options);
  EXPECT_TRUE(status) << to_string(status.error());
  return status ? test::read_file(dir / "out.ckpt") : Bytes();
}

Bytes matrix(const std::string& name, float first) {
  return record(name, {2, 3}, "Float32", values<float>({first, 1, 2, 3, 4, 5}));
}

const std::vector<Bytes>& five_records() {
  static const std::vector<Bytes> kRecords = {matrix("conv1.weight", 1), matrix("conv1.bias", 2),
                                              record("step", {}, "Int64", values<std::int64_t>({7})),
                                              record("note", {0}, "str", test::utf32(U"abc")), matrix("fc.weight", 3)};
  return kRecords;
}

Bytes joined(const std::vector<Bytes>& records) {
  Bytes all;
  for (const Bytes& r : records) all += r;
  return all;
}

TEST(Salvage, OfAnUndamagedFileIsTheFile) {
  const Bytes files[] = {
      joined(five_records()),
      joined(five_records()) + test::model_type("normal"),
      test::with_trailer(joined(five_records())),
      record()
          .tag("m")
          .part()
          .dims({1})
          .type("int32")
          .content("abcd")
          .part()
          .dims({1})
          .type("float32")
          .content("abcd")
          .part()
          .dims({1})
          .type("int32")
          .content("abcd"),
  };
  for (const Bytes& file : files) {
    const Salvage salvage = examined(file);
    EXPECT_TRUE(salvage.losses().empty());
    EXPECT_EQ(written(salvage, {.crc = salvage.trailer().has_value()}), file);
  }
}

TEST(Salvage, OfACutFileKeepsWhatIsWholeInFrontOfTheCut) {
  const Bytes all = joined(five_records());
  for (std::size_t size = 1; size < all.size(); ++size) {
    std::size_t whole = 0;
    for (std::size_t end = 0; whole < 5 && end + five_records()[whole].size() <= size; ++whole)
      end += five_records()[whole].size();
    const Bytes cut = all.substr(0, size);
    auto salvage = Salvage::examine(borrow_bytes(bytes_of(cut)));
    if (!salvage) continue;  // one byte or two may be of anything
    ASSERT_EQ(salvage->kept().size(), whole) << size;
    Bytes expected;
    for (std::size_t i = 0; i < whole; ++i) expected += five_records()[i];
    EXPECT_EQ(salvage->losses().empty(), expected.size() == size) << size;
    if (whole > 0) {
      EXPECT_EQ(written(*salvage, {.durable = false}), expected);
    }
  }
}

// Every byte of the second record that carries structure, set to every value: the others survive, always.
TEST(Salvage, OneDamagedRecordCostsNoOther) {
  const auto& records = five_records();
  const std::size_t begin = records[0].size();
  const std::size_t payload = records[1].size() - 24;
  const Bytes all = joined(records);
  for (std::size_t at = begin; at < begin + payload; ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes damaged = all;
      damaged[at] = static_cast<char>(value);
      const Salvage salvage = examined(damaged);
      const auto names = names_of(salvage);
      for (const char* name : {"conv1.weight", "step", "note", "fc.weight"})
        ASSERT_TRUE(names.contains(name))
            << salvage.losses()[0].message << salvage.losses()[0].size << name << " at " << at << " with " << value;
      ASSERT_LE(names.size(), 5u);
    }
  }
}

TEST(Salvage, WhatIsLostIsSaidWithPlaceAndName) {
  const auto& records = five_records();
  Bytes damaged = joined(records);
  damaged[records[0].size() + 1] = '\x7f';  // the length of the second record
  const Salvage salvage = examined(damaged);
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::lost);
  EXPECT_EQ(salvage.losses()[0].offset, records[0].size());
  EXPECT_EQ(salvage.losses()[0].size, records[1].size());
  EXPECT_EQ(written(salvage), records[0] + records[2] + records[3] + records[4]);
}

TEST(Salvage, GarbageBetweenRecordsIsPassedOver) {
  const auto& records = five_records();
  const Bytes garbage(100'000, '\xff');
  const Salvage salvage = examined(records[0] + garbage + records[1]);
  EXPECT_EQ(names_of(salvage), (std::set<std::string>{"conv1.weight", "conv1.bias"}));
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].size, garbage.size());
}

TEST(Salvage, ATensorWithTheWrongSizeIsLost) {
  const Salvage salvage = examined(record("a", {4}, "Float32", values<float>({1, 2})) + five_records()[0]);
  EXPECT_EQ(names_of(salvage), std::set<std::string>{"conv1.weight"});
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].tensor, "a");
  EXPECT_EQ(salvage.losses()[0].message, "its dims ask for 16 bytes, 8 are there");
}

TEST(Salvage, PartialTensorsAreFilledWithNaN) {
  const Bytes all = five_records()[0] + record("a", {4}, "Float32", values<float>({1, 2, 3, 4}));
  const Bytes slice = record("a", {4}, "Float32", values<float>({1, 2, 3}));
  const Salvage salvage = examined(five_records()[0] + slice, {.partial = true});
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::partial);
  Bytes expected = all;
  expected.replace(expected.size() - 4, 4, test::from_hex("0000c07f"));
  EXPECT_EQ(written(salvage), expected);
}

TEST(Salvage, OfTheTensorThatIsCutTheBeginningIsLeft) {
  const Bytes whole = matrix("a", 1) + matrix("b", 2);
  const Bytes cut = whole.substr(0, whole.size() - 9);  // in the middle of the fourth of six values
  const Salvage salvage = examined(cut, {.partial = true});
  EXPECT_EQ(names_of(salvage), std::set<std::string>{"a"});
  EXPECT_EQ(salvage.partial(), 1u);
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::partial);
  const Bytes saved = written(salvage);
  const Bytes made_up = saved.substr(whole.size() - 9);
  EXPECT_EQ(saved.substr(0, whole.size() - 9), cut);
  EXPECT_EQ(made_up.substr(1), test::values<std::uint32_t>({0x7FC00000, 0x7FC00000}));
}

TEST(Salvage, ACutSliceGoesOnWhereTheOneInFrontOfItEnds) {
  const auto slice = [](std::initializer_list<std::int32_t> content) {
    return Bytes(record("a", {6}, "Int32", values<std::int32_t>(content)));
  };
  const Bytes cut = slice({1, 2}) + slice({3, 4});
  EXPECT_EQ(written(examined(cut.substr(0, cut.size() - 4), {.partial = true})), slice({1, 2, 3, 0, 0, 0}));
}

TEST(Salvage, ACutTensorWithAllThatItsDimsAskForIsNotWhole) {
  // A scalar of one byte whose length says two.
  const Bytes cut = test::from_hex("0a11 0a01 66 120c 0801 1204 426f6f6c 1a02 78");
  const Salvage salvage = examined(matrix("b", 1) + cut, {.partial = true});
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::lost);
  EXPECT_EQ(written(salvage), matrix("b", 1));
}

TEST(Salvage, WhatIsMadeUpIsNoMultipleOfTheFile) {
  const Salvage salvage =
      examined(record("w", {1 << 30, 1 << 30}, "Float32", values<float>({1, 2})) + matrix("b", 1), {.partial = true});
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::lost);
  EXPECT_EQ(written(salvage), matrix("b", 1));
}

TEST(Salvage, ALostMiddleSliceLeavesBothEnds) {
  const auto slice = [](std::initializer_list<std::int32_t> content) {
    return Bytes(record("a", {6}, "Int32", values<std::int32_t>(content)));
  };
  Bytes damaged = slice({1, 2});
  const std::size_t middle = damaged.size();
  damaged += slice({3, 4}) + slice({5, 6});
  damaged[middle] = '\xff';
  const Salvage salvage = examined(damaged, {.partial = true});
  EXPECT_TRUE(salvage.kept().empty());
  EXPECT_EQ(written(salvage), slice({1, 2, 0, 0, 5, 6}));
}

TEST(Salvage, OfTwoOfOneNameTheLaterIsKept) {
  const Salvage salvage = examined(matrix("w", 1) + five_records()[2] + matrix("w", 2));
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].offset, 0u);
  EXPECT_EQ(written(salvage), five_records()[2] + matrix("w", 2));
}

TEST(Salvage, ANameThatIsNotUtf8IsEscaped) {
  const Bytes odd = "w\"\xff\xc3";
  const Bytes new_name = R"(w\"\xff\xc3)";
  const Salvage salvage = examined(matrix("a", 1) + matrix(odd, 2) + matrix(odd, 3) + matrix("b", 4));
  ASSERT_EQ(salvage.losses().size(), 2u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::lost);  // of two of one name the first
  EXPECT_EQ(salvage.losses()[0].tensor, odd);
  EXPECT_EQ(salvage.losses()[1].kind, Loss::Kind::renamed);
  EXPECT_EQ(salvage.losses()[1].tensor, odd);
  EXPECT_EQ(salvage.losses()[1].new_name, new_name);
  EXPECT_EQ(names_of(salvage), (std::set<std::string>{"a", new_name, "b"}));
  EXPECT_EQ(written(salvage), matrix("a", 1) + matrix(new_name, 3) + matrix("b", 4));
}

TEST(Salvage, AnEscapedNameTakesNobodysPlaceAndIsNotTooLong) {
  const Salvage taken = examined(matrix("w\xff", 1) + matrix("w\\xff", 2));
  ASSERT_EQ(taken.losses().size(), 1u);
  EXPECT_EQ(taken.losses()[0].kind, Loss::Kind::lost);
  EXPECT_EQ(written(taken), matrix("w\\xff", 2));
  const Salvage long_one = examined(matrix("b", 1) + matrix(Bytes(300, '\xff'), 2));
  ASSERT_EQ(long_one.losses().size(), 1u);
  EXPECT_EQ(long_one.losses()[0].kind, Loss::Kind::lost);
  EXPECT_EQ(written(long_one), matrix("b", 1));
}

TEST(Salvage, APartialTensorMayHaveAnEscapedName) {
  const Bytes cut = record("w\xff", {4}, "Int32", values<std::int32_t>({1, 2}));
  const Salvage salvage = examined(cut, {.partial = true});
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::partial);
  EXPECT_EQ(salvage.losses()[0].new_name, "w\\xff");
  EXPECT_EQ(written(salvage), Bytes(record("w\\xff", {4}, "Int32", values<std::int32_t>({1, 2, 0, 0}))));
}

TEST(Salvage, AWrongCrcIsADoubt) {
  Bytes file = test::with_trailer(joined(five_records()));
  file[five_records()[0].size() - 1] ^= 1;
  const Salvage salvage = examined(file);
  ASSERT_EQ(salvage.losses().size(), 1u);
  EXPECT_EQ(salvage.losses()[0].kind, Loss::Kind::doubt);
  EXPECT_EQ(salvage.kept().size(), 5u);
}

TEST(Salvage, OfNothingIsAnError) {
  const Bytes text = "this is no checkpoint at all, but a text";
  const auto salvage = Salvage::examine(borrow_bytes(bytes_of(text)));
  ASSERT_FALSE(salvage);
  EXPECT_EQ(salvage.error().code, Errc::unsupported);
  const Salvage empty = examined(matrix("w", 1).substr(0, 30));
  const test::TempDir dir;
  const auto status = empty.write(dir / "out.ckpt", {});
  ASSERT_FALSE(status);
  EXPECT_FALSE(std::filesystem::exists(dir / "out.ckpt"));
}

}  // namespace
}  // namespace ckpt
