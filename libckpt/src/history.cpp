#include "ckpt/history.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "ckpt/diff.h"
#include "ckpt/run_files.h"
#include "ckpt/statistics.h"

namespace ckpt {
namespace {

HistoryPoint point_of(const Statistics& s) {
  return {.norm = s.finite > 0 ? s.l2 : 0,
          .mean = s.mean,
          .std = s.std,
          .non_finite = s.count - s.finite,
          .zeros = s.zeros};
}

bool is_dead(const HistoryPoint& point, std::uint64_t elements, const HistoryThresholds& thresholds) {
  const auto count = static_cast<double>(elements);
  return point.non_finite == 0 && (point.norm <= thresholds.dead_rms * std::sqrt(count) ||
                                   static_cast<double>(point.zeros) >= thresholds.dead_zeros * count);
}

}  // namespace

std::optional<RunFile> run_file_from_name(const std::filesystem::path& path) {
  auto name = checkpoint_name_from(path.filename().string());
  if (!name || name->format != "ckpt") return std::nullopt;
  return RunFile{.path = path,
                 .prefix = std::move(name->prefix),
                 .epoch = name->epoch,
                 .step = name->step,
                 .breakpoint = name->breakpoint};
}

Result<std::vector<RunFile>> find_run_files(const std::filesystem::path& folder) {
  std::vector<RunFile> files;
  std::error_code failed;
  std::filesystem::directory_iterator entries(folder, failed);
  for (; !failed && entries != std::filesystem::directory_iterator(); entries.increment(failed)) {
    std::error_code none;
    if (entries->is_directory(none)) continue;
    if (auto file = run_file_from_name(entries->path())) files.push_back(std::move(*file));
  }
  if (failed) return Error{.code = Errc::io, .os_error = failed.value(), .message = "cannot list: " + failed.message()};
  std::sort(files.begin(), files.end(), [](const RunFile& a, const RunFile& b) {
    return std::tie(a.prefix, a.epoch, a.step, a.breakpoint) < std::tie(b.prefix, b.epoch, b.step, b.breakpoint);
  });
  return files;
}

HistoryReader::HistoryReader(HistoryOptions options) : options_(std::move(options)) {}

HistoryReader::HistoryReader(History begun, Checkpoint last, HistoryOptions options)
    : options_(std::move(options)), history_(std::move(begun)), last_(std::move(last)) {
  for (std::size_t i = 0; i < history_.tensors.size(); ++i) index_.emplace(history_.tensors[i].name, i);
}

Status HistoryReader::add(Checkpoint file, const Progress& progress) {
  if (file.damage()) return *file.damage();
  const auto groups = classify(file.tensors());
  std::vector<const TensorInfo*> entries;
  std::vector<Group> group_of;  // one an entry
  std::vector<Pair> pairs;      // with the last file
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const TensorInfo& entry = file.tensors()[i];
    // Of two entries of one name the last counts.
    if (!has_statistics(entry) || file.find(entry.name) != &entry) continue;
    if (options_.select && !options_.select(entry.name, groups[i])) continue;
    entries.push_back(&entry);
    group_of.push_back(groups[i]);
    const auto known = index_.find(entry.name);
    if (last_ && known != index_.end() && history_.tensors[known->second].points.back())
      pairs.push_back({last_->find(entry.name), &entry, PairedBy::name});
  }
  auto results = statistics(file, entries, {.threads = options_.threads, .progress = progress});
  if (!results) return std::move(results).error();
  std::vector<TensorDiff> diffs;
  if (!pairs.empty()) {
    auto compared = compare(*last_, file, pairs, {.threads = options_.threads, .progress = progress});
    if (!compared) return std::move(compared).error();
    diffs = std::move(*compared);
  }
  // Nothing fails from here on.
  for (TensorHistory& tensor : history_.tensors) tensor.points.emplace_back();
  ++history_.files;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto [at, is_new] = index_.try_emplace(entries[i]->name, history_.tensors.size());
    if (is_new) {
      history_.tensors.push_back({.name = entries[i]->name, .group = group_of[i]});
      history_.tensors.back().points.resize(history_.files);
    }
    TensorHistory& tensor = history_.tensors[at->second];
    tensor.elements = (*results)[i]->count;
    tensor.points.back() = point_of(*(*results)[i]);
  }
  for (const TensorDiff& diff : diffs)
    if (diff.basis == Basis::values)
      history_.tensors[index_.at(diff.pair.b->name)].points.back()->update = diff.metrics->relative_update;
  last_.emplace(std::move(file));
  return {};
}

History HistoryReader::finish() && {
  for (TensorHistory& tensor : history_.tensors) tensor.condition = judge(tensor, options_.thresholds);
  return std::move(history_);
}

Result<History> history(std::size_t files, const OpenRunFile& open, const HistoryOptions& options) {
  HistoryReader reader(options);
  for (std::size_t i = 0; i < files; ++i) {
    const auto going = [&](std::uint64_t, std::uint64_t) { return !options.progress || options.progress(i, files); };
    if (!going(0, 0)) return Error{.code = Errc::cancelled};
    auto file = open(i);
    if (!file) return std::move(file).error();
    if (auto status = reader.add(std::move(*file), going); !status) return status.error();
  }
  return std::move(reader).finish();
}

Condition judge(const TensorHistory& tensor, const HistoryThresholds& thresholds) noexcept {
  // The last points, one more than there are intervals; what is missing in between does not count.
  std::vector<const HistoryPoint*> last;
  for (auto point = tensor.points.rbegin(); point != tensor.points.rend() && last.size() <= thresholds.window; ++point)
    if (*point) last.insert(last.begin(), &**point);
  Condition condition;
  if (tensor.elements < 2 || last.empty() || !tensor.points.back()) return condition;
  condition.dead = std::all_of(last.begin(), last.end(),
                               [&](const HistoryPoint* point) { return is_dead(*point, tensor.elements, thresholds); });
  condition.exploding = last.back()->non_finite > 0;
  condition.frozen = last.size() > 1;
  for (std::size_t i = 1; i < last.size(); ++i) {
    condition.exploding |= last[i - 1]->norm > 0 && last[i]->norm >= thresholds.exploding * last[i - 1]->norm;
    condition.frozen &= last[i]->update && *last[i]->update <= thresholds.frozen;
  }
  condition.frozen &= !condition.exploding;
  return condition;
}

}  // namespace ckpt
