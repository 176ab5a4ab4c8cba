#include <gtest/gtest.h>

#include <cstdlib>

#include "file_bytes.h"
#include "foreign_files.h"
#include "temp_dir.h"

namespace ckpt::containers {
namespace {

using test::Bytes;
using test::bytes_in;
using test::listing;
using test::safetensors;
using test::st_tensor;
using test::TempDir;
using test::values;
using test::verdict;

Result<Checkpoint> read(const Bytes& bytes, const ForeignOptions& options = {}) {
  return read_safetensors(borrow_bytes(test::bytes_of(bytes)), options);
}

std::string problem(const Bytes& bytes) { return verdict(read(bytes)); }
std::string problem(const std::string& header, const std::string& data) { return problem(safetensors(header, data)); }

TEST(Safetensors, IsReadInTheHeadersOrder) {
  const Bytes bytes =
      safetensors("{" + st_tensor("b", "U8", "3", 8, 11) + "," + st_tensor("a", "F32", "2", 0, 8) + "," +
                      st_tensor("empty", "I64", "2,0", 11, 11) + "," + st_tensor("scalar", "BOOL", "", 11, 12) + "}   ",
                  values<float>({1, 2}) + "xyz\x01");
  auto file = read(bytes);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file),
            "b tensor UInt8 [3]\na tensor Float32 [2]\nempty tensor Int64 [2, 0]\nscalar tensor Bool []\n");
  EXPECT_EQ(bytes_in(*file, "a"), values<float>({1, 2}));
  EXPECT_EQ(bytes_in(*file, "b"), "xyz");
  EXPECT_EQ(bytes_in(*file, "empty"), "");
  EXPECT_EQ(file->find("a")->type_name, "F32");
}

TEST(Safetensors, EveryType) {
  const std::vector<std::pair<std::string, std::string>> types = {
      {"BOOL", "Bool"},         {"I8", "Int8"},       {"I16", "Int16"},
      {"I32", "Int32"},         {"I64", "Int64"},     {"U8", "UInt8"},
      {"U16", "UInt16"},        {"U32", "UInt32"},    {"U64", "UInt64"},
      {"F16", "Float16"},       {"BF16", "BFloat16"}, {"F32", "Float32"},
      {"F64", "Float64"},       {"C64", "Complex64"}, {"F8_E4M3", "Float8E4M3FN"},
      {"F8_E5M2", "Float8E5M2"}};
  for (const auto& [theirs, ours] : types) {
    const std::size_t size = size_of(dtype_from_name(ours));
    const Bytes bytes = safetensors("{" + st_tensor("t", theirs, "1", 0, size) + "}", Bytes(size, 'x'));
    auto file = read(bytes);
    ASSERT_TRUE(file) << theirs << verdict(file);
    EXPECT_EQ(listing(*file), "t tensor " + ours + " [1]\n");
  }
  // Newer ones, and nonsense: bytes.
  const Bytes unknown = safetensors("{" + st_tensor("t", "F8_E8M0", "2", 0, 2) + "}", "xy");
  auto file = read(unknown);
  ASSERT_TRUE(file);
  EXPECT_EQ(listing(*file), "t opaque unknown [2]\n");
  EXPECT_EQ(bytes_in(*file, "t"), "xy");
}

TEST(Safetensors, MetadataHoldsTextsAndMarks) {
  const Bytes bytes = safetensors(R"({"__metadata__":{"format":"ms","t":"Int4","u":"Int4","str:note":"gr\u00fcn",)"
                                  R"("str:":"","other":"x"},)" +
                                      st_tensor("t", "I8", "2", 0, 2) + "," + st_tensor("u", "F32", "", 2, 6) + "}",
                                  "xy1234");
  auto file = read(bytes);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file), "t tensor Int4 [2]\nu tensor Float32 []\nnote string str [0]\n string str [0]\n");
  EXPECT_EQ(file->read_string(*file->find("note")).value(), "grün");
  EXPECT_EQ(file->read_string(*file->find("")).value(), "");
  EXPECT_EQ(file->find("")->byte_size, 4U);
}

