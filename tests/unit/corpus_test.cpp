// Every real file reads as the README beside it says. CKPT_CORPUS names the folder, which is no part of the repository.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/text.h"
#include "ckpt/validate.h"
#include "file_bytes.h"
#include "markdown.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

namespace fs = std::filesystem;
using test::Bytes;
using test::bytes_of;
using test::TableRow;

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("CKPT_CORPUS");
    if (folder == nullptr && std::getenv("CI") != nullptr) FAIL() << "CKPT_CORPUS is not set, and this is CI";
    if (folder == nullptr) GTEST_SKIP() << "CKPT_CORPUS is not set: the folder of real files";
    root_ = folder;
  }

  fs::path root_;
};

std::string dims_of(const std::vector<std::int64_t>& dims, const char* open, const char* close) {
  std::string text = open;
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  return text + close;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

bool has_error(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.rule->severity == Severity::error; });
}

std::string text_of(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) text += std::string(finding.rule->id) + ": " + finding.message + '\n';
  return text;
}

Bytes content_of(const Checkpoint& file, const TensorInfo& tensor) {
  Bytes content(static_cast<std::size_t>(tensor.byte_size), '?');
  const Status status = file.read(tensor, 0, std::as_writable_bytes(std::span(content)));
  EXPECT_TRUE(status) << to_string(status.error());
  return content;
}

// ---- files that MindSpore wrote ----

// "a Float32 [2, 3], s str [0]": names may hold anything, so a type and dims end an entry.
std::vector<std::string> listed_entries(std::string text) {
  std::vector<std::string> entries;
  if (text == "(none)") return entries;
  for (const auto& [escape, character] : {std::pair{"\\t", "\t"}, {"\\n", "\n"}, {"\\0", "\1"}})
    text = replaced(text, escape, character);
  text = replaced(text, "\1", std::string(1, '\0'));
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find(']', at);
    std::string entry = text.substr(at, end - at + 1);
    entry = replaced(entry, "xxxxxxxx...", std::string(300, 'x'));
    if (entry.starts_with("(empty) ")) entry.erase(0, 7);
    entries.push_back(entry);
    at = end + 3;
  }
  return entries;
}

// "key 00 01 .. 1f" and "a key of 16 characters "0"".
std::optional<Key> listed_key(const std::string& how) {
  Bytes bytes;
  if (how.find("16 characters \"0\"") != how.npos) bytes = Bytes(16, '0');
  if (const auto at = how.find(".. "); how.find("key 00") != how.npos && at != how.npos) {
    const int last = std::stoi(how.substr(at + 3, 2), nullptr, 16);
    for (int i = 0; i <= last; ++i) bytes += static_cast<char>(i);
  }
  return bytes.empty() ? std::nullopt : std::optional(*Key::from_bytes(bytes_of(bytes)));
}

// Refused by MindSpore although it wrote them; each is an error here.
const std::set<std::string> kNotLoadable{
    "dtype_complex64.ckpt", "dtype_float8_e4m3fn.ckpt", "dtype_float8_e5m2.ckpt", "dtype_hifloat8.ckpt",
    "empty.ckpt",           "crc_only_trailer.ckpt",    "crc_and_enc.ckpt"};

