#pragma once

#include <cstddef>
#include <optional>

#include "kernels/program.h"

namespace ckpt::train {

inline constexpr std::size_t kLanes = 8;

/// A batch of images whose channels lie together by the eight (or by a multiple of it), so that loops work on eight
/// channels at once: oneDNN's layouts of channel blocks, and channels last. Sizes and strides count floats.
struct Lanes {
  std::size_t batch = 0;
  std::size_t channels = 0;
  std::size_t blocks = 0;  ///< of eight channels, the last one padded with zeros
  std::size_t height = 0, width = 0;
  std::size_t image = 0;  ///< from one image to the next
  std::size_t pixel = 0;  ///< from one pixel to the next, in rows of `width`
  std::size_t outer = 0;  ///< from one block of the layout to the next
  std::size_t inner = 1;  ///< how many blocks of eight one of those has

  std::size_t area() const noexcept { return height * width; }
  std::size_t offset(std::size_t n, std::size_t block) const noexcept {
    return n * image + block / inner * outer + block % inner * kLanes;
  }
};

/// Numbers that channels have, one each: those of a block. Zeros behind the last channel, and none of those is stored;
/// where a layout has blocks by the sixteen, the second eight may all be behind it.
struct Eighth {
  float at[kLanes] = {};

  Eighth() = default;
  Eighth(const float* numbers, std::size_t block, std::size_t channels) {
    for (std::size_t i = 0; i < kLanes && block * kLanes + i < channels; ++i) at[i] = numbers[block * kLanes + i];
  }
  void store(float* numbers, std::size_t block, std::size_t channels) const {
    for (std::size_t i = 0; i < kLanes && block * kLanes + i < channels; ++i) numbers[block * kLanes + i] = at[i];
  }
};

/// Empty if the layout has no such lanes.
std::optional<Lanes> lanes_of(const Layout& layout);

/// The layout of blocks that this processor's kernels of oneDNN prefer, for NCHW dimensions.
Layout lane_layout(const LayoutDims& dims);

/// The layout a value has, if that has lanes; else lane_layout.
Layout with_lanes(const Program& program, graph::ValueId value);

}  // namespace ckpt::train
