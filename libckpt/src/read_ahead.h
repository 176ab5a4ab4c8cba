#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>

#include "ckpt/error.h"
#include "page_buffer.h"

namespace ckpt {

/// Bytes [0, size) of something, in blocks: a thread of its own reads the next one while the last one is being used.
/// Where there is no thread to be had, next() reads.
class ReadAhead {
 public:
  using Read = std::function<Status(std::uint64_t offset, std::span<std::byte> out)>;

  ReadAhead(Read read, std::uint64_t size);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// The next block, valid until the next call; empty at the end.
  Result<std::span<const std::byte>> next();

 private:
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  static constexpr std::size_t kBlocks = 3;  // one in use, one being read, one between them

  std::size_t size_of_block(std::uint64_t block) const noexcept;
  bool read_block(std::uint64_t block);
  void run();

  Read read_;
  std::uint64_t size_;
  PageBuffer memory_{kBlockBytes * kBlocks};
  std::mutex mutex_;
  std::condition_variable moved_;
  std::uint64_t filled_ = 0;  // blocks that were read
  std::uint64_t next_ = 0;    // the block that next() gives out; the one before is in use until then
  std::optional<Error> failure_ = {};
  bool stopped_ = false;
  std::thread reader_ = {};
};

}  // namespace ckpt
