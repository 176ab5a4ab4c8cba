#pragma once

#include <cstddef>
#include <cstdint>

#include "ckpt/writer.h"

namespace ckpt {

/// Payload bytes of one record at most: MindSpore's SLICE_SIZE. A larger entry is stored as several records.
inline constexpr std::uint64_t kSliceBytes = std::uint64_t{512} << 20;

/// In how many records an entry of `bytes` is stored, by either profile. Never 0: an empty entry is one record.
constexpr std::uint64_t slice_count(std::uint64_t bytes, std::uint64_t limit = kSliceBytes) noexcept {
  return bytes == 0 ? 1 : (bytes - 1) / limit + 1;
}

/// Payload bytes of record `index` of an entry. Modern: full slices and a rest. Classic: as numpy.array_split over the
/// elements, equal slices of which the first few have one element more.
constexpr std::uint64_t slice_size(Profile profile, std::uint64_t bytes, std::size_t element_size, std::uint64_t index,
                                   std::uint64_t limit = kSliceBytes) noexcept {
  const std::uint64_t count = slice_count(bytes, limit);
  if (count == 1) return bytes;
  if (profile == Profile::modern) return index + 1 < count ? limit : bytes - index * limit;
  const std::uint64_t elements = bytes / element_size;
  return (elements / count + (index < elements % count ? 1 : 0)) * element_size;
}

}  // namespace ckpt
