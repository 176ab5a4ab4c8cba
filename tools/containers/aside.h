#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/source.h"
#include "temp_store.h"

namespace ckpt::containers {

/// A Source of what a file does not hold in plain form: regions, each made by its own function when it is first read,
/// and kept in one unlinked temporary file (in memory while all of them together are small). So listing a file decodes
/// nothing.
class Aside final : public Source {
 public:
  /// Where the bytes of one region go: offsets are the region's own.
  class Region {
   public:
    std::uint64_t size() const noexcept { return size_; }
    Status write(std::uint64_t offset, std::span<const std::byte> bytes) const;
    Status read(std::uint64_t offset, std::span<std::byte> out) const;

   private:
    friend class Aside;
    Region(const Aside& aside, std::uint64_t begin, std::uint64_t size) : aside_(aside), begin_(begin), size_(size) {}
    const Aside& aside_;
    std::uint64_t begin_;
    std::uint64_t size_;
  };
  /// Fills a region. Called once, from any thread, perhaps together with others'.
  using Decode = std::function<Status(const Region&)>;

  explicit Aside(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  /// Adds a region and returns its offset; before anything is read. Errc::limit if an offset would not fit 63 bits.
  Result<std::uint64_t> add(std::uint64_t size, Decode decode);
  bool empty() const noexcept { return parts_.empty(); }

  std::uint64_t size() const noexcept override { return size_; }
  /// Errc::limit where all that was decoded would exceed the maximum; else what the region's function failed with.
  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override;

 private:
  struct Part {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
    Decode decode = {};
    std::once_flag once = {};
    Status status = {};
  };

  Status ensure(Part& part) const;
  Status make_store() const;
  Status read_store(std::uint64_t offset, std::span<std::byte> out) const;
  Status write_store(std::uint64_t offset, std::span<const std::byte> bytes) const;

  std::uint64_t max_bytes_;
  std::uint64_t size_ = 0;
  mutable std::deque<Part> parts_ = {};
  mutable std::mutex mutex_ = {};  // of what follows, until it is made
  mutable std::uint64_t decoded_ = 0;
  mutable std::unique_ptr<TempStore> store_ = {};
  mutable std::vector<std::byte> memory_ = {};
};

}  // namespace ckpt::containers
