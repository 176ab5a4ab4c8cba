// Files and tensors beyond 32 bits, and costs that must be linear: the clock of the test runner ends what is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "ckpt/digest.h"
#include "ckpt/slice.h"
#include "ckpt/validate.h"
#include "file_bytes.h"
#include "made_up_source.h"
#include "temp_dir.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::MadeUpSource;
using test::record;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
constexpr std::uint64_t kLarge = 4'600'000'000;  // bytes of a tensor
constexpr std::size_t kPeriod = 251;             // prime: no offset looks like another by accident

Bytes pattern() {
  Bytes bytes;
  for (std::size_t i = 0; i < kPeriod; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

// Everything of a record in front of its content.
Bytes head_of(const std::string& name, const std::vector<std::int64_t>& dims, const std::string& type,
              std::uint64_t content) {
  Bytes tensor;
  for (const std::int64_t dim : dims) tensor += test::varint_field(1, static_cast<std::uint64_t>(dim));
  tensor += test::bytes_field(2, type) + test::key(3, 2) + test::varint(content);
  const Bytes tag = test::bytes_field(1, name);
  const Bytes tensor_head = test::key(2, 2) + test::varint(tensor.size() + content);
  return test::key(1, 2) + test::varint(tag.size() + tensor_head.size() + tensor.size() + content) + tag + tensor_head +
         tensor;
}

void expect_pattern(const Checkpoint& file, const TensorInfo& tensor, std::uint64_t offset, std::size_t size) {
  Bytes bytes(size, '?');
  const auto status = file.read(tensor, offset, std::as_writable_bytes(std::span(bytes)));
  ASSERT_TRUE(status) << to_string(status.error());
  for (std::size_t i = 0; i < size; ++i)
    ASSERT_EQ(static_cast<unsigned char>(bytes[i]), (offset + i) % kPeriod) << offset << " + " << i;
}

// A small tensor on either side of one above 4 GiB.
std::shared_ptr<MadeUpSource> large_file() {
  auto source = std::make_shared<MadeUpSource>();
  source->add(record("first", {4}, "Int8", "abcd"))
      .add(head_of("large", {static_cast<std::int64_t>(kLarge / 1000), 1000}, "UInt8", kLarge))
      .add_run(pattern(), kLarge)
      .add(record("last", {4}, "Int8", "wxyz"));
  return source;
}

TEST(LargeFiles, ATensorAbove4GiBIsReadAtAnyOffset) {
  const auto file = Checkpoint::from_source(large_file());
  ASSERT_TRUE(file) << to_string(file.error());
  ASSERT_EQ(file->tensors().size(), 3U);
  const TensorInfo& large = file->tensors()[1];
  EXPECT_EQ(large.byte_size, kLarge);
  EXPECT_TRUE(large.fits());
  EXPECT_GT(file->tensors()[2].record_offset, kLarge);
  for (const std::uint64_t offset : {std::uint64_t{0}, 2 * kGiB - 100, 4 * kGiB - 100, 4 * kGiB, kLarge - 300})
    expect_pattern(*file, large, offset, 300);
  Bytes last(4, '?');
  ASSERT_TRUE(file->read(file->tensors()[2], 0, std::as_writable_bytes(std::span(last))));
  EXPECT_EQ(last, "wxyz");
}

TEST(LargeFiles, ASliceOfATensorAbove4GiB) {
  const auto file = Checkpoint::from_source(large_file());
  ASSERT_TRUE(file);
  const TensorInfo& large = file->tensors()[1];
  const auto slice = parse_slice("-3::2, 5", large.dims);
  ASSERT_TRUE(slice);
  Bytes found;
  ASSERT_TRUE(read_slice(*file, large, *slice, [&](std::span<const std::byte> run) {
    found += test::to_bytes(run);
    return true;
  }));
  const auto expected = [&](std::uint64_t row) { return static_cast<char>((row * 1000 + 5) % kPeriod); };
  EXPECT_EQ(found, (Bytes{expected(kLarge / 1000 - 3), expected(kLarge / 1000 - 1)}));
}

TEST(LargeFiles, ATensorAbove4GiBThroughAPipe) {
  const auto source = large_file();
  RecordStream stream(test::pipe_from(*source), {.buffer_bytes = std::size_t{1} << 20});
  std::uint64_t seen = 0;
  while (true) {
    const auto piece = stream.next();
    ASSERT_TRUE(piece) << to_string(piece.error());
    if (*piece == nullptr) break;
    if ((*piece)->entry != 1) continue;
    ASSERT_EQ((*piece)->offset, seen);
    ASSERT_EQ(std::to_integer<unsigned>((*piece)->bytes[0]), seen % kPeriod);
    seen += (*piece)->bytes.size();
  }
  EXPECT_EQ(seen, kLarge);
  EXPECT_EQ(stream.bytes_read(), source->size());
  ASSERT_EQ(stream.tensors().size(), 3U);
  EXPECT_EQ(stream.tensors()[1].byte_size, kLarge);
}

TEST(LargeFiles, ThoseOnDiskToo) {
  const test::TempDir dir;
  const auto path = dir / "large.ckpt";
  // Sparse: the zeros take no room.
  const Bytes head = head_of("zeros", {static_cast<std::int64_t>(kLarge)}, "Int8", kLarge);
  const Bytes last = record("last", {4}, "Int8", "wxyz");
  test::write_file(path, head);
  std::filesystem::resize_file(path, head.size() + kLarge);
  {
    std::ofstream out(path, std::ios::binary | std::ios::app);
    out << last;
    ASSERT_TRUE(out.flush());
  }
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file) << to_string(file.error());
  ASSERT_EQ(file->tensors().size(), 2U);
  EXPECT_EQ(file->file_size(), head.size() + kLarge + last.size());
  Bytes bytes(4, '?');
  ASSERT_TRUE(file->read(file->tensors()[0], kLarge - 4, std::as_writable_bytes(std::span(bytes))));
  EXPECT_EQ(bytes, Bytes(4, '\0'));
  ASSERT_TRUE(file->read(file->tensors()[1], 0, std::as_writable_bytes(std::span(bytes))));
  EXPECT_EQ(bytes, "wxyz");
  const auto findings = validate(*file, {.headers_only = true});
  ASSERT_TRUE(findings);
  std::vector<std::string_view> found;
  for (const Finding& finding : *findings) found.push_back(finding.rule->id);
  EXPECT_EQ(found, (std::vector<std::string_view>{"large-dim", "large-record"}));
}

TEST(LargeFiles, SlicesOf512MiBAsMindSporeWritesThem) {
  constexpr std::uint64_t kSlice = kGiB / 2;
  const std::vector<std::int64_t> dims{static_cast<std::int64_t>(kLarge / 1000), 1000};
  auto source = std::make_shared<MadeUpSource>();
  for (std::uint64_t done = 0; done < kLarge; done += kSlice) {
    const std::uint64_t size = std::min(kSlice, kLarge - done);
    Bytes turned = pattern();
    std::rotate(turned.begin(), turned.begin() + static_cast<std::ptrdiff_t>(done % kPeriod), turned.end());
    source->add(head_of("large", dims, "UInt8", size)).add_run(turned, size);
  }
  const auto file = Checkpoint::from_source(source);
  ASSERT_TRUE(file);
  ASSERT_EQ(file->tensors().size(), 1U);
  EXPECT_EQ(file->tensors()[0].extents.size(), (kLarge - 1) / kSlice + 1);
  EXPECT_TRUE(file->tensors()[0].fits());
  for (std::uint64_t border = kSlice; border < kLarge; border += kSlice)
    expect_pattern(*file, file->tensors()[0], border - 50, 100);
}

// ---- costs ----

constexpr std::size_t kSlices = 200'001;  // odd: half of the bytes is not a number of slices

// One entry in very many slices, each of `piece` bytes.
std::shared_ptr<MadeUpSource> sliced_file(const std::string& type, std::size_t piece, std::size_t element) {
  auto source = std::make_shared<MadeUpSource>();
  const auto dim = static_cast<std::int64_t>(kSlices * piece / element);
  source->add_repeated(head_of("sliced", {dim}, type, piece) + Bytes(piece, '\1'), kSlices);
  return source;
}

void read_in_pieces(const Checkpoint& file, const TensorInfo& tensor, std::size_t piece) {
  Bytes bytes(piece, '?');
  for (std::uint64_t at = 0; at < tensor.byte_size; at += piece) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece, tensor.byte_size - at));
    ASSERT_TRUE(file.read(tensor, at, std::as_writable_bytes(std::span(bytes)).first(size)));
  }
}

