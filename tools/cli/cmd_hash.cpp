#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <map>

#include "ckpt/digest.h"
#include "ckpt/text.h"
#include "commands.h"
#include "facts.h"
#include "input.h"
#include "json.h"
#include "render.h"

namespace ckpt::cli {
namespace {

// One file's fingerprints, as a manifest keeps them.
struct Manifest {
  std::string file = {};
  std::string algorithm = {};
  std::string content = {};
  std::vector<std::pair<std::string, std::string>> tensors = {};  // name and digest, in file order
};

Json json_of(const Manifest& manifest) {
  Json json;
  json["schema"] = "ckpt.hash/1";
  set_text(json, "file", manifest.file);
  json["algorithm"] = manifest.algorithm;
  json["content"] = manifest.content;
  json["tensors"] = Json::array();
  for (const auto& [name, digest] : manifest.tensors) {
    Json row;
    set_text(row, "name", name);
    row["digest"] = digest;
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

Manifest manifest_from(const Json& json) {
  Manifest manifest{.file = text_of(json, "file"),
                    .algorithm = json.at("algorithm").get<std::string>(),
                    .content = json.at("content").get<std::string>()};
  for (const Json& row : json.at("tensors"))
    manifest.tensors.emplace_back(text_of(row, "name"), row.at("digest").get<std::string>());
  return manifest;
}

// A document a line, as --json prints them.
Result<std::vector<Manifest>> read_manifests(const std::string& path) {
  constexpr std::size_t kMaxBytes = std::size_t{256} << 20;
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{.code = Errc::io, .message = "cannot open: " + std::generic_category().message(errno)};
  std::vector<Manifest> manifests;
  std::string line;
  for (std::size_t bytes = 0; std::getline(in, line);) {
    bytes += line.size();
    if (bytes > kMaxBytes) return Error{.code = Errc::limit, .message = "is no manifest: it is too large for one"};
    if (line.empty()) continue;
    try {
      const Json json = Json::parse(line);
      if (json.at("schema") != "ckpt.hash/1") throw std::invalid_argument("schema");
      manifests.push_back(manifest_from(json));
    } catch (const std::exception&) {
      return Error{.code = Errc::malformed, .message = "is no manifest: `ckpt hash --json` makes one"};
    }
  }
  if (in.bad()) return Error{.code = Errc::io, .message = "cannot read"};
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
  std::string name;
  const char* what;
};

// Names may occur more than once: the n-th is compared with the n-th.
std::vector<Difference> compare(const Manifest& before, const Manifest& now) {
  std::map<std::pair<std::string, std::size_t>, std::string> digests;
  std::map<std::string, std::size_t> seen;
  for (const auto& [name, digest] : before.tensors) digests[{name, seen[name]++}] = digest;
  seen.clear();
  std::vector<Difference> differences;
  for (const auto& [name, digest] : now.tensors) {
    const auto found = digests.find({name, seen[name]++});
    if (found == digests.end()) {
      differences.push_back({name, "new"});
      continue;
    }
    if (found->second != digest) differences.push_back({name, "changed"});
    digests.erase(found);
  }
  for (const auto& [place, digest] : digests) differences.push_back({place.first, "missing"});
  if (differences.empty() && before.content != now.content)
    differences.push_back({"", "the types or dims of a tensor changed"});
  return differences;
}

std::string report(const std::string& path, const Manifest& now, const std::vector<Difference>& differences,
                   bool color) {
  std::string text;
  std::map<std::string, std::uint64_t> counts;
  for (const Difference& difference : differences) {
    ++counts[difference.what];
    if (!difference.name.empty())
      text += fmt::format("{}: {} {}\n", escape(path), styled(difference.what, Style::red, color),
                          name_text(difference.name));
  }
  if (differences.empty())
    return fmt::format("{}: {}, {}\n", escape(path), styled("ok", Style::green, color),
                       counted(now.tensors.size(), "tensor"));
  std::string sums;
  for (const auto& [what, count] : counts)
    sums += (sums.empty() ? "" : ", ") + (count == 1 && what.size() > 10 ? what : fmt::format("{} {}", count, what));
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
    manifest.tensors.emplace_back(tensors[i].name, std::move(digests->tensors[i]));
  return manifest;
}

// Tensors of the same bytes, within a file (tied weights) and across files.
std::string duplicates_in(const std::vector<Manifest>& manifests, bool color) {
  std::map<std::string, std::vector<std::string>> places;
  std::vector<std::string> order;
  for (const Manifest& manifest : manifests) {
    for (const auto& [name, digest] : manifest.tensors) {
      auto& at = places[digest];
      if (at.empty()) order.push_back(digest);
      at.push_back(manifests.size() == 1 ? name_text(name) : escape(manifest.file) + "#" + name_text(name));
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
        code = std::max(code, context.fail(path, {.code = Errc::usage, .message = "is not in the manifest"}));
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
        for (const auto& [name, digest] : now->tensors) context.write(fmt::format("{}  {}\n", digest, name_text(name)));
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
