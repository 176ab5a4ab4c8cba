#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ckpt/error.h"

namespace ckpt::containers {

/// An unlinked temporary file: random access to bytes that should not be in memory. It goes with its object, whatever
/// happens. Places never written read as zeros and take no space.
class TempStore {
 public:
  /// In the system's folder for temporary files ($TMPDIR).
  static Result<TempStore> create();
  TempStore(TempStore&& other) noexcept;
  TempStore& operator=(TempStore&&) = delete;
  ~TempStore();

  /// From any thread; of two that write the same place at once, either may win.
  Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  explicit TempStore(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace ckpt::containers
