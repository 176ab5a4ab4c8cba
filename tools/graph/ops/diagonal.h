#pragma once

#include <cstddef>
#include <cstdint>

#include "rules.h"

/// The diagonal of two axes of a tensor: for the rules of each target.
namespace ckpt::graph {

/// Which axes, their sizes, and where the diagonal is in a matrix laid out row by row.
struct Line {
  std::size_t rows = 0, columns = 0;
  std::int64_t height = 0, width = 0, first = 0, count = 0;
};

Result<Line> line_of(const NodeView& node, std::int64_t offset, std::int64_t dim1, std::int64_t dim2);
/// As Diagonal says it.
Result<Line> own_line(const NodeView& node);

}  // namespace ckpt::graph
