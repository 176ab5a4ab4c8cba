#include "ckpt/validate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "chunked.h"
#include "file_bytes.h"
#include "rules.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::RecordBuilder;
using test::values;

std::vector<Finding> check(const Bytes& bytes, const ValidateOptions& how = {}, const OpenOptions& given = {}) {
  OpenOptions options = given;
  options.keep_damaged = true;
  const auto file = Checkpoint::from_bytes(bytes_of(bytes), options);
  if (!file) return ADD_FAILURE() << to_string(file.error()), std::vector<Finding>{};
  auto findings = validate(*file, how);
  if (!findings) return ADD_FAILURE() << to_string(findings.error()), std::vector<Finding>{};
  return std::move(*findings);
}

std::vector<Finding> check_pipe(const Bytes& bytes, const ValidateOptions& how, const OpenOptions& options) {
  RecordStream stream(test::pipe_of(bytes, 11), {.open = options});
  auto findings = validate(stream, how);
  if (!findings) return ADD_FAILURE() << to_string(findings.error()), std::vector<Finding>{};
  return std::move(*findings);
}

std::string texts_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings)
    text += std::string(finding.rule->id) + " (" + finding.tensor + "): " + finding.message + '\n';
  return text;
}

bool has(const std::vector<Finding>& findings, std::string_view id) {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.rule->id == id; });
}

// ---- every rule: what triggers it, and the nearest thing that does not ----

struct Case {
  std::vector<Bytes> triggers;
  std::vector<Bytes> does_not;
  ValidateOptions how = {};
  OpenOptions open = {};
};

Bytes float32(std::string_view name, std::initializer_list<std::int64_t> dims, std::initializer_list<float> numbers) {
  return record(name, dims, "Float32", values<float>(numbers));
}
Bytes of_type(std::string_view type, std::size_t size) { return record("a", {1}, type, Bytes(size, '\0')); }
Bytes content(std::string_view type, std::initializer_list<std::int64_t> dims, std::string_view hex) {
  return record("a", dims, type, test::from_hex(hex));
}
Bytes text(std::u32string_view characters) { return record("k", {0}, "str", test::utf32(characters)); }
Bytes code_point(std::uint32_t number) { return record("k", {0}, "str", test::little_endian(number)); }
Bytes dims(std::size_t count) { return record("a", {}, "Int8", "1").packed_dims(std::vector<std::int64_t>(count, 1)); }

std::string greek(std::size_t letters) {
  std::string text;
  for (std::size_t i = 0; i < letters; ++i) text += "\u03b1";
  return text;
}

RecordBuilder map_of(std::string_view key_type, std::size_t parts, std::size_t value_rows) {
  RecordBuilder map = record().tag("m");
  if (parts > 0) map.part().dims({2}).type(key_type).content(Bytes(key_type == "int64" ? 16 : 8, '\0'));
  const auto rows = static_cast<std::int64_t>(value_rows);
  if (parts > 1) map.part().dims({rows, 1}).type("float32").content(Bytes(value_rows * 4, '\0'));
  if (parts > 2) map.part().dims({2}).type("int32").content(Bytes(8, '\0'));
  return map;
}

const Bytes kGood = float32("a", {2}, {1, 2});
const Bytes kOther = float32("b", {1}, {1});

