#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/image_set.h"
#include "data/resize.h"

namespace ckpt::train {

/// How images come to the network.
struct FeedOptions {
  std::size_t channels = 1;  ///< each of them the same grey
  std::size_t height = 0;    ///< they are resized to this; 0: as they are
  std::size_t width = 0;
  /// A pixel p becomes (p / 255 - mean) / std, to the last bit as MindSpore's Rescale(1/255, 0) and Rescale(1/std,
  /// -mean/std) make it.
  double mean = 0.1307;
  double std = 0.3081;
};

/// Images as a network takes them: resized, normalised, Float32, NCHW. One thread at a time.
class ImageFeed {
 public:
  ImageFeed(ImageSet images, const FeedOptions& options);

  std::size_t size() const noexcept { return images_.size(); }
  std::size_t floats() const noexcept { return options_.channels * plane(); }  ///< of one image
  std::int32_t label(std::size_t i) const { return images_.labels[i]; }

  /// Images `which`, one after the other, and their labels.
  void fill(std::span<const std::uint32_t> which, std::span<float> images, std::span<std::int32_t> labels);

 private:
  std::size_t plane() const noexcept { return options_.height * options_.width; }

  ImageSet images_;
  FeedOptions options_;
  std::array<float, 256> normal_ = {};  // of each grey
  std::optional<Resize> resize_ = {};   // where all of them resized would be too many to keep
  std::vector<std::uint8_t> resized_ = {};
};

/// 0 to count - 1 in the order of an epoch: that of its seed and number, whatever was before.
std::vector<std::uint32_t> shuffled(std::size_t count, std::uint64_t seed, std::uint64_t epoch);

}  // namespace ckpt::train
