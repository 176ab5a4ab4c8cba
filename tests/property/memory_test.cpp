// What a file claims costs nothing; what it has costs a small multiple of its size, and no more than the limits say.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agreement.h"
#include "ckpt/validate.h"
#include "file_bytes.h"
#include "heap_meter.h"
#include "made_up_source.h"
#include "wire_mutator.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::HeapMeter;
using test::MadeUpSource;
using test::record;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

// ---- what reading costs ----

std::size_t heap_of_opening(std::span<const std::byte> bytes) {
  HeapMeter meter;
  const auto file = Checkpoint::from_bytes(bytes, {.keep_damaged = true});
  return meter.peak();
}

std::size_t heap_of_validating(std::span<const std::byte> bytes) {
  const auto file = Checkpoint::from_bytes(bytes, {.keep_damaged = true});
  if (!file) return 0;
  HeapMeter meter;
  const auto findings = validate(*file, {.values = true, .version = MindSporeVersion{}, .threads = 1});
  return meter.peak();
}

std::size_t heap_of_streaming(const Bytes& bytes) {
  HeapMeter meter;
  RecordStream stream(test::chunked(bytes, 3), {.buffer_bytes = 64 * kKiB});
  while (true) {
    const auto piece = stream.next();
    if (!piece || *piece == nullptr) return meter.peak();
  }
}

void expect_cheap(const Bytes& bytes, const std::string& name) {
  const std::size_t records = 1 + bytes.size() / 2;  // no record has fewer bytes
  const std::size_t index = 4 * std::min<std::size_t>(records, 64) * sizeof(TensorInfo) + 16 * bytes.size();
  EXPECT_LE(heap_of_opening(bytes_of(bytes)), 16 * kKiB + index) << name;
  EXPECT_LE(heap_of_streaming(bytes), 96 * kKiB + index) << name;
  // A window of 256 KiB for the values, which is kept for the next time.
  EXPECT_LE(heap_of_validating(bytes_of(bytes)), 512 * kKiB + index + 64 * bytes.size()) << name;
}

TEST(Memory, SamplesCostLittleMoreThanTheirSize) {
  for (const char* folder : {"good", "bad"}) {
    const std::filesystem::path path = std::filesystem::path(CKPT_SAMPLES) / folder;
    for (const std::string& name : test::names_in(path))
      if (name.ends_with(".ckpt")) expect_cheap(test::read_file(path / name), name);
  }
}

TEST(Memory, ChangesOfFieldsDoNotMakeItMore) {
  test::Random random(1);
  Bytes bytes = test::read_file(std::filesystem::path(CKPT_SAMPLES) / "good/map_two_slices.ckpt");
  const Bytes original = bytes;
  for (int i = 0; i < 500; ++i) {
    if (i % 20 == 0) bytes = original;
    bytes = test::mutate_wire(bytes, random);
    expect_cheap(bytes, test::to_hex(bytes));
    if (HasFailure()) return;
  }
}

TEST(Memory, ClaimsCostNothing) {
  for (const std::uint64_t claim : {std::uint64_t{1} << 31, std::uint64_t{1} << 40, std::uint64_t{1} << 62}) {
    const Bytes files[] = {record("a", {4}, "Int8", "abcd").claims(claim),
                           record().tag("a").dims({4}).type("Int8").content_claiming(claim, "ab").claims(claim),
                           record().tag_claiming(claim, "a").claims(claim),
                           record().tag("a").type_claiming(claim, "Int8").claims(claim),
                           record().tag("a").in_tensor(test::bytes_field(1, "\x04", claim)).claims(claim),
                           test::bytes_field(2, "normal", claim),
                           test::bytes_field(9, "unknown", claim)};
    for (const Bytes& file : files) {
      EXPECT_LE(heap_of_opening(bytes_of(file)), 8 * kKiB) << test::to_hex(file);
      EXPECT_LE(heap_of_streaming(file), 80 * kKiB) << test::to_hex(file);
    }
  }
}

TEST(Memory, DimsThatAskForEverythingCostNothing) {
  const Bytes file = record("a", {1 << 30, 1 << 30}, "Float64", "abcdefgh") + record("b", {1 << 30}, "BFloat16", "ab");
  EXPECT_LE(heap_of_opening(bytes_of(file)), 8 * kKiB);
  EXPECT_LE(heap_of_validating(bytes_of(file)), 512 * kKiB);
}

// ---- the limits ----

