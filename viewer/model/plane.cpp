#include "plane.h"

#include <QStringList>
#include <algorithm>
#include <cstring>

namespace ckpt::viewer {

bool Plane::empty() const noexcept {
  return std::any_of(dims.begin(), dims.end(), [](std::int64_t dim) { return dim <= 0; });
}

std::uint64_t Plane::element(std::int64_t row, std::int64_t column) const noexcept {
  std::uint64_t index = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const auto axis = static_cast<int>(i);
    const std::int64_t here = axis == row_axis ? row : axis == column_axis ? column : at[i];
    index = index * static_cast<std::uint64_t>(dims[i]) + static_cast<std::uint64_t>(here);
  }
  return index;
}

Plane::Place Plane::go_to(std::uint64_t element) {
  for (std::size_t i = dims.size(); i-- > 0;) {
    const auto dim = static_cast<std::uint64_t>(std::max<std::int64_t>(1, dims[i]));
    at[i] = static_cast<std::int64_t>(element % dim);
    element /= dim;
  }
  return {.row = row_axis < 0 ? 0 : at[static_cast<std::size_t>(row_axis)],
          .column = column_axis < 0 ? 0 : at[static_cast<std::size_t>(column_axis)]};
}

QString Plane::slice_text() const {
  QStringList parts;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const auto axis = static_cast<int>(i);
    parts << (axis == row_axis || axis == column_axis ? QStringLiteral(":") : QString::number(at[i]));
  }
  return parts.size() <= 2 ? QString() : parts.join(QLatin1Char(','));
}

Plane plane_of(std::span<const std::int64_t> dims) {
  const auto rank = static_cast<int>(dims.size());
  Plane plane{.dims = {dims.begin(), dims.end()}, .at = std::vector<std::int64_t>(dims.size(), 0)};
  if (rank > 0) plane.row_axis = std::max(0, rank - 2);
  if (rank < 2) return plane;
  plane.column_axis = rank - 1;
  // Kernels of 1 x 1 are not what somebody wants to see one by one.
  std::vector<int> longer;
  for (int i = 0; i < rank; ++i)
    if (dims[static_cast<std::size_t>(i)] > 1) longer.push_back(i);
  if (rank > 2 && longer.size() >= 2) {
    plane.row_axis = longer[longer.size() - 2];
    plane.column_axis = longer.back();
  }
  return plane;
}

Window sampled(std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns, std::int64_t limit) {
  Window window{.row = row, .column = column};
  window.row_step = std::max<std::int64_t>(1, (rows + limit - 1) / limit);
  window.column_step = std::max<std::int64_t>(1, (columns + limit - 1) / limit);
  window.rows = (rows + window.row_step - 1) / window.row_step;
  window.columns = (columns + window.column_step - 1) / window.column_step;
  return window;
}

Result<std::vector<std::byte>> read_window(const Checkpoint& file, const TensorInfo& tensor, const Plane& plane,
                                           const Window& window, const Progress& progress) {
  Slice slice;
  for (std::size_t i = 0; i < plane.dims.size(); ++i) {
    const auto axis = static_cast<int>(i);
    if (axis == plane.row_axis)
      slice.axes.push_back({.start = window.row, .count = window.rows, .step = window.row_step});
    else if (axis == plane.column_axis)
      slice.axes.push_back({.start = window.column, .count = window.columns, .step = window.column_step});
    else
      slice.axes.push_back({.start = plane.at[i], .count = 1, .index = true});
  }
  const std::size_t size = size_of(tensor.dtype);
  const std::size_t total = static_cast<std::size_t>(window.rows * window.columns) * size;
  std::vector<std::byte> bytes;
  bytes.reserve(total);
  bool going = true;
  const auto status = read_slice(file, tensor, slice, [&](std::span<const std::byte> run) {
    bytes.insert(bytes.end(), run.begin(), run.end());
    going = !progress || progress(bytes.size(), total);
    return going;
  });
  if (!status) return status.error();
  if (!going) return Error{.code = Errc::cancelled};
  if (plane.column_axis < 0 || plane.row_axis < plane.column_axis) return bytes;
  // They came column by column.
  std::vector<std::byte> turned(bytes.size());
  const auto rows = static_cast<std::size_t>(window.rows);
  const auto columns = static_cast<std::size_t>(window.columns);
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t r = 0; r < rows; ++r)
      std::memcpy(turned.data() + (r * columns + c) * size, bytes.data() + (c * rows + r) * size, size);
  return turned;
}

}  // namespace ckpt::viewer
