#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "ckpt/source.h"
#include "ckpt/tensor.h"
#include "parallel.h"

// Loops over the payload of many tensors whose results do not depend on the number of threads: the work is cut at the
// same places always, and what the pieces yield is put together in their order.
namespace ckpt {

/// Elements that are worked on at once, at most. A larger tensor is cut at multiples of it, from its start.
inline constexpr std::uint64_t kChunkElements = std::uint64_t{1} << 20;

/// Elements [first, first + count) of one item.
struct Chunk {
  std::size_t item = 0;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

/// Cuts items into units of work: a chunk of a large item, or some small items as a whole. Takes memory for the items
/// only, however large they are.
class ChunkPlan {
 public:
  struct Item {
    std::uint64_t elements = 0;
    std::uint64_t element_bytes = 1;  ///< to be read for one element
  };

  explicit ChunkPlan(std::span<const Item> items);

  std::uint64_t units() const noexcept { return units_; }
  /// Of all units; saturates.
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// In order: those of a unit, then those of the next one. An item without elements has one empty chunk.
  std::vector<Chunk> chunks(std::uint64_t unit) const;
  std::uint64_t bytes(std::span<const Chunk> chunks) const noexcept;

 private:
  // Items [begin, end) that share a unit, or one item in `units` of them.
  struct Run {
    std::uint64_t first_unit = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  std::vector<Item> items_;
  std::vector<Run> runs_ = {};
  std::uint64_t units_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Counts bytes for a Progress, which is called on the thread that made the meter alone.
class Meter {
 public:
  Meter(const Progress& progress, std::uint64_t total) : progress_(progress), total_(total) {}
  Status add(std::uint64_t bytes) {
    const std::uint64_t now = done_.fetch_add(bytes) + bytes;
    if (progress_ && std::this_thread::get_id() == caller_ && !progress_(std::min(now, total_), total_))
      return Error{.code = Errc::cancelled, .message = "stopped while it was read"};
    return {};
  }

 private:
  const Progress& progress_;
  std::uint64_t total_;
  std::thread::id caller_ = std::this_thread::get_id();
  std::atomic<std::uint64_t> done_{0};
};

/// Calls work(worker, i) for i in [0, count) on several threads, each with a worker of its own made by
/// make_worker(), and merge(i, part) with what it yields, one at a time in the order of i. No thread runs far ahead of
/// the merging, so few parts wait. The error returned is that of the smallest i, but for a cancelled one.
template <class MakeWorker, class Work, class Merge>
Status in_order(unsigned threads, std::uint64_t count, const MakeWorker& make_worker, const Work& work,
                const Merge& merge) {
  using Worker = decltype(make_worker());
  using Part = decltype(work(std::declval<Worker&>(), std::uint64_t{}));  // a Result
  const auto crew =
      static_cast<unsigned>(std::min<std::uint64_t>(thread_count(threads), std::max(count, std::uint64_t{1})));
  const std::uint64_t ahead = 2 * std::uint64_t{crew};
  std::mutex mutex;
  std::condition_variable moved;
  std::uint64_t started = 0;
  std::uint64_t merged = 0;
  std::map<std::uint64_t, Part> waiting;
  std::optional<Error> failure;
  parallel_for(crew, crew, [&](std::size_t) {
    Worker worker = make_worker();
    std::unique_lock lock(mutex);
    while (true) {
      moved.wait(lock, [&] { return failure || started == count || started < merged + ahead; });
      if (failure || started == count) return true;
      const std::uint64_t i = started++;
      lock.unlock();
      Part part = work(worker, i);
      lock.lock();
      waiting.emplace(i, std::move(part));
      while (!failure && !waiting.empty() && waiting.begin()->first == merged) {
        auto next = waiting.extract(waiting.begin());
        if (next.mapped())
          merge(next.key(), std::move(*next.mapped()));
        else
          failure = std::move(next.mapped()).error();
        ++merged;
      }
      moved.notify_all();
    }
  });
  if (failure) return std::move(*failure);
  return {};
}

/// Calls work(worker, i), which returns a Status, for i in [0, count) on several threads, each with a worker of its own
/// made by make_worker(). In increasing order of start, and none is waited for. After an error no further ones are
/// started; of several errors that of the smallest i is returned.
template <class MakeWorker, class Work>
Status in_any_order(unsigned threads, std::size_t count, const MakeWorker& make_worker, const Work& work) {
  const std::size_t crew = std::min<std::size_t>(thread_count(threads), count);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::size_t failed = count;
  Status first;
  parallel_for(static_cast<unsigned>(crew), crew, [&](std::size_t) {
    auto worker = make_worker();
    for (std::size_t i = next++; i < count && !stop; i = next++) {
      Status status = work(worker, i);
      if (status) continue;
      stop = true;
      const std::lock_guard lock(mutex);
      if (i < failed) first = std::move(status);
      failed = std::min(failed, i);
    }
    return true;
  });
  return first;
}

/// Reads canonical bytes into one reused buffer, small neighbours together.
class ChunkReader {
 public:
  ChunkReader(std::span<const SourcePtr> sources, std::size_t block_bytes) : sources_(sources), buffer_(block_bytes) {}

  std::size_t block_bytes() const noexcept { return buffer_.size(); }
  /// These tensors are going to be read whole, in this order.
  void expect(std::span<const TensorInfo* const> tensors);
  /// At most block_bytes(); valid until the next call.
  Result<std::span<const std::byte>> read(const TensorInfo& tensor, std::uint64_t offset, std::size_t size);

 private:
  std::span<const SourcePtr> sources_;
  std::vector<std::byte> buffer_;
  Extent filled_ = {};
  Extent wanted_ = {};  // without large gaps
};

}  // namespace ckpt
