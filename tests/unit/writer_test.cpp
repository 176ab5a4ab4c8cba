#include "ckpt/writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint.pb.h"
#include "file_bytes.h"
#include "slicing.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::from_hex;
using test::mode_of;
using test::names_in;
using test::read_file;
using test::record;
using test::TempDir;
using test::values;
using test::with_trailer;
using test::write_file;

using Names = std::vector<std::string>;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// Most tests are not about durability, which costs time.
WriteOptions quick() { return {.durable = false}; }

Writer create(const std::filesystem::path& path, const WriteOptions& options = quick()) {
  auto writer = Writer::create(path, options);
  if (!writer) throw std::runtime_error(to_string(writer.error()));
  return std::move(*writer);
}

Writer extend(const std::filesystem::path& path, const WriteOptions& options = quick()) {
  auto writer = Writer::extend(path, options);
  if (!writer) throw std::runtime_error(to_string(writer.error()));
  return std::move(*writer);
}

Checkpoint open(const std::filesystem::path& path, const OpenOptions& options = {}) {
  auto file = Checkpoint::open(path, options);
  if (!file) throw std::runtime_error(to_string(file.error()));
  return std::move(*file);
}

void expect_ok(const Status& status) { ASSERT_TRUE(status) << to_string(status.error()); }

TensorDesc floats(std::string name, std::vector<std::int64_t> dims) {
  return {.name = std::move(name), .dtype = DType::float32, .dims = std::move(dims)};
}

void add(Writer& writer, const TensorDesc& desc, const Bytes& content) {
  expect_ok(writer.add(desc, bytes_of(content)));
}

/// The file that one entry makes.
Bytes written(const TensorDesc& desc, const Bytes& content, const WriteOptions& options = quick()) {
  const TempDir dir;
  Writer writer = create(dir / "f", options);
  add(writer, desc, content);
  expect_ok(writer.finish());
  return read_file(dir / "f");
}

