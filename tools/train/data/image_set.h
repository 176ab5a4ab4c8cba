#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "ckpt/error.h"

namespace ckpt::train {

/// Grey images of one size, and of which class each is.
struct ImageSet {
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<std::uint8_t> pixels = {};  ///< one image behind the other, row by row
  std::vector<std::uint8_t> labels = {};

  std::size_t size() const noexcept { return labels.size(); }
};

enum class Part : std::uint8_t { train, test };

/// What MNIST's files are called: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, `t10k-…` for tests, perhaps
/// with `.gz`, or `.idx` for `-idx`; in `folder`, its `train` and `test`, or its `MNIST/raw`. Both have as many images,
/// and labels are below `classes`. Errors name the file. Errc::usage if the files are not there,
/// Errc::mismatch for a label of no class.
Result<ImageSet> read_images(const std::filesystem::path& folder, Part part, std::size_t classes);

/// Images that can be learnt, without a file: of each class a pattern, shifted, under noise. 28 x 28. Those of the two
/// parts differ and show the same patterns.
ImageSet synthetic_images(std::size_t count, Part part, std::size_t classes, std::uint64_t seed);

/// Only images with these labels, which become 0, 1, 2 … in the order of `labels`.
ImageSet only_labels(const ImageSet& images, const std::vector<std::uint8_t>& labels);

/// Cuts off the last `count` images, to be held out: all but these stay. Not more than there are.
ImageSet hold_out(ImageSet& images, std::size_t count);

}  // namespace ckpt::train
