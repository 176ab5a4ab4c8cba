#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "aside.h"
#include "ckpt/error.h"

namespace ckpt::containers {

/// Bytes to rearrange, by their own offsets.
using ReadAt = std::function<Status(std::uint64_t offset, std::span<std::byte> out)>;

/// From Fortran order (the first index varies fastest) to C order, in bounded memory whatever the shape: what does not
/// fit is transposed tile by tile, one axis a pass, through temporary files. The region has the size that dims and
/// item_size ask for.
Status to_c_order(const ReadAt& read, std::span<const std::int64_t> dims, std::uint64_t item_size,
                  const Aside::Region& region);

/// Reverses the bytes of each number of `width` bytes, in place.
Status swap_bytes(const Aside::Region& region, std::size_t width);

}  // namespace ckpt::containers
