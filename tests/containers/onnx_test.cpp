#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "file_bytes.h"
#include "foreign_files.h"
#include "temp_dir.h"

namespace ckpt::containers {
namespace {

using test::Bytes;
using test::bytes_field;
using test::bytes_in;
using test::listing;
using test::onnx;
using test::onnx_external;
using test::onnx_tensor;
using test::TempDir;
using test::values;
using test::varint;
using test::varint_field;
using test::verdict;

enum : std::uint64_t {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kComplex64 = 14,
  kBfloat16 = 16,
  kInt4 = 22
};
constexpr std::uint32_t kRaw = 9;

Result<Checkpoint> read_model(const Bytes& bytes, const ForeignOptions& options = {}) {
  return read_onnx(borrow_bytes(test::bytes_of(bytes)), {}, options);
}
std::string tensor_problem(const Bytes& tensor) { return verdict(read_model(onnx({tensor}))); }
std::string tensor_content(const Bytes& tensor) {
  const Bytes model = onnx({tensor});
  auto file = read_model(model);
  return file ? bytes_in(*file, "w") : verdict(file);
}

Bytes packed(std::initializer_list<std::uint64_t> numbers) {
  Bytes bytes;
  for (const std::uint64_t number : numbers) bytes += varint(number);
  return bytes;
}

TEST(Onnx, RawDataIsReadInPlace) {
  const Bytes model = onnx({onnx_tensor("w", {2, 1}, kFloat, bytes_field(kRaw, values<float>({1, 2}))),
                            onnx_tensor("i", {}, kInt64, bytes_field(kRaw, values<std::int64_t>({7}))),
                            onnx_tensor("e", {0}, kFloat, bytes_field(kRaw, ""))});
  auto file = read_model(model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file), "w tensor Float32 [2, 1]\ni tensor Int64 []\ne tensor Float32 [0]\n");
  EXPECT_EQ(bytes_in(*file, "w"), values<float>({1, 2}));
  EXPECT_EQ(bytes_in(*file, "i"), values<std::int64_t>({7}));
  EXPECT_EQ(file->find("w")->extents[0].source, 0U);
}

TEST(Onnx, OpenedByItsContent) {
  const TempDir folder;
  test::write_file(folder / "model.bin", onnx({onnx_tensor("w", {1}, kFloat, bytes_field(kRaw, values<float>({1})))}));
  auto any = open_any(folder / "model.bin");
  ASSERT_TRUE(any) << verdict(any);
  EXPECT_EQ(any->format, FileFormat::onnx);
}

TEST(Onnx, TypedFields) {
  EXPECT_EQ(tensor_content(onnx_tensor("w", {2}, kFloat, bytes_field(4, values<float>({1, 2})))),
            values<float>({1, 2}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kDouble, bytes_field(10, values<double>({1})))), values<double>({1}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kComplex64, bytes_field(4, values<float>({1, 2})))),
            values<float>({1, 2}));
  // In two runs, and each value alone.
  EXPECT_EQ(tensor_content(
                onnx_tensor("w", {2}, kFloat, bytes_field(4, values<float>({1})) + bytes_field(4, values<float>({2})))),
            values<float>({1, 2}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {3}, kFloat,
                                       test::fixed32_field(4, 0x3f800000) + bytes_field(4, values<float>({2})) +
                                           test::fixed32_field(4, 0x40400000))),
            values<float>({1, 2, 3}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {3}, kInt32, bytes_field(5, packed({1, ~std::uint64_t{0}, 300})))),
            values<std::int32_t>({1, -1, 300}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {2}, kInt32, varint_field(5, 1) + varint_field(5, 2))),
            values<std::int32_t>({1, 2}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {2}, kInt8, bytes_field(5, packed({127, ~std::uint64_t{127}})))),
            "\x7f\x80");
  EXPECT_EQ(tensor_content(onnx_tensor("w", {2}, kUint8, bytes_field(5, packed({0x61, 255})))), "a\xff");
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kBool, bytes_field(5, packed({1})))), "\x01");
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kFloat16, bytes_field(5, packed({0x3c00})))),
            values<std::uint16_t>({0x3c00}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kBfloat16, bytes_field(5, packed({0x3f80})))),
            values<std::uint16_t>({0x3f80}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {2}, kInt64, bytes_field(7, packed({5, ~std::uint64_t{0}})))),
            values<std::int64_t>({5, -1}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kUint32, bytes_field(11, packed({0xFFFFFFFF})))),
            values<std::uint32_t>({0xFFFFFFFF}));
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kUint64, bytes_field(11, packed({~std::uint64_t{0}})))),
            values<std::uint64_t>({~std::uint64_t{0}}));
}

