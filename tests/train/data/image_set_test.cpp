#include "data/image_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "file_bytes.h"
#include "idx_bytes.h"
#include "temp_dir.h"

namespace ckpt::train {
namespace {

using test::gzipped;
using test::idx_bytes;

class ImageSetTest : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories((dir_ / name).parent_path());
    test::write_file(dir_ / name, bytes);
  }
  std::string error(std::size_t classes = 10) {
    const auto images = read_images(dir_.path(), Part::train, classes);
    return images ? "none" : to_string(images.error());
  }

  test::TempDir dir_;
  const std::string images_ = idx_bytes({3, 1, 2}, "abcdef");
  const std::string labels_ = idx_bytes({3}, {"\x07\x00\x02", 3});
};

TEST_F(ImageSetTest, ReadsTheFilesOfEachPart) {
  write("train-images-idx3-ubyte", images_);
  write("train-labels-idx1-ubyte.gz", gzipped(labels_));
  write("test/t10k-images-idx3-ubyte", idx_bytes({1, 2, 2}, "wxyz"));
  write("test/t10k-labels-idx1-ubyte", idx_bytes({1}, "\x05"));
  const auto train = read_images(dir_.path(), Part::train, 10);
  ASSERT_TRUE(train) << to_string(train.error());
  EXPECT_EQ(train->height, 1U);
  EXPECT_EQ(train->width, 2U);
  EXPECT_EQ(train->labels, (std::vector<std::uint8_t>{7, 0, 2}));
  EXPECT_EQ(train->pixels, (std::vector<std::uint8_t>{'a', 'b', 'c', 'd', 'e', 'f'}));
  const auto test = read_images(dir_.path(), Part::test, 10);
  ASSERT_TRUE(test) << to_string(test.error());
  EXPECT_EQ(test->height, 2U);
  EXPECT_EQ(test->labels, (std::vector<std::uint8_t>{5}));
}

TEST_F(ImageSetTest, SaysWhatIsWrong) {
  EXPECT_EQ(error(), "has no train-images-idx3-ubyte in it, in its train or MNIST/raw, with or without .gz");
  write("train-images-idx3-ubyte", images_);
  EXPECT_EQ(error(), "has no train-labels-idx1-ubyte in it, in its train or MNIST/raw, with or without .gz");
  write("train-labels-idx1-ubyte", labels_);
  EXPECT_EQ(error(7), "at byte 8: \"train-labels-idx1-ubyte\": label 7 where there are 7 classes, 0 to 6");
  write("train-labels-idx1-ubyte", idx_bytes({2}, "\x01\x02"));
  EXPECT_EQ(error(),
            "malformed at byte 4: \"train-images-idx3-ubyte\": has 3 images, and \"train-labels-idx1-ubyte\" 2 labels");
  write("train-labels-idx1-ubyte", labels_.substr(0, 9));
  EXPECT_EQ(error(), "truncated at byte 8: \"train-labels-idx1-ubyte\": claims 3 values, more than the file can have");
  write("train-labels-idx1-ubyte", images_);
  EXPECT_EQ(error(),
            "malformed at byte 0: \"train-labels-idx1-ubyte\": the magic number is 0x00000803, and not 0x00000801");
  write("train-labels-idx1-ubyte", labels_);
  write("train-images-idx3-ubyte", idx_bytes({3, 0, 2}, ""));
  EXPECT_EQ(error(), "malformed at byte 4: \"train-images-idx3-ubyte\": has no pixels in it");
}

TEST_F(ImageSetTest, TakesOutLabelsAndRenumbersThem) {
  const ImageSet images{.height = 1, .width = 2, .pixels = {1, 2, 3, 4, 5, 6, 7, 8}, .labels = {9, 3, 5, 9}};
  const ImageSet chosen = only_labels(images, {5, 9});
  EXPECT_EQ(chosen.labels, (std::vector<std::uint8_t>{1, 0, 1}));
  EXPECT_EQ(chosen.pixels, (std::vector<std::uint8_t>{1, 2, 5, 6, 7, 8}));
}

TEST_F(ImageSetTest, HoldsOutTheLast) {
  ImageSet images{.height = 1, .width = 2, .pixels = {1, 2, 3, 4, 5, 6}, .labels = {7, 8, 9}};
  const ImageSet held = hold_out(images, 1);
  EXPECT_EQ(images.labels, (std::vector<std::uint8_t>{7, 8}));
  EXPECT_EQ(images.pixels, (std::vector<std::uint8_t>{1, 2, 3, 4}));
  EXPECT_EQ(held.labels, (std::vector<std::uint8_t>{9}));
  EXPECT_EQ(held.pixels, (std::vector<std::uint8_t>{5, 6}));
}

// The nearest mean of the training images tells most of the test images, so there is something to learn.
TEST_F(ImageSetTest, SyntheticImagesCanBeLearnt) {
  constexpr std::size_t kClasses = 4, kPixels = 28 * 28;
  const ImageSet train = synthetic_images(400, Part::train, kClasses, 1);
  const ImageSet test = synthetic_images(100, Part::test, kClasses, 1);
  EXPECT_EQ(train.pixels.size(), 400 * kPixels);
  EXPECT_NE(std::vector(train.pixels.begin(), train.pixels.begin() + 100 * kPixels), test.pixels);
  EXPECT_EQ(train.pixels, synthetic_images(400, Part::train, kClasses, 1).pixels);
  EXPECT_NE(train.pixels, synthetic_images(400, Part::train, kClasses, 2).pixels);
  std::array<std::array<double, kPixels>, kClasses> mean = {};
  std::array<double, kClasses> count = {};
  for (std::size_t i = 0; i < train.size(); ++i) {
    count[train.labels[i]] += 1;
    for (std::size_t p = 0; p < kPixels; ++p) mean[train.labels[i]][p] += train.pixels[i * kPixels + p];
  }
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) {
    std::array<double, kClasses> distance = {};
    for (std::size_t c = 0; c < kClasses; ++c)
      for (std::size_t p = 0; p < kPixels; ++p) {
        const double d = mean[c][p] / count[c] - test.pixels[i * kPixels + p];
        distance[c] += d * d;
      }
    right += std::min_element(distance.begin(), distance.end()) - distance.begin() == test.labels[i];
  }
  EXPECT_GT(right, 90U);
}

}  // namespace
}  // namespace ckpt::train
