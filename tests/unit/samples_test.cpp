// Every sample against what an independent reader says of it (samples/describe.py, samples/*/*.json).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "chunked.h"
#include "ckpt/checkpoint.h"
#include "ckpt/stream.h"
#include "ckpt/text.h"
#include "ckpt/validate.h"
#include "file_bytes.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Bytes;
using test::bytes_of;
using test::pipe_of;

const fs::path kSamples = CKPT_SAMPLES;

struct Sample {
  std::string path;  // "good/lenet"
  Bytes bytes;
  json expected;
  OpenOptions options;
};

std::vector<std::string> files_with(const std::string& extension) {
  std::vector<std::string> found;
  for (const char* directory : {"good", "bad"})
    for (const auto& entry : fs::directory_iterator(kSamples / directory))
      if (entry.path().extension() == extension)
        found.push_back(std::string(directory) + '/' + entry.path().stem().string());
  std::sort(found.begin(), found.end());
  return found;
}

Sample load_sample(const std::string& path) {
  Sample sample{path, test::read_file(kSamples / (path + ".ckpt")), {}, {.keep_damaged = true}};
  sample.expected = json::parse(test::read_file(kSamples / (path + ".json")));
  if (sample.expected.contains("key"))
    sample.options.key = *Key::from_bytes(bytes_of(test::from_hex(sample.expected["key"].get<std::string>())));
  if (sample.expected.contains("mode"))
    sample.options.mode = cipher_mode_from_name(sample.expected["mode"].get<std::string>());
  return sample;
}

// All that this build can open.
std::vector<Sample> all_samples() {
  std::vector<Sample> samples;
  for (const std::string& path : files_with(".ckpt")) {
    Sample sample = load_sample(path);
    const bool encrypted = sample.expected.contains("key");
    if (CKPT_CRYPTO || !encrypted) samples.push_back(std::move(sample));
  }
  return samples;
}

// ---- libckpt's answers in the words of the .json files ----

std::string hex_number(std::uint32_t number) {
  Bytes bytes = test::little_endian(number);
  std::reverse(bytes.begin(), bytes.end());
  return "0x" + test::to_hex(bytes);
}

json text_json(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  return {{"hex", test::to_hex(Bytes(text))}};
}

json error_json(const Error& error) {
  json out{{"code", std::string(name(error.code))}};
  if (error.offset != Error::kNoOffset) out["offset"] = error.offset;
  if (!error.tensor.empty()) out["tensor"] = text_json(error.tensor);
  return out;
}

using Content = std::function<Bytes(const TensorInfo& tensor, std::size_t part)>;

json tensor_json(const TensorInfo& tensor, std::size_t part, bool is_part, const Content& content_of) {
  json out{{"name", text_json(tensor.name)}, {"kind", std::string(name(tensor.kind))}, {"bytes", tensor.byte_size}};
  json stored = json::object();
  if (tensor.kind == Kind::map) {
    out["parts"] = json::array();
    for (std::size_t i = 0; i < tensor.parts.size(); ++i)
      out["parts"].push_back(tensor_json(tensor.parts[i], i, true, content_of));
  } else if (tensor.extents.empty()) {
    out.erase("bytes");
  } else {
    const Bytes content = content_of(tensor, part);
    const std::string_view type = tensor.dtype == DType::unknown ? tensor.type_name : name(tensor.dtype);
    out["dtype"] = text_json(type);
    out["dims"] = tensor.dims;
    if (content.size() <= 32) out["content"] = test::to_hex(content);
    if (content.size() > 32) out["crc32"] = hex_number(test::plain_crc32(content));
    if (const auto text = utf8_from_utf32(bytes_of(content)); tensor.kind == Kind::string && text && !content.empty())
      out["text"] = *text;
    out["extents"] = json::array();
    for (const Extent& extent : tensor.extents) out["extents"].push_back({extent.offset, extent.size});
    if (tensor.dtype == DType::unknown || tensor.type_name != type) stored["type"] = text_json(tensor.type_name);
    if (tensor.scalar_as_zero) stored["dims"] = {0};
    if (tensor.packed_dims) stored["packed_dims"] = true;
    if (tensor.encoding == Encoding::bf16_as_float32)
      stored.update({{"bytes", tensor.stored_size}, {"encoding", "bf16_as_float32"}});
  }
  if (tensor.unknown_fields) stored["unknown_fields"] = true;
  if (!stored.empty()) out["stored"] = stored;
  if (!is_part) out["record"] = {tensor.record_offset, tensor.record_size};
  return out;
}

