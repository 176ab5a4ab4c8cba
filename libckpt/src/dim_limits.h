#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace ckpt {

// What MindSpore and NumPy can hold of dims.
inline constexpr std::uint64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kMaxInt32 = std::numeric_limits<std::int32_t>::max();
inline constexpr std::size_t kMaxNumpyDims = 32;

}  // namespace ckpt
