// FORMAT.md, proto/ and docs/rules.md against the samples and the code.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "checkpoint.pb.h"
#include "ckpt/checkpoint.h"
#include "ckpt/validate.h"
#include "file_bytes.h"
#include "markdown.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

namespace fs = std::filesystem;
namespace protobuf = google::protobuf;
using test::Bytes;
using test::TableRow;

const fs::path kRoot = CKPT_ROOT;
std::string document(const char* path) { return test::read_file(kRoot / path); }
const std::string kFormat = document("libckpt/FORMAT.md");

// ---- bytes ----

struct HexBlock {
  std::string sample;
  Bytes bytes;
};

// The pairs of digits that a line begins with; what follows is a remark.
Bytes leading_bytes(const std::string& line) {
  Bytes bytes;
  for (std::size_t at = 0; at + 2 <= line.size(); at += 3) {
    const std::string pair = line.substr(at, 2);
    const bool ends = at + 2 == line.size() || line[at + 2] == ' ';
    if (pair.find_first_not_of("0123456789abcdef") != pair.npos || !ends) break;
    bytes += test::from_hex(pair);
  }
  return bytes;
}

std::vector<HexBlock> hex_blocks() {
  std::vector<HexBlock> blocks;
  std::istringstream lines(kFormat);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```hex ")) {
      blocks.push_back({line.substr(7), {}});
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      blocks.back().bytes += leading_bytes(line);
    }
  }
  return blocks;
}

TEST(Format, HexadecimalBlocksAreTheSamples) {
  const auto blocks = hex_blocks();
  EXPECT_GE(blocks.size(), 14U);
  for (const HexBlock& block : blocks)
    EXPECT_EQ(test::to_hex(block.bytes), test::to_hex(test::read_file(kRoot / "samples" / block.sample)))
        << block.sample;
}

TEST(Format, SamplesThatAreNamedExist) {
  for (const char* path : {"libckpt/FORMAT.md", "proto/README.md", "docs/rules.md"}) {
    const auto named = test::samples_in(document(path));
    EXPECT_FALSE(named.empty()) << path;
    for (const std::string& sample : named)
      EXPECT_TRUE(fs::exists(kRoot / "samples" / sample)) << path << ": " << sample;
  }
}

// ---- element types ----

TEST(Format, ElementTypesAreThoseOfTheLibrary) {
  std::set<std::string> listed;
  for (const TableRow& row : test::table_under(kFormat, "## 3. Element types")) {
    std::istringstream sizes(row.at(1));
    for (const std::string& type : test::code_in(row.at(0))) {
      std::size_t size = 0;
      if (row[1] != "–") sizes >> size;
      const DType dtype = dtype_from_name(type);
      if (type == "random_op") {
        EXPECT_EQ(dtype, DType::unknown);
        continue;
      }
      EXPECT_EQ(name(dtype), type);
      EXPECT_EQ(size_of(dtype), size) << type;
      listed.insert(type);
    }
  }
  std::set<std::string> known;
  for (int i = 1; i <= static_cast<int>(DType::string); ++i) known.emplace(name(static_cast<DType>(i)));
  EXPECT_EQ(listed, known);
  for (const auto& [old, current] : {std::pair{"Bool_", "Bool"}, {"Uint8", "UInt8"}, {"Uint64", "UInt64"}}) {
    EXPECT_EQ(name(dtype_from_name(old)), current);
    EXPECT_NE(kFormat.find(std::string("`") + old + "`"), std::string::npos);
  }
}

// ---- fields ----

const std::vector<const protobuf::Descriptor*> kMessages{::Checkpoint::descriptor(), ::Checkpoint::Value::descriptor(),
                                                         ::TensorProto::descriptor(), ::MapTensorProto::descriptor()};

std::string wire_key(const protobuf::FieldDescriptor& field) {
  const bool number = field.cpp_type() == protobuf::FieldDescriptor::CPPTYPE_INT64;
  return test::to_hex(test::key(static_cast<std::uint32_t>(field.number()), number ? 0 : 2));
}

TEST(Format, FieldsAreThoseOfTheSchema) {
  // Message, key byte, field; the message stands in its first row only.
  std::map<std::string, std::map<std::string, std::string>> listed;
  std::string message;
  for (const TableRow& row : test::table_under(kFormat, "### The messages")) {
    if (!row.at(0).empty()) message = row[0].substr(0, row[0].find(' '));
    listed[message][row.at(2)] = row.at(1);
  }
  std::map<std::string, std::map<std::string, std::string>> known;
  for (const protobuf::Descriptor* descriptor : kMessages)
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const protobuf::FieldDescriptor& field = *descriptor->field(i);
      known[descriptor->name()][field.name()] = "`" + wire_key(field) + "`";
    }
  EXPECT_EQ(listed, known);
}

TEST(Format, TheTableBesideTheSchemaSaysTheSame) {
  std::set<std::string> listed;
  for (const TableRow& row : test::table_under(document("proto/README.md"), "# Schemas"))
    listed.insert(row.at(0) + '.' + row.at(2) + '=' + row.at(1));
  std::set<std::string> known;
  for (const protobuf::Descriptor* descriptor : kMessages)
    for (int i = 0; i < descriptor->field_count(); ++i)
      known.insert(descriptor->full_name() + '.' + descriptor->field(i)->name() + '=' +
                   std::to_string(descriptor->field(i)->number()));
  EXPECT_EQ(listed, known);
}

// ---- limits ----

TEST(Format, LimitsAreTheDefaults) {
  const Limits limits;
  const auto digits = [](std::string text) { return std::erase(text, ' '), text; };
  std::map<std::string, std::string> listed;
  const auto at = kFormat.find("Ceilings keep");
  ASSERT_NE(at, std::string::npos);
  for (const TableRow& row : test::table_under(kFormat, kFormat.substr(at, kFormat.find('\n', at) - at)))
    listed[row.at(0)] = digits(row.at(1));
  EXPECT_EQ(listed["Records, parts of maps included"], std::to_string(limits.max_records));
  EXPECT_EQ(listed["Memory of the index"], std::to_string(limits.max_index_bytes >> 20) + "MiB");
  EXPECT_EQ(listed["Bytes of a name, a type, a model_type"], std::to_string(limits.max_name_bytes));
  EXPECT_EQ(listed["Dims of a tensor"], std::to_string(limits.max_dims));
}

// ---- files of other kinds ----

TEST(Format, FilesThatLookLikeCheckpointsBeginAsItSays) {
  const auto rows = test::table_under(kFormat, "## 19. Files that look like checkpoints");
  EXPECT_GE(rows.size(), 8U);
  for (const TableRow& row : rows) {
    const auto samples = test::samples_in(row.at(2));
    ASSERT_EQ(samples.size(), 1U) << row[1];
    const Bytes bytes = test::read_file(kRoot / "samples" / samples[0]);
    const auto identity = identify(*borrow_bytes(test::bytes_of(bytes)));
    ASSERT_TRUE(identity);
    EXPECT_FALSE(identity->checkpoint) << row[1];
    const std::string first = test::code_in(row.at(0)).at(0);
    if (row[0].starts_with('`')) {
      EXPECT_TRUE(bytes.starts_with(first) || bytes.starts_with(leading_bytes(first))) << row[1];
    } else {
      EXPECT_EQ(bytes.substr(8, 1), first) << row[1];
    }
  }
}