// A mark of Int4 on a tensor with an odd name is no text; a text that would be taken for one is not written.
TEST(Safetensors, MarksAndTextsAreToldApart) {
  const Bytes bytes = safetensors(
      R"({"__metadata__":{"str:x":"Int4","str:y":"Int4"},)" + st_tensor("str:x", "I8", "1", 0, 1) + "}", "a");
  auto file = read(bytes);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file), "str:x tensor Int4 [1]\ny string str [0]\n");
  const TempDir folder;
  const auto met = read(safetensors(
      "{\"__metadata__\":{\"str:x\":\"text\",\"str:y\":\"\"}," + st_tensor("x", "I8", "1", 0, 1) + "}", "a"));
  ASSERT_TRUE(met) << to_string(met.error());
  EXPECT_EQ(listing(*met), "x tensor Int8 [1]\ny string str [0]\n");
  const std::vector<OutputEntry> entries = {{file->find("str:x"), "str:x"}, {file->find("y"), "x"}};
  const auto status = write_safetensors(folder / "out", *file, entries);
  ASSERT_FALSE(status);
  EXPECT_EQ(test::sentence(status.error()),
            "usage in \"x\": what __metadata__ would say of it, it says of something else, too");
}

TEST(Safetensors, HeaderLength) {
  EXPECT_EQ(problem(""), "truncated at byte 0: a header's length needs 8 bytes, 0 are there");
  EXPECT_EQ(problem(Bytes(8, '\0')), "malformed at byte 0: a header of no bytes");
  EXPECT_EQ(problem(test::little_endian(std::uint64_t{1} << 62) + "{}"),
            "limit at byte 0: a header of 4611686018427387904 bytes; safetensors allows 100000000");
  EXPECT_EQ(problem(test::little_endian(std::uint64_t{100'000'001}) + "{}"),
            "limit at byte 0: a header of 100000001 bytes; safetensors allows 100000000");
  EXPECT_EQ(problem(test::little_endian(std::uint64_t{3}) + "{}"),
            "truncated at byte 0: a header of 3 bytes, of which 2 are there");
  EXPECT_EQ(problem(" {}", ""), "malformed at byte 8: the header does not start with '{'");
  EXPECT_EQ(problem("{}", ""), "fine");
}

/// What is said of two tensors of bytes, "a" and "b", at these places.
std::string two_at(std::uint64_t b1, std::uint64_t e1, std::uint64_t b2, std::uint64_t e2, const std::string& data) {
  return problem("{" + st_tensor("a", "U8", std::to_string(e1 - b1), b1, e1) + "," +
                     st_tensor("b", "U8", std::to_string(e2 - b2), b2, e2) + "}",
                 data);
}

TEST(Safetensors, TensorsMayComeInAnyOrder) {
  EXPECT_EQ(two_at(0, 2, 2, 4, "wxyz"), "fine");
  EXPECT_EQ(two_at(2, 4, 0, 2, "wxyz"), "fine");
  EXPECT_EQ(two_at(0, 0, 0, 4, "wxyz"), "fine");
}

TEST(Safetensors, Overlaps) {
  EXPECT_EQ(two_at(0, 2, 1, 4, "wxyz"), "malformed in \"b\": data_offsets [1, 4] overlap those of \"a\"");
  EXPECT_EQ(two_at(0, 4, 0, 4, "wxyz"), "malformed in \"b\": data_offsets [0, 4] overlap those of \"a\"");
  EXPECT_EQ(two_at(0, 4, 1, 3, "wxyz"), "malformed in \"b\": data_offsets [1, 3] overlap those of \"a\"");
  EXPECT_EQ(two_at(1, 4, 0, 2, "wxyz"), "malformed in \"a\": data_offsets [1, 4] overlap those of \"b\"");
}

TEST(Safetensors, Holes) {
  EXPECT_EQ(two_at(0, 1, 2, 4, "wxyz"), "malformed in \"b\": data_offsets [2, 4]: 1 byte in front is no tensor's");
  EXPECT_EQ(two_at(2, 3, 3, 4, "wxyz"), "malformed in \"a\": data_offsets [2, 3]: 2 bytes in front are no tensor's");
  EXPECT_EQ(two_at(0, 2, 2, 4, "wxyz!"), "malformed: the last byte is no tensor's");
  EXPECT_EQ(problem("{}", "xy"), "malformed: the last 2 bytes are no tensor's");
}

