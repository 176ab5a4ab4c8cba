#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "ckpt/error.h"

namespace ckpt::train {

/// Zeroed memory straight from the system, in huge pages where it has them: with small ones a training step would spend
/// more time in page faults and TLB misses than in arithmetic.
class Pages {
 public:
  /// Errc::limit if there is not so much.
  static Result<Pages> of(std::uint64_t size);

  Pages(Pages&& other) noexcept : mapped_(std::exchange(other.mapped_, {})), bytes_(std::exchange(other.bytes_, {})) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(mapped_, other.mapped_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Pages();

  std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  Pages(std::span<std::byte> mapped, std::span<std::byte> bytes) noexcept : mapped_(mapped), bytes_(bytes) {}

  std::span<std::byte> mapped_;
  std::span<std::byte> bytes_;  ///< the part that is aligned to a huge page
};

}  // namespace ckpt::train
