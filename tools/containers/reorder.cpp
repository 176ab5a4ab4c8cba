#include "reorder.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "temp_store.h"

namespace ckpt::containers {
namespace {

constexpr std::uint64_t kMemory = std::uint64_t{16} << 20;  // of each of the two buffers

using WriteAt = std::function<Status(std::uint64_t offset, std::span<const std::byte> bytes)>;
using Dims = std::span<const std::uint64_t>;

std::uint64_t product(Dims dims) {
  std::uint64_t count = 1;
  for (const std::uint64_t dim : dims) count *= dim;
  return count;
}

void copy_item(std::byte* to, const std::byte* from, std::size_t size) {
  if (size == 4) {
    std::memcpy(to, from, 4);
  } else if (size == 8) {
    std::memcpy(to, from, 8);
  } else {
    std::memcpy(to, from, size);
  }
}

/// All of it in memory: the items in the order of the source, each put where it belongs.
void permute(Dims dims, std::size_t item, std::span<const std::byte> in, std::span<std::byte> out) {
  std::vector<std::uint64_t> strides(dims.size());  // of the result, in items
  std::uint64_t stride = 1;
  for (std::size_t axis = dims.size(); axis-- > 0; stride *= dims[axis]) strides[axis] = stride;
  std::vector<std::uint64_t> index(dims.size());
  const std::byte* from = in.data();
  std::uint64_t to = 0;
  while (true) {
    for (std::uint64_t i = 0; i < dims[0]; ++i, from += item)
      copy_item(out.data() + (to + i * strides[0]) * item, from, item);
    std::size_t axis = 1;
    for (; axis < dims.size(); ++axis) {
      to += strides[axis];
      if (++index[axis] < dims[axis]) break;
      to -= strides[axis] * dims[axis];
      index[axis] = 0;
    }
    if (axis == dims.size()) return;
  }
}

/// `columns` runs of `rows` items become `rows` runs of `columns` items.
Status transpose(std::uint64_t rows, std::uint64_t columns, std::uint64_t item, const ReadAt& read,
                 const WriteAt& write) {
  const std::uint64_t items = kMemory / item;
  std::uint64_t side = 1;
  while (side * side * 4 <= items) side *= 2;
  const std::uint64_t tile_rows =
      std::min(rows, std::max(side, items / std::max<std::uint64_t>(1, std::min(columns, side))));
  const std::uint64_t tile_columns = std::min(columns, items / tile_rows);
  std::vector<std::byte> in(static_cast<std::size_t>(tile_rows * tile_columns * item));
  std::vector<std::byte> out(in.size());
  for (std::uint64_t row = 0; row < rows; row += tile_rows) {
    const std::uint64_t height = std::min(tile_rows, rows - row);
    for (std::uint64_t column = 0; column < columns; column += tile_columns) {
      const std::uint64_t width = std::min(tile_columns, columns - column);
      for (std::uint64_t c = 0; c < width; ++c) {
        const auto run =
            std::span(in).subspan(static_cast<std::size_t>(c * height * item), static_cast<std::size_t>(height * item));
        if (auto status = read(((column + c) * rows + row) * item, run); !status) return status;
      }
      const std::uint64_t shape[] = {height, width};
      permute(shape, static_cast<std::size_t>(item), in, out);
      for (std::uint64_t r = 0; r < height; ++r) {
        const auto run =
            std::span(out).subspan(static_cast<std::size_t>(r * width * item), static_cast<std::size_t>(width * item));
        if (auto status = write(((row + r) * columns + column) * item, run); !status) return status;
      }
    }
  }
  return {};
}

/// The first axis becomes the slowest; what is left of each of its planes is in Fortran order, as before.
Status reverse_axes(Dims dims, std::uint64_t item, const ReadAt& read, const WriteAt& write) {
  const std::uint64_t size = product(dims) * item;
  if (dims.size() == 1 || size <= kMemory) {
    std::vector<std::byte> in(static_cast<std::size_t>(std::min(size, kMemory)));
    if (dims.size() > 1) {
      std::vector<std::byte> out(in.size());
      if (auto status = read(0, in); !status) return status;
      permute(dims, static_cast<std::size_t>(item), in, out);
      return write(0, out);
    }
    for (std::uint64_t at = 0; at < size; at += in.size()) {
      const auto piece = std::span(in).first(static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), size - at)));
      if (auto status = read(at, piece); !status) return status;
      if (auto status = write(at, piece); !status) return status;
    }
    return {};
  }
  const Dims rest = dims.subspan(1);
  const std::uint64_t plane = product(rest);
  if (rest.size() == 1) return transpose(dims[0], plane, item, read, write);
  auto between = TempStore::create();
  if (!between) return between.error();
  const WriteAt keep = [&](std::uint64_t at, std::span<const std::byte> bytes) { return between->write_at(at, bytes); };
  if (auto status = transpose(dims[0], plane, item, read, keep); !status) return status;
  for (std::uint64_t i = 0; i < dims[0]; ++i) {
    const std::uint64_t base = i * plane * item;
    const auto status = reverse_axes(
        rest, item, [&](std::uint64_t at, std::span<std::byte> out) { return between->read_at(base + at, out); },
        [&](std::uint64_t at, std::span<const std::byte> bytes) { return write(base + at, bytes); });
    if (!status) return status;
  }
  return {};
}

}  // namespace

Status to_c_order(const ReadAt& read, std::span<const std::int64_t> dims, std::uint64_t item_size,
                  const Aside::Region& region) {
  std::vector<std::uint64_t> kept;  // a dim of 1 has no order
  for (const std::int64_t dim : dims)
    if (dim != 1) kept.push_back(static_cast<std::uint64_t>(dim));
  if (kept.empty()) kept.push_back(1);
  if (region.size() == 0) return {};
  return reverse_axes(kept, item_size, read,
                      [&](std::uint64_t at, std::span<const std::byte> bytes) { return region.write(at, bytes); });
}

Status swap_bytes(const Aside::Region& region, std::size_t width) {
  std::vector<std::byte> buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(region.size(), 65536 / width * width)));
  for (std::uint64_t at = 0; at < region.size(); at += buffer.size()) {
    const auto piece =
        std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), region.size() - at)));
    if (auto status = region.read(at, piece); !status) return status;
    for (std::size_t i = 0; i + width <= piece.size(); i += width)
      std::reverse(piece.begin() + static_cast<std::ptrdiff_t>(i),
                   piece.begin() + static_cast<std::ptrdiff_t>(i + width));
    if (auto status = region.write(at, piece); !status) return status;
  }
  return {};
}

}  // namespace ckpt::containers
