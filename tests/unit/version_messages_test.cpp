// What `check --for` says. Of 2.10 tests/interop asks MindSpore itself; of older ones this is what their source says.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "ckpt/validate.h"
#include "version_rules.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::RecordBuilder;
using test::values;

/// "no: why", "differs: how", a line each; the words "MindSpore 2.10" in front of them are left out.
std::string said_of(const Bytes& bytes, std::string_view version_text) {
  const auto version = version_from_text(version_text);
  const auto file = Checkpoint::from_bytes(bytes_of(bytes), {.keep_damaged = true});
  if (!version || !file) return "the test is wrong";
  const auto findings = validate(*file, {.version = version});
  if (!findings) return to_string(findings.error());
  const std::string words = "MindSpore " + std::string(version_text) + ' ';
  std::string said;
  for (const Finding& finding : *findings) {
    if (!finding.rule->id.starts_with("version-")) continue;
    EXPECT_TRUE(finding.message.starts_with(words)) << finding.message;
    said += (finding.rule->id == "version-cannot-load" ? "no: " : "differs: ") + finding.message.substr(words.size());
    said += '\n';
  }
  return said;
}

struct Saying {
  std::string_view version;
  Bytes bytes;
  std::string said;
};

void expect(const std::vector<Saying>& cases) {
  for (const auto& [version, bytes, said] : cases)
    EXPECT_EQ(said_of(bytes, version), said.empty() ? said : said + '\n')
        << "of " << version << ": " << test::to_hex(bytes);
}

Bytes floats(std::string_view name, std::initializer_list<std::int64_t> dims, std::initializer_list<float> numbers) {
  return record(name, dims, "Float32", values<float>(numbers));
}

Bytes text(std::u32string_view characters) { return record("k", {0}, "str", test::utf32(characters)); }

RecordBuilder map_of(std::initializer_list<std::int64_t> dims, std::string_view type, std::string_view content) {
  return record()
      .tag("m")
      .part()
      .dims({1})
      .type("int32")
      .content(Bytes(4, 'k'))
      .part()
      .dims(dims)
      .type(type)
      .content(content);
}

TEST(VersionRules, NegativeDims) {
  const Bytes fits = floats("a", {2, -1}, {1, 2});
  const Bytes does_not = floats("a", {2, -1}, {1, 2, 3});
  expect({
      {"2.10", fits, "no: cannot load dim 1 of -1"},
      {"2.10", floats("a", {-5, -1}, {1}), "no: cannot load dim 1 of -1"},
      {"2.10", floats("a", {2, -5}, {1}), "differs: loads dim 1 of -5 as it is, a tensor that cannot be used"},
      {"2.10", floats("a", {-2147483649}, {1}), "no: cannot load dim 0 of -2147483649: it takes 32 bits"},
      {"1.5", fits, "differs: takes dim 1 of -1 for whatever fits"},
      {"1.5", floats("a", {-7}, {1, 2}), "differs: takes dim 0 of -7 for whatever fits"},
      {"1.5", does_not, "no: cannot load dim 1 of -1"},
      {"1.5", floats("a", {-1, -1}, {1}), "no: cannot load dim 0 of -1"},
      {"1.5", floats("a", {0, -1}, {}), "no: cannot load dim 1 of -1"},
  });
}

TEST(VersionRules, LargeDims) {
  const Bytes wide = record("a", {2147483648, 0}, "Int8", "");
  expect({
      {"2.10", wide,
       "no: cannot load dim 0 of 2147483648: it takes 32 bits\ndiffers: drops a tensor without elements when it saves "
       "it"},
      {"1.5", wide, ""},
      {"2.10", record("a", {65536, 65536, 65536, 65536}, "Int8", ""), "no: cannot load dims [65536,65536,65536,65536]"},
      {"1.5", record("a", {65536, 65536, 65536, 65536}, "Int8", ""), "no: cannot load dims [65536,65536,65536,65536]"},
      {"2.10", record("a", {65536, 65536, 65536, 65536, 0}, "Int8", ""),
       "no: cannot load dims [65536,65536,65536,65536,0]: their product exceeds 64 bits\n"
       "differs: drops a tensor without elements when it saves it"},
      {"2.10", record("a", {0, 65536, 65536, 65536, 65536}, "Int8", ""),
       "differs: drops a tensor without elements when it saves it"},
  });
}

