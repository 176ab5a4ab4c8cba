#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ckpt {

/// What opening a checkpoint comes to. Only a whole one counts as a checkpoint; the others are not deleted either.
enum class FileState : std::uint8_t {
  whole,       ///< as far as is known: one that only lacks its key, too
  damaged,     ///< something may be saved of it
  unreadable,  ///< the system does not let it be read; it may be whole
};

/// One checkpoint of a training run, as far as keeping or deleting it goes.
struct CheckpointFile {
  std::string name = {};                            ///< in its directory: `resnet50-3_32.ckpt`
  std::uint64_t epoch = 0;                          ///< 3
  std::uint64_t step = 0;                           ///< 32: of the epoch
  std::uint64_t size = 0;                           ///< in bytes
  std::chrono::system_clock::time_point time = {};  ///< when it was saved
  std::optional<std::uint64_t> total_steps = {};    ///< since training began, where that is known
  std::optional<double> metric = {};
  std::chrono::system_clock::time_point modified = {};  ///< by the file system, where `time` is by the record
  bool pinned = false;                                  ///< somebody wants it
  FileState state = FileState::whole;
};

/// Whether a better metric is a smaller one (a loss) or a larger one (an accuracy).
enum class MetricMode : std::uint8_t { min, max };

/// What is kept: whatever at least one rule wants. 0 gives a rule up; without any rule everything is kept.
struct KeepPolicy {
  std::uint64_t keep_checkpoint_max = 0;            ///< the newest so many
  std::uint64_t keep_checkpoint_per_n_minutes = 0;  ///< the first, and each one so much later than the one before
  std::uint64_t keep_best = 0;                      ///< the so many with the best metric; of equal ones the earlier
  MetricMode metric_mode = MetricMode::max;
  std::uint64_t keep_every_steps = 0;  ///< the first one at or behind each multiple of so many steps
  /// MindSpore's decisions instead, of the first two rules: before a save, and of files by their time. When full, one
  /// file, the oldest, goes; or, if the last save was less than n minutes ago, all files of the last n minutes but the
  /// oldest of them.
  bool strict_mindspore = false;
  std::chrono::system_clock::time_point last_save = {};  ///< only for strict_mindspore
};

struct KeepDecision {
  bool keep = true;
  std::string why = {};  ///< "one of the newest 5"
};

/// What becomes of each file, in the order of `files`, which must be that of saving, oldest first. A pure function:
/// looks at nothing else, changes nothing. The newest, pinned ones and what is not whole are always kept (but for
/// strict_mindspore, where the newest is yet to come). Deciding again after the deletions, or later, keeps what was
/// kept, until newer ones come.
std::vector<KeepDecision> decide_retention(std::span<const CheckpointFile> files, const KeepPolicy& policy,
                                           std::chrono::system_clock::time_point now);

}  // namespace ckpt
