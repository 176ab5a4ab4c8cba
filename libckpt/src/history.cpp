#include "ckpt/history.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "ckpt/diff.h"
#include "ckpt/run_files.h"
#include "ckpt/statistics.h"

namespace ckpt {
namespace {

class Run {
 public:
  Run(std::size_t files, const OpenRunFile& open, const HistoryOptions& options)
      : files_(files), open_(open), options_(options) {}

  Result<History> read() {
    std::optional<Checkpoint> before;
    for (std::size_t i = 0; i < files_; ++i) {
      if (options_.progress && !options_.progress(i, files_)) return Error{.code = Errc::cancelled};
      auto file = open_(i);
      if (!file) return std::move(file).error();
      if (file->damage()) return *file->damage();
      if (auto status = add_statistics(*file, i); !status) return status.error();
      if (before)
        if (auto status = add_updates(*before, *file, i); !status) return status.error();
      before.emplace(std::move(*file));
    }
    for (TensorHistory& tensor : history_.tensors) tensor.condition = judge(tensor, options_.thresholds);
    return std::move(history_);
  }

 private:
  Status add_statistics(const Checkpoint& file, std::size_t i) {
    const auto groups = classify(file.tensors());
    std::vector<const TensorInfo*> entries;
    std::vector<TensorHistory*> to;
    for (std::size_t k = 0; k < groups.size(); ++k) {
      const TensorInfo& entry = file.tensors()[k];
      // Of two entries of one name the last counts.
      if (!has_statistics(entry) || file.find(entry.name) != &entry) continue;
      if (options_.select && !options_.select(entry.name, groups[k])) continue;
      entries.push_back(&entry);
      find(entry.name, groups[k]);
    }
    auto results = statistics(file, entries, {.threads = options_.threads});
    if (!results) return std::move(results).error();
    for (std::size_t k = 0; k < entries.size(); ++k) {
      const Statistics& s = *(*results)[k];
      TensorHistory& tensor = history_.tensors[index_.at(entries[k]->name)];
      tensor.elements = s.count;
      tensor.points[i] = HistoryPoint{.norm = s.finite > 0 ? s.l2 : 0,
                                      .mean = s.mean,
                                      .std = s.std,
                                      .non_finite = s.count - s.finite,
                                      .zeros = s.zeros};
    }
    return {};
  }

  Status add_updates(const Checkpoint& a, const Checkpoint& b, std::size_t i) {
    std::vector<Pair> pairs;
    for (const TensorHistory& tensor : history_.tensors)
      if (tensor.points[i - 1] && tensor.points[i])
        pairs.push_back({a.find(tensor.name), b.find(tensor.name), PairedBy::name});
    auto diffs = compare(a, b, pairs, {.threads = options_.threads});
    if (!diffs) return std::move(diffs).error();
    for (const TensorDiff& diff : *diffs)
      if (diff.basis == Basis::values)
        history_.tensors[index_.at(diff.pair.b->name)].points[i]->update = diff.metrics->relative_update;
    return {};
  }

  TensorHistory& find(const std::string& name, Group group) {
    const auto [at, is_new] = index_.try_emplace(name, history_.tensors.size());
    if (is_new) {
      history_.tensors.push_back({.name = name, .group = group});
      history_.tensors.back().points.resize(files_);
    }
    return history_.tensors[at->second];
  }

  std::size_t files_;
  const OpenRunFile& open_;
  const HistoryOptions& options_;
  History history_ = {};
  std::unordered_map<std::string, std::size_t> index_ = {};
};

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

Result<History> history(std::size_t files, const OpenRunFile& open, const HistoryOptions& options) {
  return Run(files, open, options).read();
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
