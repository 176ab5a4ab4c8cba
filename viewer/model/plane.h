#pragma once

#include <QString>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/progress.h"
#include "ckpt/slice.h"
#include "ckpt/tensor.h"

namespace ckpt::viewer {

/// How a tensor of any rank is looked at in two dimensions: one axis down, one across, the others at one index each.
struct Plane {
  std::vector<std::int64_t> dims = {};
  int row_axis = -1;  ///< -1: there is one row
  int column_axis = -1;
  std::vector<std::int64_t> at = {};  ///< one index a dim; those of the two axes do not count

  std::int64_t rows() const noexcept { return row_axis < 0 ? 1 : dims[static_cast<std::size_t>(row_axis)]; }
  std::int64_t columns() const noexcept { return column_axis < 0 ? 1 : dims[static_cast<std::size_t>(column_axis)]; }
  bool empty() const noexcept;  ///< a dim is 0

  /// Where an element stands in C order, and back: `at` becomes that of the plane it is in.
  std::uint64_t element(std::int64_t row, std::int64_t column) const noexcept;
  struct Place {
    std::int64_t row = 0;
    std::int64_t column = 0;
  };
  Place go_to(std::uint64_t element);

  QString slice_text() const;  ///< "0,:,3,:"; empty where it is all of the tensor
};

/// The last axis across, the one before it down; of three and more the last two that are longer than 1. A vector goes
/// down.
Plane plane_of(std::span<const std::int64_t> dims);

/// A rectangle of a plane, perhaps only every so many rows and columns of it.
struct Window {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t rows = 0;  ///< how many are read
  std::int64_t columns = 0;
  std::int64_t row_step = 1;
  std::int64_t column_step = 1;
};

/// All of `rows` x `columns` from (row, column), in no more than `limit` steps each way.
Window sampled(std::int64_t row, std::int64_t column, std::int64_t rows, std::int64_t columns, std::int64_t limit);

/// The window's elements as canonical bytes, row by row. Errors: those of read_slice; cancelled.
Result<std::vector<std::byte>> read_window(const Checkpoint& file, const TensorInfo& tensor, const Plane& plane,
                                           const Window& window, const Progress& progress = {});

}  // namespace ckpt::viewer
