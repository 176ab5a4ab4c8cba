#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/retention.h"
#include "run_record.h"

namespace ckpt {

/// The run that a ModelCheckpoint saves: while it is there nobody else saves under its prefix.
struct OpenRun {
  std::filesystem::path directory = {};
  std::string prefix = {};  ///< with the run's number: `resnet50_3`
  std::string format = {};
  bool goes_on = false;  ///< there are files of it already
  RunRecord record;
  std::map<RunRecord::FileKey, FileState> not_whole = {};  ///< of its files, as far as they were opened

  std::string file_name(std::uint64_t epoch, std::uint64_t step) const;
};

/// Chooses the number of the run that is to save as `base`, and takes its lock. With `resume` it is the last run there
/// is. Errc::locked; Errc::usage for a prefix that is none, or if there is no record of the last run.
Result<OpenRun> open_run(const std::filesystem::path& directory, const std::string& base, const std::string& format,
                         bool resume);

/// Deletes what killed runs of that base have left half written.
Status delete_litter(const OpenRun& run, const std::string& base);

/// Errc::usage for what would be no file name, or one of another directory.
Status check_prefix(std::string_view prefix);

/// Why a run cannot be gone on with that some other program saved.
Error not_ours(const std::string& prefix);

/// The regular files there.
Result<std::vector<std::string>> names_there(const std::filesystem::path& directory);

/// Behind the prefix of a run's graph.
inline constexpr std::string_view kGraphEnd = "-graph.meta";

}  // namespace ckpt
