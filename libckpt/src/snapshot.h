#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/writer.h"

namespace ckpt {

/// Parameters and a copy of their bytes. The memory stays for the next copy: fresh memory costs more than the copying.
/// All cores copy, because training stands still meanwhile.
class Snapshot {
 public:
  /// Errc::io where there is no memory for the copy; then params() is empty.
  Status take(std::span<const Param> params);
  std::span<const Param> params() const noexcept { return params_; }

 private:
  void copy(std::span<const Param> params);

  std::unique_ptr<std::byte[]> memory_ = {};
  std::size_t capacity_ = 0;
  std::vector<Param> params_ = {};
};

}  // namespace ckpt
