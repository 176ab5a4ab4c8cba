// Every prefix, and every byte changed, of a small file of each format.
#include <gtest/gtest.h>

#include "effort.h"
#include "exercise.h"
#include "foreign_files.h"

namespace ckpt {
namespace {

using test::Bytes;

struct Sample {
  FileFormat format;
  const char* name;
  Bytes bytes;
};

std::vector<Sample> samples() {
  const Bytes numbers = test::values<float>({1, 2, 3, 4, 5, 6});
  const Bytes array = test::npy("<f4", "(2, 3)", numbers);
  const Bytes turned = test::npy(">f4", "(2, 3)", numbers, true);
  return {
      {FileFormat::safetensors, "safetensors",
       test::safetensors(R"({"__metadata__":{"format":"ms","str:s":"t","b":"Int4"},)" +
                             test::st_tensor("a", "F32", "2,3", 0, 24) + "," + test::st_tensor("b", "I8", "", 24, 25) +
                             "} ",
                         numbers + "x")},
      {FileFormat::npy, "npy", array},
      {FileFormat::npy, "turned npy", turned},
      {FileFormat::npz, "npz",
       test::ZipBuilder()
           .add("a.npy", array)
           .add({.name = "b.npy", .data = array, .deflate = true, .descriptor = true})
           .add("c.npy", turned, true)
           .finish()},
      {FileFormat::npz, "npz64", test::ZipBuilder().add({.name = "a.npy", .data = array, .zip64 = true}).finish64()},
      {FileFormat::onnx, "onnx",
       test::onnx({test::onnx_tensor("a", {2, 3}, 1, test::bytes_field(9, numbers)),
                   test::onnx_tensor("b", {3}, 6, test::bytes_field(5, "\x01\x02\x03")),
                   test::onnx_tensor("c", {1}, 1, test::fixed32_field(4, 0)),
                   test::onnx_tensor("d", {}, 8, test::bytes_field(6, "text")),
                   test::onnx_tensor("e", {1}, 1, test::onnx_external("data", "0", "4"))})},
  };
}

TEST(ForeignDamage, EveryPrefix) {
  for (const Sample& sample : samples())
    for (std::size_t size = 0; size <= sample.bytes.size(); ++size) {
      // A copy of exactly its size, so that a sanitizer sees a read beyond its end.
      const std::vector<char> prefix(sample.bytes.begin(), sample.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_EQ(test::exercise(sample.format, {prefix.data(), prefix.size()}), "") << sample.name << ", " << size;
    }
}

TEST(ForeignDamage, EveryByteChanged) {
  const std::vector<int> values = test::byte_values();
  for (const Sample& sample : samples()) {
    Bytes bytes = sample.bytes;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      const char was = bytes[at];
      for (const int value : values) {
        bytes[at] = static_cast<char>(value);
        EXPECT_EQ(test::exercise(sample.format, bytes), "") << sample.name << ", byte " << at << ", " << value;
      }
      bytes[at] = was;
    }
  }
}

}  // namespace
}  // namespace ckpt
