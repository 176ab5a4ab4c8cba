// `check --for VERSION`: what each MindSpore makes of a file.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "ckpt/validate.h"
#include "file_bytes.h"
#include "rules.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::values;

std::vector<Finding> check_for(MindSporeVersion version, const Bytes& bytes, const OpenOptions& options = {}) {
  const auto file = Checkpoint::from_bytes(bytes_of(bytes), options);
  if (!file) return ADD_FAILURE() << to_string(file.error()), std::vector<Finding>{};
  auto findings = validate(*file, {.version = version});
  if (!findings) return ADD_FAILURE() << to_string(findings.error()), std::vector<Finding>{};
  return std::move(*findings);
}

std::string messages(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) text += std::string(finding.rule->id) + ": " + finding.message + '\n';
  return text;
}

// 'x' cannot load it, '~' loads something else or may fail, '.' neither.
char answer(const std::vector<Finding>& findings) {
  const auto has = [&](std::string_view id) {
    return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.rule->id == id; });
  };
  return has("version-cannot-load") ? 'x' : has("version-reads-differently") ? '~' : '.';
}

// Each boundary that is known, the versions on both sides of it, and one in each gap that nobody has read.
constexpr std::array<MindSporeVersion, 18> kVersions{{{0, 1},
                                                      {0, 3},
                                                      {0, 4},
                                                      {0, 5},
                                                      {0, 6},
                                                      {1, 0},
                                                      {1, 1},
                                                      {1, 2},
                                                      {1, 3},
                                                      {1, 5},
                                                      {1, 9},
                                                      {2, 0},
                                                      {2, 2},
                                                      {2, 3},
                                                      {2, 4},
                                                      {2, 5},
                                                      {2, 7},
                                                      {2, 10}}};

void expect_answers(const char* what, const Bytes& bytes, const std::string& expected,
                    const OpenOptions& options = {}) {
  std::string found;
  std::string surprises;
  for (const MindSporeVersion version : kVersions) {
    const auto findings = check_for(version, bytes, options);
    if (found.size() == 5 || found.size() == 12 || found.size() == 15) found += ' ';
    found += answer(findings);
    if (expected.substr(0, found.size()) != found) surprises += messages(findings);
  }
  EXPECT_EQ(found, expected) << what << '\n' << surprises;
}

Bytes two_of_type(std::string_view type, std::size_t size) { return record("a", {2}, type, Bytes(2 * size, '\0')); }
Bytes float32(std::initializer_list<std::int64_t> dims, std::initializer_list<float> numbers) {
  return record("a", dims, "Float32", values<float>(numbers));
}
Bytes map_entry() {
  const Bytes four(4, '\0');
  return record()
      .tag("m")
      .part()
      .dims({1})
      .type("int32")
      .content(four)
      .part()
      .dims({1, 1})
      .type("float32")
      .content(four)
      .part()
      .dims({1})
      .type("int32")
      .content(four);
}

// Columns: 0.1 0.3 0.4 0.5 0.6  1.0 1.1 1.2 1.3 1.5 1.9  2.0 2.2  2.3 2.4 2.5 2.7 2.10. A gap is '~'.

