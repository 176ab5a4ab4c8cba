#include "tiles.h"

#include <cstring>

namespace ckpt::viewer {
namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{64} << 20;

}  // namespace

bool can_tile(const TensorInfo& tensor) noexcept {
  return tensor.dims.size() == 4 && tensor.dims[2] > 1 && tensor.dims[3] > 1 && tensor.byte_size <= kMaxBytes;
}

std::uint64_t tile_element(std::span<const std::int64_t> dims, std::int64_t row, std::int64_t column) noexcept {
  const std::int64_t out = row / dims[2];
  const std::int64_t in = column / dims[3];
  return static_cast<std::uint64_t>(((out * dims[1] + in) * dims[2] + row % dims[2]) * dims[3] + column % dims[3]);
}

Result<std::vector<std::byte>> read_tiles(const Checkpoint& file, const TensorInfo& tensor, const Window& window,
                                          const Progress& progress) {
  const auto& dims = tensor.dims;
  const std::size_t size = size_of(tensor.dtype);
  std::vector<std::byte> out;
  out.reserve(static_cast<std::size_t>(window.rows * window.columns) * size);
  // A row of tiles at a time: that is a run of bytes in the file.
  std::vector<std::byte> tiles(static_cast<std::size_t>(dims[1] * dims[2] * dims[3]) * size);
  std::int64_t held = -1;
  for (std::int64_t r = 0; r < window.rows; ++r) {
    const std::int64_t row = window.row + r * window.row_step;
    if (row / dims[2] != held) {
      held = row / dims[2];
      if (auto status = file.read(tensor, static_cast<std::uint64_t>(held) * tiles.size(), tiles); !status)
        return status.error();
      if (progress && !progress(static_cast<std::uint64_t>(r), static_cast<std::uint64_t>(window.rows)))
        return Error{.code = Errc::cancelled};
    }
    for (std::int64_t c = 0; c < window.columns; ++c) {
      const std::uint64_t element = tile_element(dims, row % dims[2], window.column + c * window.column_step);
      const std::byte* from = tiles.data() + static_cast<std::size_t>(element) * size;
      out.insert(out.end(), from, from + size);
    }
  }
  return out;
}

}  // namespace ckpt::viewer
