#include "ckpt/stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "chunked.h"
#include "crc32.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::pipe_of;
using test::record;

// A pipe that gives out at most `chunk` bytes at a time.
struct Drained {
  std::vector<std::vector<std::string>> content;  // by entry and part
  std::optional<Error> error;
  std::size_t largest_piece = 0;
};

Drained drain(RecordStream& stream) {
  Drained drained;
  while (true) {
    auto piece = stream.next();
    if (!piece) {
      drained.error = piece.error();
      break;
    }
    if (*piece == nullptr) break;
    const Piece& p = **piece;
    drained.content.resize(std::max(drained.content.size(), p.entry + 1));
    auto& parts = drained.content[p.entry];
    parts.resize(std::max(parts.size(), p.part + 1));
    EXPECT_FALSE(p.bytes.empty());
    EXPECT_EQ(parts[p.part].size(), p.offset);
    parts[p.part] += test::to_bytes(p.bytes);
    drained.largest_piece = std::max(drained.largest_piece, p.bytes.size());
  }
  drained.content.resize(stream.tensors().size());
  return drained;
}

Bytes big(std::size_t size, char seed) {
  Bytes bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + static_cast<std::size_t>(seed));
  return bytes;
}

// What every chunking must agree on.
void expect_same_as_file(const Bytes& bytes) {
  auto file = Checkpoint::from_bytes(bytes_of(bytes));
  ASSERT_TRUE(file) << to_string(file.error());
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, std::size_t{1} << 20}) {
    RecordStream stream(pipe_of(bytes, chunk), {.buffer_bytes = 4096});
    const Drained drained = drain(stream);
    ASSERT_FALSE(drained.error) << to_string(*drained.error);
    ASSERT_EQ(stream.tensors().size(), file->tensors().size());
    EXPECT_EQ(stream.bytes_read(), bytes.size());
    for (std::size_t i = 0; i < file->tensors().size(); ++i) {
      const TensorInfo& a = file->tensors()[i];
      const TensorInfo& b = stream.tensors()[i];
      EXPECT_EQ(a.name, b.name);
      EXPECT_EQ(a.dims, b.dims);
      EXPECT_EQ(a.extents, b.extents);
      EXPECT_EQ(a.record_offset, b.record_offset);
      EXPECT_EQ(a.record_size, b.record_size);
      EXPECT_EQ(a.byte_size, b.byte_size);
      EXPECT_EQ(a.encoding, b.encoding);
      EXPECT_EQ(a.unknown_fields, b.unknown_fields);
      EXPECT_EQ(a.packed_dims, b.packed_dims);
      const auto content_of = [&](const TensorInfo& tensor) {
        std::string content;
        for (const Extent& extent : tensor.extents) content += bytes.substr(extent.offset, extent.size);
        return content;
      };
      std::vector<std::string> content;
      for (const TensorInfo& part : a.parts) content.push_back(content_of(part));
      if (a.byte_size > 0 && a.kind != Kind::map) content.push_back(content_of(a));
      EXPECT_EQ(drained.content[i], content) << a.name << " in chunks of " << chunk;
    }
    EXPECT_EQ(stream.trailer().has_value(), file->trailer().has_value());
    const std::size_t covered = stream.trailer() ? stream.trailer()->offset : bytes.size();
    EXPECT_EQ(stream.crc(), test::plain_crc32(bytes.substr(0, covered)));
  }
}

TEST(RecordStream, SmallRecordsInAnyOrder) {
  expect_same_as_file(record("a", {4}, "Int8", "abcd") + record().content("wxyz").type("Int8").dims({4}).tag("late") +
                      record("s", {}, "Float32", "1234") + record("none", {0}, "Float32", "") + record().tag("opaque"));
}

TEST(RecordStream, LargeRecordsInPieces) {
  expect_same_as_file(record("a", {300'000}, "Int8", big(300'000, 1)) + record("b", {2}, "Int8", "xy") +
                      record("c", {100'000}, "Int8", big(100'000, 3)));
}

TEST(RecordStream, AnEmptyListOfDimsBehindTheContent) {
  const Bytes no_dims = test::bytes_field(1, "");
  expect_same_as_file(record("a", {9'000}, "Int8", big(9'000, 1)).in_tensor(no_dims));
}

