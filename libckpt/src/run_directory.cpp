#include "run_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "file_source.h"
#include "wording.h"

namespace ckpt {
namespace {

using Time = std::chrono::system_clock::time_point;

constexpr std::chrono::seconds kLastTime =
    std::chrono::duration_cast<std::chrono::seconds>(std::chrono::nanoseconds::max() / 2);

Time time_of(const struct stat& status) {
  return time_from(std::chrono::seconds(status.st_mtim.tv_sec), std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

}  // namespace

Time time_from(std::chrono::seconds seconds, std::chrono::nanoseconds rest) {
  const auto since = std::clamp(seconds, -kLastTime, kLastTime) + rest;
  return Time(std::chrono::duration_cast<Time::duration>(since));
}

Result<std::vector<DirectoryEntry>> list_files(const std::filesystem::path& directory) {
  const auto failed = [](const std::error_code& error) { return system_error("cannot list it", error.value()); };
  std::vector<DirectoryEntry> entries;
  std::error_code error;
  std::filesystem::directory_iterator at(directory, error);
  for (const std::filesystem::directory_iterator end; !error && at != end; at.increment(error)) {
    auto entry = look_at(at->path());
    if (!entry) return std::move(entry).error();
    if (*entry) entries.push_back(std::move(**entry));
  }
  if (error) return failed(error);
  return entries;
}

Result<std::optional<DirectoryEntry>> look_at(const std::filesystem::path& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::optional<DirectoryEntry>();
    return system_error("cannot look at a checkpoint", errno);
  }
  if (!S_ISREG(status.st_mode)) return std::optional<DirectoryEntry>();
  return std::optional(DirectoryEntry{path.filename().string(), static_cast<std::uint64_t>(status.st_size),
                                      time_of(status), status.st_ino});
}

std::optional<std::uint64_t> inode_of(const std::filesystem::path& path) noexcept {
  struct stat status;
  if (::lstat(path.c_str(), &status) == 0) return status.st_ino;
  if (errno == ENOENT) return std::nullopt;
  return 0;
}

bool is_taken(const std::filesystem::path& path) noexcept {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0;
}

Status remove_name(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return system_error("cannot delete it", errno);
}

Status make_directory(const std::filesystem::path& directory) {
  if (directory.empty()) return usage("the name of the directory is empty");
  struct stat status;
  if (::stat(directory.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return {};
    return Error{.code = Errc::io, .os_error = ENOTDIR, .message = "is no directory"};
  }
  if (directory.has_parent_path() && directory.parent_path() != directory)
    if (auto made = make_directory(directory.parent_path()); !made) return made;
  if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return system_error("cannot make the directory", errno);
}

}  // namespace ckpt