std::map<std::string_view, Case> entry_cases() {
  const Bytes half = float32("a", {4}, {1, 2});
  const Bytes unknown = test::varint_field(9, 1);
  return {
      {"invalid-name", {{float32("\xff", {1}, {1}), float32("\xed\xa0\x80", {1}, {1})}, {float32("\u00e9", {1}, {1})}}},
      {"long-name",
       {{float32(std::string(1025, 'n'), {1}, {1})},
        {float32(std::string(1024, 'n'), {1}, {1}), float32(greek(1024), {1}, {1}),
         record(std::string(1025, 'n'), {0}, "str", test::utf32(U"a"))}}},
      {"empty-name", {{float32("", {1}, {1}), record().dims({1}).type("Int8").content("1")}, {kGood}}},
      {"odd-name",
       {{float32("a\n", {1}, {1}), float32(" a", {1}, {1}), float32("a ", {1}, {1}), float32("/a", {1}, {1}),
         float32("a/../b", {1}, {1}), float32("C:\\a", {1}, {1}), float32("a\u200b", {1}, {1})},
        {float32("a b", {1}, {1}), float32("a/b", {1}, {1}), float32("..a", {1}, {1}), float32("a\"b", {1}, {1}),
         float32("\u4e2d\U0001F600", {1}, {1})}}},
      {"duplicate-adjacent", {{kGood + kGood, text(U"a") + text(U"b")}, {half + half, kGood + kOther + kGood}}},
      {"duplicate-apart", {{kGood + kOther + kGood, kGood + kOther + half}, {kGood + kGood, half + kOther + half}}},
      {"slices-differ",
       {{half + float32("a", {2, 2}, {3, 4}), half + record("a", {4}, "Int32", Bytes(8, '\0'))},
        {half + half, kGood + float32("a", {1}, {1})}}},
      {"slices-apart", {{half + kOther + half}, {half + half + kOther, half + kOther + kGood}}},
      {"missing-value",
       {{record().tag("a"), record()}, {record().tag("a").tensor().type("Int8"), map_of("int32", 3, 2)}}},
      {"unknown-type", {{of_type("Float", 4), of_type("", 4), of_type("unknown", 4)}, {of_type("Float32", 4)}}},
      {"unloadable-type",
       {{of_type("Complex64", 8), of_type("Complex128", 16), of_type("Float8E4M3FN", 1), of_type("Float8E5M2", 1),
         of_type("HiFloat8", 1)},
        {of_type("BFloat16", 2), of_type("Int4", 1)}}},
      {"old-type-name",
       {{of_type("Uint8", 1), of_type("Uint64", 8), of_type("Bool_", 1), of_type("float32", 4)},
        {of_type("UInt8", 1), of_type("Bool", 1), map_of("int32", 3, 2)}}},
      {"random-op", {{record("random_op", {}, "random_op", "xyz")}, {record("random_op", {3}, "Int8", "xyz")}}},
      {"negative-dim", {{float32("a", {-5}, {1, 2}), float32("a", {2, -1}, {1, 2})}, {kGood}}},
      {"large-dim",
       {{record("a", {std::int64_t{1} << 31, 0}, "Int8", "")},
        {record("a", {(std::int64_t{1} << 31) - 1, 0}, "Int8", "")}}},
      {"many-dims", {{dims(33)}, {dims(32)}}},
      {"dims-overflow",
       {{float32("a", {1 << 16, 1 << 16, 1 << 16, 1 << 16}, {1}), record("a", {std::int64_t{1} << 60}, "Float64", "")},
        {record("a", {std::int64_t{1} << 59}, "Float64", ""),
         float32("a", {1 << 16, 1 << 16, 1 << 16, 1 << 16, 0}, {})}}},
      {"size-mismatch", {{half, record("a", {}, "Float32", ""), content("Int32", {2}, "00")}, {kGood, half + half}}},
      {"incomplete-slices", {{float32("a", {3}, {1}) + float32("a", {3}, {2})}, {half + half, float32("a", {3}, {1})}}},
      {"heap-overflow",
       {{float32("a", {2}, {1, 2, 3}), float32("a", {0}, {1, 2}), float32("a", {2, 0}, {1}), of_type("Float16", 4),
         half + float32("a", {2}, {1, 2})},
        {kGood, of_type("BFloat16", 4), float32("a", {0}, {1}), half + half}}},
      {"huge-allocation",
       {{float32("a", {1 << 30, 4}, {1, 2})},
        {float32("a", {1 << 20}, {1, 2}), record("a", {1 << 30, 0}, "Int8", "")}}},
      {"empty-vector", {{record("a", {0}, "Float32", "")}, {float32("a", {0}, {1}), record("a", {0, 2}, "Int8", "")}}},
      {"zero-elements", {{record("a", {2, 0, 3}, "Float32", "")}, {kGood, record("a", {0}, "Float32", "")}}},
      {"int4-dims", {{content("Int4", {4}, "2143"), content("Int4", {3}, "2103")}, {content("Int4", {2}, "2143")}}},
      {"bf16-as-float32", {{of_type("BFloat16", 4)}, {of_type("BFloat16", 2)}}},
      {"string-size",
       {{record("k", {0}, "str", ""), record("k", {0}, "str", "abc"), record("k", {0}, "str", "abcde")}, {text(U"a")}}},
      {"string-code-points",
       {{code_point(0x110000), code_point(0xFFFFFFFF)}, {code_point(0x10FFFF), code_point(0xD800)}}},
      {"string-surrogates", {{code_point(0xD800), code_point(0xDFFF)}, {code_point(0xD7FF), code_point(0xE000)}}},
      {"string-trailing-nul",
       {{text(std::u32string(U"a\0", 2)), text(std::u32string(2, U'\0'))},
        {text(std::u32string(1, U'\0')), text(std::u32string(U"a\0b", 3))}}},
      {"map-parts",
       {{record().tag("m").in_value(test::bytes_field(3, "")), map_of("int32", 2, 2), map_of("int32", 3, 2).part()},
        {map_of("int32", 3, 2)}}},
      {"map-rows", {{map_of("int32", 3, 1)}, {map_of("int32", 3, 2), map_of("int32", 3, 2) + map_of("int32", 3, 2)}}},
      {"map-part-type", {{map_of("int64", 3, 2), map_of("Int32", 3, 2)}, {map_of("int32", 3, 2)}}},
      {"packed-dims", {{record().tag("a").packed_dims({1}).type("Int8").content("1")}, {kGood}}},
      {"unknown-fields",
       {{unknown + kGood, kGood + unknown, record("a", {1}, "Int8", "1").in_value(unknown),
         record("a", {1}, "Int8", "1").in_tensor(unknown)},
        {kGood, kGood + unknown + "\xff"}}},
  };
}