TEST(ForVersion, Types) {
  for (const auto& [type, size] :
       {std::pair{"Int8", 1}, {"Int16", 2}, {"Int32", 4}, {"Int64", 8}, {"Float16", 2}, {"Float32", 4}, {"Float64", 8}})
    expect_answers(type, two_of_type(type, static_cast<std::size_t>(size)), "..... ...... .. .....");
  expect_answers("Bool", two_of_type("Bool", 1), "xx~.. ...... .. .....");
  // 0.5 to 1.5 wrote UInt and looked for Uint.
  for (const auto& [type, old, size] :
       {std::tuple{"UInt8", "Uint8", 1}, {"UInt16", "Uint16", 2}, {"UInt32", "Uint32", 4}, {"UInt64", "Uint64", 8}}) {
    expect_answers(type, two_of_type(type, static_cast<std::size_t>(size)), "xxxxx xxxxx~ .. .....");
    expect_answers(old, two_of_type(old, static_cast<std::size_t>(size)), "xx~.. .....~ xx xxxxx");
  }
  expect_answers("str", record("k", {0}, "str", test::utf32(U"a")), "xxxxx xxxxx~ .. .....");
  expect_answers("BFloat16", two_of_type("BFloat16", 2), "xxxxx xxxxxx x~ .....");
  expect_answers("BFloat16 as float32", two_of_type("BFloat16", 4), "xxxxx xxxxxx x~ .....");
  expect_answers("Int4", two_of_type("Int4", 1), "xxxxx xxxxxx xx x....");
  expect_answers("random_op", record("random_op", {}, "random_op", "abc"), "xxxxx xxxxxx x~ ~~~xx");
  for (const char* type : {"Bool_", "Complex64", "Float8E5M2", "HiFloat8", "float32", "Float", ""})
    expect_answers(type, two_of_type(type, 8), "xxxxx xxxxxx xx xxxxx");
  expect_answers("map", map_entry(), "xxxxx xxxxx~ .. .....");
  expect_answers("no value", record().tag("a"), "xxxxx xxxxx~ ~~ ~~~~~");
}

TEST(ForVersion, Scalars) {
  expect_answers("dims [0]", float32({0}, {1}), "~.... ...... .. .....");
  expect_answers("dims [1]", float32({1}, {1}), "~.... ...... .. .....");
  expect_answers("no dims", float32({}, {1}), "..... ...... .. .....");
  expect_answers("Bool, dims [0]", record("a", {0}, "Bool", "\1"), "xx~~~ ~~~~~~ ~~ .....");
  expect_answers("Bool, no dims", record("a", {}, "Bool", "\1"), "xx~.. ...... .. .....");
}

TEST(ForVersion, Dims) {
  expect_answers("2^31", record("a", {std::int64_t{1} << 31, 0}, "Int8", ""), "..... ...... .~ xxxxx");
  // NumPy fits one negative dim to the bytes, whatever its value; MindSpore 2.3 takes it as it is, but for -1.
  expect_answers("[-5]", float32({-5}, {1, 2}), "~~~~~ ~~~~~~ ~~ ~~~~~");
  expect_answers("[-1]", float32({-1}, {1, 2}), "~~~~~ ~~~~~~ ~~ xxxxx");
  expect_answers("[-5,3]", float32({-5, 3}, {1, 2}), "xxxxx xxxxxx x~ ~~~~~");
  expect_answers("[-2,-3]", float32({-2, -3}, {1, 2}), "xxxxx xxxxxx x~ ~~~~~");
  const Bytes many = record().tag("a").packed_dims(std::vector<std::int64_t>(33, 1)).type("Int8").content("1");
  expect_answers("33 dims", many, "xxxxx xxxxxx x~ .....");
}

TEST(ForVersion, Sizes) {
  expect_answers("too short", float32({4}, {1, 2}), "xxxxx xxxxxx x~ ~~~~~");
  expect_answers("too long", float32({2}, {1, 2, 3}), "xxxxx xxxxxx xx xxxxx");
  expect_answers("[0] without bytes", float32({0}, {}), "xxxxx xxxxxx x~ ~~~~~");
  expect_answers("a scalar without bytes", float32({}, {}), "xxxxx xxxxxx x~ ~~~~~");
  expect_answers("no elements", float32({2, 0}, {}), "..... ...... .~ ~~~~~");
}

TEST(ForVersion, EntriesOfOneName) {
  const Bytes half = float32({4}, {1, 2});
  const Bytes whole = float32({2}, {1, 2});
  expect_answers("slices", half + half, "xxxx. ...... .. .....");
  expect_answers("slices with other dims", half + float32({2, 2}, {3, 4}), "xxxx~ ~~~~~~ ~~ ~~~~~");
  expect_answers("two complete entries", whole + whole, "~~~~x xxxxxx xx xxxxx");
  expect_answers("two complete entries, apart", whole + record("b", {2}, "Int8", "12") + whole,
                 "..... ...... .. .....");
  const Bytes text = record("k", {0}, "str", test::utf32(U"a"));
  expect_answers("a str in two records", text + text, "xxxxx xxxxx~ ~~ ~~~~~");
}

