#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "ckpt/source.h"
#include "ckpt/stream.h"
#include "wire_builder.h"

/// Files of any size that exist nowhere: runs of bytes that repeat a pattern.
namespace ckpt::test {

class MadeUpSource final : public Source {
 public:
  MadeUpSource& add(Bytes bytes) { return add_repeated(std::move(bytes), 1); }

  /// `pattern`, `times` times.
  MadeUpSource& add_repeated(Bytes pattern, std::uint64_t times) {
    const std::uint64_t size = pattern.size() * times;
    return add_run(std::move(pattern), size);
  }

  /// As often as needed to make `size` bytes.
  MadeUpSource& add_run(Bytes pattern, std::uint64_t size) {
    if (size == 0) return *this;
    // Long enough that copying it is fast.
    const std::size_t period = pattern.size();
    Bytes block = std::move(pattern);
    constexpr std::size_t kBlock = std::size_t{1} << 16;
    while (block.size() < kBlock && block.size() < size) block += block.substr(0, period);
    runs_.push_back({size_, size, std::move(block)});
    size_ += size;
    return *this;
  }

  std::uint64_t size() const noexcept override { return size_; }

  Status read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (offset > size_ || out.size() > size_ - offset)
      return Error{.code = Errc::truncated, .offset = offset, .message = "a read past the end"};
    for (auto run = std::upper_bound(runs_.begin(), runs_.end(), offset,
                                     [](std::uint64_t at, const Run&r) { return at < r.start + r.size; });
         !out.empty(); ++run) {
      while (!out.empty() && offset < run->start + run->size) {
        const std::uint64_t within = offset - run->start;
        const auto at = static_cast<std::size_t>(within % run->block.size());
        const auto take =
            static_cast<std::size_t>(std::min<std::uint64_t>({out.size(), run->block.size() - at, run->size - within}));
        std::memcpy(out.data(), run->block.data() + at, take);
        out = out.subspan(take);
        offset += take;
      }
    }
    return {};
  }

 private:
  struct Run {
    std::uint64_t start;
    std::uint64_t size;
    Bytes block;
  };

  std::vector<Run> runs_ = {};
  std::uint64_t size_ = 0;
};

/// The same as a pipe. The source must outlive it.
inline ReadFn pipe_from(const Source& source) {
  return [&source, offset = std::uint64_t{0}](std::span<std::byte> out) mutable -> Result<std::size_t> {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), source.size() - offset));
    if (auto status = source.read_at(offset, out.first(take)); !status) return status.error();
    offset += take;
    return take;
  };
}

}  // namespace ckpt::test