TEST(RecordStream, UnknownFieldsOfAnySizeAnywhere) {
  const Bytes junk = test::bytes_field(9, big(200'000, 5));
  expect_same_as_file(junk + record("a", {4}, "Int8", "abcd").in_value(junk) + junk +
                      record().tag("b").in_tensor(junk).dims({4}).type("Int8").content("wxyz") + test::group(11, junk) +
                      record("c", {4}, "Int8", "efgh"));
}

TEST(RecordStream, SlicesAndMaps) {
  expect_same_as_file(
      record("a", {200'000}, "Int8", big(70'000, 1)) + record("a", {200'000}, "Int8", big(130'000, 2)) +
      record("b", {4}, "Float32", big(5, 3)) + record("b", {4}, "Float32", big(11, 4)) +
      record().tag("m").part().dims({1}).type("int32").content("aaaa").part().dims({1, 1}).type("float32").content(
          "bbbb") +
      record()
          .tag("m")
          .part()
          .dims({2})
          .type("int32")
          .content("aaaacccc")
          .part()
          .dims({2, 1})
          .type("float32")
          .content("bbbbdddd"));
}

TEST(RecordStream, TrailerAndWhatLooksLikeOne) {
  const Bytes entry = record("a", {9'000}, "Int8", big(9'000, 1));
  expect_same_as_file(test::with_trailer(entry));
  expect_same_as_file(test::with_trailer(Bytes(record("a", {4}, "Int8", "abcd"))));
  expect_same_as_file(record("a", {17}, "Int8", test::trailer(7)));
  expect_same_as_file("");
}

TEST(RecordStream, BFloat16AsFloat32) {
  expect_same_as_file(record("t", {3}, "BFloat16", big(12, 1)) + record("u", {50'000}, "BFloat16", big(200'000, 2)));
  const Bytes halves = record("t", {4}, "BFloat16", big(8, 1)) + record("t", {4}, "BFloat16", big(8, 2));
  RecordStream stream(pipe_of(halves, 100));
  const Drained drained = drain(stream);
  ASSERT_TRUE(drained.error);
  EXPECT_EQ(drained.error->code, Errc::unsupported);
  EXPECT_EQ(stream.tensors().size(), 1U);
}

TEST(RecordStream, WhatNeedsAFileSaysSo) {
  const Bytes content = big(300'000, 1);
  const Bytes files[] = {
      record().dims({300'000}).type("Int8").content(content).tag("name behind"),
      record().tag("type behind").dims({300'000}).content(content).in_tensor(test::bytes_field(2, "Int8")),
      record().tag("dims behind").type("Int8").content(content).dims({300'000}),
      record("twice", {300'000}, "Int8", content).content(content),
      record("renamed", {300'000}, "Int8", content).tag("other"),
      record().tag("m").part().dims({75'000}).type("int32").content(content),
  };
  for (const Bytes& bytes : files) {
    RecordStream stream(pipe_of(bytes, 1 << 16));
    const Drained drained = drain(stream);
    ASSERT_TRUE(drained.error);
    EXPECT_EQ(drained.error->code, Errc::unsupported);
    EXPECT_NE(drained.error->message.find("needs a file"), std::string::npos) << drained.error->message;
    EXPECT_TRUE(stream.tensors().empty());
    auto again = stream.next();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message, drained.error->message);
  }
}

TEST(RecordStream, EveryPrefixFailsOrEndsBetweenRecords) {
  const Bytes bytes = test::with_trailer(record("a", {4}, "Int8", "abcd") + record("b", {4}, "Float32", big(9, 1)) +
                                         record("b", {4}, "Float32", big(7, 1)));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes prefix = bytes.substr(0, size);
    auto file = Checkpoint::from_bytes(bytes_of(prefix), {.keep_damaged = true});
    RecordStream stream(pipe_of(prefix, 3));
    const Drained drained = drain(stream);
    if (!file) {
      EXPECT_TRUE(drained.error) << size;
      continue;
    }
    EXPECT_EQ(drained.error.has_value(), file->damage().has_value()) << size;
    ASSERT_EQ(stream.tensors().size(), file->tensors().size()) << size;
    for (std::size_t i = 0; i < stream.tensors().size(); ++i)
      EXPECT_EQ(stream.tensors()[i].extents, file->tensors()[i].extents) << size;
  }
}

TEST(RecordStream, ACutInTheMiddleOfALargeTensorTakesItsEntryBack) {
  const Bytes whole = record("a", {4}, "Int8", "abcd") + record("big", {300'000}, "Int8", big(300'000, 1));
  const Bytes cut = whole.substr(0, whole.size() - 10);
  RecordStream stream(pipe_of(cut, 1 << 16), {.buffer_bytes = 4096});
  std::size_t bytes = 0;
  while (true) {
    auto piece = stream.next();
    if (!piece) {
      EXPECT_EQ(piece.error().code, Errc::truncated);
      EXPECT_EQ(piece.error().tensor, "big");
      EXPECT_EQ(piece.error().message, "needs 300000 bytes, 299990 are left");
      break;
    }
    ASSERT_NE(*piece, nullptr);
    bytes += (*piece)->bytes.size();
  }
  EXPECT_GT(bytes, 200'000U);
  ASSERT_EQ(stream.tensors().size(), 1U);
  EXPECT_EQ(stream.tensors()[0].name, "a");
}

TEST(RecordStream, WhatIsNoCheckpointIsNamedAsFilesAre) {
  // A strategy file that goes wrong where its first bytes have left the buffer; cipher text under a wrong key.
  const Bytes strategy = test::varint_field(1, 1) + test::bytes_field(2, test::bytes_field(1, "Default/MatMul-op0")) +
                         record().tag("a").dims({2}).type("Int8").content_claiming(std::uint64_t{1} << 62, "ab");
  const Bytes sealed = test::from_hex(  // era a, AES-GCM: neither tag nor padding tells
      "d85e3a7f2e00000010000000101112131415161718191a1b1c1d1e1f16000000ce3a09ae7c5db9fd109b319aa653d80c20b87487f6cb");
  OpenOptions wrong_key{.key = *Key::from_bytes(bytes_of("no such key here"))};
  if (!CKPT_CRYPTO) wrong_key.key.reset();
  for (const Bytes& bytes : {strategy, sealed}) {
    const auto file = Checkpoint::from_bytes(bytes_of(bytes), wrong_key);
    ASSERT_FALSE(file);
    for (const std::size_t chunk : {1U, 7U, 1000U}) {
      RecordStream stream(pipe_of(bytes, chunk), {.open = wrong_key});
      const Drained drained = drain(stream);
      ASSERT_TRUE(drained.error);
      EXPECT_EQ(to_string(*drained.error), to_string(file.error()));
    }
  }
}

TEST(RecordStream, ReadErrorsComeThrough) {
  RecordStream stream(
      [](std::span<std::byte>) -> Result<std::size_t> { return Error{.code = Errc::io, .message = "gone"}; });
  auto piece = stream.next();
  ASSERT_FALSE(piece);
  EXPECT_EQ(piece.error().message, "gone");
}

}  // namespace
}  // namespace ckpt