TEST(Onnx, TypedFieldsThatAreWrong) {
  EXPECT_EQ(tensor_problem(onnx_tensor("w", {1'000'000'000'000}, kInt32, bytes_field(5, packed({1})))),
            "mismatch in \"w\": its dims ask for 1000000000000 values, which cannot be in the 1 bytes of its values");
  EXPECT_EQ(tensor_problem(onnx_tensor("w", {1LL << 62, 8}, kInt32, bytes_field(5, packed({1})))),
            "mismatch in \"w\": its dims ask for more than 2^63 bytes, which cannot be in the 1 bytes of its values");
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kInt32, bytes_field(5, packed({1, 2})))),
            "mismatch in \"w\": more bytes than its dims and type ask for");
  EXPECT_EQ(tensor_content(onnx_tensor("w", {2}, kInt32, bytes_field(5, packed({300})))),
            "mismatch in \"w\": its dims and type ask for 8 bytes, its values are 4");
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kUint8, bytes_field(5, packed({300})))),
            "malformed in \"w\": has the value 300, which is no UInt8");
  EXPECT_EQ(tensor_content(onnx_tensor("w", {1}, kFloat16, bytes_field(5, packed({~std::uint64_t{0}})))),
            "malformed in \"w\": has the value -1, which is no Float16");
  EXPECT_EQ(tensor_problem(onnx_tensor("w", {1}, kFloat, bytes_field(5, packed({1})))),
            "malformed in \"w\": has its values in a field of another type");
  EXPECT_EQ(
      tensor_problem(onnx_tensor("w", {1}, kFloat, bytes_field(4, values<float>({1})) + bytes_field(5, packed({1})))),
      "malformed in \"w\": has values in two fields of different types");
  EXPECT_EQ(tensor_problem(onnx_tensor("w", {-1}, kFloat, bytes_field(kRaw, ""))), "mismatch in \"w\": a dim of -1");
  EXPECT_EQ(tensor_problem(onnx_tensor("w", {1}, kFloat, bytes_field(3, varint_field(1, 0)))),
            "unsupported in \"w\": is a segment of a tensor that is in several files");
}

TEST(Onnx, TypesWithoutACounterpartAreBytes) {
  const Bytes model =
      onnx({onnx_tensor("w", {3}, kInt4, bytes_field(kRaw, "ab")), onnx_tensor("v", {1}, 99, bytes_field(kRaw, "c")),
            onnx_tensor("s", {2}, kString, bytes_field(6, "x") + bytes_field(6, "yz"))});
  auto file = read_model(model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file), "w opaque unknown [3]\nv opaque unknown [1]\ns opaque unknown [2]\n");
  EXPECT_EQ(file->find("w")->type_name, "INT4");
  EXPECT_EQ(file->find("v")->type_name, "type 99");
  EXPECT_EQ(bytes_in(*file, "s"), "xyz");
}

TEST(Onnx, AScalarTextIsAString) {
  const Bytes model = onnx({onnx_tensor("w", {}, kString, bytes_field(6, "gr\xc3\xbcn"))});
  auto file = read_model(model);
  ASSERT_TRUE(file) << verdict(file);
  EXPECT_EQ(listing(*file), "w string str [0]\n");
  EXPECT_EQ(file->read_string(file->tensors()[0]).value(), "gr\xc3\xbcn");
}

