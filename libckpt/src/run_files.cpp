#include "ckpt/run_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "run_directory.h"
#include "run_record.h"

namespace ckpt {
namespace {

constexpr std::array<std::string_view, 2> kFormats = {"ckpt", "safetensors"};
constexpr std::string_view kBreakpoint = "_breakpoint";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::uint64_t> number_from(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

// The extension as Python's os.path.splitext sees it: dots in front are none.
std::string_view extension_of(std::string_view name) {
  const std::size_t first = name.find_first_not_of('.');
  const std::size_t dot = name.rfind('.');
  return first == name.npos || dot == name.npos || dot < first ? std::string_view() : name.substr(dot + 1);
}

// Numbers of any length, as Python has them: a file name takes 255 digits.
std::string plus_one(std::string digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  for (std::size_t i = digits.size(); i-- > 0; digits[i] = '0')
    if (digits[i] != '9') {
      ++digits[i];
      return digits;
    }
  return "1" + digits;
}

bool is_less(const std::string& a, const std::string& b) { return std::pair(a.size(), a) < std::pair(b.size(), b); }

// A run that went back to an earlier step has saved lower numbers later: the order is the record's.
void apply_record(const RunRecord& record, RunFiles& run) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::pair<std::size_t, const CheckpointFile*>> order;
  for (const CheckpointFile& known : record.files())
    order.emplace(std::pair(known.epoch, known.step), std::pair(order.size(), &known));
  std::vector<CheckpointFile> files;
  for (CheckpointFile& file : run.files) {
    const auto at = order.find({file.epoch, file.step});
    if (at == order.end()) {
      run.others.push_back(std::move(file));
      continue;
    }
    const CheckpointFile& known = *at->second.second;
    if (known.time != std::chrono::system_clock::time_point()) file.time = known.time;
    file.total_steps = known.total_steps;
    file.metric = known.metric;
    file.pinned = known.pinned;
    files.push_back(std::move(file));
  }
  std::stable_sort(files.begin(), files.end(), [&](const CheckpointFile& a, const CheckpointFile& b) {
    return order.at({a.epoch, a.step}).first < order.at({b.epoch, b.step}).first;
  });
  run.files = std::move(files);
  run.recorded = true;
}

// Whether a file of this epoch and step is there, in any format.
bool is_any_left(const std::filesystem::path& directory, CheckpointName name) {
  return std::any_of(kFormats.begin(), kFormats.end(), [&](std::string_view format) {
    name.format = format;
    return is_taken(directory / to_string(name));
  });
}

Deletion delete_file(const std::filesystem::path& directory, const CheckpointFile& file, CheckpointName name,
                     RunRecord* record) {
  const std::filesystem::path path = directory / file.name;
  const auto changed = [](const char* how) { return Deletion{false, Error{.code = Errc::changed, .message = how}}; };
  const CheckpointFile* const known = record != nullptr ? record->find(name.epoch, name.step) : nullptr;
  const auto entry = look_at(path);
  if (!entry) return {false, entry.error()};
  if (*entry ? (*entry)->size != file.size || (*entry)->time != file.modified : is_taken(path))
    return changed("it is another file than when this was decided");
  if (known != nullptr && known->pinned && !file.pinned) return changed("it was pinned after this was decided");
  if (auto status = remove_name(path); !status) return {false, status};
  if (known == nullptr || is_any_left(directory, std::move(name))) return {true, {}};
  return {true, record->drop(known->epoch, known->step)};
}

}  // namespace

std::string to_string(const CheckpointName& name) {
  return name.prefix + '-' + std::to_string(name.epoch) + '_' + std::to_string(name.step) +
         std::string(name.breakpoint ? kBreakpoint : "") + '.' + name.format;
}

std::optional<CheckpointName> checkpoint_name_from(std::string_view file_name) {
  CheckpointName name;
  const std::string_view format = extension_of(file_name);
  if (std::find(kFormats.begin(), kFormats.end(), format) == kFormats.end()) return std::nullopt;
  name.format = format;
  file_name.remove_suffix(format.size() + 1);
  name.breakpoint = file_name.ends_with(kBreakpoint);
  if (name.breakpoint) file_name.remove_suffix(kBreakpoint.size());
  const std::size_t dash = file_name.rfind('-');
  const std::size_t line = file_name.rfind('_');
  if (dash == file_name.npos || line == file_name.npos || line < dash) return std::nullopt;
  const auto epoch = number_from(file_name.substr(dash + 1, line - dash - 1));
  const auto step = number_from(file_name.substr(line + 1));
  if (!epoch || !step) return std::nullopt;
  name.prefix = file_name.substr(0, dash);
  name.epoch = *epoch;
  name.step = *step;
  return name;
}

std::string rerun_prefix(std::string_view prefix, std::span<const std::string> file_names, bool breakpoint) {
  std::string number;  // empty: no file of an earlier run
  for (const std::string& name : file_names) {
    const std::string_view format = extension_of(name);
    const bool is_breakpoint = name.ends_with("_breakpoint.ckpt");
    if (is_breakpoint != breakpoint || std::find(kFormats.begin(), kFormats.end(), format) == kFormats.end()) continue;
    // MindSpore fails on a file that is called as the prefix and no more.
    if (!name.starts_with(prefix) || name.size() == prefix.size() || is_letter(name[prefix.size()])) continue;
    const std::string_view rest = std::string_view(name).substr(prefix.size());
    const std::size_t dash = rest.find('-');
    if (dash == rest.npos) continue;
    std::string next = "1";
    if (dash > 0) {
      const std::string_view digits = rest.substr(1, dash - 1);
      if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) continue;
      next = plus_one(std::string(digits));
    }
    if (is_less(number, next)) number = std::move(next);
  }
  return number.empty() ? std::string(prefix) : std::string(prefix) + '_' + number;
}

