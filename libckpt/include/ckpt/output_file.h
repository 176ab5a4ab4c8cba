#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "ckpt/error.h"
#include "ckpt/source.h"

namespace ckpt {

/// A file that appears complete or not at all: a temporary beside the target (O_EXCL, same directory), renamed by
/// commit(). Destroyed before, it leaves nothing behind. A symbolic link is followed: what it points to is replaced.
/// Writer stands on it; it is here for whoever writes another format as safely. One thread at a time.
///
/// A file above RLIMIT_FSIZE is Errc::io only in a process that ignores SIGXFSZ; no signal is touched here.
class OutputFile {
 public:
  struct Options {
    unsigned permissions = 0400;  ///< of the finished file, whatever the umask; until then it is its owner's alone
    bool overwrite = true;  ///< false: Errc::usage if the target exists, at create() and, without a race, at commit()
    bool durable = true;    ///< fsync the file and its directory: the result survives a power cut
    bool follow_links = true;  ///< false: a symbolic link is Errc::unsupported, and without a race never followed
  };

  /// Errc::unsupported if the target is a directory, a pipe or a device; Errc::io, say for a directory that is not
  /// there.
  static Result<OutputFile> create(const std::filesystem::path& path, const Options& options);
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;
  ~OutputFile();

  Status append(std::span<const std::byte> bytes);  ///< buffered: small pieces are collected to 256 KiB
  Status overwrite(std::uint64_t offset, std::span<const std::byte> bytes);  ///< bytes already appended
  /// Appends a range of a source; from a file without passing through user space, by reflink where that is possible.
  Status append_source(const Source& from, std::uint64_t offset, std::uint64_t size);
  std::uint64_t size() const noexcept;
  /// What of commit() there may be no room for: all that was appended is on the disk then, under the temporary's name.
  /// Nothing can be appended any more.
  Status finish();
  /// finish() if that was not called, rename, fsync of the directory. If only the last one fails the new file is in
  /// place and the error says so; any other error leaves the target as it was. To be called once.
  Status commit();

 private:
  struct Impl;
  explicit OutputFile(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Whether a file that is written there replaces the one that the source reads, whatever name that was opened by.
bool replaces(const std::filesystem::path& path, const Source& source) noexcept;

}  // namespace ckpt
