#include "ckpt/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::values;

std::string read_text(const Checkpoint& file, const TensorInfo& tensor, std::uint64_t offset, std::size_t size) {
  std::string out(size, '?');
  const Status status = file.read(tensor, offset, std::as_writable_bytes(std::span(out)));
  return status ? out : to_string(status.error());
}

TEST(Checkpoint, FindsByNameAndOfTwoTheLast) {
  Bytes bytes;
  for (int i = 0; i < 1000; ++i) bytes += record("t" + std::to_string(i), {1}, "Int8", "a");
  bytes += record("t7", {1}, "Int8", "b");
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  ASSERT_EQ(file->tensors().size(), 1001U);
  for (int i = 0; i < 1000; ++i) {
    const TensorInfo* found = file->find("t" + std::to_string(i));
    ASSERT_EQ(found, &file->tensors()[i == 7 ? 1000 : static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(file->find("t1000"), nullptr);
  EXPECT_EQ(file->find(""), nullptr);
}

TEST(Checkpoint, StaysInPlaceWhenMoved) {
  const Bytes bytes = record("w", {1}, "Int8", "a");
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  const TensorInfo* w = file->find("w");
  const Checkpoint moved = std::move(*file);
  EXPECT_EQ(moved.find("w"), w);
  EXPECT_EQ(read_text(moved, *w, 0, 1), "a");
}

TEST(Read, JoinsExtents) {
  const std::string content = "0123456789abcdef";
  const Bytes bytes = record("a", {16}, "Int8", content.substr(0, 5)) + record("a", {16}, "Int8", "") +
                      record("a", {16}, "Int8", content.substr(5, 1)) + record("a", {16}, "Int8", content.substr(6));
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  ASSERT_EQ(file->tensors().size(), 1U);
  for (std::size_t offset = 0; offset <= 16; ++offset)
    for (std::size_t size = 0; offset + size <= 16; ++size)
      EXPECT_EQ(read_text(*file, file->tensors()[0], offset, size), content.substr(offset, size));
}

TEST(Read, BeyondTheTensorIsAMismatch) {
  const Bytes bytes = record("a", {4}, "Int8", "abcd");
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  std::vector<std::byte> out(3);
  for (const std::uint64_t offset : {std::uint64_t{2}, std::uint64_t{5}, ~std::uint64_t{0}}) {
    const Status status = file->read(file->tensors()[0], offset, out);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::mismatch);
    EXPECT_EQ(status.error().tensor, "a");
  }
}

TEST(Read, TruncatesFloat32ToBFloat16AsMindSporeDoes) {
  // 0x3F80FFFF -> 0x3F80, 0xBF808001 -> 0xBF80: no rounding.
  const Bytes stored = test::from_hex("ffff803f 018080bf 00000040");
  const std::string canonical = test::from_hex("803f 80bf 0040");
  const Bytes bytes = record("t", {3}, "BFloat16", stored);
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  for (std::size_t offset = 0; offset <= 6; ++offset)
    for (std::size_t size = 0; offset + size <= 6; ++size)
      EXPECT_EQ(read_text(*file, file->tensors()[0], offset, size), canonical.substr(offset, size));
}

TEST(Read, ConvertsLongTensorsWithoutASeam) {
  Bytes stored;
  std::string canonical;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    stored += test::little_endian(i * 2654435761U);
    canonical += stored.substr(stored.size() - 2);
  }
  const Bytes bytes = record("t", {10'000}, "BFloat16", stored);
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  EXPECT_EQ(read_text(*file, file->tensors()[0], 0, canonical.size()), canonical);
  EXPECT_EQ(read_text(*file, file->tensors()[0], 4097, 12'001), canonical.substr(4097, 12'001));
}

TEST(Read, AMapIsReadByItsParts) {
  const Bytes bytes = record().tag("m").part().dims({2}).type("int32").content("aaaabbbb");
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  const TensorInfo& map = file->tensors()[0];
  std::vector<std::byte> out(1);
  EXPECT_EQ(file->read(map, 0, out).error().code, Errc::usage);
  EXPECT_EQ(read_text(*file, map.parts[0], 2, 4), "aabb");
}

TEST(Read, Strings) {
  const Bytes bytes = record("s", {0}, "str", test::utf32(U"h\u00e9\u4e2d\U0001F600")) +
                      record("empty", {0}, "str", test::utf32(std::u32string(1, U'\0'))) +
                      record("inner", {0}, "str", test::utf32(std::u32string(U"a\0b\0", 4))) +
                      record("odd", {0}, "str", "abc") + record("surrogate", {0}, "str", test::from_hex("00d80000")) +
                      record("beyond", {0}, "str", test::from_hex("00001100"));
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  EXPECT_EQ(*file->read_string(*file->find("s")), "h\u00e9\u4e2d\U0001F600");
  EXPECT_EQ(*file->read_string(*file->find("empty")), "");
  EXPECT_EQ(*file->read_string(*file->find("inner")), std::string("a\0b", 3));
  EXPECT_EQ(file->read_string(*file->find("odd")).error().code, Errc::mismatch);
  EXPECT_EQ(file->read_string(*file->find("surrogate")).error().code, Errc::malformed);
  EXPECT_EQ(file->read_string(*file->find("beyond")).error().code, Errc::malformed);
}

TEST(ReadMany, GivesWhatReadGives) {
  // Large and small, sliced and converted, asked for in any order and in part.
  Bytes bytes;
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = i % 50 == 0 ? 200'000 : static_cast<std::size_t>(i);
    Bytes content(size, '\0');
    for (std::size_t b = 0; b < size; ++b) content[b] = static_cast<char>(b * 31 + static_cast<std::size_t>(i));
    const auto n = static_cast<std::int64_t>(size);
    const std::string name = "t" + std::to_string(i);
    if (i % 7 == 0) {
      bytes +=
          record(name, {n}, "Int8", content.substr(0, size / 3)) + record(name, {n}, "Int8", content.substr(size / 3));
    } else if (i % 11 == 0) {
      bytes += record(name, {n / 4}, "BFloat16", content.substr(0, size / 4 * 4));
    } else {
      bytes += record(name, {n}, "Int8", content);
    }
  }
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  for (const unsigned threads : {1U, 4U}) {
    std::vector<std::vector<std::byte>> out;
    std::vector<ReadRequest> requests;
    out.reserve(file->tensors().size());
    for (const TensorInfo& tensor : file->tensors()) {
      const std::uint64_t offset = tensor.byte_size / 5;
      out.emplace_back(static_cast<std::size_t>(tensor.byte_size - offset));
      requests.push_back({&tensor, out.back(), offset});
    }
    std::reverse(requests.begin(), requests.end());
    ASSERT_TRUE(file->read_many(requests, {.threads = threads}));
    for (const ReadRequest& request : requests)
      EXPECT_EQ(test::to_bytes(request.out), read_text(*file, *request.tensor, request.offset, request.out.size()));
  }
}

TEST(ReadMany, StopsWhenTold) {
  const Bytes bytes = record("a", {4}, "Int8", "abcd");
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file);
  std::vector<std::byte> out(4);
  const ReadRequest request{&file->tensors()[0], out};
  const Status status = file->read_many({&request, 1}, {.threads = 1, .progress = [](auto, auto) { return false; }});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::cancelled);
}

