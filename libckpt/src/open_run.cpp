#include "open_run.h"

#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include "ckpt/run_files.h"
#include "run_directory.h"
#include "wording.h"

namespace ckpt {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kMaxPrefix = 180;  // leaves room for the numbers in a name of 255 bytes

// The number of a run of `base`: 0 for `base` itself, N for `base_N`.
std::optional<std::uint64_t> run_number(std::string_view prefix, std::string_view base) {
  if (prefix == base) return 0;
  if (!prefix.starts_with(base)) return std::nullopt;
  prefix.remove_prefix(base.size());
  if (!prefix.starts_with('_') || prefix.starts_with("_0")) return std::nullopt;
  prefix.remove_prefix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(prefix.data(), prefix.data() + prefix.size(), number);
  if (error != std::errc() || end != prefix.data() + prefix.size()) return std::nullopt;
  return number;
}

// The newest run there is a file of.
std::optional<std::string> last_run(std::span<const std::string> names, std::string_view base) {
  std::optional<std::uint64_t> highest;
  for (const std::string& file : names) {
    const auto name = checkpoint_name_from(file);
    if (!name || name->breakpoint) continue;
    const auto number = run_number(name->prefix, base);
    if (number && (!highest || *number > *highest)) highest = number;
  }
  if (!highest) return std::nullopt;
  return *highest == 0 ? std::string(base) : std::string(base) + '_' + std::to_string(*highest);
}

// What `.target.<16 hexadecimal digits>.tmp`, which only a killed program leaves, would have become: of its name, where
// it is no checkpoint, only the prefix.
std::optional<CheckpointName> name_of_temporary(std::string_view name) {
  constexpr std::string_view kEnd = ".tmp";
  constexpr std::size_t kDigits = 16;
  if (!name.starts_with('.') || !name.ends_with(kEnd) || name.size() < kEnd.size() + kDigits + 2) return std::nullopt;
  name.remove_prefix(1);
  name.remove_suffix(kEnd.size());
  const std::string_view digits = name.substr(name.size() - kDigits);
  if (digits.find_first_not_of("0123456789abcdef") != digits.npos) return std::nullopt;
  name.remove_suffix(kDigits);
  if (!name.ends_with('.')) return std::nullopt;
  name.remove_suffix(1);
  for (const std::string_view end : {kGraphEnd, RunRecord::kEnd})
    if (name.ends_with(end)) return CheckpointName{.prefix = std::string(name.substr(0, name.size() - end.size()))};
  return checkpoint_name_from(name);
}

// The locks of runs that `ours` is not; empty if one of them is running, or has no record that says it is not.
std::optional<std::vector<RunRecord>> lock_others(const OpenRun& ours, const std::vector<std::string>& runs) {
  std::vector<RunRecord> locks;
  for (const std::string& run : runs) {
    if (run == ours.prefix) continue;
    auto other = RunRecord::open(ours.directory, run, false);
    if (!other || !*other) return std::nullopt;
    locks.push_back(std::move(**other));
  }
  return locks;
}

std::optional<std::vector<RunRecord>> lock_all_others(const OpenRun& ours, const std::string& base) {
  const auto names =
      names_there(ours.directory);  // looked at anew: whoever has begun to save has made its record before
  if (!names) return std::nullopt;
  std::vector<std::string> runs;
  for (const std::string& file : *names)
    if (file.ends_with(RunRecord::kEnd))
      if (auto run = file.substr(0, file.size() - RunRecord::kEnd.size()); run_number(run, base))
        runs.push_back(std::move(run));
  return lock_others(ours, runs);
}

}  // namespace

std::string OpenRun::file_name(std::uint64_t epoch, std::uint64_t step) const {
  return to_string(CheckpointName{prefix, epoch, step, false, format});
}

Status check_prefix(std::string_view prefix) {
  if (prefix.find('/') != prefix.npos) return usage("the prefix has a slash in it");
  if (prefix.find('\0') != prefix.npos) return usage("the prefix has a NUL in it");
  if (prefix.size() > kMaxPrefix) return usage("the prefix is longer than " + std::to_string(kMaxPrefix) + " bytes");
  return {};
}

Error not_ours(const std::string& prefix) {
  return usage("no record says which of the checkpoints of " + in_quotes(prefix) +
               " this library saved; load one of them, and save under another prefix");
}

Result<std::vector<std::string>> names_there(const Path& directory) {
  auto entries = list_files(directory);
  if (!entries) return entries.error();
  std::vector<std::string> names;
  for (DirectoryEntry& entry : *entries) names.push_back(std::move(entry.name));
  return names;
}

// Whoever was faster between the look and the lock has left files: then the number is chosen again.
Result<OpenRun> open_run(const Path& directory, const std::string& base, const std::string& format, bool resume) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto names = names_there(directory);
    if (!names) return names.error();
    auto last = resume ? last_run(*names, base) : std::nullopt;
    const bool goes_on = last.has_value();
    std::string prefix = goes_on ? std::move(*last) : rerun_prefix(base, *names);
    if (auto status = check_prefix(prefix); !status) return status.error();
    auto record = RunRecord::open(directory, prefix, !goes_on);
    if (!record) return record.error();
    if (!*record) return not_ours(prefix);
    OpenRun run{.directory = directory,
                .prefix = std::move(prefix),
                .format = format,
                .goes_on = goes_on,
                .record = std::move(**record)};
    if (goes_on) return run;
    names = names_there(directory);
    if (!names) return names.error();
    if (rerun_prefix(base, *names) != run.prefix) continue;
    if (auto status = run.record.clear(); !status) return status.error();
    return run;
  }
  return Error{.code = Errc::locked, .message = "other runs begin in this directory all the time"};
}

// A run that is not locked is not running. A breakpoint file is numbered apart from its run, so its temporary may be of
// any of them.
Status delete_litter(const OpenRun& run, const std::string& base) {
  const auto names = names_there(run.directory);
  if (!names) return names.error();
  for (const std::string& file : *names) {
    const auto name = name_of_temporary(file);
    if (!name || !run_number(name->prefix, base)) continue;
    // Held until it is deleted: none of these begins to save meanwhile.
    const auto locks = name->breakpoint ? lock_all_others(run, base) : lock_others(run, {name->prefix});
    if (!locks) continue;
    if (auto status = remove_name(run.directory / file); !status) return status;
  }
  return {};
}

}  // namespace ckpt