TEST(VersionRules, EntriesOfOneNameInARow) {
  const Bytes one = floats("a", {2}, {1, 2});
  const Bytes empty = floats("a", {2}, {});
  const Bytes half = record("a", {2}, "BFloat16", "1234");
  expect({
      {"2.10", one + one,
       "no: writes past the end of its buffer: all entries of this name together have 16 bytes for dims [2], which "
       "need 8"},
      {"1.5", one + one,
       "no: cannot load it: all entries of this name together have 16 bytes for dims [2], which need 8"},
      {"0.5", one + one, "differs: keeps only the last of the entries of this name"},
      // Dims of the last one count, and only those.
      {"2.10", floats("a", {-1}, {1}) + floats("a", {2}, {2}),
       "differs: joins it with the entries of this name before it"},
      {"1.5", floats("a", {-1}, {1}) + floats("a", {2}, {2}),
       "differs: joins it with the entries of this name before it"},
      {"2.10", record("a", {5}, "UInt16", "1234") + half, "differs: joins it with the entries of this name before it"},
      {"2.10", floats("a", {3}, {}) + empty, "differs: fills up with zeros: 0 bytes for dims [2], which need 8"},
      // Types count of all.
      {"2.10", record("a", {1}, "Bool_", "1") + record("a", {1}, "Bool", "1"),
       "no: cannot load the type \"Bool_\"\n"
       "no: writes past the end of its buffer: all entries of this name together have 2 bytes for dims [1], which need "
       "1"},
  });
}

TEST(VersionRules, StringsInSeveralRecords) {
  expect({
      {"2.10", text(U"ab") + text(U"cd"),
       "differs: takes the first 2 characters of several records for a str, or fails"},
      {"2.10", text(U"ab") + text(U"c"),
       "differs: takes the first 1 characters of several records for a str, or fails"},
      {"2.10", text(U"a") + text(U"bc"), "no: cannot load a str in several records"},
      {"2.10", text(U"a") + text(U""), "no: cannot load a str in several records"},
      {"2.10", text(U"") + text(U"a"), ""},
      {"2.3", text(U"a") + text(U"a"), "differs: may not be able to load a str in several records"},
  });
}

TEST(VersionRules, Maps) {
  const Bytes eight(8, 'v');
  expect({
      {"2.10", map_of({2}, "float32", eight), ""},
      {"2.0", map_of({2}, "float32", eight), ""},
      {"1.5", map_of({2}, "float32", eight), "no: cannot load a map parameter"},
      {"2.10", map_of({2, -1}, "float32", eight), ""},
      {"2.10", map_of({3}, "float32", eight), "no: cannot load the values of a map: 8 bytes for dims [3]"},
      {"2.10", map_of({1}, "float32", eight), "no: cannot load the values of a map: 8 bytes for dims [1]"},
      {"2.10", map_of({2}, "float32", "123456789"), "no: cannot load the values of a map: 9 bytes for dims [2]"},
      {"2.10", map_of({1}, "int64", eight), "differs: reads the values of a map as float64"},
      {"2.10", map_of({2}, "Float32", eight), "no: cannot load the values of a map: 8 bytes for dims [2]"},
      {"2.10", map_of({}, "float32", "1234"), "no: cannot load the values of a map, which have no dims"},
      {"2.10", map_of({2}, "float32", eight).part().part(), "no: cannot load a map of 4 parts"},
      {"2.10", record().tag("m") + map_of({2}, "float32", eight),
       "differs: mixes up entries of one name that are maps and tensors\n"
       "differs: gives an empty list for an entry without a tensor\n"
       "differs: mixes up entries of one name that are maps and tensors"},
  });
}

}  // namespace
}  // namespace ckpt