// More of something than fits into any memory: a limit must end it, and say which.
struct Flood {
  const char* what;
  std::vector<std::uint32_t> fields;  // length-delimited ones, each in the one before, around what repeats
  Bytes repeated;
};

constexpr std::uint64_t kTimes = 500'000'000;

std::vector<Flood> floods() {
  const Bytes name(60'000, 'n');
  const Bytes dims = test::bytes_field(1, Bytes(1000, '\1'));
  return {{"empty records", {}, test::bytes_field(1, "")},
          {"records with long names", {}, record(name, {1}, "Int8", "a")},
          {"records with long types", {}, record("a", {1}, name, "a")},
          {"records with many dims", {}, record().tag("a").in_tensor(dims).type("Int8").content("a")},
          {"slices of a byte", {}, record("a", {1 << 30}, "Int8", "a")},
          {"slices without bytes", {}, record("a", {1 << 30}, "Int8", "")},
          {"maps", {}, record().tag("m").part().dims({1}).type("int32").content("abcd")},
          {"maps without parts", {}, record().in_value(test::bytes_field(3, ""))},
          {"parts of one map", {1, 3}, test::bytes_field(1, "")},
          {"parts with many dims", {1, 3}, test::bytes_field(1, dims + test::bytes_field(2, "int32"))},
          {"dims of one tensor", {1, 2}, test::varint_field(1, 1)},
          {"packed dims of one tensor", {1, 2, 1}, "\1"}};
}

MadeUpSource source_of(const Flood& flood) {
  Bytes head;
  for (auto field = flood.fields.rbegin(); field != flood.fields.rend(); ++field)
    head = test::key(*field, 2) + test::varint(head.size() + flood.repeated.size() * kTimes) + head;
  MadeUpSource source;
  source.add(head).add_repeated(flood.repeated, kTimes);
  return source;
}

TEST(Memory, AFloodMeetsALimitOfAFile) {
  const Limits limits{.max_index_bytes = kMiB};
  for (const Flood& flood : floods()) {
    const auto source = std::make_shared<MadeUpSource>(source_of(flood));
    HeapMeter meter;
    const auto file = Checkpoint::from_source(source, {.limits = limits});
    EXPECT_LE(meter.peak(), 4 * kMiB) << flood.what;
    ASSERT_FALSE(file) << flood.what;
    EXPECT_EQ(file.error().code, Errc::limit) << flood.what;
    EXPECT_NE(file.error().offset, Error::kNoOffset) << flood.what;
  }
}

TEST(Memory, AFloodMeetsALimitOfAPipe) {
  const Limits limits{.max_index_bytes = kMiB};
  for (const Flood& flood : floods()) {
    const MadeUpSource source = source_of(flood);
    HeapMeter meter;
    RecordStream stream(test::pipe_from(source), {.open = {.limits = limits}});
    std::optional<Error> error;
    while (!error) {
      const auto piece = stream.next();
      if (!piece) error = piece.error();
      if (piece && *piece == nullptr) break;
    }
    EXPECT_LE(meter.peak(), 5 * kMiB) << flood.what;
    ASSERT_TRUE(error) << flood.what;
    // What one record has too much of, a pipe may also refuse because it does not fit its buffer.
    EXPECT_TRUE(error->code == Errc::limit || error->code == Errc::unsupported) << flood.what << to_string(*error);
  }
}

TEST(Memory, FiveHundredMillionEmptyRecordsMeetTheDefaultLimits) {
  const auto source = std::make_shared<MadeUpSource>(source_of(floods()[0]));
  ASSERT_EQ(source->size(), 1'000'000'000U);
  HeapMeter meter;
  const auto file = Checkpoint::from_source(source);
  EXPECT_LE(meter.peak(), 64 * kMiB);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::limit);
  EXPECT_LT(file.error().offset, 300'000U);
}

TEST(Memory, FindingsAreCounted) {
  MadeUpSource source;
  source.add_repeated(record("", {-1}, "what", "abc"), 20'000);
  const auto file = Checkpoint::from_source(std::make_shared<MadeUpSource>(source));
  ASSERT_TRUE(file);
  HeapMeter meter;
  const auto findings = validate(*file, {.max_findings = 100, .threads = 1});
  EXPECT_LE(meter.peak(), 2 * kMiB);
  ASSERT_TRUE(findings);
  EXPECT_LE(findings->size(), 104U);
}

}  // namespace
}  // namespace ckpt
