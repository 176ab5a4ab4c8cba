#include "data/image_feed.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/draw.h"

namespace ckpt::train {
namespace {

// Resized images are kept where they are no more than this; larger ones are made again each time.
constexpr std::size_t kKept = std::size_t{512} << 20;

ImageSet resized(const ImageSet& images, std::size_t height, std::size_t width) {
  ImageSet larger{.height = height, .width = width, .labels = images.labels};
  larger.pixels.resize(images.size() * height * width);
  Resize resize(images.height, images.width, height, width);
  for (std::size_t i = 0; i < images.size(); ++i)
    resize.run(std::span(images.pixels).subspan(i * images.height * images.width, images.height * images.width),
               std::span(larger.pixels).subspan(i * height * width, height * width));
  return larger;
}

}  // namespace

ImageFeed::ImageFeed(ImageSet images, const FeedOptions& options) : images_(std::move(images)), options_(options) {
  const auto scale = static_cast<double>(static_cast<float>(1 / options_.std));
  const auto shift = static_cast<double>(static_cast<float>(-options_.mean / options_.std));
  for (std::size_t p = 0; p < normal_.size(); ++p)  // multiplied and added with one rounding
    normal_[p] = static_cast<float>(static_cast<double>(static_cast<float>(p) * (1.0F / 255)) * scale + shift);
  if (options_.height == 0) options_.height = images_.height;
  if (options_.width == 0) options_.width = images_.width;
  if (options_.height == images_.height && options_.width == images_.width) return;
  if (images_.size() <= kKept / plane()) {
    images_ = resized(images_, options_.height, options_.width);
  } else {
    resize_.emplace(images_.height, images_.width, options_.height, options_.width);
    resized_.resize(plane());
  }
}

void ImageFeed::fill(std::span<const std::uint32_t> which, std::span<float> images, std::span<std::int32_t> labels) {
  const std::size_t stored = images_.height * images_.width;
  for (std::size_t n = 0; n < which.size(); ++n) {
    labels[n] = label(which[n]);
    std::span<const std::uint8_t> pixels = std::span(images_.pixels).subspan(which[n] * stored, stored);
    if (resize_) {
      resize_->run(pixels, resized_);
      pixels = resized_;
    }
    float* const first = images.data() + n * floats();
    for (std::size_t i = 0; i < plane(); ++i) first[i] = normal_[pixels[i]];
    for (std::size_t channel = 1; channel < options_.channels; ++channel)
      std::copy(first, first + plane(), first + channel * plane());
  }
}

std::vector<std::uint32_t> shuffled(std::size_t count, std::uint64_t seed, std::uint64_t epoch) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  Draw draw(mixed(seed, epoch));
  for (std::size_t left = count; left > 1; --left) std::swap(order[left - 1], order[draw.below(left)]);
  return order;
}

}  // namespace ckpt::train
