#include "ckpt/edit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
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

// The bytes stay where they are until the end of the program.
const Checkpoint& opened(Bytes bytes) {
  static std::deque<Bytes> kept;
  static std::deque<Checkpoint> files;
  kept.push_back(std::move(bytes));
  files.push_back(*Checkpoint::from_bytes(bytes_of(kept.back())));
  return files.back();
}

Result<EditPlan> planned(std::vector<const Checkpoint*> inputs, EditOptions options = {}) {
  return EditPlan::make(inputs, std::move(options));
}

Bytes edited(std::vector<const Checkpoint*> inputs, EditOptions options = {}, const WriteOptions& how = {}) {
  auto plan = planned(inputs, std::move(options));
  EXPECT_TRUE(plan) << to_string(plan.error());
  const test::TempDir dir;
  const auto casts = plan->write(dir / "out.ckpt", how);
  EXPECT_TRUE(casts) << to_string(casts.error());
  return casts ? test::read_file(dir / "out.ckpt") : Bytes();
}

std::string why_not(std::vector<const Checkpoint*> inputs, EditOptions options = {}) {
  auto plan = planned(inputs, std::move(options));
  if (!plan) return to_string(plan.error());
  const test::TempDir dir;
  const auto casts = plan->write(dir / "out.ckpt", {});
  EXPECT_FALSE(casts || plan->writable());
  EXPECT_TRUE(test::names_in(dir.path()).empty());
  return casts ? "" : to_string(casts.error());
}

const Bytes kWeight = record("fc.weight", {2}, "Float32", values<float>({1, 2}));
const Bytes kBias = record("fc.bias", {1}, "Float32", values<float>({3}));
const Bytes kMoments = record("moments.fc.weight", {2}, "Float32", values<float>({4, 5}));
const Bytes kRate = record("learning_rate", {}, "Float32", values<float>({0.1F}));
const Bytes kMomentum = record("momentum.weight", {1}, "Float32", values<float>({6}));
const Bytes kMap = record()
                       .tag("emb")
                       .part()
                       .dims({1})
                       .type("int32")
                       .content("aaaa")
                       .part()
                       .dims({1})
                       .type("float32")
                       .content("bbbb")
                       .part()
                       .dims({1})
                       .type("int32")
                       .content("cccc");

TEST(Edit, WithNothingToDoIsTheSameBytes) {
  const Bytes odd = record().content("ab").tag("x").in_value(test::varint_field(9, 1)).dims({2}).type("Uint8");
  const Bytes all = kWeight + kMap + odd + kRate + record("random_op", {}, "random_op", "zz");
  EXPECT_EQ(edited({&opened(all)}), all);
}

TEST(Edit, StripOptimizerKeepsALayerCalledMomentum) {
  const Checkpoint& file = opened(kWeight + kBias + kMomentum + kRate + kMoments);
  EXPECT_EQ(edited({&file}, {.strip_optimizer = true}), kWeight + kBias + kMomentum);
  const auto plan = planned({&file}, {.strip_optimizer = true});
  ASSERT_EQ(plan->dropped().size(), 2u);
  EXPECT_EQ(plan->dropped()[1].tensor->name, "moments.fc.weight");
  EXPECT_EQ(plan->dropped()[1].why, "optimizer state");
}

TEST(Edit, KeepGoesByTheNamesInTheFile) {
  const auto keep = [](const TensorInfo& t) { return t.name.starts_with("fc."); };
  const auto rename = [](std::string_view name) { return "head" + std::string(name.substr(2)); };
  EXPECT_EQ(edited({&opened(kWeight + kRate)}, {.keep = keep, .rename = rename}),
            Bytes(record("head.weight", {2}, "Float32", values<float>({1, 2}))));
}

// Whatever else is in a record stays as it is, in every slice of it.
TEST(Edit, RenamingKeepsAllButTheName) {
  const auto rename = [](std::string_view name) { return "a.much.longer.name." + std::string(name); };
  const auto make = [](const std::string& name) {
    return record().content("abcd").type("Uint8").packed_dims({8}).tag(name).in_value(
               test::group(7, test::varint_field(1, 5))) +
           record().tag(name).in_value(test::fixed32_field(9, 1)).packed_dims({8}).type("Uint8").content("efgh");
  };
  const auto expected = [](const std::string& name) {
    return record().tag(name).content("abcd").type("Uint8").packed_dims({8}).in_value(
               test::group(7, test::varint_field(1, 5))) +
           record().tag(name).in_value(test::fixed32_field(9, 1)).packed_dims({8}).type("Uint8").content("efgh");
  };
  EXPECT_EQ(edited({&opened(make("w"))}, {.rename = rename}), expected("a.much.longer.name.w"));
  const Bytes map = edited({&opened(kMap)}, {.rename = [](std::string_view) { return "e"; }});
  EXPECT_EQ(map.substr(5), kMap.substr(7));
  EXPECT_EQ(map.substr(2, 3),
            "\x0a\x01"
            "e");
}

