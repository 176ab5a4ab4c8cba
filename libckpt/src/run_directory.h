#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ckpt/error.h"

namespace ckpt {

/// Since the system clock's epoch. A time that no clock has, from the year 2116 on, becomes the last that leaves room
/// for sums and differences.
std::chrono::system_clock::time_point time_from(std::chrono::seconds seconds, std::chrono::nanoseconds rest);

/// A regular file of a directory.
struct DirectoryEntry {
  std::string name = {};
  std::uint64_t size = 0;
  std::chrono::system_clock::time_point time = {};
  std::uint64_t inode = 0;
};

/// The regular files of a directory, in no order. Links are none.
Result<std::vector<DirectoryEntry>> list_files(const std::filesystem::path& directory);
/// One of them; empty if there is no regular file of that name.
Result<std::optional<DirectoryEntry>> look_at(const std::filesystem::path& path);
/// Whether there is something of this name, a dangling link too.
bool is_taken(const std::filesystem::path& path) noexcept;
/// Of whatever has this name, or 0 where the system does not tell; empty if there is nothing. Needs no memory.
std::optional<std::uint64_t> inode_of(const std::filesystem::path& path) noexcept;
/// Deletes a name, and never what a link points to. One that is not there is no error.
Status remove_name(const std::filesystem::path& path);
/// With its parents, for its owner alone, as MindSpore makes it. Errc::io if it is a file.
Status make_directory(const std::filesystem::path& directory);

}  // namespace ckpt
