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
  std::vector<CheckpointFile> files = {};  ///< in the order of saving: the record's, or that of epoch and step
};

/// Every run in a directory, by prefix. Goes by names and records alone; no checkpoint is opened. Links and whatever is
/// no regular file are no checkpoints. Errc::io.
Result<std::vector<RunFiles>> find_runs(const std::filesystem::path& directory);

/// Deletes files of a run and notes that in its record, if it has one. Errc::locked while a ModelCheckpoint saves under
/// that prefix; Errc::usage for a name that is not of the run. A file that is gone already is no error.
Status delete_run_files(const std::filesystem::path& directory, std::string_view prefix,
                        std::span<const std::string> file_names);

}  // namespace ckpt
