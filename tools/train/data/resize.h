#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ckpt::train {

/// Bilinear resizing of grey images, to the last bit what MindSpore's `vision.Resize((height, width), Inter.LINEAR)`
/// makes of them: centres of pixels on centres, what is outside as the edge, weights in 2048ths, whole numbers at last.
class Resize {
 public:
  Resize(std::size_t from_height, std::size_t from_width, std::size_t height, std::size_t width);

  /// `in` and `out` are images of these sizes, row by row.
  void run(std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

 private:
  struct Tap {
    std::size_t first = 0, second = 0;                 // between which two pixels
    std::int32_t first_weight = 0, second_weight = 0;  // which make 2048
  };
  static std::vector<Tap> taps(std::size_t from, std::size_t to, bool clamp_weights);

  std::size_t from_width_;
  std::vector<Tap> rows_;
  std::vector<Tap> columns_;
  std::vector<std::int32_t> wide_;  // the image with its columns resized, in 2048ths
};

}  // namespace ckpt::train