std::map<std::string_view, Case> value_cases() {
  const ValidateOptions how{.values = true};
  return {
      {"nan",
       {{content("Float16", {2}, "0000017e"), content("BFloat16", {2}, "0000c1ff"), content("Float32", {1}, "0100807f"),
         content("Float64", {1}, "000000000000f8ff"), content("Complex64", {1}, "000000000000c07f"),
         content("Float8E4M3FN", {1}, "ff"), content("Float8E5M2", {1}, "7d"),
         content("BFloat16", {1}, "0000c07f"),  // stored as float32
         map_of("int32", 1, 0).part().dims({1}).type("float32").content(test::from_hex("0000c07f"))},
        {content("Float32", {1}, "0000807f"), content("Float8E4M3FN", {1}, "7e"), content("Int32", {1}, "ffffffff"),
         content("BFloat16", {1}, "ffff807f")},  // the half that is cut off does not count
        how}},
      {"infinity",
       {{content("Float16", {1}, "00fc"), content("BFloat16", {1}, "807f"), content("Float32", {1}, "000080ff"),
         content("Float64", {1}, "000000000000f07f"), content("Float8E5M2", {1}, "fc"),
         content("BFloat16", {1}, "ffff807f")},
        {content("Float16", {1}, "fffb"), content("Float32", {1}, "0000c07f"), content("Float8E4M3FN", {1}, "78")},
        how}},
      {"bool-value",
       {{content("Bool", {3}, "000102"), content("Bool", {1}, "ff")}, {content("Bool", {2}, "0001")}, how}},
      {"version-cannot-load", {{of_type("UInt8", 1)}, {of_type("Int8", 1)}, {.version = MindSporeVersion{1, 5}}}},
      {"version-reads-differently",
       {{float32("a", {0}, {1})}, {float32("a", {2}, {1, 2})}, {.version = MindSporeVersion{0, 1}}}},
  };
}