TEST(Onnx, FramingThatIsBroken) {
  EXPECT_EQ(verdict(read_model(varint_field(1, 8) + bytes_field(7, "abc", 100))),
            "truncated at byte 3: needs 100 bytes, 3 are left");
  EXPECT_EQ(verdict(read_model(varint_field(1, 8) + test::group(7, ""))),
            "malformed at byte 2: there is no field of protobuf here");
  EXPECT_EQ(verdict(read_model(varint_field(1, 8) + bytes_field(7, bytes_field(15, "")))),
            "unsupported at byte 6: has a sparse initialiser");
  EXPECT_EQ(verdict(read_model(varint_field(1, 8) + bytes_field(7, bytes_field(5, varint_field(2, 1) + "\x80")))),
            "truncated at byte 8: a number without an end");
  EXPECT_EQ(verdict(read_model(onnx({
                onnx_tensor("w", {1}, kInt32, bytes_field(5, "\xff")),
            }))),
            "fine");
  EXPECT_EQ(verdict(read_model(onnx({onnx_tensor("w", {1}, kFloat, ""), onnx_tensor("w", {1}, kFloat, "")}))),
            "malformed in \"w\": comes twice");
  EXPECT_EQ(
      verdict(read_model(onnx({onnx_tensor("long", {1}, kFloat, "")}), {.limits = {.max_name_bytes = 3}})).substr(0, 5),
      "limit");
  EXPECT_EQ(verdict(read_model(onnx({onnx_tensor("w", {1, 1, 1}, kFloat, "")}), {.limits = {.max_dims = 2}})),
            "limit in \"w\": more than 2 dims");
}

// ---- external data ----

class OnnxExternal : public testing::Test {
 protected:
  std::string open(const std::string& location, const std::string& offset = {}, const std::string& length = {}) {
    test::write_file(folder_ / "m" / "model.onnx",
                     onnx({onnx_tensor("w", {2}, kFloat, onnx_external(location, offset, length))}));
    return opened(folder_ / "m" / "model.onnx");
  }
  static std::string opened(const std::filesystem::path& model) {
    auto any = open_any(model);
    return any ? bytes_in(any->file, "w") : test::sentence(any.error());
  }
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "m" / "sub");
    test::write_file(folder_ / "m" / "data", kData);
    test::write_file(folder_ / "m" / "sub" / "a..b", kData);
    test::write_file(folder_ / "secret", kData);
  }
  TempDir folder_;
  const Bytes kData = values<float>({1, 2});
};

TEST_F(OnnxExternal, BesideTheModel) {
  EXPECT_EQ(open("data"), kData);
  EXPECT_EQ(open("sub/a..b"), kData);
  EXPECT_EQ(open("./data"), kData);
  EXPECT_EQ(open("data", "0", "8"), kData);
  std::filesystem::create_symlink("data", folder_ / "m" / "inside");
  EXPECT_EQ(open("inside"), kData);
}

TEST_F(OnnxExternal, NothingElse) {
  const std::string where = "unsupported in \"w\": its data is in \"";
  const std::string up = "\", a path with \"..\" in it: only the model's folder is looked into";
  EXPECT_EQ(open("../secret"), where + "../secret" + up);
  EXPECT_EQ(open("sub/../../secret"), where + "sub/../../secret" + up);
  EXPECT_EQ(open("sub/../data"), where + "sub/../data" + up);
  const std::string absolute = (folder_ / "secret").string();
  EXPECT_EQ(open(absolute), where + absolute + "\", a path from the root: only the model's folder is looked into");
  std::filesystem::create_symlink(folder_ / "secret", folder_ / "m" / "out");
  EXPECT_EQ(open("out"), where + "out\", a link that leaves the model's folder");
  std::filesystem::create_directory_symlink(folder_.path(), folder_ / "m" / "up");
  EXPECT_EQ(open("up/secret"), where + "up/secret\", a link that leaves the model's folder");
  EXPECT_EQ(open(std::string("da\0ta", 5)), where + "da\\x00ta\", which is no name of a file");
  EXPECT_EQ(open(""), where + "\", which is no name of a file");
}

