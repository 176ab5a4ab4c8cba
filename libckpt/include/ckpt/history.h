#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/group.h"
#include "ckpt/progress.h"

namespace ckpt {

/// A file of a training run, as ModelCheckpoint names it: `prefix-epoch_step.ckpt`.
struct RunFile {
  std::filesystem::path path = {};
  std::string prefix = {};
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;   ///< in its epoch
  bool breakpoint = false;  ///< `prefix-epoch_step_breakpoint.ckpt`: saved because training failed
};

/// What a file's name says (checkpoint_name_from, of .ckpt files); empty where it is no such name.
std::optional<RunFile> run_file_from_name(const std::filesystem::path& path);

/// The files of a folder that have such names, by prefix, epoch and step. Errors: io.
Result<std::vector<RunFile>> find_run_files(const std::filesystem::path& folder);

/// One tensor in one file of the run.
struct HistoryPoint {
  double norm = 0;  ///< the root of the sum of squares, of finite values
  double mean = 0;
  double std = 0;
  std::uint64_t non_finite = 0;  ///< NaN and infinities
  std::uint64_t zeros = 0;
  /// ‖change since the last file that has it‖ / ‖what it was there‖; empty in the first, and where shapes differ.
  /// Infinite where it was all zeros and is not.
  std::optional<double> update = {};
};

/// What the last files say of a tensor; several may be true. Scalars have none of them.
struct Condition {
  bool frozen = false;     ///< it does not move any more
  bool exploding = false;  ///< it has NaN or infinities, or its norm jumped
  bool dead = false;       ///< nothing but zeros, or as good as that
};

struct TensorHistory {
  std::string name = {};
  Group group = Group::weights;
  std::uint64_t elements = 0;                            ///< in the last file that has it
  std::vector<std::optional<HistoryPoint>> points = {};  ///< one a file; empty where that does not have it
  Condition condition = {};
};

/// When a tensor is called frozen, exploding, dead.
struct HistoryThresholds {
  std::size_t window = 3;     ///< how many of the last intervals between files count (all, where there are fewer)
  double frozen = 1e-6;       ///< an update of no more than this in each of them
  double exploding = 10;      ///< a norm that grew by this factor from one of them to the next, from other than zero
  double dead_rms = 1e-8;     ///< in the last files a root mean square of no more than this
  double dead_zeros = 0.999;  ///< or zeros of at least this share
};

struct HistoryOptions {
  HistoryThresholds thresholds = {};
  /// Which entries; all by default.
  std::function<bool(std::string_view name, Group group)> select = {};
  unsigned threads = 0;
  Progress progress = {};  ///< in files
};

/// Entries in the order in which they turn up.
struct History {
  std::vector<TensorHistory> tensors = {};
  std::size_t files = 0;  ///< how many points each of them has
};

/// Opens the i-th file of a run.
using OpenRunFile = std::function<Result<Checkpoint>(std::size_t i)>;

/// What became of each tensor over `files` checkpoints, in order. Two are open at a time, and each is read three times
/// at most. Only entries with numbers are in it. Errors: those of opening and reading.
Result<History> history(std::size_t files, const OpenRunFile& open, const HistoryOptions& options = {});

/// A history that grows with its run: what watches a folder adds the files as they land, each of which is read once.
class HistoryReader {
 public:
  /// Of `options` all but the progress.
  explicit HistoryReader(HistoryOptions options = {});
  /// Goes on behind `begun`, a history of which `last` is the last file.
  HistoryReader(History begun, Checkpoint last, HistoryOptions options = {});

  /// The next file. Of one that is damaged, or cannot be read, the history stays as it was. `progress` is in bytes.
  /// Errors: those of reading; what damages the file; cancelled.
  Status add(Checkpoint file, const Progress& progress = {});
  History finish() &&;

 private:
  HistoryOptions options_;
  History history_ = {};
  std::unordered_map<std::string, std::size_t> index_ = {};
  std::optional<Checkpoint> last_ = {};
};

/// What the thresholds say of a tensor.
Condition judge(const TensorHistory& tensor, const HistoryThresholds& thresholds) noexcept;

}  // namespace ckpt