TEST_F(Corpus, WrittenByMindSpore) {
  const fs::path folder = root_ / "mindspore-2.10";
  const std::string readme = test::read_file(folder / "README.md");
  std::set<fs::path> seen;
  for (const TableRow& row : test::table_under(readme, "# Files made by MindSpore 2.10.0 (CPU)")) {
    SCOPED_TRACE(row.at(0));
    const fs::path path = folder / row[0];
    EXPECT_EQ(std::to_string(fs::file_size(path)), row.at(1));
    if (path.extension() != ".ckpt") {
      const auto source = open_file(path);
      ASSERT_TRUE(source);
      EXPECT_FALSE(identify(**source)->checkpoint);
      continue;
    }
    seen.insert(path);
    OpenOptions options{.key = listed_key(row.at(2))};
    std::string entries = row.at(4);
    const bool encrypted = entries.starts_with("encrypted: ");
    EXPECT_EQ(encrypted, options.key.has_value());
    if (encrypted) entries.erase(0, 11);
    if (encrypted && !CKPT_CRYPTO) continue;
    const auto file = Checkpoint::open(path, options);
    ASSERT_TRUE(file) << to_string(file.error());
    std::vector<std::string> found;
    for (const TensorInfo& tensor : file->tensors())
      found.push_back(tensor.name + ' ' + std::string(name(tensor.dtype)) + ' ' + dims_of(tensor.dims, "[", "]"));
    EXPECT_EQ(found, listed_entries(entries));
    EXPECT_EQ(file->encryption().has_value(), encrypted);
    const auto findings = validate(*file, {.values = true});
    ASSERT_TRUE(findings);
    EXPECT_EQ(has_error(*findings), kNotLoadable.contains(row[0])) << text_of(*findings);
  }
  EXPECT_GT(seen.size(), 35U);
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".ckpt" && entry.path().parent_path().filename() != "hand") {
      EXPECT_TRUE(seen.contains(entry.path())) << entry.path() << " is not in the README";
    }
}

// ---- files made by hand, and what MindSpore said to them ----

// Where this library shows something else than MindSpore loads. Each must at least be an error of `check`.
const std::map<std::string, std::string> kDifferences{
    {"dims0_empty.ckpt", "dims [0] without bytes are an empty vector, not the scalar 0"},
    {"nodims_empty.ckpt", "bytes that are not there are not made up"},
    {"content_missing.ckpt", "bytes that are not there are not made up"},
    {"content_short.ckpt", "bytes that are not there are not made up"},
    {"content_long.ckpt", "all bytes that are there are shown"},
    {"slices_apart.ckpt", "bytes that are not there are not made up"},
    {"dims_neg5.ckpt", "bytes are shown that MindSpore leaves out of a shape of -5"},
    {"dup_adjacent.ckpt", "two complete entries are two, and the last one is found by its name"},
    {"tensor_missing_first.ckpt", "an entry without a tensor is none, not an empty map"},
};

// Where MindSpore loads what this library shows, and something is lost all the same.
const std::set<std::string> kLoses{"dup_apart.ckpt"};

// What follows "ok" for one entry: Float32 (2,) 0000803f00000040.
std::string shown(const Checkpoint& file, const TensorInfo& tensor) {
  const auto python_dims = [](const TensorInfo& t) { return dims_of(t.dims, "(", t.dims.size() == 1 ? ",)" : ")"); };
  switch (tensor.kind) {
    case Kind::tensor:
      return std::string(name(tensor.dtype)) + ' ' + python_dims(tensor) + ' ' + test::to_hex(content_of(file, tensor));
    case Kind::string:
      return "str '" + *file.read_string(tensor) + "'";
    case Kind::map: {
      std::string text;
      for (const TensorInfo& part : tensor.parts)
        text += (text.empty() ? "" : ", ") + ("('" + part.type_name + "', " + dims_of(part.dims, "[", "]") + ")");
      return "map [" + text + "]";
    }
    case Kind::opaque:
      break;
  }
  return "something else";
}

// "'a': Float32 (2,) 0000803f; 's': str 'x'", by name.
std::map<std::string, std::string> listed_answers(std::string text) {
  text = replaced(text, "\\x00", std::string(1, '\0'));
  std::map<std::string, std::string> answers;
  std::istringstream entries(text);
  for (std::string entry; std::getline(entries, entry, ';');) {
    entry = test::trimmed(entry);
    const auto colon = entry.find("': ");
    answers[entry.substr(1, colon - 1)] = entry.substr(colon + 3);
  }
  return answers;
}

