#pragma once

#include "plane.h"

namespace ckpt::viewer {

/// Kernels of a convolution, [out, in, height, width], as a plane of tiles: `out` down, `in` across.
/// Whether a tensor is one, and small enough to be read as a whole.
bool can_tile(const TensorInfo& tensor) noexcept;

/// Where an element of the plane of tiles stands in C order.
std::uint64_t tile_element(std::span<const std::int64_t> dims, std::int64_t row, std::int64_t column) noexcept;

/// As read_window(), of the plane of tiles.
Result<std::vector<std::byte>> read_tiles(const Checkpoint& file, const TensorInfo& tensor, const Window& window,
                                          const Progress& progress);

}  // namespace ckpt::viewer