json dialect_json(const Dialect& dialect) {
  json words = json::array();
  const auto add = [&](bool there, const char* word) {
    if (there) words.push_back(word);
  };
  add(dialect.scalars_as_zero, "scalars_as_zero");
  add(dialect.scalars_without_dims, "scalars_without_dims");
  add(dialect.packed_dims, "packed_dims");
  add(dialect.maps, "maps");
  add(dialect.slices, "slices");
  add(dialect.old_type_names, "old_type_names");
  add(dialect.unknown_fields, "unknown_fields");
  return words;
}

json findings_json(const std::vector<Finding>& findings) {
  json out = json::array();
  for (const Finding& finding : findings) {
    out.push_back({{"rule", std::string(finding.rule->id)}});
    if (!finding.tensor.empty()) out.back()["tensor"] = text_json(finding.tensor);
    if (finding.offset != Error::kNoOffset) out.back()["offset"] = finding.offset;
  }
  return out;
}

// What a file and a pipe both say of a sample, but for tensors and errors.
template <class Reader>
void expect_surroundings(const Reader& reader, const json& expected) {
  EXPECT_EQ(dialect_json(reader.dialect()), expected["dialect"]);
  EXPECT_EQ(reader.dialect().model_type.has_value(), expected.contains("model_type"));
  if (reader.dialect().model_type) {
    EXPECT_EQ(text_json(*reader.dialect().model_type), expected["model_type"]);
  }
  EXPECT_EQ(reader.trailer().has_value(), expected.contains("trailer"));
  if (reader.trailer()) {
    const auto number = std::stoull(expected["trailer"]["number"].get<std::string>(), nullptr, 16);
    EXPECT_EQ(reader.trailer()->offset, expected["trailer"]["offset"]);
    EXPECT_EQ(reader.trailer()->crc, number & 0xFFFFFFFF);
    EXPECT_EQ(reader.trailer()->oversized, number > 0xFFFFFFFF);
  }
  EXPECT_EQ(reader.encryption().has_value(), expected.contains("encrypted"));
  if (reader.encryption()) {
    EXPECT_EQ(name(*reader.encryption()->mode), expected["encrypted"]["mode"]);
    EXPECT_EQ(name(reader.encryption()->era), expected["encrypted"]["era"]);
  }
}

void expect_error(const Error& error, const json& expected, const json& says) {
  EXPECT_EQ(error_json(error), expected) << to_string(error);
  if (says.is_string()) {
    EXPECT_NE(to_string(error).find(says.get<std::string>()), Bytes::npos) << to_string(error);
  }
}

// ---- from a file ----

TEST(Samples, FromAFile) {
  for (const Sample& sample : all_samples()) {
    SCOPED_TRACE(sample.path);
    const json& expected = sample.expected;
    const json says = expected.value("says", json());
    OpenOptions strict = sample.options;
    strict.keep_damaged = false;
    const auto intact = Checkpoint::from_bytes(bytes_of(sample.bytes), strict);
    EXPECT_EQ(!intact, expected.contains("error")) << (intact ? "opens" : to_string(intact.error()));
    if (!intact && expected.contains("error")) expect_error(intact.error(), expected["error"], says);

    const auto file = Checkpoint::from_bytes(bytes_of(sample.bytes), sample.options);
    EXPECT_EQ(file.has_value(), expected.contains("tensors"));
    if (!file || !expected.contains("tensors")) continue;
    EXPECT_EQ(file->damage().has_value(), !intact);
    if (file->damage()) expect_error(*file->damage(), expected["error"], says);
    expect_surroundings(*file, expected);
    if (file->encryption()) {
      EXPECT_EQ(file->encryption()->blocks, expected["encrypted"]["blocks"]);
    }
    const auto content_of = [&](const TensorInfo& tensor, std::size_t) {
      Bytes content(static_cast<std::size_t>(tensor.byte_size), '?');
      const Status status = file->read(tensor, 0, std::as_writable_bytes(std::span(content)));
      EXPECT_TRUE(status) << to_string(status.error());
      return content;
    };
    json tensors = json::array();
    for (const TensorInfo& tensor : file->tensors()) tensors.push_back(tensor_json(tensor, 0, false, content_of));
    EXPECT_EQ(json::diff(expected["tensors"], tensors), json::array());
  }
}

// ---- from a pipe ----

Bytes canonical(const TensorInfo& tensor, const Bytes& stored) {
  if (tensor.encoding == Encoding::raw) return stored;
  Bytes high;
  for (std::size_t i = 0; i < stored.size(); i += 4) high += stored.substr(i + 2, 2);
  return high;
}

