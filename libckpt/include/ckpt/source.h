#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "ckpt/error.h"

namespace ckpt {

/// Random access to bytes: the one seam below the index. A file, memory, a decrypting view.
///
/// Const members may be called from any thread at once.
class Source {
 public:
  virtual ~Source() = default;

  /// The size in bytes, fixed when the source was made.
  virtual std::uint64_t size() const noexcept = 0;

  /// Fills `out` from `offset`. Reading past size() is Errc::truncated.
  virtual Status read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;

  /// Errc::changed if the bytes may have been rewritten in place since the source was made (size or modification
  /// time differ). A file that another one was renamed over is still the old one, and unchanged.
  virtual Status verify_unchanged() const { return {}; }
};

using SourcePtr = std::shared_ptr<const Source>;

/// A regular file by positioned reads: no mapping, so a file that shrinks is an error, not a signal.
/// Directories, pipes and devices are Errc::unsupported ("needs a file").
Result<SourcePtr> open_file(const std::filesystem::path& path);

/// As open_file, of a descriptor that is open for reading: for files that have no name, or were opened under a caller's
/// own rules. It belongs to the source from here on, and is closed on errors too.
Result<SourcePtr> adopt_file(int descriptor);

/// Borrowed memory, which must outlive the source.
SourcePtr borrow_bytes(std::span<const std::byte> bytes);

}  // namespace ckpt
