#include "ckpt/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "chunked.h"
#include "made_up_source.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;
using test::utf32;
using test::values;

// What follows was computed with Python's hashlib from the definition in docs/hash.md.
constexpr const char* kMatrixDigest = "e2c0a71510b5394df7773b63fb5f54372b84c3564e67811bde7d665be227976d";

Digests digests_of(const Bytes& bytes, const DigestOptions& options = {}, const OpenOptions& open = {}) {
  auto file = Checkpoint::from_bytes(bytes_of(bytes), open);
  EXPECT_TRUE(file) << to_string(file.error());
  auto digests = digest(*file, options);
  EXPECT_TRUE(digests) << to_string(digests.error());

  // A pipe gives the same, however it is cut.
  for (const std::size_t chunk : {std::size_t{3}, bytes.size() + 1}) {
    RecordStream stream(test::pipe_of(bytes, chunk), {.open = open});
    auto piped = digest(stream, options);
    EXPECT_TRUE(piped) << to_string(piped.error());
    EXPECT_EQ(piped->tensors, digests->tensors);
    EXPECT_EQ(piped->content, digests->content);
  }
  return std::move(*digests);
}

Bytes matrix() { return record("w", {2, 3}, "Float32", values<float>({0, 1, 2, 3, 4, 5})); }
Bytes note() { return record("note", {0}, "str", utf32(U"hé")); }

#if CKPT_CRYPTO

TEST(Digest, IsTheSha256OfTheBytesAndOfTheDescription) {
  const Digests digests = digests_of(matrix() + note());
  ASSERT_EQ(digests.tensors.size(), 2u);
  EXPECT_EQ(digests.tensors[0], kMatrixDigest);
  EXPECT_EQ(digests.tensors[1], "e9c50b155f7779e4b94f5125297494be526c8d9aa969696a71b10acb1ba59799");
  EXPECT_EQ(digests.content, "d1457847100851f663012267fd54d67e50f871d2e3266509204684d13917ad39");
}

TEST(Digest, OfAMapIsThatOfItsParts) {
  const Bytes map = record()
                        .tag("m")
                        .part()
                        .dims({2})
                        .type("int32")
                        .content(values<std::int32_t>({1, 2}))
                        .part()
                        .dims({2, 2})
                        .type("float32")
                        .content(values<float>({1, 2, 3, 4}))
                        .part()
                        .dims({2})
                        .type("int32")
                        .content(values<std::int32_t>({0, 0}));
  EXPECT_EQ(digests_of(map).tensors.at(0), "7a0dac33ba0739817ff2d6c5304236416a7ed8093cd4aa94e94865f37bab4859");
}