TEST(Costs, ManySlices) {
  const auto source = sliced_file("Float32", 100, 4);
  const auto file = Checkpoint::from_source(source);
  ASSERT_TRUE(file) << to_string(file.error());
  ASSERT_EQ(file->tensors().size(), 1U);
  const TensorInfo& tensor = file->tensors()[0];
  ASSERT_EQ(tensor.extents.size(), kSlices);
  ASSERT_TRUE(tensor.fits());
  read_in_pieces(*file, tensor, 10'000);
  const auto findings = validate(*file, {.values = true});
  ASSERT_TRUE(findings);
  RecordStream stream(test::pipe_from(*source));
  const auto of_pipe = digest(stream, {.algorithm = DigestAlgorithm::xxh3});
  const auto of_file = digest(*file, {.algorithm = DigestAlgorithm::xxh3});
  ASSERT_TRUE(of_pipe && of_file);
  EXPECT_EQ(of_pipe->content, of_file->content);
}

TEST(Costs, ManySlicesOfBFloat16StoredAsFloat32) {
  const auto file = Checkpoint::from_source(sliced_file("BFloat16", 100, 4));
  ASSERT_TRUE(file) << to_string(file.error());
  const TensorInfo& tensor = file->tensors()[0];
  ASSERT_EQ(tensor.encoding, Encoding::bf16_as_float32);
  read_in_pieces(*file, tensor, static_cast<std::size_t>(tensor.byte_size));
  ASSERT_TRUE(validate(*file, {.values = true}));
}

TEST(Costs, ManyEntriesOfOneName) {
  MadeUpSource source;
  source.add_repeated(record("a", {2}, "Int8", "ab"), kSlices);
  const auto file = Checkpoint::from_source(std::make_shared<MadeUpSource>(source));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->tensors().size(), kSlices);
  EXPECT_EQ(file->find("a"), &file->tensors().back());
  ASSERT_TRUE(validate(*file, {.version = MindSporeVersion{1, 5}}));
}

TEST(Costs, ManyDims) {
  constexpr std::size_t kDims = 1'000'000;
  const Bytes tag = test::bytes_field(1, "a");
  const Bytes dims_head = test::key(1, 2) + test::varint(kDims);
  const Bytes rest = test::bytes_field(2, "Int8") + test::bytes_field(3, "a");
  const std::size_t tensor = dims_head.size() + kDims + rest.size();
  const Bytes tensor_head = test::key(2, 2) + test::varint(tensor);
  MadeUpSource source;
  source.add(test::key(1, 2) + test::varint(tag.size() + tensor_head.size() + tensor))
      .add(tag + tensor_head + dims_head)
      .add_repeated("\1", kDims)
      .add(rest);
  const auto bytes = std::make_shared<MadeUpSource>(source);
  const auto refused = Checkpoint::from_source(bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::limit);
  const auto file = Checkpoint::from_source(bytes, {.limits = {.max_dims = kDims}});
  ASSERT_TRUE(file) << to_string(file.error());
  EXPECT_EQ(file->tensors()[0].dims.size(), kDims);
  EXPECT_EQ(file->tensors()[0].expected_size(), 1U);
  ASSERT_TRUE(validate(*file));
}

}  // namespace
}  // namespace ckpt