TEST(Safetensors, PlacesOutsideTheFile) {
  EXPECT_EQ(two_at(0, 2, 2, 4, "wxy"), "truncated in \"b\": data_offsets [2, 4], and behind the header the file has 3");
  EXPECT_EQ(problem("{" + st_tensor("a", "U8", "0", 2, 0) + "}", "xy"),
            "malformed in \"a\": data_offsets [2, 0]: the end is in front of the begin");
  EXPECT_EQ(problem("{" + st_tensor("a", "U8", "1", 0, ~std::uint64_t{0}) + "}", "xy"),
            "truncated in \"a\": data_offsets [0, 18446744073709551615], and behind the header the file has 2");
}

TEST(Safetensors, SizesAndDims) {
  EXPECT_EQ(problem("{" + st_tensor("a", "F32", "2", 0, 4) + "}", "wxyz"),
            "mismatch in \"a\": its shape and dtype ask for 8 bytes, its data_offsets [0, 4] give 4");
  EXPECT_EQ(problem("{" + st_tensor("a", "F32", "4294967296,4294967296,4", 0, 4) + "}", "wxyz"),
            "mismatch in \"a\": its shape and dtype ask for more than 2^63 bytes, its data_offsets [0, 4] give 4");
  EXPECT_EQ(problem("{" + st_tensor("a", "F32", "9223372036854775808", 0, 4) + "}", "wxyz"),
            "malformed in \"a\": a dim of 9223372036854775808");
  EXPECT_EQ(problem("{" + st_tensor("a", "F32", "-1", 0, 4) + "}", "wxyz"), "malformed in \"a\": a dim of -1");
  EXPECT_EQ(problem("{" + st_tensor("a", "F32", "1.0", 0, 4) + "}", "wxyz"),
            "malformed in \"a\": has a fraction, or a number above 2^64 where safetensors has something else");
}

TEST(Safetensors, WhatJsonMayNotBe) {
  EXPECT_EQ(problem("{\"a\":1}", ""), "malformed in \"a\": is described by a number, not an object");
  EXPECT_EQ(problem("{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", ""), "malformed in \"a\": has no data_offsets");
  EXPECT_EQ(problem("{\"a\":{\"colour\":1}}", ""),
            "malformed in \"a\": has a field \"colour\", which safetensors does not know");
  EXPECT_EQ(problem("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0]}}", ""),
            "malformed in \"a\": data_offsets are two numbers, a begin and an end");
  EXPECT_EQ(problem("{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1,2]}}", ""),
            "malformed in \"a\": data_offsets are two numbers, a begin and an end");
  EXPECT_EQ(problem("{\"a\xff\":1}", ""), "malformed at byte 11: the header is not JSON");
  EXPECT_EQ(problem("{\"a\":", ""), "malformed at byte 13: the header is not JSON");
  EXPECT_EQ(problem("{}{}", ""), "malformed at byte 10: the header is not JSON");
}

TEST(Safetensors, DuplicateKeys) {
  const std::string a = st_tensor("a", "U8", "1", 0, 1);
  EXPECT_EQ(problem("{" + a + "," + st_tensor("a", "U8", "1", 1, 2) + "}", "xy"), "malformed in \"a\": comes twice");
  // The same name, spelled otherwise.
  EXPECT_EQ(problem("{" + a + "," + st_tensor("\\u0061", "U8", "1", 1, 2) + "}", "xy"),
            "malformed in \"a\": comes twice");
  EXPECT_EQ(problem("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", ""), "malformed in \"a\": has its dtype twice");
  EXPECT_EQ(problem("{\"__metadata__\":{},\"__metadata__\":{}}", ""), "malformed: has __metadata__ twice");
  EXPECT_EQ(problem("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", ""),
            "malformed: has a key of its __metadata__ twice");
}

