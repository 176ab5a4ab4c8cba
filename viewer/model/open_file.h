#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "ckpt/group.h"

namespace ckpt::viewer {

/// What tells one state of a file from another.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t changed_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Changes on disk come in bursts: ms from the last one until it is worth looking.
inline constexpr int kDiskSettles = 200;

/// Of the file that has this name now; empty if there is none.
std::optional<FileStamp> stamp_of(const std::filesystem::path& path);

/// A file as it was opened: its index, and what belongs to it. Never changes, and lives as long as somebody looks at
/// it, so windows and background work share it without locks. Pointers to TensorInfo stay valid as long.
struct OpenFile {
  std::filesystem::path path;
  FileStamp stamp;
  FileFormat format;
  Checkpoint file;
  std::vector<Group> groups;  ///< one a tensor
  OpenOptions options;        ///< it was opened with

  Group group_of(const TensorInfo& tensor) const noexcept;
};
using FilePtr = std::shared_ptr<const OpenFile>;

/// Any file that tools/containers knows. A damaged checkpoint is opened as far as it is whole (Checkpoint::damage());
/// errors are those of files that cannot be opened at all.
Result<FilePtr> open_for_view(const std::filesystem::path& path, OpenOptions options = {});

}  // namespace ckpt::viewer