TEST(Edit, TwoOfOneNewNameAreRefused) {
  const auto same = [](std::string_view) { return std::string("x"); };
  EXPECT_EQ(why_not({&opened(kWeight + kBias)}, {.rename = same}),
            "in \"fc.bias\": it and \"fc.weight\" would both be \"x\"");
}

TEST(Edit, MergingTakesOneOfEachName) {
  const Bytes other = record("fc.bias", {1}, "Float32", values<float>({9}));
  const Checkpoint& a = opened(kWeight + kBias);
  const Checkpoint& b = opened(other + kRate);
  EXPECT_EQ(why_not({&a, &b}), "in \"fc.bias\": more than one input has it");
  EXPECT_EQ(planned({&a, &b})->conflicts().size(), 1u);
  EXPECT_TRUE(planned({&a, &b}, {.conflict = EditOptions::Conflict::last})->conflicts().empty());
  EXPECT_EQ(edited({&a, &b}, {.conflict = EditOptions::Conflict::first}), kWeight + kBias + kRate);
  EXPECT_EQ(edited({&a, &b}, {.conflict = EditOptions::Conflict::last}), kWeight + other + kRate);
}

TEST(Edit, CastsAndCountsWhatDoesNotFit) {
  const Checkpoint& file =
      opened(record("w", {3}, "Float32", values<float>({1, -2, 1e6F})) + record("n", {0}, "str", test::utf32(U"a")));
  auto plan = planned({&file}, {.cast = [](const TensorInfo&) { return DType::float16; }});
  const test::TempDir dir;
  const auto casts = plan->write(dir / "out.ckpt", {});
  ASSERT_TRUE(casts);
  ASSERT_EQ(casts->size(), 1u);
  EXPECT_EQ((*casts)[0].name, "w");
  EXPECT_EQ((*casts)[0].counts.overflow, 1u);
  EXPECT_EQ(test::read_file(dir / "out.ckpt"),
            record("w", {3}, "Float16", values<std::uint16_t>({0x3C00, 0xC000, 0x7C00})) +
                record("n", {0}, "str", test::utf32(U"a")));
}

TEST(Edit, ASetValueTakesTheFormOfTheOneItReplaces) {
  const Bytes step = record("global_step", {1}, "Int32", values<std::int32_t>({7}));
  const std::vector<AppendValue> set = {{"global_step", std::int64_t{0}}, {"learning_rate", 0.5}, {"note", "é"}};
  EXPECT_EQ(edited({&opened(step + kRate + kWeight)}, {.set = set}),
            record("global_step", {1}, "Int32", values<std::int32_t>({0})) +
                record("learning_rate", {}, "Float32", values<float>({0.5F})) + kWeight +
                record("note", {0}, "str", test::utf32(U"é")));
}

TEST(Edit, AValueItsTypeDoesNotHaveIsRefused) {
  const Checkpoint& file = opened(record("s", {}, "Int8", "x"));
  const std::vector<AppendValue> values = {{"s", std::int64_t{300}}, {"s", 1.5}, {"s", std::nan("")}};
  for (const AppendValue& value : values) {
    const auto plan = planned({&file}, {.set = {value}});
    ASSERT_FALSE(plan);
    EXPECT_EQ(to_string(plan.error()), "in \"s\": its type Int8 has no such value");
  }
}

TEST(Edit, RewritingTakesTheProfile) {
  const Checkpoint& file = opened(kRate + record("u", {1}, "Uint8", "x"));
  EXPECT_EQ(edited({&file}, {.rewrite = true}, {.profile = Profile::classic}),
            record("learning_rate", {0}, "Float32", values<float>({0.1F})) + record("u", {1}, "UInt8", "x"));
}

TEST(Edit, NothingLeftIsRefused) {
  EXPECT_EQ(why_not({&opened(kWeight)}, {.keep = [](const TensorInfo&) { return false; }}),
            "nothing would be left, and MindSpore cannot load an empty checkpoint");
}

TEST(Edit, OfTwoOfOneNameInAFileTheLaterIsTaken) {
  const Bytes later = record("fc.bias", {1}, "Float32", values<float>({9}));
  EXPECT_EQ(edited({&opened(kBias + kWeight + later)}), kWeight + later);
}

}  // namespace
}  // namespace ckpt