void expect_from_pipe(const Sample& sample, std::size_t chunk) {
  const json& expected = sample.expected;
  RecordStream stream(pipe_of(sample.bytes, chunk), {.open = sample.options, .buffer_bytes = 4096});
  std::map<std::pair<std::size_t, std::size_t>, Bytes> contents;
  std::optional<Error> error;
  while (!error) {
    const auto piece = stream.next();
    if (!piece) error = piece.error();
    if (!piece || *piece == nullptr) break;
    Bytes& content = contents[{(*piece)->entry, (*piece)->part}];
    EXPECT_EQ((*piece)->offset, content.size());
    content += test::to_bytes((*piece)->bytes);
  }
  const bool differs = expected.contains("pipe_error");
  const json wanted = differs ? expected["pipe_error"] : expected.value("error", json());
  EXPECT_EQ(error.has_value(), !wanted.is_null()) << (error ? to_string(*error) : "no error");
  if (error) expect_error(*error, wanted, json());
  if (!expected.contains("tensors") || differs) return;

  expect_surroundings(stream, expected);
  json tensors = json::array();
  for (std::size_t i = 0; i < stream.tensors().size(); ++i)
    tensors.push_back(tensor_json(stream.tensors()[i], 0, false, [&](const TensorInfo& tensor, std::size_t part) {
      return canonical(tensor, contents[{i, part}]);
    }));
  EXPECT_EQ(json::diff(expected["tensors"], tensors), json::array());
  if (error) return;
  if (stream.encryption()) {
    EXPECT_EQ(stream.encryption()->blocks, expected["encrypted"]["blocks"]);
  }
  if (stream.trailer()) {
    EXPECT_EQ(!stream.trailer()->oversized && stream.crc() == stream.trailer()->crc, expected["trailer"]["matches"]);
  }
}

TEST(Samples, FromAPipe) {
  for (const Sample& sample : all_samples()) {
    SCOPED_TRACE(sample.path);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) expect_from_pipe(sample, chunk);
  }
}

// ---- what check says ----

TEST(Samples, Findings) {
  for (const Sample& sample : all_samples()) {
    SCOPED_TRACE(sample.path);
    const json expected = sample.expected.value("findings", json::array());
    const auto file = Checkpoint::from_bytes(bytes_of(sample.bytes), sample.options);
    if (!file) {
      EXPECT_FALSE(sample.expected.contains("findings")) << "nothing can be found in what cannot be opened";
      continue;
    }
    const auto findings = validate(*file, {.values = true});
    ASSERT_TRUE(findings) << to_string(findings.error());
    EXPECT_EQ(findings_json(*findings), expected);
    const bool worse = std::any_of(findings->begin(), findings->end(),
                                   [](const Finding& finding) { return finding.rule->severity > Severity::note; });
    if (sample.path.starts_with("bad/")) {
      EXPECT_TRUE(worse) << "what is bad about it?";
    }
    EXPECT_EQ(findings_json(*validate(*file, {.values = true, .threads = 1})), expected);
  }
}

TEST(Samples, FindingsFromAPipe) {
  for (const Sample& sample : all_samples()) {
    if (!sample.expected.contains("tensors")) continue;
    SCOPED_TRACE(sample.path);
    const json same = sample.expected.value("findings", json::array());
    const json expected = sample.expected.value("pipe_findings", same);
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{1000}}) {
      RecordStream stream(pipe_of(sample.bytes, chunk), {.open = sample.options, .buffer_bytes = 4096});
      const auto findings = validate(stream, {.values = true});
      const json error = sample.expected.value("pipe_error", json());
      if (!findings) {
        EXPECT_EQ(error_json(findings.error()), error);
      } else {
        EXPECT_EQ(findings_json(*findings), expected);
      }
    }
  }
}

// ---- the files themselves ----

TEST(Samples, EachHasItsDescription) {
  const auto samples = files_with(".ckpt");
  EXPECT_GT(samples.size(), 150U);
  EXPECT_EQ(samples, files_with(".json"));
  for (const std::string& path : samples) {
    const json expected = load_sample(path).expected;
    if (path.starts_with("good/")) {
      EXPECT_FALSE(expected.contains("error")) << path;
    }
    if (path.starts_with("bad/")) {
      EXPECT_TRUE(expected.contains("error") || expected.contains("findings")) << path;
    }
  }
}

TEST(Samples, TheReadmeListsThemAll) {
  std::vector<std::string> listed;
  std::istringstream readme(test::read_file(kSamples / "README.md"));
  for (std::string line; std::getline(readme, line);) {
    const auto end = line.find(".ckpt | ");
    if (!line.starts_with("| ") || end == line.npos) continue;
    listed.push_back(line.substr(2, end - 2));
    EXPECT_EQ(std::stoull(line.substr(end + 8)), fs::file_size(kSamples / (listed.back() + ".ckpt"))) << line;
  }
  std::sort(listed.begin(), listed.end());
  EXPECT_EQ(listed, files_with(".ckpt"));
}

}  // namespace
}  // namespace ckpt
