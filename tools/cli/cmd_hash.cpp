#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "ckpt/digest.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "render.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

// One entry. A manifest of an early version has no types and no dims.
struct Row {
  std::string name = {};
  std::optional<std::string> dtype = {};
  std::vector<std::int64_t> dims = {};
  std::string digest = {};
};

// One file's fingerprints, as a manifest keeps them.
struct Manifest {
  std::string file = {};
  std::string algorithm = {};
  std::string content = {};
  std::vector<Row> tensors = {};  // in file order
};

void set_form(Json& json, const Row& row) {
  set_text(json, "dtype", row.dtype.value_or(""));
  json["dims"] = row.dims;
}

Json json_of(const Manifest& manifest) {
  Json json;
  json["schema"] = "ckpt.hash/1";
  set_text(json, "file", manifest.file);
  json["algorithm"] = manifest.algorithm;
  json["content"] = manifest.content;
  json["tensors"] = Json::array();
  for (const Row& entry : manifest.tensors) {
    Json row;
    set_text(row, "name", entry.name);
    set_form(row, entry);
    row["digest"] = entry.digest;
    json["tensors"].push_back(std::move(row));
  }
  return json;
}

std::string text_of(const Json& object, const std::string& key) {
  const auto hex = object.find(key + "_hex");
  if (hex == object.end()) return object.at(key).get<std::string>();
  const auto digits = hex->get<std::string>();
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

Row row_from(const Json& json) {
  Row row{.name = text_of(json, "name"), .digest = json.at("digest").get<std::string>()};
  if (!json.contains("dtype")) return row;
  row.dtype = text_of(json, "dtype");
  row.dims = json.at("dims").get<std::vector<std::int64_t>>();
  return row;
}

// Entry by entry: a document of all of them would take many times the memory. Throws what the parser throws.
Manifest manifest_from(std::string_view line) {
  Manifest manifest;
  const Json json = Json::parse(line, [&](int depth, Json::parse_event_t event, const Json& parsed) {
    if (depth != 2 || event != Json::parse_event_t::object_end) return true;
    manifest.tensors.push_back(row_from(parsed));
    return false;
  });
  if (json.at("schema") != "ckpt.hash/1" || !json.at("tensors").is_array()) throw std::invalid_argument("schema");
  manifest.file = text_of(json, "file");
  manifest.algorithm = json.at("algorithm").get<std::string>();
  manifest.content = json.at("content").get<std::string>();
  return manifest;
}

// A document a line, as --json prints them.
Result<std::vector<Manifest>> read_manifests(const std::string& path) {
  const auto text = read_text(path, std::size_t{256} << 20, "a manifest");
  if (!text) return text.error();
  std::vector<Manifest> manifests;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    try {
      manifests.push_back(manifest_from(line));
    } catch (const std::exception&) {
      return Error{.code = Errc::malformed, .message = "is no manifest: `ckpt hash --json` makes one"};
    }
  }
  if (manifests.empty()) return Error{.code = Errc::malformed, .message = "is no manifest: it is empty"};
  return manifests;
}

// What stands in the manifest for a file: of one file the only one, else the one of that name.
const Manifest* find_manifest(const std::vector<Manifest>& manifests, const std::string& path, bool only_file) {
  if (manifests.size() == 1 && only_file) return &manifests[0];
  for (const Manifest& manifest : manifests)
    if (manifest.file == path) return &manifest;
  return nullptr;
}

struct Difference {
  std::string what = {};
  const Row* before = nullptr;  // where its type or dims are others
  const Row* now = nullptr;
  std::string name = {};
};

constexpr const char* kWhole =
    "every tensor is as in the manifest, but its digest of the whole is another: the manifest was altered";
constexpr const char* kForm =
    "every tensor has its bytes, but types or dims are others, or the manifest was altered: it is too old to tell "
    "which";

// The dims of a str say nothing: some dialects have them and some do not.
bool same_dims(const Row& a, const Row& b) { return a.dims == b.dims || a.dtype == name(DType::string); }

