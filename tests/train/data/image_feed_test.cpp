#include "data/image_feed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>

#include "data/resize.h"

namespace ckpt::train {
namespace {

std::vector<std::uint8_t> made_up() {
  std::vector<std::uint8_t> pixels;
  for (std::uint32_t y = 0; y < 4; ++y)
    for (std::uint32_t x = 0; x < 5; ++x) {
      const std::uint32_t i = y * 5 + x;
      pixels.push_back(static_cast<std::uint8_t>(37 * i * i + 11 * x));
    }
  return pixels;
}

std::vector<std::uint8_t> resized(std::size_t height, std::size_t width) {
  Resize resize(4, 5, height, width);
  std::vector<std::uint8_t> out(height * width);
  resize.run(made_up(), out);
  return out;
}

// What MindSpore 2.10's vision.Resize(size, Inter.LINEAR) makes of the image above.
TEST(Resize, IsMindSpores) {
  EXPECT_EQ(resized(7, 6),
            (std::vector<std::uint8_t>{0,   36,  119, 145, 113, 124, 56,  54,  95,  116, 119, 160, 146, 83,
                                       56,  71,  128, 218, 137, 109, 121, 129, 134, 177, 117, 124, 186, 196,
                                       143, 125, 127, 73,  153, 217, 182, 103, 133, 41,  132, 230, 206, 89}));
  EXPECT_EQ(resized(3, 2), (std::vector<std::uint8_t>{44, 116, 109, 134, 56, 195}));
  EXPECT_EQ(resized(4, 5), made_up());
}

TEST(Resize, StaysInRange) {
  for (const std::uint8_t grey : std::vector<std::uint8_t>{0, 1, 128, 255}) {
    Resize resize(28, 28, 224, 32);
    std::vector<std::uint8_t> out(224 * 32);
    resize.run(std::vector<std::uint8_t>(28 * 28, grey), out);
    EXPECT_TRUE(std::ranges::all_of(out, [&](std::uint8_t p) { return p == grey || p + 1 == grey; })) << int{grey};
  }
}

TEST(Resize, OfOnePixel) {
  Resize resize(1, 1, 3, 2);
  std::vector<std::uint8_t> out(6);
  resize.run(std::vector<std::uint8_t>{77}, out);
  EXPECT_EQ(out[0], 77);
}

// What MindSpore 2.10's Rescale(1/255, 0) and Rescale(1/0.3081, -0.1307/0.3081) make of these.
TEST(ImageFeed, NormalisesAsMindSpore) {
  ImageFeed feed({.height = 2, .width = 3, .pixels = {0, 51, 102, 153, 204, 255}, .labels = {4}}, {.channels = 3});
  ASSERT_EQ(feed.floats(), 18U);
  std::vector<float> images(18);
  std::vector<std::int32_t> labels(1);
  const std::uint32_t which[] = {0};
  feed.fill(which, images, labels);
  EXPECT_EQ(labels[0], 4);
  const float expected[] = {-0x1.b264ep-2F, 0x1.cca688p-3F, 0x1.bf85b4p-1F,
                            0x1.85f0e2p+0F, 0x1.160f76p+1F, 0x1.692678p+1F};
  for (std::size_t i = 0; i < images.size(); ++i) EXPECT_EQ(images[i], expected[i % 6]) << i;
}

TEST(ImageFeed, ResizesWhatItGives) {
  ImageSet set{.height = 4, .width = 5, .pixels = made_up(), .labels = {1}};
  const auto second = made_up();
  std::ranges::copy(second, std::back_inserter(set.pixels));
  set.labels.push_back(2);
  ImageFeed feed(set, {.height = 7, .width = 6, .mean = 0, .std = 1});
  std::vector<float> images(2 * 42);
  std::vector<std::int32_t> labels(2);
  const std::uint32_t which[] = {1, 0};
  feed.fill(which, images, labels);
  EXPECT_EQ(labels, (std::vector<std::int32_t>{2, 1}));
  const auto expected = resized(7, 6);
  for (std::size_t i = 0; i < images.size(); ++i)
    EXPECT_FLOAT_EQ(images[i], static_cast<float>(expected[i % 42]) / 255) << i;
}

// An epoch's order is a matter of its number alone, so that a training that is gone on with has it again.
TEST(Shuffled, IsAnOrderOfItsOwnForEachEpoch) {
  const auto first = shuffled(1000, 1, 0);
  EXPECT_EQ(first, shuffled(1000, 1, 0));
  EXPECT_NE(first, shuffled(1000, 1, 1));
  EXPECT_NE(first, shuffled(1000, 2, 0));
  auto sorted = first;
  std::ranges::sort(sorted);
  std::vector<std::uint32_t> all(1000);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(sorted, all);
  EXPECT_NE(first, all);
  // Each place sees each quarter about as often as the others.
  std::array<int, 4> seen = {};
  for (std::uint64_t epoch = 0; epoch < 4000; ++epoch) ++seen[shuffled(8, 1, epoch)[0] / 2];
  for (const int count : seen) EXPECT_NEAR(count, 1000, 120);
  EXPECT_TRUE(shuffled(0, 1, 1).empty());
}

}  // namespace
}  // namespace ckpt::train