TEST(ForVersion, Names) {
  expect_answers("the key of a cache", record("emb.__param_key__7", {2}, "Int8", "12"), "~~~~~ ~~~~~~ ~~ .....");
  expect_answers("nearly one", record("emb.__param_key__", {2}, "Int8", "12"), "..... ...... .. .....");
}

TEST(ForVersion, Files) {
  const Bytes plain = float32({2}, {1, 2});
  expect_answers("a trailer", test::with_trailer(plain), "xxxxx xxxxxx xx x....");
  expect_answers("like a trailer", record("a", {17}, "Int8", test::trailer(0)), "..... ...... .. .xxxx");
  expect_answers("model_type", plain + test::model_type("quant"), "...~. ...... .. .....");
  expect_answers("the usual model_type", plain + test::model_type("normal"), "..... ...... .. .....");
}

TEST(ForVersion, Encryption) {
  if (!CKPT_CRYPTO) GTEST_SKIP() << "built without OpenSSL";
  const auto sample = [](const char* path) { return test::read_file(std::filesystem::path(CKPT_SAMPLES) / path); };
  Bytes key;
  for (char i = 0; i < 16; ++i) key += i;
  const OpenOptions options{.key = *Key::from_bytes(bytes_of(key)), .mode = CipherMode::aes_gcm};
  expect_answers("era a", sample("good/enc_a_gcm.ckpt"), "xxxxx xxx..~ xx xxxxx", options);
  expect_answers("era b", sample("good/enc_b_gcm.ckpt"), "xxxxx xxxxx~ .. .....", options);
}

TEST(ForVersion, WhatOtherVersionsDoIsLeftOut) {
  EXPECT_EQ(messages(check_for({1, 5}, two_of_type("Uint8", 1))), "");
  EXPECT_EQ(messages(check_for({2, 3}, record("a", {17}, "Int8", test::trailer(0)))), "");
  EXPECT_EQ(messages(check_for({1, 5}, record("a", {2, 0}, "Int8", ""))), "");
  // What is wrong with the file itself is not.
  EXPECT_NE(messages(check_for({2, 10}, float32({4}, {1, 2}))).find("size-mismatch"), Bytes::npos);
}

TEST(ForVersion, Messages) {
  EXPECT_EQ(messages(check_for({1, 5}, two_of_type("UInt8", 1))),
            "version-cannot-load: MindSpore 1.5 cannot load the type \"UInt8\"\n");
  EXPECT_EQ(
      messages(check_for({1, 9}, two_of_type("UInt8", 1))),
      "version-reads-differently: MindSpore 1.9 may not be able to load the type \"UInt8\": 1.5 cannot, 2.0 can\n");
  EXPECT_EQ(messages(check_for({2, 5}, record("random_op", {}, "random_op", "abc"))),
            "version-reads-differently: MindSpore 2.5 may not be able to load the type \"random_op\": 2.4 can, 2.7 "
            "cannot\n");
  EXPECT_NE(messages(check_for({2, 10}, float32({2}, {1, 2}) + float32({2}, {1, 2})))
                .find("MindSpore 2.10 writes past the end of its buffer: all entries of this name together have 16 "
                      "bytes for dims [2], which need 8"),
            Bytes::npos);
}

TEST(Version, FromText) {
  const auto version = [](std::string_view text) { return version_from_text(text).value_or(MindSporeVersion{0, 0}); };
  EXPECT_EQ(version("1.5"), (MindSporeVersion{1, 5}));
  EXPECT_EQ(version("2.10.0"), (MindSporeVersion{2, 10}));
  EXPECT_EQ(version("r0.3"), (MindSporeVersion{0, 3}));
  EXPECT_EQ(version("v2.3.0rc1"), (MindSporeVersion{2, 3}));
  EXPECT_EQ(version("2.0.0-alpha"), (MindSporeVersion{2, 0}));
  EXPECT_LT(version("2.9"), version("2.10"));
  for (const char* text :
       {"", "2", "2.", ".5", "0.0", "two", "2.x", "2.10.", "2.10.0.1x ", "-1.5", "1.5\n", "99999999999.1"})
    EXPECT_FALSE(version_from_text(text)) << text;
}

}  // namespace
}  // namespace ckpt