std::optional<Difference> compare(const Row& before, const Row& now) {
  const bool has_form = before.dtype.has_value();
  if (has_form && before.dtype != now.dtype) return Difference{"dtype_changed", &before, &now, now.name};
  if (has_form && !same_dims(before, now)) return Difference{"reshaped", &before, &now, now.name};
  if (before.digest != now.digest) return Difference{.what = "changed", .name = now.name};
  return {};
}

// Names may occur more than once: the n-th is compared with the n-th.
std::vector<Difference> compare(const Manifest& before, const Manifest& now) {
  std::map<std::pair<std::string_view, std::size_t>, const Row*> rows;
  std::map<std::string_view, std::size_t> seen;
  for (const Row& row : before.tensors) rows[{row.name, seen[row.name]++}] = &row;
  seen.clear();
  std::vector<Difference> differences;
  for (const Row& row : now.tensors) {
    const auto found = rows.find({row.name, seen[row.name]++});
    if (found == rows.end()) {
      differences.push_back({.what = "new", .name = row.name});
      continue;
    }
    if (auto difference = compare(*found->second, row)) differences.push_back(std::move(*difference));
    rows.erase(found);
  }
  for (const auto& [place, row] : rows) differences.push_back({.what = "missing", .name = row->name});
  if (!differences.empty() || before.content == now.content) return differences;
  const bool has_forms =
      std::all_of(before.tensors.begin(), before.tensors.end(), [](const Row& row) { return row.dtype.has_value(); });
  return {{.what = has_forms ? kWhole : kForm}};
}

// "Float32 -> Int32, [2] -> [3]"
std::string form_text(const Difference& difference) {
  std::string text;
  if (difference.before->dtype != difference.now->dtype)
    text = escape(*difference.before->dtype) + " -> " + escape(*difference.now->dtype);
  if (!same_dims(*difference.before, *difference.now))
    text += fmt::format("{}{} -> {}", text.empty() ? "" : ", ", shape_text(difference.before->dims),
                        shape_text(difference.now->dims));
  return text;
}

std::string report(const std::string& path, const Manifest& now, const std::vector<Difference>& differences,
                   bool color) {
  if (differences.empty())
    return fmt::format("{}: {}, {}\n", escape(path), styled("ok", Style::green, color),
                       counted(now.tensors.size(), "tensor"));
  std::string text;
  std::map<std::string, std::uint64_t> counts;
  for (const Difference& difference : differences) {
    if (difference.what == kWhole || difference.what == kForm)
      return fmt::format("{}: {}\n", escape(path), styled(difference.what, Style::red, color));
    std::string what = difference.what;
    std::replace(what.begin(), what.end(), '_', ' ');
    ++counts[what];
    text += fmt::format("{}: {} {}{}\n", escape(path), styled(what, Style::red, color), name_text(difference.name),
                        difference.before == nullptr ? "" : ": " + form_text(difference));
  }
  std::string sums;
  for (const auto& [what, count] : counts) sums += fmt::format("{}{} {}", sums.empty() ? "" : ", ", count, what);
  return text + fmt::format("{}: {}\n", escape(path), sums);
}

Json report_json(const std::string& path, const Manifest& now, const std::vector<Difference>& differences) {
  Json json;
  json["schema"] = "ckpt.hash-check/1";
  set_text(json, "file", path);
  json["algorithm"] = now.algorithm;
  json["content"] = now.content;
  json["matches"] = differences.empty();
  json["differences"] = Json::array();
  for (const Difference& difference : differences) {
    Json row;
    set_text(row, "name", difference.name);
    row["what"] = difference.what;
    if (difference.before != nullptr) {
      set_form(row["before"], *difference.before);
      set_form(row["now"], *difference.now);
    }
    json["differences"].push_back(std::move(row));
  }
  return json;
}