TEST(Safetensors, ATensorCalledMetadata) {
  const std::string why = "malformed: its __metadata__ is not a map of texts: it has ";
  const std::string but = " (a tensor cannot have that name in safetensors)";
  EXPECT_EQ(problem("{" + st_tensor("__metadata__", "U8", "1", 0, 1) + "}", "x"), why + "an array" + but);
  EXPECT_EQ(problem("{\"__metadata__\":{\"a\":1}}", ""), why + "a number" + but);
  EXPECT_EQ(problem("{\"__metadata__\":[]}", ""), why + "an array" + but);
}

TEST(Safetensors, DeepNestingStopsAtOnce) {
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(problem("{\"a\":" + deep, ""), "malformed in \"a\": is described by an array, not an object");
  std::string objects = "{";
  for (int i = 0; i < 100'000; ++i) objects += "\"a\":{";
  EXPECT_EQ(problem(objects, ""), "malformed in \"a\": has a field \"a\", which safetensors does not know");
}

TEST(Safetensors, LimitsHold) {
  std::string header = "{";
  for (int i = 0; i < 100; ++i) header += (i == 0 ? "" : ",") + st_tensor("t" + std::to_string(i), "U8", "0", 0, 0);
  const Bytes bytes = safetensors(header + "}");
  EXPECT_EQ(verdict(read(bytes, {.limits = {.max_records = 100}})), "fine");
  EXPECT_EQ(verdict(read(bytes, {.limits = {.max_records = 99}})), "limit: too many tensors; the limit is 99");
  EXPECT_EQ(verdict(read(bytes, {.limits = {.max_name_bytes = 2}})), "limit: a name of 3 bytes; the limit is 2");
  EXPECT_EQ(verdict(read(bytes, {.limits = {.max_dims = 0}})), "limit in \"t0\": more than 0 dims");
  EXPECT_EQ(verdict(read(bytes, {.limits = {.max_index_bytes = 1000}})),
            "limit: an index too large for memory; the limit is 1000");
}

TEST(Safetensors, ReadsWhatMindSporeWrote) {
  const char* corpus = std::getenv("CKPT_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "CKPT_CORPUS is not set: the folder of real files";
  const auto folder = std::filesystem::path(corpus) / "mindspore-2.10";
  auto append = open_any(folder / "append.safetensors");
  ASSERT_TRUE(append) << verdict(append);
  EXPECT_EQ(append->format, FileFormat::safetensors);
  EXPECT_EQ(listing(append->file),
            "epoch tensor Int64 []\nbn.beta tensor Float32 [3]\nbn.gamma tensor Float32 [3]\n"
            "bn.moving_mean tensor Float32 [3]\nbn.moving_variance tensor Float32 [3]\nfc.bias tensor Float32 [3]\n"
            "fc.weight tensor Float32 [3, 4]\nlr tensor Float32 []\nb tensor Bool []\n");
  auto int4 = open_any(folder / "int4.safetensors");
  ASSERT_TRUE(int4) << verdict(int4);
  EXPECT_EQ(listing(int4->file), "t tensor Int4 [1, 2]\n");
}

// MindSpore's own checksum of the same tensors, sorted by name, whatever their order here.
TEST(Safetensors, WritesMindSporesChecksum) {
  const char* corpus = std::getenv("CKPT_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "CKPT_CORPUS is not set: the folder of real files";
  auto tiny = open_any(std::filesystem::path(corpus) / "mindspore-2.10" / "tiny_crc.safetensors");
  ASSERT_TRUE(tiny) << verdict(tiny);
  std::vector<OutputEntry> entries;
  for (const TensorInfo& tensor : tiny->file.tensors()) entries.insert(entries.begin(), {&tensor, tensor.name});
  const TempDir folder;
  const auto status = write_safetensors(folder / "out", tiny->file, entries, {.durable = false, .crc = true});
  ASSERT_TRUE(status) << to_string(status.error());
  const Bytes out = test::read_file(folder / "out");
  EXPECT_NE(out.find(R"("crc_num":"3234564674")"), out.npos) << out;
  auto again = open_any(folder / "out");
  ASSERT_TRUE(again) << verdict(again);
  EXPECT_EQ(digest(again->file, {.algorithm = DigestAlgorithm::xxh3}).value().content,
            digest(tiny->file, {.algorithm = DigestAlgorithm::xxh3}).value().content);
}

// It takes an integer without dims for a length, and sums as many zeros up.
TEST(Safetensors, MindSporesChecksumOfScalars) {
  const Bytes source = test::record("n", {}, "Int16", values<std::int16_t>({3})) +
                       test::record("f", {}, "Float32", values<float>({1})) +
                       test::record("neg", {}, "Int64", values<std::int64_t>({-1}));
  auto file = Checkpoint::from_bytes(test::bytes_of(source));
  ASSERT_TRUE(file);
  const TempDir folder;
  std::vector<OutputEntry> entries = {{file->find("n"), "n"}, {file->find("f"), "f"}};
  ASSERT_TRUE(write_safetensors(folder / "out", *file, entries, {.durable = false, .crc = true}));
  const auto expected = test::plain_crc32("f" + values<float>({1}) + "n" + Bytes(3, '\0'));
  EXPECT_NE(test::read_file(folder / "out").find("\"crc_num\":\"" + std::to_string(expected) + "\""), Bytes::npos);
  entries.push_back({file->find("neg"), "neg"});
  const auto status = write_safetensors(folder / "out", *file, entries, {.durable = false, .crc = true});
  ASSERT_FALSE(status);
  EXPECT_EQ(test::sentence(status.error()),
            "unsupported in \"neg\": MindSpore takes a scalar integer for a length where it makes a checksum, and "
            "fails for -1");
}

TEST(Safetensors, WrittenByteForByte) {
  const Bytes source = test::record("n", {1}, "Int8", "\x07") +
                       test::record("w", {2}, "Float32", values<float>({1, 2})) + test::record("q", {2}, "Int4", "xy") +
                       test::record("s", {0}, "str", test::utf32(U"a\"b"));
  auto file = Checkpoint::from_bytes(test::bytes_of(source));
  ASSERT_TRUE(file);
  std::vector<OutputEntry> entries;
  for (const TensorInfo& tensor : file->tensors()) entries.push_back({&tensor, tensor.name});
  const TempDir folder;
  ASSERT_TRUE(write_safetensors(folder / "out", *file, entries, {.durable = false}));
  const std::string header =
      R"({"__metadata__":{"format":"ms","q":"Int4","str:s":"a\"b"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("n":{"dtype":"I8","shape":[1],"data_offsets":[8,9]},"q":{"dtype":"I8","shape":[2],"data_offsets":[9,11]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(test::read_file(folder / "out"), safetensors(header + padding, values<float>({1, 2}) + "\x07xy"));
  EXPECT_EQ(test::mode_of(folder / "out"), 0644U);
}

TEST(Safetensors, WhatItCannotHold) {
  const Bytes source = test::record("__metadata__", {1}, "Int8", "a") +
                       test::record("c", {1}, "Complex128", Bytes(16, 'x')) + test::record("h", {1}, "HiFloat8", "x") +
                       test::record("r", {}, "random_op", "x") + test::record("bad\xff", {1}, "Int8", "a") +
                       test::record("short", {2}, "Int8", "a") + test::record("format", {1}, "Int4", "a");
  auto file = Checkpoint::from_bytes(test::bytes_of(source));
  ASSERT_TRUE(file);
  const auto why = [&](const char* name) { return why_not(FileFormat::safetensors, {file->find(name), name}); };
  EXPECT_EQ(why("__metadata__"), "safetensors keeps that name for itself");
  EXPECT_EQ(why("c"), "safetensors has no type Complex128");
  EXPECT_EQ(why("h"), "safetensors has no type HiFloat8");
  EXPECT_EQ(why("r"), "safetensors has no type \"random_op\"");
  EXPECT_EQ(why("bad\xff"), "its name is not UTF-8");
  EXPECT_EQ(why("short"), "its bytes are not what its dims and type ask for");
  const TempDir folder;
  const std::vector<OutputEntry> format = {{file->find("format"), "format"}};
  const auto status = write_safetensors(folder / "out", *file, format, {.durable = false});
  ASSERT_FALSE(status);
  EXPECT_EQ(test::sentence(status.error()),
            "usage in \"format\": what __metadata__ would say of it, it says of something else, too");
  EXPECT_TRUE(test::names_in(folder.path()).empty());
}

}  // namespace
}  // namespace ckpt::containers