std::map<std::string_view, Case> file_cases() {
  const Bytes cut = kGood.substr(0, kGood.size() - 1);
  const Bytes block = test::from_hex("d85e3a7f") + Bytes(60, '\0');
  const OpenOptions one_record{.limits = {.max_records = 1}};
  const Bytes like_trailer = record("a", {17}, "Int8", test::trailer(0));
  return {
      {"truncated", {{cut, kGood + "\x0a", kGood + test::trailer(0).substr(0, 16)}, {kGood, kGood + "\x4a\x7f"}}},
      {"malformed",
       {{kGood + record("b", {1}, "Int8", "1").in_value(test::key(9, 6)), test::nested_groups(9, 101)}, {kGood}}},
      {"trailing-bytes",
       {{kGood + Bytes(1, '\0'), kGood + "some text\n", kGood + "\x4a\x7f"},
        {kGood, kGood + test::varint_field(9, 1), kGood + "\x0a", cut, test::with_trailer(kGood)}}},
      {"cipher-behind-clear", {{kGood + block}, {kGood + Bytes(60, '\0')}}},
      {"limit-exceeded", {{kGood + kOther}, {kGood}, {}, one_record}},
      {"empty-file", {{"", test::varint_field(9, 1)}, {kGood, test::trailer(0)}}},
      {"trailer-only", {{test::trailer(0)}, {"", test::with_trailer(kGood)}}},
      {"crc-mismatch", {{kGood + test::trailer(1)}, {test::with_trailer(kGood)}}},
      {"crc-oversized",
       {{kGood + test::trailer(std::uint64_t{1} << 32 | test::plain_crc32(kGood)),
         kGood + test::trailer(~std::uint64_t{0})},
        {test::with_trailer(kGood), kGood + test::trailer(1)}}},
      {"content-like-trailer",
       {{like_trailer, kGood + like_trailer}, {like_trailer + kGood, test::with_trailer(like_trailer), kGood}}},
      {"model-type", {{kGood + test::model_type("quant")}, {kGood}}},
      {"too-many-findings",
       {{float32("", {1}, {1}) + kOther + float32("", {1}, {1}) + float32(" ", {1}, {1})},
        {kGood},
        {.max_findings = 1}}},
  };
}

const std::set<std::string_view> kCipherRules{"encrypted", "no-integrity", "old-encryption", "trailer-in-clear",
                                              "cipher-damaged"};

// From the samples, with their key.
std::map<std::string_view, Case> cipher_cases() {
  const auto sample = [](const std::string& path) {
    return test::read_file(std::filesystem::path(CKPT_SAMPLES) / path);
  };
  Bytes key;
  for (char i = 0; i < 16; ++i) key += i;
  const OpenOptions open{.key = *Key::from_bytes(bytes_of(key))};
  const OpenOptions zeros{.key = *Key::from_bytes(bytes_of("0000000000000000"))};
  OpenOptions cbc = open;
  cbc.mode = CipherMode::aes_cbc;
  const Bytes plain = sample("good/scalar_no_dims.ckpt");
  const Bytes gcm = sample("good/enc_b_gcm.ckpt");
  return {
      {"encrypted", {{gcm, sample("good/enc_b_sm4.ckpt")}, {plain}, {}, open}},
      {"no-integrity", {{sample("good/enc_b_cbc.ckpt"), sample("good/enc_b_sm4.ckpt")}, {gcm}, {}, open}},
      {"old-encryption", {{sample("good/enc_a_cbc.ckpt")}, {sample("good/enc_b_cbc.ckpt")}, {}, cbc}},
      {"trailer-in-clear", {{sample("bad/crc_and_enc.ckpt")}, {plain}, {}, zeros}},
      {"cipher-damaged", {{sample("bad/enc_second_altered.ckpt")}, {sample("good/enc_b_gcm_blocks.ckpt")}, {}, open}},
  };
}

// More than can be written here: 2 GiB of zeros behind a header.
class Large final : public Source {
 public:
  Large(Bytes head, std::uint64_t size) : head_(std::move(head)), size_(size) {}
  std::uint64_t size() const noexcept override { return size_; }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    for (std::byte& byte : out) {
      byte = offset < head_.size() ? bytes_of(head_)[static_cast<std::size_t>(offset)] : std::byte{0};
      ++offset;
    }
    return {};
  }
  Status verify_unchanged() const override { return {}; }

 private:
  Bytes head_;
  std::uint64_t size_;
};

Result<std::vector<Finding>> check_large(std::uint64_t content_size, const ValidateOptions& how) {
  const auto count = static_cast<std::int64_t>(content_size);
  const Bytes in_tensor =
      test::varint_field(1, content_size) + test::bytes_field(2, "Int8") + test::bytes_field(3, "", content_size);
  const Bytes in_record = test::bytes_field(1, "a") + test::bytes_field(2, in_tensor, in_tensor.size() + content_size);
  const Bytes head = test::bytes_field(1, in_record, in_record.size() + content_size);
  const auto file =
      Checkpoint::from_source(std::make_shared<Large>(head, head.size() + static_cast<std::uint64_t>(count)));
  if (!file) return file.error();
  return validate(*file, how);
}