Bytes content_of(const Checkpoint& file, const TensorInfo& tensor) {
  Bytes bytes(tensor.byte_size, '\0');
  expect_ok(file.read(tensor, 0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

const Bytes kTwo = values<float>({1, 2});

// ---- bytes ----

TEST(Writer, GoldenBytes) {
  const Bytes six = values<float>({0, 1, 2, 3, 4, 5});
  EXPECT_EQ(written(floats("conv1.weight", {2, 3}), six),
            from_hex("0a370a0c636f6e76312e7765696768741227080208031207466c6f617433321a18") + six);
  const WriteOptions classic{.profile = Profile::classic, .durable = false};
  EXPECT_EQ(written(floats("s", {}), values<float>({1.5F}), classic),
            from_hex("0a160a0173121108001207466c6f617433321a040000c03f"));
  EXPECT_EQ(written(floats("s", {}), values<float>({1.5F})), from_hex("0a140a0173120f1207466c6f617433321a040000c03f"));
  EXPECT_EQ(written(floats("e", {0}), {}), from_hex("0a120a0165120d08001207466c6f617433321a00"));
}

TEST(Writer, StringsAreUtf32) {
  const TempDir dir;
  for (const Profile profile : {Profile::modern, Profile::classic}) {
    Writer writer = create(dir / "f", {.profile = profile, .durable = false});
    expect_ok(writer.add_string("k", "abc"));
    expect_ok(writer.add_string("j", ""));
    expect_ok(writer.add_string("\xe4\xb8\xad", "h\xc3\xa9\xf0\x9f\x98\x80"));
    expect_ok(writer.finish());
    EXPECT_EQ(read_file(dir / "f"), from_hex("0a1a0a016b1215080012037374721a0c610000006200000063000000"
                                             "0a120a016a120d080012037374721a0400000000") +
                                        record("\xe4\xb8\xad", {0}, "str", test::utf32(U"h\u00e9\U0001F600")));
  }
}

TEST(Writer, EveryTypeIsSpeltAsMindSporeSpellsIt) {
  const TempDir dir;
  Writer writer = create(dir / "f");
  Bytes expected;
  for (auto dtype = DType::boolean; dtype < DType::string; dtype = static_cast<DType>(static_cast<int>(dtype) + 1)) {
    const std::string name(ckpt::name(dtype));
    const Bytes content(3 * size_of(dtype), 'x');
    add(writer, {.name = name, .dtype = dtype, .dims = {3}}, content);
    expected += record(name, {3}, name, content);
  }
  expect_ok(writer.finish());
  EXPECT_EQ(read_file(dir / "f"), expected);
}

TEST(Writer, ATypeNameGivenIsWrittenAsItIs) {
  EXPECT_EQ(written({.name = "a", .dtype = DType::uint8, .type_name = "Uint8", .dims = {2}}, "xy"),
            Bytes(record("a", {2}, "Uint8", "xy")));
  EXPECT_EQ(written({.name = "random_op", .type_name = "random_op"}, "any bytes"),
            Bytes(record().tag("random_op").type("random_op").content("any bytes")));
}

TEST(Writer, LengthsTakeAsManyBytesAsTheyNeed) {
  for (const std::size_t size : {90U, 100U, 110U, 120U, 127U, 128U, 16'300U, 16'383U, 16'384U, 2'097'152U}) {
    const Bytes content(size, 'x');
    const auto dim = static_cast<std::int64_t>(size);
    EXPECT_TRUE(written({.name = "n", .dtype = DType::int8, .dims = {dim}}, content) ==
                Bytes(record("n", {dim}, "Int8", content)))
        << size;
  }
}

TEST(Writer, OddNamesAreKept) {
  for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string("\n\t\x7f"), std::string(300, 'n'),
                                  std::string("\xf0\x9f\x98\x80")})
    EXPECT_EQ(written(floats(name, {2}), kTwo), Bytes(record(name, {2}, "Float32", kTwo)));
}

TEST(Writer, AnEmptyTensorKeepsItsDims) {
  EXPECT_EQ(written(floats("z", {2, 0, 3}), {}), Bytes(record("z", {2, 0, 3}, "Float32", "")));
}

TEST(Writer, ContentCanComeInAnyPieces) {
  const TempDir dir;
  Bytes content;
  for (int i = 0; i < 1'000; ++i) content += std::to_string(i);
  for (const std::size_t piece : {1U, 7U, 4'096U}) {
    Writer writer = create(dir / "f");
    expect_ok(writer.begin({.name = "a", .dtype = DType::int8, .dims = {static_cast<std::int64_t>(content.size())}},
                           content.size()));
    expect_ok(writer.append({}));
    for (std::size_t done = 0; done < content.size(); done += piece)
      expect_ok(writer.append(bytes_of(content.substr(done, piece))));
    expect_ok(writer.finish());
    EXPECT_EQ(read_file(dir / "f"), Bytes(record("a", {static_cast<std::int64_t>(content.size())}, "Int8", content)));
  }
}

TEST(Writer, LibprotobufReadsIt) {
  const TempDir dir;
  Writer writer = create(dir / "f");
  add(writer, floats("w", {2}), kTwo);
  add(writer, floats("s", {}), values<float>({3}));
  add(writer, {.name = "big", .dtype = DType::int64, .dims = {1, 300}}, Bytes(2'400, 'x'));
  expect_ok(writer.add_string("t", "text"));
  expect_ok(writer.finish());

  ::Checkpoint parsed;
  ASSERT_TRUE(parsed.ParseFromString(read_file(dir / "f")));
  ASSERT_EQ(parsed.value_size(), 4);
  EXPECT_EQ(parsed.value(0).tag(), "w");
  EXPECT_EQ(parsed.value(0).tensor().tensor_type(), "Float32");
  EXPECT_EQ(parsed.value(0).tensor().tensor_content(), kTwo);
  EXPECT_EQ(parsed.value(1).tensor().dims_size(), 0);
  EXPECT_EQ(parsed.value(2).tensor().dims(1), 300);
  EXPECT_EQ(parsed.value(3).tensor().tensor_content(), test::utf32(U"text"));
  EXPECT_EQ(parsed.SerializeAsString(), read_file(dir / "f"));
}

// ---- slices ----

std::vector<std::uint64_t> slices(Profile profile, std::uint64_t bytes, std::size_t element, std::uint64_t limit) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t i = 0; i < slice_count(bytes, limit); ++i)
    sizes.push_back(slice_size(profile, bytes, element, i, limit));
  return sizes;
}

TEST(Slicing, AsTheProducers) {
  using Sizes = std::vector<std::uint64_t>;
  // Seen in files of MindSpore 2.10: 600 MiB and 4 bytes, written synchronously and asynchronously.
  EXPECT_EQ(slices(Profile::modern, 600 * kMiB + 4, 4, kSliceBytes), (Sizes{536'870'912, 92'274'692}));
  EXPECT_EQ(slices(Profile::classic, 600 * kMiB + 4, 4, kSliceBytes), (Sizes{314'572'804, 314'572'800}));
  EXPECT_EQ(slices(Profile::classic, 536'870'916, 4, kSliceBytes), (Sizes{268'435'460, 268'435'456}));
  // numpy.array_split of 11 elements into 4 parts: 3, 3, 3, 2.
  EXPECT_EQ(slices(Profile::classic, 22, 2, 6), (Sizes{6, 6, 6, 4}));
  EXPECT_EQ(slices(Profile::modern, 22, 2, 6), (Sizes{6, 6, 6, 4}));
  for (const Profile profile : {Profile::modern, Profile::classic}) {
    EXPECT_EQ(slices(profile, 0, 4, 16), (Sizes{0}));
    EXPECT_EQ(slices(profile, 16, 4, 16), (Sizes{16})) << "exactly the limit is not sliced";
    EXPECT_EQ(slices(profile, 32, 4, 16), (Sizes{16, 16}));
    EXPECT_EQ(slices(profile, 9, 0, 16), (Sizes{9})) << "a type without a known size";
  }
}

TEST(Slicing, AddsUpAndKeepsTheLimit) {
  for (const Profile profile : {Profile::modern, Profile::classic})
    for (const std::size_t element : {1U, 2U, 4U, 8U, 16U})
      for (std::uint64_t elements = 0; elements < 200; ++elements) {
        std::uint64_t sum = 0;
        for (const std::uint64_t size : slices(profile, elements * element, element, 32)) {
          EXPECT_LE(size, 32U);
          EXPECT_EQ(size % element, 0U);
          sum += size;
        }
        EXPECT_EQ(sum, elements * element);
      }
}

TEST(Writer, ATensorAbove512MiBIsSliced) {
  const std::uint64_t size = 512 * kMiB + 4;
  const std::vector<std::byte> zeros(kMiB);
  const TempDir dir;
  Writer writer = create(dir / "f");
  add(writer, floats("a", {2}), kTwo);
  expect_ok(writer.begin(floats("big", {134'217'729}), size));
  for (std::uint64_t left = size; left > 0;) {
    const auto piece = std::span(zeros).first(std::min<std::uint64_t>(left, zeros.size()));
    expect_ok(writer.append(piece));
    left -= piece.size();
  }
  add(writer, floats("z", {2}), kTwo);
  expect_ok(writer.finish());

  const Checkpoint file = open(dir / "f");
  ASSERT_EQ(file.tensors().size(), 3U);
  const TensorInfo& big = file.tensors()[1];
  EXPECT_TRUE(big.fits());
  ASSERT_EQ(big.extents.size(), 2U);
  EXPECT_EQ(big.extents[0].size, 512 * kMiB);
  EXPECT_EQ(big.extents[1].size, 4U);
  EXPECT_EQ(content_of(file, file.tensors()[2]), kTwo);
}

// ---- the end of the file ----

TEST(Writer, TheTrailerIsTheChecksumOfAllBefore) {
  const Bytes records = record("a", {2}, "Float32", kTwo) + record("b", {2}, "Float32", kTwo);
  const TempDir dir;
  Writer writer = create(dir / "f", {.crc = true, .durable = false});
  add(writer, floats("a", {2}), kTwo);
  add(writer, floats("b", {2}), kTwo);
  expect_ok(writer.finish());
  EXPECT_EQ(read_file(dir / "f"), with_trailer(records));
  EXPECT_EQ(writer.bytes_written(), records.size() + 17);
}

// MindSpore cuts 17 bytes off any file that ends in `crc_num` and ten bytes.
TEST(Writer, ContentThatEndsLikeATrailerIsKeptFromTheEnd) {
  const Bytes trap = "01234567890123crc_num0123456789";
  const auto dim = static_cast<std::int64_t>(trap.size());
  const TensorDesc desc{.name = "a", .dtype = DType::int8, .dims = {dim}};
  const Bytes plain = record("a", {dim}, "Int8", trap);
  EXPECT_EQ(written(desc, trap), plain + from_hex("12 00"));
  EXPECT_EQ(written(desc, trap, {.crc = true, .durable = false}), with_trailer(plain));

  const TempDir dir;
  Writer writer = create(dir / "between");
  add(writer, desc, trap);
  add(writer, floats("b", {2}), kTwo);
  expect_ok(writer.finish());
  EXPECT_EQ(read_file(dir / "between"), plain + record("b", {2}, "Float32", kTwo));

  ::Checkpoint parsed;
  EXPECT_TRUE(parsed.ParseFromString(plain + from_hex("12 00")));
  write_file(dir / "f", plain + from_hex("12 00"));
  const Checkpoint file = open(dir / "f");
  EXPECT_EQ(content_of(file, file.tensors()[0]), trap);
}

TEST(Writer, CopiedAndExtendedFilesDoNotEndLikeATrailerEither) {
  const TempDir dir;
  for (const std::size_t padding : {0U, 5U, 600'000U}) {  // 600,000: large enough for the kernel to copy
    const Bytes trap = Bytes(padding, 'x') + "crc_num0123456789";
    const Bytes plain = record("a", {static_cast<std::int64_t>(trap.size())}, "Int8", trap);
    write_file(dir / "in", plain);
    const Checkpoint in = open(dir / "in");
    Writer copier = create(dir / "out");
    expect_ok(copier.copy(in, in.tensors()[0]));
    expect_ok(copier.finish());
    EXPECT_TRUE(read_file(dir / "out") == plain + from_hex("12 00")) << padding;

    Writer extender = extend(dir / "in");
    expect_ok(extender.finish());
    EXPECT_TRUE(read_file(dir / "in") == plain + from_hex("12 00")) << padding;
  }
}

// ---- what is refused ----

Error refusal(const TensorDesc& desc, std::uint64_t size) {
  const TempDir dir;
  Writer writer = create(dir / "f");
  add(writer, floats("first", {2}), kTwo);
  const Status status = writer.begin(desc, size);
  if (status) return {.message = "accepted"};
  EXPECT_FALSE(writer.finish());
  return status.error();
}

TEST(Writer, WhatMindSporeCannotReadIsRefused) {
  const struct {
    TensorDesc desc;
    std::uint64_t size;
    Errc code;
    const char* message;
  } cases[] = {
      {floats("a", {3}), 8, Errc::mismatch, "its dims and type ask for 12 bytes, not 8"},
      {floats("a", {3}), 16, Errc::mismatch, "its dims and type ask for 12 bytes, not 16"},
      {floats("a", {}), 0, Errc::mismatch, "its dims and type ask for 4 bytes, not 0"},
      {floats("a", {2147483647, 2147483647, 2147483647}), 4, Errc::mismatch,
       "its dims and type ask for more than 2^63 bytes, not 4"},
      {floats("a", {-1}), 4, Errc::usage, "a dim of -1; MindSpore reads 0 to 2147483647"},
      {floats("a", {2147483648}), 8589934592, Errc::usage, "a dim of 2147483648; MindSpore reads 0 to 2147483647"},
      {floats("\xff", {2}), 8, Errc::usage, "the name is not UTF-8"},
      {floats("first", {2}), 8, Errc::usage, "an earlier entry has this name"},
      {{.name = "a", .dims = {2}}, 8, Errc::usage, "its element type is not known, and no type_name is given"},
      {{.name = "a", .dtype = DType::int8, .type_name = "Float32", .dims = {8}},
       8,
       Errc::mismatch,
       "its dtype is Int8, but its type_name is \"Float32\""},
      {{.name = "a", .type_name = "\xff"}, 8, Errc::usage, "its type_name is not UTF-8, or too long"},
      {{.name = "a", .type_name = "odd"}, 512 * kMiB + 1, Errc::usage, "only tensors can be above 512 MiB"},
      {{.name = "a", .dtype = DType::string}, 0, Errc::usage, "a str needs one code point at least: 4 bytes"},
      {{.name = "a", .dtype = DType::string}, 6, Errc::mismatch, "a str of 6 bytes is not UTF-32"},
      {{.name = "a", .dtype = DType::string}, 512 * kMiB + 4, Errc::usage, "only tensors can be above 512 MiB"},
      {floats(std::string(1'025, 'n'), {2}), 8, Errc::usage, "a name of 1025 characters; MindSpore reads 1024 at most"},
      {floats(std::string(65'537, 'n'), {2}), 8, Errc::usage, "a name of 65537 bytes; the limit is 65536"},
      {floats("a", std::vector<std::int64_t>(1'025, 1)), 4, Errc::usage, "1025 dims; the limit is 1024"},
  };
  for (const auto& [desc, size, code, message] : cases) {
    const Error error = refusal(desc, size);
    EXPECT_EQ(error.code, code) << message;
    EXPECT_EQ(error.message, message);
  }
}

TEST(Writer, SizesAreKeptTo) {
  const TempDir dir;
  Writer more = create(dir / "f");
  expect_ok(more.begin(floats("a", {2}), 8));
  expect_ok(more.append(bytes_of("12345")));
  Status status = more.append(bytes_of("6789"));
  ASSERT_FALSE(status);
  EXPECT_EQ(to_string(status.error()), "in \"a\": more bytes than the 8 announced");

  Writer less = create(dir / "f");
  expect_ok(less.begin(floats("a", {2}), 8));
  expect_ok(less.append(bytes_of("12345")));
  status = less.begin(floats("b", {2}), 8);
  ASSERT_FALSE(status);
  EXPECT_EQ(to_string(status.error()), "in \"a\": only 5 of its 8 bytes were given");

  Writer unfinished = create(dir / "f");
  expect_ok(unfinished.begin(floats("a", {2}), 8));
  status = unfinished.finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::usage);

  Writer none = create(dir / "f");
  EXPECT_FALSE(none.append(bytes_of("x")));
}

TEST(Writer, TheFirstErrorStays) {
  const TempDir dir;
  write_file(dir / "f", "old");
  {
    Writer writer = create(dir / "f");
    add(writer, floats("a", {2}), kTwo);
    const std::string first = to_string(writer.begin(floats("b", {-3}), 8).error());
    const Checkpoint none = *Checkpoint::from_index({}, {});
    for (const Status& status :
         {writer.begin(floats("c", {2}), 8), writer.append(bytes_of("x")), writer.add(floats("c", {2}), bytes_of(kTwo)),
          writer.add_string("s", "text"), writer.copy(none, TensorInfo{floats("c", {2})}), writer.finish()}) {
      ASSERT_FALSE(status);
      EXPECT_EQ(to_string(status.error()), first);
    }
  }
  EXPECT_EQ(read_file(dir / "f"), "old");
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(Writer, AnEmptyFileIsNeverWritten) {
  const TempDir dir;
  for (const bool crc : {false, true}) {
    Writer writer = create(dir / "f", {.crc = crc, .durable = false});
    const Status status = writer.finish();
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::usage);
  }
  EXPECT_EQ(names_in(dir.path()), Names{});
}

TEST(Writer, FinishedIsFinished) {
  const TempDir dir;
  Writer writer = create(dir / "f");
  add(writer, floats("a", {2}), kTwo);
  expect_ok(writer.finish());
  for (const Status& status : {writer.finish(), writer.begin(floats("b", {2}), 8)}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(to_string(status.error()), "the checkpoint is finished already");
  }
  EXPECT_EQ(open(dir / "f").tensors().size(), 1U);
}

TEST(Writer, DroppedItLeavesNothing) {
  const TempDir dir;
  {
    Writer writer = create(dir / "f");
    add(writer, floats("a", {2}), kTwo);
  }
  EXPECT_EQ(names_in(dir.path()), Names{});
}

TEST(Writer, TextThatIsNotUtf8IsRefused) {
  const TempDir dir;
  Writer writer = create(dir / "f");
  const Status status = writer.add_string("s", "\xc3");
  ASSERT_FALSE(status);
  EXPECT_EQ(to_string(status.error()), "in \"s\": the text is not UTF-8");
}

TEST(Writer, OptionsReachTheFile) {
  const TempDir dir;
  Writer plain = create(dir / "f");
  add(plain, floats("a", {2}), kTwo);
  expect_ok(plain.finish());
  EXPECT_EQ(mode_of(dir / "f"), 0400U);
  Writer open_to_all = create(dir / "f", {.permissions = 0644});
  add(open_to_all, floats("a", {2}), kTwo);
  expect_ok(open_to_all.finish());
  EXPECT_EQ(mode_of(dir / "f"), 0644U);
  const auto refused = Writer::create(dir / "f", {.overwrite = false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::usage);
}

// ---- copying ----

/// One of every oddity that only a verbatim copy keeps.
std::vector<Bytes> odd_records() {
  const Bytes map = record()
                        .tag("map")
                        .part()
                        .dims({2})
                        .type("int32")
                        .content(values<std::int32_t>({1, 2}))
                        .part()
                        .dims({2, 1})
                        .type("float32")
                        .content(kTwo)
                        .part()
                        .dims({2})
                        .type("int32")
                        .content(values<std::int32_t>({0, 0}));
  return {
      map,
      record().tag("random_op").type("random_op").content("opaque"),
      record().tag("unknown").in_value(test::varint_field(9, 7)).dims({2}).type("Float32").content(kTwo),
      record().tag("packed").packed_dims({1, 2}).type("Float32").content(kTwo),
      record().content(kTwo).type("Float32").dims({2}).tag("backwards"),
      record().tag("no value"),
      record("short", {5}, "Float32", kTwo),
      record("old spelling", {2}, "Uint8", "xy"),
      record("scalar", {0}, "Float32", values<float>({1})),
      record("sliced", {3}, "Float32", kTwo) + record("sliced", {3}, "Float32", values<float>({3})),
      record("large", {600'000}, "Int8", Bytes(600'000, 'x')),
      record("\xff", {2}, "Float32", kTwo),
  };
}

TEST(Writer, RecordsAreCopiedVerbatim) {
  const TempDir dir;
  Bytes in;
  Bytes reversed;
  for (const Bytes& one : odd_records()) {
    in += one;
    reversed = one + reversed;
  }
  write_file(dir / "in", in);
  const Checkpoint from = open(dir / "in");
  ASSERT_EQ(from.tensors().size(), odd_records().size());
  for (const bool crc : {false, true}) {
    Writer writer = create(dir / "out", {.crc = crc, .durable = false});
    for (auto tensor = from.tensors().rbegin(); tensor != from.tensors().rend(); ++tensor)
      expect_ok(writer.copy(from, *tensor));
    expect_ok(writer.finish());
    EXPECT_TRUE(read_file(dir / "out") == (crc ? with_trailer(reversed) : reversed)) << crc;
  }
}

TEST(Writer, ACopiedNameIsTaken) {
  const TempDir dir;
  write_file(dir / "in",
             record("a", {2}, "Float32", kTwo) + record("b", {2}, "Float32", kTwo) + record("a", {2}, "Float32", kTwo));
  const Checkpoint from = open(dir / "in");
  for (const bool copy_second : {false, true}) {
    Writer writer = create(dir / "out");
    expect_ok(writer.copy(from, from.tensors()[0]));
    const Status status = copy_second ? writer.copy(from, from.tensors()[2]) : writer.begin(floats("a", {2}), 8);
    ASSERT_FALSE(status);
    EXPECT_EQ(to_string(status.error()), "in \"a\": an earlier entry has this name");
  }
}

/// An index as a reader of another container makes it.
Checkpoint foreign(const Bytes& bytes, std::vector<TensorInfo> tensors) {
  auto file = Checkpoint::from_index({borrow_bytes(bytes_of(bytes))}, std::move(tensors));
  if (!file) throw std::runtime_error(to_string(file.error()));
  return std::move(*file);
}

TEST(Writer, EntriesOfOtherContainersAreWrittenAnew) {
  const Bytes bytes = "....abcdefgh--ijkl" + Bytes(700'000, 'x');
  TensorInfo joined{TensorDesc{.name = "j", .dtype = DType::int16, .type_name = "I16", .dims = {2, 3}}};
  joined.extents = {{0, 4, 8}, {0, 14, 4}};
  joined.byte_size = joined.stored_size = 12;
  TensorInfo large{TensorDesc{.name = "l", .dtype = DType::int8, .dims = {700'000}}};
  large.extents = {{0, 18, 700'000}};
  large.byte_size = large.stored_size = 700'000;
  const Checkpoint from = foreign(bytes, {joined, large});
  const TempDir dir;
  Writer writer = create(dir / "f");
  expect_ok(writer.copy(from, from.tensors()[0]));
  expect_ok(writer.copy(from, from.tensors()[1]));
  expect_ok(writer.finish());
  EXPECT_TRUE(read_file(dir / "f") ==
              record("j", {2, 3}, "Int16", "abcdefghijkl") + record("l", {700'000}, "Int8", Bytes(700'000, 'x')));
}

TEST(Writer, BFloat16StoredAsFloat32IsWrittenInTwoBytes) {
  const Bytes bytes = from_hex("ffff803f 0180 80bf");
  TensorInfo wide{TensorDesc{.name = "b", .dtype = DType::bfloat16, .dims = {2}}};
  wide.encoding = Encoding::bf16_as_float32;
  wide.extents = {{0, 0, 8}};
  wide.stored_size = 8;
  wide.byte_size = 4;
  const Checkpoint from = foreign(bytes, {wide});
  const TempDir dir;
  Writer writer = create(dir / "f");
  expect_ok(writer.copy(from, from.tensors()[0]));
  expect_ok(writer.finish());
  EXPECT_EQ(read_file(dir / "f"), Bytes(record("b", {2}, "BFloat16", from_hex("803f 80bf"))));
}

TEST(Writer, ASourceThatFailsStopsTheCopy) {
  const TempDir dir;
  write_file(dir / "in", record("a", {600'000}, "Int8", Bytes(600'000, 'x')));
  {
    const Checkpoint from = open(dir / "in");
    Writer writer = create(dir / "out");
    std::filesystem::resize_file(dir / "in", 100'000);
    const Status status = writer.copy(from, from.tensors()[0]);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::changed);
    EXPECT_FALSE(writer.finish());
  }
  EXPECT_EQ(names_in(dir.path()), Names{"in"});
}

TEST(Writer, TheFileBeingReplacedCanBeCopiedFrom) {
  const TempDir dir;
  const Bytes a = record("a", {2}, "Float32", kTwo);
  const Bytes b = record("b", {600'000}, "Int8", Bytes(600'000, 'x'));
  write_file(dir / "f", a + b);
  const Checkpoint from = open(dir / "f");
  Writer writer = create(dir / "f");
  expect_ok(writer.copy(from, from.tensors()[1]));
  expect_ok(writer.copy(from, from.tensors()[0]));
  expect_ok(writer.finish());
  EXPECT_TRUE(read_file(dir / "f") == b + a);
}

// ---- extending ----

TEST(Extend, RecordsAreAddedBehindTheOldOnes) {
  const TempDir dir;
  Bytes old;
  for (const Bytes& one : odd_records()) old += one;
  write_file(dir / "f", old);
  std::filesystem::permissions(dir / "f", std::filesystem::perms{0640});
  Writer writer = extend(dir / "f");
  add(writer, floats("new", {2}), kTwo);
  EXPECT_TRUE(read_file(dir / "f") == old);
  expect_ok(writer.finish());
  EXPECT_TRUE(read_file(dir / "f") == old + record("new", {2}, "Float32", kTwo));
  EXPECT_EQ(mode_of(dir / "f"), 0640U);
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(Extend, ATrailerIsComputedAnew) {
  const TempDir dir;
  const Bytes old = record("a", {2}, "Float32", kTwo);
  const Bytes both = old + record("b", {2}, "Float32", kTwo);
  for (const bool had_one : {false, true})
    for (const bool asked : {false, true}) {
      write_file(dir / "f", had_one ? with_trailer(old) : old);
      Writer writer = extend(dir / "f", {.crc = asked, .durable = false});
      add(writer, floats("b", {2}), kTwo);
      expect_ok(writer.finish());
      EXPECT_EQ(read_file(dir / "f"), had_one || asked ? with_trailer(both) : both);
      std::filesystem::remove(dir / "f");
    }
}

TEST(Extend, DamagedFilesAreRefused) {
  const TempDir dir;
  const Bytes good = record("a", {2}, "Float32", kTwo);
  Bytes altered = with_trailer(good);
  altered[20] ^= 1;  // in the content
  const std::pair<Bytes, Errc> cases[] = {{good.substr(0, good.size() - 1), Errc::truncated},
                                          {good + Bytes(1, '\0'), Errc::malformed},
                                          {altered, Errc::mismatch},
                                          {good + test::trailer(1), Errc::mismatch},
                                          {good + test::trailer(std::uint64_t{1} << 40), Errc::mismatch}};
  for (const auto& [bytes, code] : cases) {
    write_file(dir / "f", bytes);
    const auto writer = Writer::extend(dir / "f", quick());
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().code, code);
    EXPECT_EQ(read_file(dir / "f"), bytes);
  }
  const auto missing = Writer::extend(dir / "none", quick());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::io);
  const auto forbidden = Writer::extend(dir / "f", {.overwrite = false});
  ASSERT_FALSE(forbidden);
  EXPECT_EQ(forbidden.error().code, Errc::usage);
  EXPECT_EQ(names_in(dir.path()), Names{"f"});
}

TEST(Extend, OldNamesAreTaken) {
  const TempDir dir;
  write_file(dir / "f", record("a", {2}, "Float32", kTwo));
  Writer writer = extend(dir / "f");
  const Status status = writer.begin(floats("a", {2}), 8);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::usage);
}

TEST(Extend, AnEmptyFileCanBeginOne) {
  const TempDir dir;
  write_file(dir / "f", "");
  Writer nothing = extend(dir / "f");
  EXPECT_FALSE(nothing.finish());
  Writer writer = extend(dir / "f");
  add(writer, floats("a", {2}), kTwo);
  expect_ok(writer.finish());
  EXPECT_EQ(read_file(dir / "f"), Bytes(record("a", {2}, "Float32", kTwo)));
}

// ---- encryption ----

#if CKPT_CRYPTO

Key key_of_size(std::size_t size) { return *Key::from_bytes(std::vector<std::byte>(size, std::byte{7})); }

Bytes plain_of(const std::filesystem::path& path, const Key& key) {
  const Checkpoint file = open(path, {.key = key});
  Bytes plain(file.source().size(), '\0');
  expect_ok(file.source().read_at(0, std::as_writable_bytes(std::span(plain))));
  return plain;
}

const Bytes kLarge(700'000, 'x');
const TensorDesc kLargeDesc{.name = "large", .dtype = DType::int8, .dims = {700'000}};

TEST(WriterEncrypted, ReadsBackInEveryMode) {
  const TempDir dir;
  const Bytes expected = record("a", {2}, "Float32", kTwo) + record("large", {700'000}, "Int8", kLarge);
  for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::sm4_cbc}) {
    const Key key = key_of_size(16);
    Writer writer = create(dir / "f", {.key = key, .mode = mode, .durable = false});
    add(writer, floats("a", {2}), kTwo);
    add(writer, kLargeDesc, kLarge);
    expect_ok(writer.finish());
    EXPECT_EQ(writer.bytes_written(), std::filesystem::file_size(dir / "f"));
    EXPECT_TRUE(plain_of(dir / "f", key) == expected) << name(mode);
    const auto encryption = open(dir / "f", {.key = key}).encryption();
    ASSERT_TRUE(encryption);
    EXPECT_EQ(encryption->era, CipherEra::b);
    EXPECT_EQ(encryption->mode, mode);
  }
}

TEST(WriterEncrypted, ManyBlocks) {
  const TempDir dir;
  const Key key = key_of_size(32);
  const std::vector<std::byte> mebibyte(kMiB, std::byte{1});
  Writer writer = create(dir / "f", {.key = key, .durable = false});
  expect_ok(writer.begin({.name = "a", .dtype = DType::int8, .dims = {65 << 20}}, 65 * kMiB));
  for (int i = 0; i < 65; ++i) expect_ok(writer.append(mebibyte));
  expect_ok(writer.finish());
  const Checkpoint file = open(dir / "f", {.key = key});
  EXPECT_EQ(file.encryption()->blocks, 2U);
  std::array<std::byte, 2> last;
  expect_ok(file.read(file.tensors()[0], 65 * kMiB - 2, last));
  EXPECT_EQ(last[1], std::byte{1});
}

TEST(WriterEncrypted, ATrailerOrAKeyThatDoesNotFitIsRefused) {
  const TempDir dir;
  const auto both = Writer::create(dir / "f", {.crc = true, .key = key_of_size(16)});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code, Errc::usage);
  const auto long_key = Writer::create(dir / "f", {.key = key_of_size(32), .mode = CipherMode::sm4_cbc});
  ASSERT_FALSE(long_key);
  EXPECT_EQ(long_key.error().code, Errc::key);
  EXPECT_EQ(names_in(dir.path()), Names{});
}

// MindSpore looks at the end of the plaintext.
TEST(WriterEncrypted, ContentThatEndsLikeATrailerIsKeptFromTheEnd) {
  const TempDir dir;
  const Bytes plain = record("a", {17}, "Int8", "crc_num0123456789");
  const Key key = key_of_size(16);
  Writer writer = create(dir / "f", {.key = key, .durable = false});
  add(writer, {.name = "a", .dtype = DType::int8, .dims = {17}}, "crc_num0123456789");
  expect_ok(writer.finish());
  EXPECT_EQ(plain_of(dir / "f", key), plain + from_hex("12 00"));
  Writer extender = extend(dir / "f", {.key = key, .durable = false});
  add(extender, floats("b", {2}), kTwo);
  expect_ok(extender.finish());
  EXPECT_EQ(plain_of(dir / "f", key), plain + from_hex("12 00") + record("b", {2}, "Float32", kTwo));
}

TEST(WriterEncrypted, RecordsAreCopiedInAndOut) {
  const TempDir dir;
  Bytes records;
  for (const Bytes& one : odd_records()) records += one;
  write_file(dir / "plain", records);
  const Key key = key_of_size(24);
  const auto copy_all = [](const Checkpoint& from, Writer writer) {
    for (const TensorInfo& tensor : from.tensors()) expect_ok(writer.copy(from, tensor));
    expect_ok(writer.finish());
  };
  copy_all(open(dir / "plain"), create(dir / "secret", {.key = key, .durable = false}));
  EXPECT_TRUE(plain_of(dir / "secret", key) == records);
  copy_all(open(dir / "secret", {.key = key}), create(dir / "again"));
  EXPECT_TRUE(read_file(dir / "again") == records);
}

TEST(ExtendEncrypted, OldBlocksStayAsTheyAre) {
  const TempDir dir;
  for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc, CipherMode::sm4_cbc}) {
    const Key key = key_of_size(16);
    Writer first = create(dir / "f", {.key = key, .mode = mode, .permissions = 0600, .durable = false});
    add(first, kLargeDesc, kLarge);
    expect_ok(first.finish());
    const Bytes old = read_file(dir / "f");
    Writer second = extend(dir / "f", {.key = key, .durable = false});  // the mode is the file's
    add(second, floats("b", {2}), kTwo);
    expect_ok(second.finish());
    EXPECT_TRUE(read_file(dir / "f").starts_with(old));
    EXPECT_TRUE(plain_of(dir / "f", key) ==
                record("large", {700'000}, "Int8", kLarge) + record("b", {2}, "Float32", kTwo));
    EXPECT_EQ(open(dir / "f", {.key = key}).encryption()->blocks, 2U);
    EXPECT_EQ(mode_of(dir / "f"), 0600U);
    std::filesystem::remove(dir / "f");
  }
}

// MindSpore 2.4 writes an all-zero trailer in clear behind the blocks, and cannot load what it wrote.
TEST(ExtendEncrypted, ATrailerInClearIsDropped) {
  const TempDir dir;
  const Key key = key_of_size(16);
  Writer first = create(dir / "f", {.key = key, .permissions = 0600, .durable = false});
  add(first, floats("a", {2}), kTwo);
  expect_ok(first.finish());
  const Bytes old = read_file(dir / "f");
  write_file(dir / "f", old + test::trailer(0));
  Writer second = extend(dir / "f", {.key = key, .durable = false});
  add(second, floats("b", {2}), kTwo);
  expect_ok(second.finish());
  EXPECT_TRUE(read_file(dir / "f").starts_with(old));
  EXPECT_FALSE(read_file(dir / "f").starts_with(old + "crc_num"));
  EXPECT_EQ(plain_of(dir / "f", key), record("a", {2}, "Float32", kTwo) + record("b", {2}, "Float32", kTwo));
}

TEST(ExtendEncrypted, WhatCannotBeExtendedIsRefused) {
  const TempDir dir;
  const Key key = key_of_size(16);
  write_file(dir / "plain", record("a", {2}, "Float32", kTwo));
  Writer writer = create(dir / "secret", {.key = key, .permissions = 0600, .durable = false});
  add(writer, floats("a", {2}), kTwo);
  expect_ok(writer.finish());
  // Era a, with the key 00 .. 0f: see cipher_test.cpp.
  Bytes counting;
  for (char c = 0; c < 16; ++c) counting += c;
  const Key old_key = *Key::from_bytes(bytes_of(counting));
  write_file(dir / "era_a", from_hex("d85e3a7f2e00000010000000101112131415161718191a1b1c1d1e1f16000000"
                                     "ce3a09ae7c5db9fd109b319aa653d80c20b87487f6cb"));
  const struct {
    const char* file;
    WriteOptions options;
    Errc code;
  } cases[] = {{"secret", {}, Errc::key},
               {"secret", {.key = key_of_size(32)}, Errc::key},
               {"secret", {.crc = true, .key = key}, Errc::usage},
               {"plain", {.key = key}, Errc::usage},
               {"era_a", {.key = old_key}, Errc::unsupported}};
  for (const auto& [file, options, code] : cases) {
    const Bytes before = read_file(dir / file);
    const auto refused = Writer::extend(dir / file, options);
    ASSERT_FALSE(refused) << file;
    EXPECT_EQ(refused.error().code, code) << file << ": " << to_string(refused.error());
    EXPECT_EQ(read_file(dir / file), before);
  }
  EXPECT_EQ(names_in(dir.path()), (Names{"era_a", "plain", "secret"}));
}

#endif

}  // namespace
}  // namespace ckpt
