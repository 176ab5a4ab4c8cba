#pragma once

#include <optional>
#include <vector>

#include "ckpt/cipher.h"
#include "ckpt/error.h"
#include "ckpt/manager.h"
#include "open_run.h"

namespace ckpt {

/// Where a run stands that is gone on with. Empty for one that begins.
struct ResumePoint {
  std::optional<SavedCheckpoint> latest = {};  ///< its newest file that is whole
  std::vector<PassedOver> passed_over = {};    ///< newer ones, which are damaged
};

/// Opens the run's files, and notes which are not whole. Errc::usage if there is none that this library saved; an error
/// of the newest where all are damaged; and what keeps one from being opened that is newer than those that can be, and
/// not damaged: its key, its permissions.
Result<ResumePoint> find_resume_point(OpenRun& run, const std::optional<Key>& key);

}  // namespace ckpt
