// There and back is identical.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "ckpt/writer.h"
#include "file_bytes.h"
#include "foreign_files.h"
#include "temp_dir.h"
#include "write_as.h"

namespace ckpt::containers {
namespace {

using test::all_of;
using test::bytes_in;
using test::listing;
using test::TempDir;
using test::write_as;

constexpr std::array kAllTypes = {
    DType::boolean,   DType::int8,       DType::int16,    DType::int32,         DType::int64,       DType::uint8,
    DType::uint16,    DType::uint32,     DType::uint64,   DType::float16,       DType::float32,     DType::float64,
    DType::complex64, DType::complex128, DType::bfloat16, DType::float8_e4m3fn, DType::float8_e5m2, DType::int4};
constexpr std::size_t kNumpyTypes = 14;  // the first ones
constexpr DType kNotInSafetensors = DType::complex128;

std::string digest_of(const Checkpoint& file) {
  return digest(file, {.algorithm = DigestAlgorithm::xxh3, .threads = 1}).value().content;
}

Checkpoint open(const std::filesystem::path& path) {
  auto any = open_any(path);
  if (!any) throw std::runtime_error(to_string(any.error()));
  return std::move(any->file);
}

/// Random names, types, dims and bytes; strings last, as they come back from safetensors.
void make_checkpoint_file(const std::filesystem::path& path, std::mt19937& random, FileFormat target) {
  auto writer = Writer::create(path, {.durable = false});
  ASSERT_TRUE(writer);
  const auto below = [&](std::size_t count) { return random() % count; };
  const std::size_t count = 1 + below(12);
  const std::vector<std::string> odd = {
      "", "\n", "\"q\"", "gr\xc3\xbcn", "a.b.c", "\x01", "str:x", "\xf0\x9f\x98\x80", "format"};
  for (std::size_t i = 0; i < count; ++i) {
    DType dtype = kAllTypes[below(target == FileFormat::npz ? kNumpyTypes : kAllTypes.size())];
    if (target == FileFormat::safetensors && dtype == kNotInSafetensors) dtype = DType::float32;
    TensorDesc desc{.name = odd[below(odd.size())] + (i == 0 ? "" : std::to_string(i)), .dtype = dtype};
    for (std::size_t d = below(4); d > 0; --d) desc.dims.push_back(static_cast<std::int64_t>(below(5)));
    if (desc.name == "format" && dtype == DType::int4) desc.name = "formats";
    std::vector<std::byte> bytes(*desc.expected_size());
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const auto status = writer->add(desc, bytes);
    ASSERT_TRUE(status) << to_string(status.error());
  }
  for (std::size_t i = 0; i < below(3); ++i) {
    std::u32string text;
    for (std::size_t c = below(5); c > 0; --c) text += U"a\0\u00e9\U0001F600"[below(4)];
    text += std::u32string(below(3), U'\0');
    if (text.empty()) text.push_back(U'\0');
    const TensorDesc desc{.name = "text" + std::to_string(i), .dtype = DType::string, .dims = {0}};
    const auto status = writer->add(desc, test::bytes_of(test::utf32(text)));
    ASSERT_TRUE(status) << to_string(status.error());
  }
  ASSERT_TRUE(writer->finish());
}

/// The entries in the order in which a format keeps them: safetensors has larger elements first, and texts last.
std::string listing_in(FileFormat format, const Checkpoint& file) {
  std::vector<TensorInfo> tensors(file.tensors().begin(), file.tensors().end());
  const auto rank = [](const TensorInfo& tensor) { return tensor.kind == Kind::string ? 0 : size_of(tensor.dtype); };
  if (format == FileFormat::safetensors)
    std::stable_sort(tensors.begin(), tensors.end(),
                     [&](const TensorInfo& a, const TensorInfo& b) { return rank(a) > rank(b); });
  return listing(tensors);
}

void there_and_back(FileFormat format) {
  std::mt19937 random(20);
  const TempDir folder;
  for (int round = 0; round < 150; ++round) {
    SCOPED_TRACE(round);
    ASSERT_NO_FATAL_FAILURE(make_checkpoint_file(folder / "a", random, format));
    const Checkpoint file = open(folder / "a");
    auto status = write_as(format, folder / "b", file);
    ASSERT_TRUE(status) << to_string(status.error());
    const Checkpoint foreign = open(folder / "b");
    EXPECT_EQ(listing(foreign), listing_in(format, file));
    EXPECT_EQ(digest_of(foreign), digest_of(file));
    status = write_as(FileFormat::checkpoint, folder / "c", foreign);
    ASSERT_TRUE(status) << to_string(status.error());
    if (listing(foreign) == listing(file)) {
      EXPECT_EQ(test::read_file(folder / "c"), test::read_file(folder / "a"));
    }
    const Checkpoint back = open(folder / "c");
    EXPECT_EQ(digest_of(back), digest_of(file));
    status = write_as(format, folder / "d", back);
    ASSERT_TRUE(status) << to_string(status.error());
    EXPECT_EQ(test::read_file(folder / "d"), test::read_file(folder / "b"));
  }
}

TEST(RoundTrip, Safetensors) { there_and_back(FileFormat::safetensors); }
TEST(RoundTrip, Npz) { there_and_back(FileFormat::npz); }
TEST(RoundTrip, Checkpoint) { there_and_back(FileFormat::checkpoint); }

TEST(RoundTrip, SlicesAndBf16AsFloat32) {
  const auto part = [](const test::Bytes& content) { return test::record("w", {4}, "Float32", content); };
  const test::Bytes source = part(test::values<float>({1, 2})) + part(test::values<float>({3, 4})) +
                             test::record("b", {2}, "BFloat16", test::values<float>({1, 2})) +
                             test::record("s", {0}, "Float32", test::values<float>({5}));
  auto file = Checkpoint::from_bytes(test::bytes_of(source));
  ASSERT_TRUE(file);
  const TempDir folder;
  ASSERT_TRUE(write_as(FileFormat::safetensors, folder / "st", *file));
  const Checkpoint foreign = open(folder / "st");
  EXPECT_EQ(listing(foreign), "w tensor Float32 [4]\ns tensor Float32 []\nb tensor BFloat16 [2]\n");
  EXPECT_EQ(bytes_in(foreign, "w"), test::values<float>({1, 2, 3, 4}));
  EXPECT_EQ(bytes_in(foreign, "b"), test::values<std::uint16_t>({0x3f80, 0x4000}));
  EXPECT_EQ(digest_of(foreign), digest_of(*file));
}

// The mode, a file in the way, and nothing left after a stop.
TEST(RoundTrip, OutputsAppearWholeOrNotAtAll) {
  const TempDir folder;
  const test::Bytes source = test::record("w", {1}, "Int8", "a") + test::record("v", {1}, "Int8", "b");
  auto file = Checkpoint::from_bytes(test::bytes_of(source));
  ASSERT_TRUE(file);
  const auto entries = all_of(*file);
  for (auto* writer : {&write_safetensors, &write_npz}) {
    const auto out = folder / "out";
    const auto stopped =
        writer(out, *file, entries, {.durable = false, .progress = [](std::uint64_t, std::uint64_t) { return false; }});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Errc::cancelled);
    EXPECT_TRUE(test::names_in(folder.path()).empty());
    ASSERT_TRUE(writer(out, *file, entries, {.permissions = 0600}));
    EXPECT_EQ(test::mode_of(out), 0600U);
    const auto refused = writer(out, *file, entries, {.overwrite = false});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::usage);
    const std::vector<OutputEntry> twice = {entries[0], entries[0]};
    const auto doubled = writer(out, *file, twice, {});
    ASSERT_FALSE(doubled);
    EXPECT_EQ(test::sentence(doubled.error()), "usage in \"w\": an earlier entry has this name");
    std::filesystem::remove(out);
  }
}

