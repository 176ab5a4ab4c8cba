// What can be wrong with any input, whatever its format: rewritten while it is read, names of any bytes, sizes near
// 2^63, values that are no numbers, no values at all. What is one format's own is in the tests of that format.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "file_bytes.h"
#include "foreign_files.h"
#include "temp_dir.h"
#include "write_as.h"

namespace ckpt::containers {
namespace {

using test::all_of;
using test::Bytes;
using test::bytes_in;
using test::TempDir;
using test::values;
using test::verdict;
using test::write_as;
using test::ZipBuilder;

const Bytes kValues = values<float>({1, 2, 3, 4, 5, 6});

struct Sample {
  const char* name;
  Bytes bytes;
};

/// The tensor "w", six floats in two rows, in every way in which its bytes can be found or made.
std::vector<Sample> samples() {
  const Bytes array = test::npy("<f4", "(2, 3)", kValues);
  const Bytes turned = test::npy("<f4", "(2, 3)", values<float>({1, 4, 2, 5, 3, 6}), true);
  return {
      {"safetensors", test::safetensors("{" + test::st_tensor("w", "F32", "2,3", 0, 24) + "}", kValues)},
      {"npz, stored", ZipBuilder().add("w.npy", array).finish()},
      {"npz, deflated", ZipBuilder().add("w.npy", array, true).finish()},
      {"npz, turned", ZipBuilder().add("w.npy", turned).finish()},
      {"onnx, raw", test::onnx({test::onnx_tensor("w", {2, 3}, 1, test::bytes_field(9, kValues))})},
      {"onnx, alone",
       test::onnx({test::onnx_tensor("w", {2, 3}, 1,
                                     test::fixed32_field(4, 0x3f800000) + test::bytes_field(4, kValues.substr(4)))})},
      {"onnx, external", test::onnx({test::onnx_tensor("w", {2, 3}, 1, test::onnx_external("data"))})},
  };
}

void rewrite(const std::filesystem::path& path, const Bytes& bytes) {
  const auto before = std::filesystem::last_write_time(path);
  test::write_file(path, bytes);
  std::filesystem::last_write_time(path, before + std::chrono::seconds(2));  // a clock may be coarse
}

constexpr std::array kTargets = {FileFormat::checkpoint, FileFormat::safetensors, FileFormat::npz};

TEST(ForeignInput, RewrittenInPlaceWhileItIsRead) {
  for (const Sample& sample : samples()) {
    // Before the first look at the values, and after it.
    for (const bool looked : {false, true}) {
      const TempDir folder;
      test::write_file(folder / "in", sample.bytes);
      test::write_file(folder / "data", kValues);
      auto any = open_any(folder / "in");
      ASSERT_TRUE(any) << sample.name << ": " << verdict(any);
      if (looked) {
        EXPECT_EQ(bytes_in(any->file, "w"), kValues) << sample.name;
      }
      const bool external = sample.name == std::string_view("onnx, external");
      rewrite(external ? folder / "data" : folder / "in", Bytes((external ? kValues : sample.bytes).size(), '\0'));
      std::array<std::byte, 24> out;
      const auto status = any->file.read(any->file.tensors()[0], 0, out);
      ASSERT_FALSE(status) << sample.name;
      if (looked) {
        EXPECT_EQ(status.error().code, Errc::changed) << sample.name << ": " << test::sentence(status.error());
      }
      for (const FileFormat target : kTargets) {
        EXPECT_FALSE(write_as(target, folder / "out", any->file)) << sample.name;
        EXPECT_FALSE(std::filesystem::exists(folder / "out")) << sample.name;
      }
    }
  }
}

/// Rewritten when the first bytes are on their way, as the callback is called between two pieces.
TEST(ForeignInput, RewrittenInPlaceWhileItIsConverted) {
  for (const Sample& sample : samples()) {
    const bool external = sample.name == std::string_view("onnx, external");
    for (const FileFormat target : kTargets) {
      const TempDir folder;
      test::write_file(folder / "in", sample.bytes);
      test::write_file(folder / "data", kValues);
      auto any = open_any(folder / "in");
      ASSERT_TRUE(any) << sample.name;
      const auto entries = all_of(any->file);
      const auto spoil = [&](std::uint64_t, std::uint64_t) {
        rewrite(external ? folder / "data" : folder / "in", external ? kValues : sample.bytes);
        return true;
      };
      const SaveOptions how{.durable = false, .progress = spoil};
      const auto out = folder / "out";
      const auto status = target == FileFormat::checkpoint ? write_checkpoint(out, any->file, entries, {}, spoil)
                          : target == FileFormat::npz      ? write_npz(out, any->file, entries, how)
                                                           : write_safetensors(out, any->file, entries, how);
      ASSERT_FALSE(status) << sample.name;
      EXPECT_EQ(status.error().code, Errc::changed) << sample.name << ": " << test::sentence(status.error());
      EXPECT_FALSE(std::filesystem::exists(out)) << sample.name;
    }
  }
}

TEST(ForeignInput, AFileThatBecomesShorterIsAnError) {
  for (const Sample& sample : samples()) {
    const TempDir folder;
    test::write_file(folder / "in", sample.bytes);
    test::write_file(folder / "data", kValues);
    auto any = open_any(folder / "in");
    ASSERT_TRUE(any) << sample.name;
    std::filesystem::resize_file(folder / "in", 8);
    std::filesystem::resize_file(folder / "data", 8);
    std::array<std::byte, 24> out;
    const auto status = any->file.read(any->file.tensors()[0], 0, out);
    ASSERT_FALSE(status) << sample.name;
    EXPECT_EQ(status.error().code, Errc::changed) << sample.name << ": " << test::sentence(status.error());
  }
}

// A name is bytes; JSON's are text, so what is none ends there.
TEST(ForeignInput, NamesOfAnyBytes) {
  const std::vector<Bytes> names = {Bytes("\0\x01", 2), "\x1b[31m",     "a\nb",    "\"\\",         "\xff\xfe", "\xc3",
                                    "\xed\xa0\x80",     "\xe2\x80\xae", "../../x", "__metadata__", "str:x",    ""};
  const Bytes array = test::npy("|u1", "(1,)", "x");
  for (const Bytes& name : names) {
    const Bytes archive = ZipBuilder().add(name + ".npy", array).finish();
    const Bytes model = test::onnx({test::onnx_tensor(name, {1}, 2, test::bytes_field(9, "x"))});
    const auto npz = read_npz(borrow_bytes(test::bytes_of(archive)));
    const auto onnx = read_onnx(borrow_bytes(test::bytes_of(model)), {});
    ASSERT_TRUE(npz && onnx) << escape(name) << verdict(npz) << verdict(onnx);
    for (const Checkpoint* file : {&*npz, &*onnx}) {
      EXPECT_EQ(file->tensors()[0].name, name);
      EXPECT_EQ(bytes_in(*file, name), "x");
      // What goes into a file has to come out of it.
      for (const FileFormat target : kTargets) {
        const std::string why = why_not(target, {&file->tensors()[0], name});
        EXPECT_EQ(why == "its name is not UTF-8", !is_utf8(name)) << escape(name) << ": " << why;
        if (!why.empty()) continue;
        const TempDir folder;
        const auto status = write_as(target, folder / "out", *file);
        ASSERT_TRUE(status) << escape(name) << ": " << test::sentence(status.error());
        auto back = open_any(folder / "out");
        ASSERT_TRUE(back) << escape(name) << ": " << verdict(back);
        EXPECT_EQ(back->file.tensors()[0].name, name);
        EXPECT_EQ(bytes_in(back->file, name), "x");
      }
    }
  }
  const auto header = [](const std::string& name) {
    const Bytes bytes = test::safetensors("{" + test::st_tensor(name, "U8", "1", 0, 1) + "}", "x");
    const auto file = read_safetensors(borrow_bytes(test::bytes_of(bytes)));
    return file ? file->tensors()[0].name : verdict(file);
  };
  EXPECT_EQ(header(R"(a\u0000\u001b\n\"\ud83d\ude00)"), Bytes("a\0\x1b\n\"\xf0\x9f\x98\x80", 9));
  EXPECT_EQ(header(R"(\ud800)"), "malformed at byte 16: the header is not JSON");  // half of a character
  EXPECT_EQ(header("a\nb"), "malformed at byte 11: the header is not JSON");       // JSON wants it escaped
  EXPECT_EQ(header("\xc3"), "malformed at byte 11: the header is not JSON");
}

TEST(ForeignInput, SizesNear2To63) {
  const auto safetensors = [](const std::string& shape, const std::string& offsets) {
    const Bytes bytes =
        test::safetensors(R"({"w":{"dtype":"U8","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}}", "x");
    return verdict(read_safetensors(borrow_bytes(test::bytes_of(bytes))));
  };
  EXPECT_EQ(safetensors("9223372036854775807", "0,9223372036854775807"),
            "truncated in \"w\": data_offsets [0, 9223372036854775807], and behind the header the file has 1");
  EXPECT_EQ(safetensors("0", "9223372036854775808,9223372036854775808"),
            "malformed in \"w\": data_offsets [9223372036854775808, 9223372036854775808]: 9223372036854775808 bytes "
            "in front are no tensor's");
  EXPECT_EQ(safetensors("0", "18446744073709551615,0"),
            "malformed in \"w\": data_offsets [18446744073709551615, 0]: the end is in front of the begin");
  EXPECT_EQ(safetensors("9223372036854775807,2", "0,1"),
            "mismatch in \"w\": its shape and dtype ask for more than 2^63 bytes, its data_offsets [0, 1] give 1");