TEST(Open, DamageIsAnErrorOrKept) {
  const Bytes bytes = record("a", {4}, "Int8", "abcd") + Bytes("\x0a");
  auto strict = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_FALSE(strict);
  EXPECT_EQ(strict.error().code, Errc::truncated);
  auto lenient = Checkpoint::from_bytes(bytes_of(bytes), {.keep_damaged = true});
  ASSERT_TRUE(lenient);
  EXPECT_EQ(lenient->tensors().size(), 1U);
  ASSERT_TRUE(lenient->damage());
  EXPECT_EQ(lenient->damage()->code, Errc::truncated);
}

TEST(Open, FilesDirectoriesAndWhatIsNotThere) {
  const test::TempDir dir;
  EXPECT_EQ(Checkpoint::open(dir.path() / "absent.ckpt").error().code, Errc::io);
  EXPECT_NE(Checkpoint::open(dir.path() / "absent.ckpt").error().os_error, 0);
  EXPECT_EQ(Checkpoint::open(dir.path()).error().code, Errc::unsupported);
  std::ofstream(dir.path() / "empty.ckpt").flush();
  auto empty = Checkpoint::open(dir.path() / "empty.ckpt");
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->tensors().empty());
}

TEST(Open, AFileRewrittenInPlaceIsNoticed) {
  const test::TempDir dir;
  const auto path = dir.path() / "a.ckpt";
  const Bytes bytes = record("a", {4}, "Int8", "abcd");
  std::ofstream(path, std::ios::binary) << bytes;
  auto file = Checkpoint::open(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(read_text(*file, file->tensors()[0], 0, 4), "abcd");

  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(2));
  std::vector<std::byte> out(4);
  EXPECT_EQ(file->read(file->tensors()[0], 0, out).error().code, Errc::changed);
  std::filesystem::resize_file(path, 3);
  EXPECT_EQ(file->read(file->tensors()[0], 0, out).error().code, Errc::changed);
}

