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
/// commit(). Destroyed before, it leaves nothing behind. Together with file_source.cpp the only file access.
class OutputFile {
 public:
  struct Options {
    unsigned permissions = 0400;
    bool overwrite = true;
    bool durable = true;
  };

  static Result<OutputFile> create(const std::filesystem::path& path, const Options& options);
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;
  ~OutputFile();

  Status append(std::span<const std::byte> bytes);  ///< buffered: small pieces are collected to 256 KiB
  Status overwrite(std::uint64_t offset, std::span<const std::byte> bytes);  ///< bytes already appended
  /// Appends the first `size` bytes of an existing file (reflink, copy_file_range, or read and write).
  Status append_file(const std::filesystem::path& from, std::uint64_t size);
  /// Appends a range of a source; for a plain file without passing through user space.
  Status append_source(const Source& from, std::uint64_t offset, std::uint64_t size);
  Status read_back(std::uint64_t offset, std::span<std::byte> out);  ///< of what was appended
  std::uint64_t size() const noexcept;
  /// fsync, chmod, rename, fsync of the directory.
  Status commit();

 private:
  struct Impl;
  explicit OutputFile(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ckpt