  const auto npz = [](ZipBuilder::Member member) {
    member.name = "w.npy";
    member.zip64 = true;
    if (member.data.empty()) member.data = test::npy("|u1", "(1,)", "x");
    const Bytes bytes = ZipBuilder().add(std::move(member)).finish64();
    return verdict(read_npz(borrow_bytes(test::bytes_of(bytes))));
  };
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  for (const std::uint64_t huge : {kHalf - 1, kHalf, ~std::uint64_t{0}}) {
    EXPECT_NE(npz({.claimed_size = huge}).find("is stored as it is, but in another size"), Bytes::npos);
    EXPECT_NE(npz({.deflate = true, .claimed_size = huge}).find("more than its"), Bytes::npos);
    EXPECT_NE(npz({.local = huge}).find("lies outside the archive"), Bytes::npos);
  }
  EXPECT_EQ(npz({.data = test::npy("|u1", "(9223372036854775807,)", "x")}),
            "truncated in \"w\": its shape and type ask for 9223372036854775807 bytes, 1 are there");
  EXPECT_EQ(npz({.data = test::npy("|u1", "(9223372036854775808,)", "x")}),
            "malformed in \"w\": its header is not the dict of descr, fortran_order and shape that NumPy writes");

  const auto onnx = [](std::initializer_list<std::int64_t> dims, const Bytes& fields) {
    const Bytes bytes = test::onnx({test::onnx_tensor("w", dims, 2, fields)});
    return verdict(read_onnx(borrow_bytes(test::bytes_of(bytes)), {}));
  };
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_NE(onnx({1}, test::bytes_field(9, "x", kHalf)).find("needs 9223372036854775808 bytes"), Bytes::npos);
  EXPECT_EQ(
      onnx({kMost}, test::bytes_field(5, "x")),
      "mismatch in \"w\": its dims ask for 9223372036854775807 values, which cannot be in the 1 bytes of its values");
  EXPECT_EQ(onnx({kMost, kMost}, test::bytes_field(9, "x")), "fine");  // where an index only says what is stored
}

TEST(ForeignInput, DimsThatDoNotFitAreListedAndNotConverted) {
  const Bytes bytes =
      test::onnx({test::onnx_tensor("w", {std::numeric_limits<std::int64_t>::max(), 2}, 2, test::bytes_field(9, "x")),
                  test::onnx_tensor("v", {3}, 1, test::bytes_field(9, "12345678"))});
  const auto file = read_onnx(borrow_bytes(test::bytes_of(bytes)), {});
  ASSERT_TRUE(file) << verdict(file);
  for (const TensorInfo& tensor : file->tensors())
    for (const FileFormat target : kTargets)
      EXPECT_EQ(why_not(target, {&tensor, tensor.name}), "its bytes are not what its dims and type ask for");
}

TEST(ForeignInput, SpecialValuesKeepEveryBit) {
  const Bytes special = values<std::uint32_t>(
      {0x7fc00001, 0xffc12345, 0x7f800001, 0x7f800000, 0xff800000, 0x80000000, 0x00000001, 0x807fffff});
  struct Type {
    const char* name;
    const char* dims;
    Bytes bytes;
  };
  const std::vector<Type> types = {
      {"F32", "8", special}, {"F64", "4", special}, {"F16", "16", special}, {"BF16", "16", special}};
  for (const Type& type : types) {
    const Bytes bytes = test::safetensors("{" + test::st_tensor("w", type.name, type.dims, 0, 32) + "}", type.bytes);
    const auto file = read_safetensors(borrow_bytes(test::bytes_of(bytes)));
    ASSERT_TRUE(file) << verdict(file);
    for (const FileFormat target : kTargets) {
      if (!why_not(target, {&file->tensors()[0], "w"}).empty()) continue;  // NumPy has no bfloat16
      const TempDir folder;
      ASSERT_TRUE(write_as(target, folder / "out", *file));
      auto back = open_any(folder / "out");
      ASSERT_TRUE(back) << verdict(back);
      EXPECT_EQ(bytes_in(back->file, "w"), type.bytes) << type.name;
    }
  }
}

TEST(ForeignInput, NoElements) {
  const std::vector<Sample> empty = {
      {"safetensors", test::safetensors("{" + test::st_tensor("w", "F32", "2,0", 0, 0) + "}")},
      {"npz", ZipBuilder().add("w.npy", test::npy("<f4", "(2, 0)", "")).finish()},
      {"npz, deflated", ZipBuilder().add("w.npy", test::npy("<f4", "(2, 0)", ""), true).finish()},
      {"npz, turned", ZipBuilder().add("w.npy", test::npy(">f4", "(2, 0)", "", true)).finish()},
      {"onnx", test::onnx({test::onnx_tensor("w", {2, 0}, 1, test::bytes_field(9, ""))})},
      {"onnx, no field", test::onnx({test::onnx_tensor("w", {2, 0}, 1, "")})},
  };
  for (const Sample& sample : empty) {
    const TempDir folder;
    test::write_file(folder / "in", sample.bytes);
    auto any = open_any(folder / "in");
    ASSERT_TRUE(any) << sample.name << ": " << verdict(any);
    EXPECT_EQ(test::listing(any->file), "w tensor Float32 [2, 0]\n") << sample.name;
    for (const FileFormat target : kTargets) {
      const auto status = write_as(target, folder / "out", any->file);
      ASSERT_TRUE(status) << sample.name << ": " << test::sentence(status.error());
      auto back = open_any(folder / "out");
      ASSERT_TRUE(back) << sample.name << ": " << verdict(back);
      EXPECT_EQ(test::listing(back->file), "w tensor Float32 [2, 0]\n") << sample.name;
    }
  }
}

}  // namespace
}  // namespace ckpt::containers