// ---- the rules ----

struct RuleSection {
  std::string id;
  std::string text;
};

std::vector<RuleSection> rule_sections() {
  std::vector<RuleSection> sections;
  std::istringstream lines(document("docs/rules.md"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("### ")) {
      sections.push_back({line.substr(4), {}});
    } else if (!sections.empty() && !line.starts_with('#')) {
      sections.back().text += line + '\n';
    }
  }
  return sections;
}

// Which rules each sample shows.
std::map<std::string, std::set<std::string>> shown_by_samples() {
  std::map<std::string, std::set<std::string>> shown;
  for (const char* directory : {"good", "bad"})
    for (const auto& entry : fs::directory_iterator(kRoot / "samples" / directory)) {
      if (entry.path().extension() != ".json") continue;
      const auto expected = nlohmann::json::parse(test::read_file(entry.path()));
      for (const auto& finding : expected.value("findings", nlohmann::json::array()))
        shown[finding["rule"]].insert(std::string(directory) + '/' + entry.path().stem().string() + ".ckpt");
    }
  return shown;
}

TEST(RulesDocument, HasASectionForEachRule) {
  const auto sections = rule_sections();
  ASSERT_EQ(sections.size(), rules().size());
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const Rule& rule = rules()[i];
    ASSERT_EQ(sections[i].id, rule.id) << "the order is that of the rules";
    const std::string head = "\n`" + std::string(name(rule.severity)) + "` " + std::string(rule.summary) + "\n\n";
    EXPECT_TRUE(sections[i].text.starts_with(head)) << rule.id << ": " << sections[i].text.substr(0, 200);
    EXPECT_GT(sections[i].text.size(), head.size() + 40) << rule.id << " is not explained";
  }
}

TEST(RulesDocument, NamesSamplesThatShowTheRule) {
  const auto shown = shown_by_samples();
  for (const RuleSection& section : rule_sections()) {
    const auto named = test::samples_in(section.text);
    const auto found = shown.find(section.id);
    EXPECT_EQ(named.empty(), found == shown.end()) << section.id;
    EXPECT_EQ(named.empty(), section.text.find("No sample") != std::string::npos) << section.id;
    for (const std::string& sample : named)
      EXPECT_TRUE(found != shown.end() && found->second.contains(sample)) << section.id << ": " << sample;
  }
}

}  // namespace
}  // namespace ckpt
