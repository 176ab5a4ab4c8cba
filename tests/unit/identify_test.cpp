#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "ckpt/checkpoint.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;

std::string what(const Bytes& bytes) {
  const auto identity = identify(*borrow_bytes(bytes_of(bytes)));
  if (!identity) return to_string(identity.error());
  return (identity->checkpoint ? "checkpoint: " : "") + identity->description;
}

TEST(Identify, ForeignFiles) {
  using namespace std::string_literals;
  const auto zip = [](const std::string& member) {
    return "PK\x03\x04"s + Bytes(22, '\0') + test::little_endian(static_cast<std::uint16_t>(member.size())) +
           Bytes(2, '\0') + member + "x";
  };
  EXPECT_EQ(what("\x1f\x8b\x08"s), "a gzip file: unpack it first");
  EXPECT_EQ(what(zip("archive/data.pkl")), "a PyTorch file (a zip archive with a pickle)");
  EXPECT_EQ(what(zip("conv1.weight.npy")), "a NumPy archive (.npz)");
  EXPECT_EQ(what(zip("readme.txt")), "a zip archive");
  EXPECT_EQ(what("\x89HDF\r\n\x1a\n"s), "an HDF5 file (Keras and others)");
  EXPECT_EQ(what("\x93NUMPY\x01"s), "a NumPy array (.npy)");
  EXPECT_EQ(what("\x80\x04\x95}."s), "a Python pickle");
  EXPECT_EQ(what(test::little_endian(std::uint64_t{10}) + R"({"a":"bc"})"), "a safetensors file");
  EXPECT_EQ(what("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
            "a Git LFS pointer, not the file itself: run `git lfs pull`");
  EXPECT_EQ(what("\n <!DOCTYPE HTML><title>404"), "an HTML page, perhaps an error message in the place of a download");
  EXPECT_EQ(what("{\"epoch\": 3, \"learning_rate\": 0.0123}"), "a JSON file");
  EXPECT_EQ(what("This is just some text that somebody saved here.\n"), "a text file");
  EXPECT_EQ(what("not a file\n"), "a text file");
  std::string chinese;
  while (chinese.size() < 5000) chinese += "\u68af\u5ea6 ";  // cut inside a character somewhere
  for (const std::size_t at : {0U, 1U, 2U}) EXPECT_EQ(what(std::string(at, ' ') + chinese), "a text file");
  EXPECT_EQ(what("model_checkpoint_path: \"model.ckpt-1\"\n"),
            "a TensorFlow checkpoint's state file, which only names other files");
  EXPECT_EQ(what(Bytes(80, '\0') + test::from_hex("57fb808b247547db")), "a TensorFlow checkpoint's index");
  const Bytes item = test::bytes_field(1, "conv1.weight") + test::bytes_field(2, "");
  EXPECT_EQ(what(test::varint_field(1, 0) + test::bytes_field(2, item)),
            "a MindSpore strategy file (parallel layout), which holds no parameters");
  EXPECT_EQ(what(test::varint_field(1, 8) + test::bytes_field(2, "pytorch") + test::bytes_field(3, "2.0")),
            "an ONNX model");
}

TEST(Identify, FormatsOfContainers) {
  using namespace std::string_literals;
  const auto format = [](const Bytes& bytes) { return identify(*borrow_bytes(bytes_of(bytes))).value().format; };
  EXPECT_EQ(format(record("w", {1}, "Int8", "a")), FileFormat::checkpoint);
  EXPECT_EQ(format(""), FileFormat::checkpoint);
  EXPECT_EQ(format(test::little_endian(std::uint64_t{2}) + "{}"), FileFormat::safetensors);
  EXPECT_EQ(format(test::little_endian(std::uint64_t{1} << 40) + R"({"a":)"), FileFormat::safetensors);
  EXPECT_EQ(format(R"({"abcd":{"e":1}, "f":"and so on, a JSON file"})"), FileFormat::other);
  EXPECT_EQ(format("\x93NUMPY\x01"s), FileFormat::npy);
  EXPECT_EQ(format("PK\x03\x04"s + Bytes(22, '\0') + "\x05\0\0\0w.npy"s), FileFormat::npz);
  EXPECT_EQ(format("PK\x03\x04"s + Bytes(22, '\0') + "\x05\0\0\0w.txt"s), FileFormat::other);
  EXPECT_EQ(format(test::varint_field(1, 8) + test::bytes_field(2, "pytorch")), FileFormat::onnx);
  EXPECT_EQ(format("\x1f\x8b\x08"s), FileFormat::other);
}

TEST(Identify, CheckpointsAndWhatMayHaveBeenOne) {
  EXPECT_EQ(what(""), "checkpoint: an empty file");
  EXPECT_EQ(what(record("w", {1}, "Int8", "a")), "checkpoint: a MindSpore checkpoint");
  EXPECT_EQ(what(record("1.0", {1}, "Int8", "a")), "checkpoint: a MindSpore checkpoint");
  EXPECT_EQ(what(test::bytes_field(1, "")), "checkpoint: a MindSpore checkpoint");
  // Printable, but no text.
  EXPECT_EQ(what(test::nested_groups(9, 101)), "checkpoint: perhaps a damaged checkpoint: nothing else that is known");
  EXPECT_EQ(what("\x01\x02\x03"), "checkpoint: perhaps a damaged checkpoint: nothing else that is known");
  // A first record that is cut is still one.
  const Bytes cut = Bytes(record("conv1.weight", {6, 1, 5, 5}, "Float32", Bytes(600, 'x'))).substr(0, 100);
  EXPECT_EQ(what(cut), "checkpoint: a MindSpore checkpoint");
}

TEST(Identify, OpenSaysWhatItIs) {
  const Bytes lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
  auto file = Checkpoint::from_bytes(bytes_of(lfs), {.keep_damaged = true});
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::unsupported);
  EXPECT_EQ(file.error().message, "is a Git LFS pointer, not the file itself: run `git lfs pull`");
}

TEST(Identify, RealFiles) {
  const char* corpus = std::getenv("CKPT_CORPUS");
  if (corpus == nullptr) GTEST_SKIP() << "CKPT_CORPUS is not set: the folder of real files";
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(corpus)) {
    const auto extension = entry.path().extension();
    // data_0 is a MindIR's external data: bare numbers, which nothing can be told of.
    if (!entry.is_regular_file() || extension == ".md" || extension == ".txt" || extension.empty()) continue;
    auto source = open_file(entry.path());
    ASSERT_TRUE(source);
    const auto identity = identify(**source);
    ASSERT_TRUE(identity);
    const bool encrypted_graph = extension == ".mindir" && identity->encryption;
    EXPECT_EQ(identity->checkpoint, extension == ".ckpt" || encrypted_graph)
        << entry.path().filename() << ": " << identity->description;
    ++seen;
  }
  EXPECT_GT(seen, 100U);
}

}  // namespace
}  // namespace ckpt