TEST_F(OnnxExternal, MissingOrNoFile) {
  EXPECT_EQ(open("absent"), "io in \"w\": its data is in \"absent\": No such file or directory");
  EXPECT_EQ(open("sub"), "unsupported in \"w\": its data is in \"sub\", which is a directory; this needs a file");
  ASSERT_EQ(::mkfifo((folder_ / "m" / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(open("pipe"), "unsupported in \"w\": its data is in \"pipe\", which is a pipe; this needs a file");
}

TEST_F(OnnxExternal, PlacesOutsideTheFile) {
  EXPECT_EQ(open("data", "9"), "truncated in \"w\": its data starts at byte 9 of \"data\", which has 8");
  EXPECT_EQ(open("data", "4", "8"), "truncated in \"w\": its data needs 8 bytes of \"data\", 4 are there");
  EXPECT_EQ(open("data", "18446744073709551615", "18446744073709551615"),
            "truncated in \"w\": its data starts at byte 18446744073709551615 of \"data\", which has 8");
  EXPECT_EQ(open("data", "-1"), "malformed in \"w\": its external data has the offset \"-1\"");
  EXPECT_EQ(open("data", "1e3"), "malformed in \"w\": its external data has the offset \"1e3\"");
  EXPECT_EQ(open("data", "0", "99999999999999999999"),
            "malformed in \"w\": its external data has the length \"99999999999999999999\"");
}

TEST_F(OnnxExternal, ALengthThatIsNotTheTensors) {
  test::write_file(folder_ / "m" / "more", kData + kData);
  const std::string start = "mismatch in \"w\": its dims and type ask for 8 bytes, its external data has the length ";
  EXPECT_EQ(open("more", "0", "16"), start + "16");
  EXPECT_EQ(open("more", "0", "4"), start + "4");
  EXPECT_EQ(open("more", "0", "0"), start + "0");
  EXPECT_EQ(open("more", "4"), values<float>({2, 1}));  // without one it is what the tensor needs
  EXPECT_EQ(open("more", "12"), "truncated in \"w\": its data needs 8 bytes of \"more\", 4 are there");
}

// Download caches keep files under other names and link to them: model and data leave the folder together.
TEST_F(OnnxExternal, LinksOfACache) {
  std::filesystem::create_directories(folder_ / "blobs");
  std::filesystem::create_directories(folder_ / "snapshot");
  test::write_file(folder_ / "blobs" / "1", onnx({onnx_tensor("w", {2}, kFloat, onnx_external("model.data"))}));
  test::write_file(folder_ / "blobs" / "2", kData);
  std::filesystem::create_symlink("../blobs/1", folder_ / "snapshot" / "model.onnx");
  std::filesystem::create_symlink("../blobs/2", folder_ / "snapshot" / "model.data");
  EXPECT_EQ(opened(folder_ / "snapshot" / "model.onnx"), kData);
  std::filesystem::remove(folder_ / "snapshot" / "model.data");
  std::filesystem::create_symlink("../secret", folder_ / "snapshot" / "model.data");
  EXPECT_EQ(opened(folder_ / "snapshot" / "model.onnx"),
            "unsupported in \"w\": its data is in \"model.data\", a link that leaves the model's folder");
}

TEST_F(OnnxExternal, NotWithoutAFolder) {
  EXPECT_EQ(verdict(read_model(onnx({onnx_tensor("w", {2}, kFloat, onnx_external("data"))}))),
            "unsupported in \"w\": its data is in \"data\", and this is no file, so there is nothing beside it");
  EXPECT_EQ(verdict(read_model(onnx({onnx_tensor("w", {2}, kFloat, varint_field(14, 1))}))),
            "malformed in \"w\": its data is external, without a location");
}

TEST_F(OnnxExternal, BeyondTwoGibibytes) {
  constexpr std::uint64_t kFar = std::uint64_t{5} << 30;
  std::filesystem::resize_file(folder_ / "m" / "data", kFar);  // sparse
  std::ofstream(folder_ / "m" / "data", std::ios::binary | std::ios::app) << kData;
  EXPECT_EQ(open("data", std::to_string(kFar), "8"), kData);
}

}  // namespace
}  // namespace ckpt::containers