TEST(Open, AFileThatAnotherIsRenamedOverStaysTheOldOne) {
  const test::TempDir dir;
  const auto path = dir.path() / "a.ckpt";
  std::ofstream(path, std::ios::binary) << Bytes(record("a", {4}, "Int8", "abcd"));
  auto file = Checkpoint::open(path);
  ASSERT_TRUE(file);
  std::ofstream(dir.path() / "new", std::ios::binary) << Bytes(record("a", {4}, "Int8", "wxyz"));
  std::filesystem::rename(dir.path() / "new", path);
  EXPECT_EQ(read_text(*file, file->tensors()[0], 0, 4), "abcd");
}

TEST(Open, BeyondFourGigabytes) {
  // A sparse file: one tensor of 5 GiB between two small ones.
  const test::TempDir dir;
  const auto path = dir.path() / "big.ckpt";
  constexpr std::uint64_t kBig = std::uint64_t{5} << 30;
  const Bytes before = record("before", {4}, "Int8", "abcd");
  const Bytes tensor = test::varint_field(1, kBig) + test::bytes_field(2, "Int8") + test::bytes_field(3, "", kBig);
  const Bytes value = test::bytes_field(1, "big") + test::bytes_field(2, tensor, tensor.size() + kBig);
  const Bytes head = before + test::bytes_field(1, value, value.size() + kBig);
  {
    std::ofstream out(path, std::ios::binary);
    out << head;
    out.seekp(static_cast<std::streamoff>(head.size() + kBig - 1));
    out << 'z' << Bytes(record("after", {4}, "Int8", "wxyz"));
  }
  auto file = Checkpoint::open(path);
  ASSERT_TRUE(file) << to_string(file.error());
  ASSERT_EQ(file->tensors().size(), 3U);
  EXPECT_EQ(file->find("big")->byte_size, kBig);
  EXPECT_EQ(read_text(*file, *file->find("big"), kBig - 1, 1), "z");
  EXPECT_EQ(read_text(*file, *file->find("after"), 0, 4), "wxyz");
}

TEST(FromIndex, RefusesExtentsOutsideTheirSource) {
  const Bytes bytes = "0123456789";
  const auto make = [&](Extent extent) {
    TensorInfo tensor{{.name = "a", .dtype = DType::int8, .dims = {4}}};
    tensor.extents = {extent};
    tensor.stored_size = tensor.byte_size = 4;
    return Checkpoint::from_index({borrow_bytes(bytes_of(bytes))}, {tensor});
  };
  auto good = make({0, 6, 4});
  ASSERT_TRUE(good);
  EXPECT_EQ(read_text(*good, *good->find("a"), 0, 4), "6789");
  EXPECT_EQ(make({0, 7, 4}).error().code, Errc::mismatch);
  EXPECT_EQ(make({1, 0, 4}).error().code, Errc::mismatch);
  EXPECT_EQ(make({0, ~std::uint64_t{0}, 4}).error().code, Errc::mismatch);
  EXPECT_EQ(make({0, 0, 3}).error().code, Errc::usage);
}

}  // namespace
}  // namespace ckpt