Result<Manifest> hash_file(Context& context, const std::string& path, DigestAlgorithm algorithm,
                           const KeyOptions& key) {
  auto input = Input::open(context, path, key, true);
  if (!input) return std::move(input).error();
  if (!input->is_pipe() && input->damage()) return *input->damage();
  const DigestOptions how{.algorithm = algorithm, .progress = context.progress(path)};
  auto digests = input->is_pipe() ? digest(input->stream(), how) : digest(input->file(), how);
  if (!digests) return std::move(digests).error();
  Manifest manifest{.file = path, .algorithm = std::string(name(algorithm)), .content = std::move(digests->content)};
  const auto tensors = input->tensors();
  for (std::size_t i = 0; i < tensors.size(); ++i)
    manifest.tensors.push_back({.name = tensors[i].name,
                                .dtype = std::string(dtype_text(tensors[i])),
                                .dims = tensors[i].dims,
                                .digest = std::move(digests->tensors[i])});
  return manifest;
}

// Tensors of the same bytes, within a file (tied weights) and across files.
std::string duplicates_in(const std::vector<Manifest>& manifests, bool color) {
  std::map<std::string, std::vector<std::string>> places;
  std::vector<std::string> order;
  for (const Manifest& manifest : manifests) {
    for (const Row& row : manifest.tensors) {
      auto& at = places[row.digest];
      if (at.empty()) order.push_back(row.digest);
      at.push_back(manifests.size() == 1 ? name_text(row.name) : escape(manifest.file) + "#" + name_text(row.name));
    }
  }
  std::string text;
  for (const std::string& digest : order) {
    if (places[digest].size() < 2) continue;
    text += styled(digest, Style::dim, color) + "\n";
    for (const std::string& place : places[digest]) text += "  " + place + "\n";
  }
  return text.empty() ? "no two tensors have the same bytes\n" : text;
}

}  // namespace

int run(Context& context, const HashOptions& options) {
  std::optional<std::vector<Manifest>> manifests;
  if (!options.check.empty()) {
    auto read = read_manifests(options.check);
    if (!read) return context.fail(options.check, read.error());
    manifests = std::move(*read);
  }
  auto files = expand_directories(options.files);
  if (!files) return context.fail(files.error().message);
  int code = kDone;
  std::vector<Manifest> all;
  for (const std::string& path : *files) {
    const Manifest* before = nullptr;
    if (manifests) {
      before = find_manifest(*manifests, path, files->size() == 1);
      if (before == nullptr) {
        code = std::max(code, context.fail(path, usage("is not in the manifest")));
        continue;
      }
    }
    const auto algorithm = digest_algorithm_from_name(before != nullptr ? before->algorithm : options.algorithm);
    if (!algorithm)
      return context.fail(options.check,
                          {.code = Errc::unsupported, .message = "has an algorithm that is not known here"});
    auto now = hash_file(context, path, *algorithm, options.key);
    if (!now) {
      code = std::max(code, context.fail(path, now.error(), hint_for(now.error(), options.key)));
      if (code == kInterrupted) return code;
      continue;
    }
    if (before != nullptr) {
      const auto differences = compare(*before, *now);
      if (!differences.empty()) code = std::max<int>(code, kNo);
      context.write(options.json ? line_of(report_json(path, *now, differences))
                                 : report(path, *now, differences, context.color()));
    } else if (options.duplicates) {
      all.push_back(std::move(*now));
    } else if (options.json) {
      context.write(line_of(json_of(*now)));
    } else {
      if (!options.summary)
        for (const Row& row : now->tensors) context.write(fmt::format("{}  {}\n", row.digest, name_text(row.name)));
      context.write(options.summary
                        ? fmt::format("{}  {}\n", now->content, escape(path))
                        : styled(fmt::format("{}  {}", now->content, escape(path)), Style::bold, context.color()) +
                              "\n");
    }
  }
  if (options.duplicates && !all.empty()) context.write(duplicates_in(all, context.color()));
  return code;
}

}  // namespace ckpt::cli
