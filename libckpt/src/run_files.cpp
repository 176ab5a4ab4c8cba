#include "ckpt/run_files.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "run_directory.h"

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

Result<std::vector<RunFiles>> find_runs(const std::filesystem::path& directory) {
  auto entries = list_files(directory);
  if (!entries) return entries.error();
  std::map<std::string, RunFiles> runs;
  for (DirectoryEntry& entry : *entries) {
    auto name = checkpoint_name_from(entry.name);
    if (!name || name->breakpoint) continue;
    runs[name->prefix].files.push_back({.name = std::move(entry.name),
                                        .epoch = name->epoch,
                                        .step = name->step,
                                        .size = entry.size,
                                        .time = entry.time});
  }
  std::vector<RunFiles> found;
  for (auto& [prefix, run] : runs) {
    run.prefix = prefix;
    const auto by_name = [](const CheckpointFile& a, const CheckpointFile& b) {
      return std::tie(a.epoch, a.step, a.name) < std::tie(b.epoch, b.step, b.name);
    };
    std::sort(run.files.begin(), run.files.end(), by_name);
    const auto record = RunRecord::read(directory, prefix);
    if (!record) return record.error();
    run.recorded = record->has_value();
    if (run.recorded) {
      std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> order;
      for (const CheckpointFile& known : (*record)->files())
        order.emplace(std::pair(known.epoch, known.step), order.size());
      bool all_known = true;
      for (CheckpointFile& file : run.files) {
        const auto at = order.find({file.epoch, file.step});
        all_known = all_known && at != order.end();
        if (at == order.end()) continue;
        const CheckpointFile& known = (*record)->files()[at->second];
        if (known.time != std::chrono::system_clock::time_point()) file.time = known.time;
        file.total_steps = known.total_steps;
        file.metric = known.metric;
        file.pinned = known.pinned;
      }
      // A run that went back to an earlier step has saved lower numbers later.
      if (all_known)
        std::stable_sort(run.files.begin(), run.files.end(), [&](const CheckpointFile& a, const CheckpointFile& b) {
          return order.at({a.epoch, a.step}) < order.at({b.epoch, b.step});
        });
    }
    found.push_back(std::move(run));
  }
  return found;
}

Status delete_run_files(const std::filesystem::path& directory, std::string_view prefix,
                        std::span<const std::string> file_names) {
  std::vector<CheckpointName> names;
  for (const std::string& file : file_names) {
    auto name = checkpoint_name_from(file);
    if (!name || name->prefix != prefix || name->breakpoint || file.find('/') != file.npos)
      return Error{.code = Errc::usage, .message = "a file to be deleted is not of the run"};
    names.push_back(std::move(*name));
  }
  auto record = RunRecord::open(directory, prefix, false);
  if (!record) return record.error();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (auto status = remove_name(directory / file_names[i]); !status) return status;
    if (*record && (*record)->find(names[i].epoch, names[i].step) != nullptr)
      if (auto status = (*record)->drop(names[i].epoch, names[i].step); !status) return status;
  }
  return {};
}

}  // namespace ckpt
