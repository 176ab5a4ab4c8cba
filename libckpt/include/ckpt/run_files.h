#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/retention.h"

namespace ckpt {

/// How MindSpore's ModelCheckpoint calls a file: `prefix-epoch_step.ckpt`, where the step is that of the epoch.
struct CheckpointName {
  std::string prefix = {};  ///< of the run: `resnet50_3`
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;
  bool breakpoint = false;      ///< `prefix-epoch_step_breakpoint.ckpt`: because of an exception; no rule deletes it
  std::string format = "ckpt";  ///< or safetensors

  friend bool operator==(const CheckpointName&, const CheckpointName&) = default;
};

std::string to_string(const CheckpointName& name);
/// Empty for any other name; numbers with leading zeros are none.
std::optional<CheckpointName> checkpoint_name_from(std::string_view file_name);

/// The prefix of the next run that is to save as `prefix` into a directory with these files: exactly what
/// MindSpore 2.10 computes. Without a file of an earlier run that is `prefix` itself; `prefix-1_1.ckpt` makes it
/// `prefix_1`; the highest `prefix_N-…` makes it `prefix_N+1`. So the second run is `_1`, where MindSpore's tutorial
/// says `_2`. One character behind the prefix is skipped whatever it is: `r25-1_1.ckpt` makes `r` to `r_6`. With
/// `breakpoint` only
/// `*_breakpoint.ckpt` count, else only others. What is a letter or a digit is asked of ASCII alone; MindSpore asks
/// Unicode.
std::string rerun_prefix(std::string_view prefix, std::span<const std::string> file_names, bool breakpoint = false);

/// The checkpoints of one run in a directory.
struct RunFiles {
  std::string prefix = {};
  bool recorded = false;  ///< a ModelCheckpoint of this library left a record: total steps, metrics, pins
  std::vector<CheckpointFile> files = {};   ///< in the order of saving: the record's, or that of epoch and step
  std::vector<CheckpointFile> others = {};  ///< named as if of the run, but its record does not have them
  std::optional<Error> error = {};          ///< why its record could not be read: no more than names is known then
};

/// Every run in a directory, or only that with `prefix`, by prefix. Goes by names and records alone; no checkpoint is
/// opened. Links and whatever is no regular file are no checkpoints. Errc::io.
Result<std::vector<RunFiles>> find_runs(const std::filesystem::path& directory,
                                        std::optional<std::string_view> prefix = {});

/// What became of a file that was to be deleted.
struct Deletion {
  bool deleted = false;  ///< it is not there any more
  Status status = {};
};

/// Deletes files of a run as find_runs() gave them, in the same order, and notes that in its record, if it has one. One
/// that has changed since, or was pinned, stays: Errc::changed. A file that is gone already is no error; after an error
/// with one the others are gone on with. Nothing is deleted: Errc::locked while a ModelCheckpoint saves under that
/// prefix, Errc::usage for a name that is not of the run, or what the record cannot be read for.
Result<std::vector<Deletion>> delete_run_files(const std::filesystem::path& directory, std::string_view prefix,
                                               std::span<const CheckpointFile> files);

}  // namespace ckpt