TEST(RoundTrip, MapsGoFromCheckpointToCheckpointOnly) {
  const char* samples = CKPT_SAMPLES "/good/map.ckpt";
  auto file = Checkpoint::open(samples);
  ASSERT_TRUE(file);
  const TensorInfo* map = file->find("m");
  ASSERT_NE(map, nullptr);
  EXPECT_EQ(why_not(FileFormat::safetensors, {map, "m"}), "safetensors has no map parameters");
  EXPECT_EQ(why_not(FileFormat::npz, {map, "m"}), "NumPy has no map parameters");
  EXPECT_EQ(why_not(FileFormat::checkpoint, {map, "m"}), "");
  const TempDir folder;
  ASSERT_TRUE(write_as(FileFormat::checkpoint, folder / "b", *file));
  EXPECT_EQ(test::read_file(folder / "b"), test::read_file(samples));
}

TEST(RoundTrip, WhatACheckpointCannotHold) {
  const test::Bytes bytes = test::npy("<M8[ns]", "(1,)", "12345678");
  auto file = read_npy(borrow_bytes(test::bytes_of(bytes)), "t");
  ASSERT_TRUE(file);
  EXPECT_EQ(why_not(FileFormat::checkpoint, {&file->tensors()[0], "t"}), "MindSpore has no type \"<M8[ns]\"");
  const test::Bytes empty_text = test::npy("<U0", "()", "");
  auto text = read_npy(borrow_bytes(test::bytes_of(empty_text)), "t");
  ASSERT_TRUE(text);
  EXPECT_EQ(why_not(FileFormat::checkpoint, {&text->tensors()[0], "t"}),
            "a str of 0 bytes is none that MindSpore reads");
  const test::Bytes wide = test::safetensors("{" + test::st_tensor("t", "F32", "4294967296,0", 0, 0) + "}");
  auto large = read_safetensors(borrow_bytes(test::bytes_of(wide)));
  ASSERT_TRUE(large) << test::verdict(large);
  EXPECT_EQ(why_not(FileFormat::checkpoint, {&large->tensors()[0], "t"}),
            "a dim of 4294967296; MindSpore reads up to 2147483647");
}

}  // namespace
}  // namespace ckpt::containers