TEST(Rules, EachHasSomethingThatTriggersItAndSomethingThatDoesNot) {
  std::map<std::string_view, Case> cases;
  for (auto* make : {entry_cases, value_cases, file_cases}) cases.merge(make());
  if (CKPT_CRYPTO) cases.merge(cipher_cases());
  for (const Rule& rule : rules()) {
    SCOPED_TRACE(std::string(rule.id));
    if (rule.id == "large-record") {
      EXPECT_TRUE(has(*check_large(std::uint64_t{1} << 31, {}), rule.id));
      EXPECT_FALSE(has(*check_large((std::uint64_t{1} << 31) - 100, {}), rule.id));
      continue;
    }
    const auto found = cases.find(rule.id);
    if (!CKPT_CRYPTO && kCipherRules.contains(rule.id)) continue;
    ASSERT_NE(found, cases.end()) << "no case for this rule";
    const Case& one = found->second;
    EXPECT_FALSE(one.triggers.empty() || one.does_not.empty());
    for (const Bytes& bytes : one.triggers) {
      const auto findings = check(bytes, one.how, one.open);
      EXPECT_TRUE(has(findings, rule.id)) << test::to_hex(bytes) << '\n' << texts_of(findings);
      const auto from_pipe = check_pipe(bytes, one.how, one.open);
      EXPECT_TRUE(has(from_pipe, rule.id)) << "from a pipe: " << test::to_hex(bytes) << '\n' << texts_of(from_pipe);
    }
    for (const Bytes& bytes : one.does_not) {
      const auto findings = check(bytes, one.how, one.open);
      EXPECT_FALSE(has(findings, rule.id)) << test::to_hex(bytes) << '\n' << texts_of(findings);
      EXPECT_FALSE(has(check_pipe(bytes, one.how, one.open), rule.id)) << "from a pipe: " << test::to_hex(bytes);
    }
    cases.erase(found);
  }
  for (const auto& [id, unused] : cases) ADD_FAILURE() << id << " is no rule";
}

TEST(Rules, AreWellFormed) {
  std::set<std::string_view> ids;
  for (const Rule& rule : rules()) {
    EXPECT_TRUE(ids.insert(rule.id).second) << rule.id;
    EXPECT_EQ(rule.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), rule.id.npos) << rule.id;
    EXPECT_TRUE(rule.summary.ends_with('.')) << rule.summary;
  }
  for (const std::string_view id : kRulesOfVersions) EXPECT_TRUE(ids.contains(id)) << id;
}

// ---- verdicts and what is said ----

TEST(Validate, AGoodFileHasNoFindings) {
  EXPECT_EQ(texts_of(check(kGood + kOther, {.values = true})), "");
  EXPECT_EQ(texts_of(check(test::with_trailer(kGood), {.values = true})), "");
}

TEST(Validate, SaysWhatIsWrongAndWhere) {
  const auto message = [](const Bytes& bytes, const ValidateOptions& how = {.values = true}) {
    const auto findings = check(bytes, how);
    return findings.empty() ? "nothing" : findings[0].message;
  };
  EXPECT_EQ(message(float32("a", {4}, {1, 2})),
            "dims [4] of Float32 need 16 bytes, 8 are stored; MindSpore 2.3 and later would fill the rest with zeros");
  EXPECT_EQ(
      message(record("a", {}, "Float32", "")),
      "a scalar of Float32 needs 4 bytes, none are stored; MindSpore 2.3 and later would fill the rest with zeros");
  EXPECT_EQ(message(kGood + "some text\n"),
            "10 bytes behind the last entry: wire type 7, which protobuf does not have");
  EXPECT_EQ(message(kGood + test::trailer(0).substr(0, 9)), "a CRC trailer needs 17 bytes, 9 are left");
  EXPECT_EQ(message(content("Float32", {2, 2}, "00000000 0000c07f 0000c07f 00000000")),
            "2 of 4 values are NaN, the first at [0,1]");
  EXPECT_EQ(message(content("Bool", {1}, "07")), "the only value is neither 0 nor 1");
  EXPECT_EQ(message(kGood + kOther + kGood), "is replaced by the entry of the same name at byte 52");
}

