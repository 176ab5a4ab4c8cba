#include "data/resize.h"

#include <algorithm>
#include <cmath>

namespace ckpt::train {

// Beyond the edge a column takes the edge alone; a row takes it twice, with the weights that it has, which rounds
// differently. That is how it is done there.
std::vector<Resize::Tap> Resize::taps(std::size_t from, std::size_t to, bool clamp_weights) {
  std::vector<Tap> all;
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const auto last = static_cast<std::ptrdiff_t>(from) - 1;
  for (std::size_t i = 0; i < to; ++i) {
    const auto place = static_cast<float>((static_cast<double>(i) + 0.5) * scale - 0.5);
    auto at = static_cast<std::ptrdiff_t>(std::floor(place));
    float part = place - static_cast<float>(at);
    if (clamp_weights && (at < 0 || at >= last)) part = 0;
    if (clamp_weights) at = std::clamp<std::ptrdiff_t>(at, 0, last);
    all.push_back({.first = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at, 0, last)),
                   .second = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at + 1, 0, last)),
                   .first_weight = static_cast<std::int32_t>(std::lrint((1 - part) * 2048)),
                   .second_weight = static_cast<std::int32_t>(std::lrint(part * 2048))});
  }
  return all;
}

Resize::Resize(std::size_t from_height, std::size_t from_width, std::size_t height, std::size_t width)
    : from_width_(from_width),
      rows_(taps(from_height, height, false)),
      columns_(taps(from_width, width, true)),
      wide_(from_height * width) {}

void Resize::run(std::span<const std::uint8_t> in, std::span<std::uint8_t> out) {
  const std::size_t width = columns_.size();
  for (std::size_t y = 0; y * width < wide_.size(); ++y)
    for (std::size_t x = 0; x < width; ++x) {
      const Tap& tap = columns_[x];
      const std::uint8_t* row = in.data() + y * from_width_;
      wide_[y * width + x] = row[tap.first] * tap.first_weight + row[tap.second] * tap.second_weight;
    }
  for (std::size_t y = 0; y < rows_.size(); ++y) {
    const Tap& tap = rows_[y];
    const std::int32_t* first = wide_.data() + tap.first * width;
    const std::int32_t* second = wide_.data() + tap.second * width;
    for (std::size_t x = 0; x < width; ++x) {
      const std::int32_t sum =
          ((tap.first_weight * (first[x] >> 4)) >> 16) + ((tap.second_weight * (second[x] >> 4)) >> 16);
      out[y * width + x] = static_cast<std::uint8_t>((sum + 2) >> 2);
    }
  }
}

}  // namespace ckpt::train
