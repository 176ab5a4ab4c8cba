#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/manager.h"
#include "open_run.h"

namespace ckpt {

/// A save that was decided on.
struct SaveJob {
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;  ///< of the epoch, as in the name
  std::uint64_t total_steps = 0;
  std::filesystem::path path = {};
  std::vector<AppendValue> append = {};
  std::chrono::system_clock::time_point decided = {};    ///< by the clock
  std::chrono::system_clock::time_point last_save = {};  ///< before it
};

struct SaveResult {
  bool saved = false;  ///< the file is there, even if something failed behind it
  Status status = {};
};

/// What saving needs to know and never changes.
struct SaveRules {
  WriteOptions how = {};
  decltype(ModelCheckpointOptions::save) write = {};  ///< save_checkpoint() where empty
  KeepPolicy keep = {};
  /// When a file was saved. Empty: when that was decided, because the clock is asked on its owner's thread only.
  std::function<std::chrono::system_clock::time_point()> clock = {};
};

/// Writes the file, and then deletes what no rule keeps any more. May be on another thread than everything else that
/// touches the run, not at the same time. Out of memory is Errc::io.
SaveResult save_and_prune(OpenRun& run, const SaveRules& rules, const SaveJob& job, std::span<const Param> params);

/// Writes a file under `path` that, without `overwrite`, must not be there.
Status write_params(const SaveRules& rules, const std::filesystem::path& path, bool overwrite,
                    std::span<const Param> params, std::span<const AppendValue> append);

/// Deletes what no rule keeps, because a metric is known now.
Status prune_again(OpenRun& run, const KeepPolicy& keep);

}  // namespace ckpt