TEST(Validate, PlacesAreThoseOfTheRecords) {
  const auto findings = check(kGood + float32("b", {4}, {1}) + Bytes(3, '\0'));
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].offset, kGood.size());
  EXPECT_EQ(findings[0].tensor, "b");
  EXPECT_EQ(findings[1].rule->id, "trailing-bytes");
  EXPECT_EQ(findings[1].offset, kGood.size() + float32("b", {4}, {1}).size());
}

TEST(Validate, OneMistakeIsOneFinding) {
  const Bytes half = float32("a", {4}, {1, 2});
  const auto count = [](const Bytes& bytes) { return check(bytes, {.values = true}).size(); };
  EXPECT_EQ(count(half + float32("a", {2, 2}, {3, 4})), 1U);  // MindSpore sees one whole tensor
  EXPECT_EQ(count(half + kOther + half), 2U);                 // apart, and what MindSpore then sees is too short
  EXPECT_EQ(count(kGood + "some text\n"), 1U);
  EXPECT_EQ(count(kGood + test::trailer(0).substr(0, 12)), 1U);
  EXPECT_EQ(count("\xff"), 1U);
}

TEST(Validate, ThousandsOfFindingsAreCountedAndTheVerdictStays) {
  Bytes bytes;
  for (int i = 0; i < 50; ++i) bytes += float32(" " + std::to_string(i), {1}, {1});
  bytes += float32("short", {2}, {1});
  const auto findings = check(bytes, {.max_findings = 10});
  ASSERT_EQ(findings.size(), 12U);
  EXPECT_EQ(findings[10].rule->id, "size-mismatch");  // the first error is kept
  EXPECT_EQ(findings[11].rule->id, "too-many-findings");
  EXPECT_EQ(findings[11].message, "40 more findings");
}

TEST(Validate, HeadersOnlyLeavesOutWhatMustBeRead) {
  const Bytes wrong = kGood + test::trailer(1);
  EXPECT_TRUE(has(check(wrong), "crc-mismatch"));
  EXPECT_FALSE(has(check(wrong, {.headers_only = true}), "crc-mismatch"));
  EXPECT_FALSE(has(check(code_point(0x110000), {.headers_only = true}), "string-code-points"));
}

TEST(Validate, ValuesAreFoundWhereverTheyAreCut) {
  // NaN at element 3, in slices that cut it.
  const Bytes numbers = values<float>({1, 2, 3}) + test::from_hex("0000c07f") + values<float>({5});
  for (std::size_t at = 0; at <= numbers.size(); ++at) {
    const Bytes file =
        record("a", {5}, "Float32", numbers.substr(0, at)) + record("a", {5}, "Float32", numbers.substr(at));
    if (at == numbers.size() || at == 0) continue;
    const auto findings = check(file, {.values = true});
    ASSERT_EQ(findings.size(), 1U) << at << texts_of(findings);
    EXPECT_EQ(findings[0].message, "1 of 5 values is NaN, the first at [3]") << at;
    EXPECT_EQ(texts_of(check_pipe(file, {.values = true}, {})), texts_of(findings)) << at;
  }
}

TEST(Validate, AnErrorAboutTheBytesIsAFinding) {
  const auto rule_of = [](Errc code) {
    const auto finding = finding_of({.code = code, .offset = 7, .tensor = "a", .message = "why"});
    return finding ? std::string(finding->rule->id) : std::string();
  };
  EXPECT_EQ(rule_of(Errc::truncated), "truncated");
  EXPECT_EQ(rule_of(Errc::malformed), "malformed");
  EXPECT_EQ(rule_of(Errc::mismatch), "size-mismatch");
  EXPECT_EQ(rule_of(Errc::limit), "limit-exceeded");
  for (const Errc code : {Errc::io, Errc::unsupported, Errc::locked, Errc::key, Errc::changed, Errc::cancelled})
    EXPECT_EQ(rule_of(code), "") << name(code);
}

TEST(Validate, CanBeStopped) {
  const Bytes big = record("a", {std::int64_t{9} << 20}, "Int8", Bytes(std::size_t{9} << 20, '\0'));
  const Bytes with_trailer = test::with_trailer(big);
  const auto opened = Checkpoint::from_bytes(bytes_of(with_trailer));
  ASSERT_TRUE(opened);
  const auto findings = validate(*opened, {.threads = 1, .progress = [](auto, auto) { return false; }});
  ASSERT_FALSE(findings);
  EXPECT_EQ(findings.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace ckpt
