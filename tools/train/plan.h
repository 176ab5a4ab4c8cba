#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ckpt::train {

/// A value that needs memory from step `first` to step `last`, both included.
struct Lifetime {
  std::uint64_t size = 0;  ///< bytes
  std::size_t first = 0;
  std::size_t last = 0;

  bool meets(const Lifetime& other) const noexcept { return first <= other.last && other.first <= last; }
};

/// Where each value lies in one arena.
struct Plan {
  std::vector<std::uint64_t> offsets = {};  ///< multiples of kAlignment; one a value, in their order
  std::uint64_t total = 0;
};

inline constexpr std::uint64_t kAlignment = 64;  ///< a cache line, and the widest vector

/// Values that live at the same time do not overlap. Large ones choose first, each the lowest place that is free.
Plan plan(std::span<const Lifetime> values);

}  // namespace ckpt::train