Result<std::vector<RunFiles>> find_runs(const std::filesystem::path& directory,
                                        std::optional<std::string_view> prefix) {
  auto entries = list_files(directory);
  if (!entries) return entries.error();
  std::map<std::string, RunFiles> runs;
  for (DirectoryEntry& entry : *entries) {
    auto name = checkpoint_name_from(entry.name);
    if (!name || name->breakpoint || (prefix && name->prefix != *prefix)) continue;
    runs[name->prefix].files.push_back({.name = std::move(entry.name),
                                        .epoch = name->epoch,
                                        .step = name->step,
                                        .size = entry.size,
                                        .time = entry.time,
                                        .modified = entry.time});
  }
  std::vector<RunFiles> found;
  for (auto& [run_prefix, run] : runs) {
    run.prefix = run_prefix;
    const auto by_name = [](const CheckpointFile& a, const CheckpointFile& b) {
      return std::tie(a.epoch, a.step, a.name) < std::tie(b.epoch, b.step, b.name);
    };
    std::sort(run.files.begin(), run.files.end(), by_name);
    const auto record = RunRecord::read(directory, run_prefix);
    if (!record) run.error = record.error();
    if (record && *record) apply_record(**record, run);
    found.push_back(std::move(run));
  }
  return found;
}

Result<std::vector<Deletion>> delete_run_files(const std::filesystem::path& directory, std::string_view prefix,
                                               std::span<const CheckpointFile> files) {
  std::vector<CheckpointName> names;
  for (const CheckpointFile& file : files) {
    auto name = checkpoint_name_from(file.name);
    if (!name || name->prefix != prefix || name->breakpoint || file.name.find('/') != file.name.npos)
      return Error{.code = Errc::usage, .message = "a file to be deleted is not of the run"};
    names.push_back(std::move(*name));
  }
  auto record = RunRecord::open(directory, prefix, false);
  if (!record) return record.error();
  std::vector<Deletion> deletions;
  for (std::size_t i = 0; i < files.size(); ++i)
    deletions.push_back(delete_file(directory, files[i], std::move(names[i]), *record ? &**record : nullptr));
  return deletions;
}

}  // namespace ckpt
