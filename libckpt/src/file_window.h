#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ckpt/source.h"
#include "record.h"

namespace ckpt {

/// A source through a small buffer. Headers lie far apart where tensors are large and close together where they are
/// small: the window starts small, grows while reading on from where it ended, and starts anew after a jump.
class FileWindow final : public ByteView {
 public:
  explicit FileWindow(const Source& source) : source_(source) {}

  Result<std::span<const std::byte>> view(std::uint64_t offset, std::size_t want) override {
    const std::uint64_t size = source_.size();
    if (offset >= size) return std::span<const std::byte>{};
    want = static_cast<std::size_t>(std::min<std::uint64_t>(want, size - offset));
    if (offset < start_ || offset - start_ > filled_ || filled_ - (offset - start_) < want) {
      const bool jumped = offset < start_ || offset - start_ > filled_ + kJump;
      window_ = jumped ? kSmall : std::min(window_ * 2, kLarge);
      auto take = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(window_, want), size - offset));
      if (take > capacity_) {
        buffer_ = std::make_unique_for_overwrite<std::byte[]>(take);
        capacity_ = take;
      }
      start_ = offset;
      filled_ = 0;
      auto status = source_.read_at(offset, {buffer_.get(), take});
      if (!status && take > want)
        status = source_.read_at(offset, {buffer_.get(), take = want});  // as much as is asked
      if (!status) return status.error();
      filled_ = take;
    }
    return std::span<const std::byte>(buffer_.get(), filled_).subspan(static_cast<std::size_t>(offset - start_));
  }

 private:
  static constexpr std::size_t kSmall = 1 << 10;
  static constexpr std::size_t kLarge = 1 << 16;
  static constexpr std::uint64_t kJump = 1 << 14;

  const Source& source_;
  std::unique_ptr<std::byte[]> buffer_ = {};
  std::size_t capacity_ = 0;
  std::uint64_t start_ = 0;
  std::size_t filled_ = 0;
  std::size_t window_ = kSmall / 2;
};

}  // namespace ckpt
