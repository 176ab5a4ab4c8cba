#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/slice.h"
#include "ckpt/tensor.h"

namespace ckpt::cli {

struct ArrayStyle {
  bool full = false;       ///< all values, where else the middle of long axes is left out
  int precision = 0;       ///< significant digits; 0: as many as the value needs
  std::size_t width = 80;  ///< columns to fill
};

/// A slice as NumPy prints arrays: brackets by axis, columns aligned, above 1000 values only the edges. In bounded
/// memory: what is printed whole and is large is not aligned. A sink that returns false stops it: Errc::cancelled.
Status print_array(const Checkpoint& file, const TensorInfo& tensor, const Slice& slice, const ArrayStyle& style,
                   const std::function<bool(std::string_view)>& sink);

}  // namespace ckpt::cli