TEST_F(Corpus, AnswersOfMindSpore) {
  const fs::path folder = root_ / "mindspore-2.10";
  const std::string readme = test::read_file(folder / "README.md");
  const auto rows =
      test::table_under(readme, "## hand/: hand-made files and what MindSpore 2.10.0 load_checkpoint says");
  EXPECT_GE(rows.size(), 35U);
  std::set<std::string> seen;
  for (const TableRow& row : rows) {
    SCOPED_TRACE(row.at(0));
    seen.insert(row[0]);
    const std::string answer = row.at(2);
    const auto file = Checkpoint::open(folder / "hand" / row[0], {.keep_damaged = true});
    const bool refused = answer.starts_with("ERR");
    if (!file) {
      EXPECT_TRUE(refused) << to_string(file.error());
      continue;
    }
    const auto findings = validate(*file, {.values = true});
    const auto for_210 = validate(*file, {.version = MindSporeVersion{2, 10}});
    ASSERT_TRUE(findings && for_210);
    const bool differs = kDifferences.contains(row[0]);
    EXPECT_EQ(has_error(*findings), refused || differs || kLoses.contains(row[0])) << text_of(*findings);
    if (refused) {
      EXPECT_TRUE(has_error(*for_210)) << text_of(*for_210);
      continue;
    }
    std::map<std::string, std::string> found;
    for (const TensorInfo& tensor : file->tensors()) found[tensor.name] = shown(*file, *file->find(tensor.name));
    EXPECT_EQ(found == listed_answers(answer.substr(2)), !differs) << testing::PrintToString(found);
  }
  for (const auto& [name, reason] : kDifferences) EXPECT_TRUE(seen.contains(name)) << name;
  for (const auto& entry : fs::directory_iterator(folder / "hand"))
    EXPECT_TRUE(seen.contains(entry.path().filename())) << entry.path() << " is not in the README";
}

// ---- others ----

void expect_sound(const fs::path& path) {
  SCOPED_TRACE(path.string());
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file) << to_string(file.error());
  EXPECT_FALSE(file->tensors().empty());
  for (const TensorInfo& tensor : file->tensors()) EXPECT_TRUE(tensor.fits() || tensor.kind == Kind::string);
  const auto findings = validate(*file, {.values = true});
  ASSERT_TRUE(findings);
  EXPECT_EQ(text_of(*findings), "");
}

TEST_F(Corpus, AnEarlyLeNet) {
  const fs::path path = root_ / "checkpoint_lenet-10_1875.ckpt";
  expect_sound(path);
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file);
  std::istringstream readme(test::read_file(root_ / "README.md"));
  std::string row;
  while (row.find("| checkpoint_lenet-10_1875.ckpt |") == row.npos) ASSERT_TRUE(std::getline(readme, row));
  const auto count = row.find(" entries, one message each");
  ASSERT_NE(count, row.npos);
  EXPECT_EQ(std::to_string(file->tensors().size()),
            row.substr(row.rfind(' ', count - 1) + 1, count - row.rfind(' ', count - 1) - 1));
  for (const char* scalar : {"learning_rate", "momentum"}) {
    const TensorInfo* tensor = file->find(scalar);
    ASSERT_NE(tensor, nullptr) << scalar;
    EXPECT_EQ(tensor->dtype, DType::float64);
    EXPECT_TRUE(tensor->dims.empty() && tensor->scalar_as_zero);
  }
  EXPECT_TRUE(std::any_of(file->tensors().begin(), file->tensors().end(),
                          [](const TensorInfo& tensor) { return tensor.name.starts_with("moments."); }));
  EXPECT_TRUE(file->dialect().scalars_as_zero);
  // 0.6 and later read it, and so does the one asked about.
  for (const MindSporeVersion version : {MindSporeVersion{0, 5}, {1, 5}, {2, 0}, {2, 10}})
    EXPECT_EQ(text_of(*validate(*file, {.version = version})), "");
}

TEST_F(Corpus, BesideGraphs) {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root_ / "mindspore-2.10-graphs")) {
    if (entry.path().extension() != ".ckpt") continue;
    ++count;
    expect_sound(entry.path());
    const auto file = Checkpoint::open(entry.path());
    ASSERT_TRUE(file);
    // "weights + Momentum state"
    const bool trained = entry.path().parent_path().filename().string().starts_with("train_");
    for (const char* name : {"momentum", "learning_rate", "global_step"})
      EXPECT_EQ(file->find(name) != nullptr, trained) << entry.path() << ' ' << name;
  }
  EXPECT_GE(count, 7U);
}

}  // namespace
}  // namespace ckpt