TEST(Digest, OfNothingIsTheEmptyDigest) {
  const Digests digests = digests_of(record("z", {2, 0}, "Float32", ""));
  EXPECT_EQ(digests.tensors.at(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
#else
TEST(Digest, NeedsOpenSslForSha256) {
  const Bytes bytes = matrix();
  const auto file = Checkpoint::from_bytes(bytes_of(bytes));
  const auto digests = digest(*file);
  ASSERT_FALSE(digests);
  EXPECT_EQ(digests.error().code, Errc::unsupported);
}
#endif

const DigestOptions kXxh3{.algorithm = DigestAlgorithm::xxh3};

TEST(Digest, Xxh3IsWhatXxh128sumPrints) {
  // printf 'abcd' | xxh128sum
  EXPECT_EQ(digests_of(record("w", {4}, "UInt8", "abcd"), kXxh3).tensors.at(0), "8d6b60383dfa90c21be79eecd1b1353d");
}

TEST(Digest, DoesNotDependOnHowThingsAreStored) {
  const Digests plain = digests_of(matrix() + note(), kXxh3);
  const Bytes content = values<float>({0, 1, 2, 3, 4, 5});
  const Bytes variants[] = {
      note() + matrix(),
      test::with_trailer(matrix() + note()),
      record("w", {2, 3}, "Float32", content.substr(0, 5)) + record("w", {2, 3}, "Float32", content.substr(5)) + note(),
      record().content(content).type("Float32").packed_dims({2, 3}).tag("w") + note(),
      matrix() + record("note", {}, "str", utf32(U"hé")),
  };
  for (const Bytes& variant : variants) EXPECT_EQ(digests_of(variant, kXxh3).content, plain.content);
  EXPECT_EQ(digests_of(record("s", {}, "Float32", content.substr(0, 4)), kXxh3).content,
            digests_of(record("s", {0}, "Float32", content.substr(0, 4)), kXxh3).content);
  EXPECT_EQ(digests_of(record("u", {1}, "UInt8", "x"), kXxh3).content,
            digests_of(record("u", {1}, "Uint8", "x"), kXxh3).content);
}

TEST(Digest, DependsOnEverythingThatIsSaid) {
  const Digests plain = digests_of(matrix(), kXxh3);
  const Bytes content = values<float>({0, 1, 2, 3, 4, 5});
  const Bytes others[] = {
      record("v", {2, 3}, "Float32", content),
      record("w", {3, 2}, "Float32", content),
      record("w", {2, 3}, "Int32", content),
      record("w", {2, 3}, "Float32", values<float>({0, 1, 2, 3, 4, 6})),
      matrix() + note(),
  };
  for (const Bytes& other : others) EXPECT_NE(digests_of(other, kXxh3).content, plain.content);
}

// 16 bytes for [4]: float32, of which the high halves count.
TEST(Digest, OfBFloat16StoredAsFloat32IsThatOfItsHighHalves) {
  const Bytes wide = values<std::uint32_t>({0x3F80FFFF, 0xC0000001, 0x3F800000, 0x40400000});
  const Bytes narrow = values<std::uint16_t>({0x3F80, 0xC000, 0x3F80, 0x4040});
  EXPECT_EQ(digests_of(record("b", {4}, "BFloat16", wide), kXxh3).content,
            digests_of(record("b", {4}, "BFloat16", narrow), kXxh3).content);
}

TEST(Digest, TwoOfOneNameCountTwiceInAnyOrder) {
  const Bytes a = record("w", {1}, "Int8", "a");
  const Bytes b = record("w", {1}, "Int8", "b");
  EXPECT_EQ(digests_of(a + note() + b, kXxh3).content, digests_of(b + note() + a, kXxh3).content);
  EXPECT_NE(digests_of(a + note() + b, kXxh3).content, digests_of(a + note(), kXxh3).content);
}

TEST(Digest, IsTheSameOnAnyNumberOfThreads) {
  Bytes bytes;
  for (int i = 0; i < 100; ++i)
    bytes += record("t" + std::to_string(i), {100 * i}, "UInt8", Bytes(static_cast<std::size_t>(100 * i), char(i)));
  const Digests one = digests_of(bytes, {.algorithm = DigestAlgorithm::xxh3, .threads = 1});
  const Digests four = digests_of(bytes, {.algorithm = DigestAlgorithm::xxh3, .threads = 4});
  EXPECT_EQ(one.tensors, four.tensors);
  EXPECT_EQ(one.content, four.content);
}

TEST(Digest, CanBeStopped) {
  const Bytes bytes = matrix();
  const auto file = Checkpoint::from_bytes(bytes_of(bytes));
  const auto digests =
      digest(*file, {.algorithm = DigestAlgorithm::xxh3, .threads = 1, .progress = [](auto, auto) { return false; }});
  ASSERT_FALSE(digests);
  EXPECT_EQ(digests.error().code, Errc::cancelled);
}

// So large that a thread reads it ahead of the one that hashes, and its end is no whole block.
constexpr std::uint64_t kLargeBytes = (std::uint64_t{40} << 20) + 12345;
constexpr std::uint64_t kUnreadable = std::uint64_t{35} << 20;

class FailingSource final : public Source {
 public:
  explicit FailingSource(bool fails) : fails_(fails) { bytes_.add_run(Bytes("0123456789a"), kLargeBytes); }
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (fails_ && offset + out.size() > kUnreadable)
      return Error{.code = Errc::io, .offset = offset, .message = "cannot read"};
    return bytes_.read_at(offset, out);
  }

 private:
  bool fails_;
  test::MadeUpSource bytes_ = {};
};

Result<Digests> digest_of_large(bool fails, unsigned threads, const Progress& progress = {}) {
  TensorInfo large;
  large.name = "large";
  large.dtype = DType::uint8;
  large.dims = {static_cast<std::int64_t>(kLargeBytes)};
  large.byte_size = large.stored_size = kLargeBytes;
  large.extents = {{0, 0, kLargeBytes}};
  const auto file = Checkpoint::from_index({std::make_shared<FailingSource>(fails)}, {large});
  EXPECT_TRUE(file) << to_string(file.error());
  return digest(*file, {.algorithm = DigestAlgorithm::xxh3, .threads = threads, .progress = progress});
}

TEST(ReadAhead, GivesTheSameDigest) {
  const auto one = digest_of_large(false, 1);
  const auto two = digest_of_large(false, 2);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->tensors, two->tensors);
}

TEST(ReadAhead, FailsWhereReadingDoes) {
  for (const unsigned threads : {1U, 2U}) {
    const auto digests = digest_of_large(true, threads);
    ASSERT_FALSE(digests);
    EXPECT_EQ(digests.error().code, Errc::io);
    EXPECT_LE(digests.error().offset, kUnreadable);
  }
}

TEST(ReadAhead, CanBeStopped) {
  std::uint64_t seen = 0;
  const auto digests = digest_of_large(false, 2, [&](std::uint64_t done, std::uint64_t) {
    seen = done;
    return done < (std::uint64_t{8} << 20);
  });
  ASSERT_FALSE(digests);
  EXPECT_EQ(digests.error().code, Errc::cancelled);
  EXPECT_LT(seen, std::uint64_t{10} << 20);
}

TEST(Digest, AlgorithmsHaveNames) {
  EXPECT_EQ(digest_algorithm_from_name("sha256"), DigestAlgorithm::sha256);
  EXPECT_EQ(digest_algorithm_from_name("xxh3"), DigestAlgorithm::xxh3);
  EXPECT_EQ(digest_algorithm_from_name("md5"), std::nullopt);
}

}  // namespace
}  // namespace ckpt
