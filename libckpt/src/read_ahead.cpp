#include "read_ahead.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace ckpt {

ReadAhead::ReadAhead(Read read, std::uint64_t size) : read_(std::move(read)), size_(size) {
  try {
    reader_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
  }
}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  moved_.notify_all();
  if (reader_.joinable()) reader_.join();
}

std::size_t ReadAhead::size_of_block(std::uint64_t block) const noexcept {
  const std::uint64_t start = block * kBlockBytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, size_ - std::min(size_, start)));
}

bool ReadAhead::read_block(std::uint64_t block) {
  auto status =
      read_(block * kBlockBytes, memory_.bytes().subspan(block % kBlocks * kBlockBytes, size_of_block(block)));
  const std::lock_guard lock(mutex_);
  if (status)
    filled_ = block + 1;
  else
    failure_ = std::move(status).error();
  moved_.notify_all();
  return !failure_;
}

void ReadAhead::run() {
  for (std::uint64_t block = 0; size_of_block(block) > 0; ++block) {
    {
      std::unique_lock lock(mutex_);
      moved_.wait(lock, [&] { return stopped_ || block + 1 < next_ + kBlocks; });
      if (stopped_) return;
    }
    if (!read_block(block)) return;
  }
}

Result<std::span<const std::byte>> ReadAhead::next() {
  if (!reader_.joinable() && !failure_ && size_of_block(next_) > 0) read_block(next_);
  std::unique_lock lock(mutex_);
  const std::uint64_t block = next_++;
  moved_.notify_all();
  moved_.wait(lock, [&] { return failure_ || block < filled_ || size_of_block(block) == 0; });
  if (block >= filled_ && failure_) return *failure_;
  return std::span<const std::byte>(memory_.bytes()).subspan(block % kBlocks * kBlockBytes, size_of_block(block));
}

}  // namespace ckpt
