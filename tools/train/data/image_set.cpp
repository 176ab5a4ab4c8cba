#include "data/image_set.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ckpt/text.h"
#include "data/draw.h"
#include "data/idx_file.h"

namespace ckpt::train {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kSide = 28;  // of synthetic images

// As MNIST's pages, torchvision and others lay them out: `train-images-idx3-ubyte`, `train-images.idx3-ubyte`.
std::optional<Path> find_file(const Path& folder, Part part, std::string_view what, std::string_view type) {
  const std::string name = (part == Part::train ? "train-" : "t10k-") + std::string(what);
  std::error_code none;
  for (const Path& where : {folder, folder / (part == Part::train ? "train" : "test"), folder / "MNIST" / "raw"})
    for (const char* between : {"-", "."})
      for (const char* ending : {"", ".gz"})
        if (const Path path = where / (name + between + std::string(type) + ending);
            std::filesystem::exists(path, none))
          return path;
  return std::nullopt;
}

Error missing(const Path& folder, Part part, std::string_view what, std::string_view type) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder, error);
  if (error) return {.code = Errc::io, .os_error = error.value(), .message = "cannot list: " + error.message()};
  const bool train = part == Part::train;
  return {.code = Errc::usage,
          .message = "has no " + std::string(train ? "train-" : "t10k-") + std::string(what) + '-' + std::string(type) +
                     " in it, in its " + (train ? "train" : "test") + " or MNIST/raw, with or without .gz"};
}

Error in_file(const Path& path, Error error) {
  error.message = '"' + escape(path.filename().string()) + "\": " + error.message;
  return error;
}

Status check_labels(const std::vector<std::uint8_t>& labels, std::size_t classes) {
  const auto wrong = std::ranges::find_if(labels, [&](std::uint8_t label) { return label >= classes; });
  if (wrong == labels.end()) return {};
  return Error{.code = Errc::mismatch,
               .offset = 8 + static_cast<std::uint64_t>(wrong - labels.begin()),
               .message = "label " + std::to_string(*wrong) + " where there are " + std::to_string(classes) +
                          " classes, 0 to " + std::to_string(classes - 1)};
}

// A coarse grid of random grey, smoothly enlarged; more dark than light, as pictures of digits and clothes are.
std::vector<std::uint8_t> pattern(std::uint64_t seed) {
  constexpr std::size_t kGrid = 5;
  constexpr std::size_t kCell = kSide / (kGrid - 1);
  Draw draw(seed);
  std::array<std::array<std::size_t, kGrid>, kGrid> grid = {};
  for (auto& row : grid)
    for (std::size_t& knot : row) knot = std::min(draw.below(256), draw.below(256));
  std::vector<std::uint8_t> pixels;
  for (std::size_t y = 0; y < kSide; ++y)
    for (std::size_t x = 0; x < kSide; ++x) {
      const std::size_t row = y / kCell, column = x / kCell, v = y % kCell, u = x % kCell;
      const std::size_t above = grid[row][column] * (kCell - u) + grid[row][column + 1] * u;
      const std::size_t below = grid[row + 1][column] * (kCell - u) + grid[row + 1][column + 1] * u;
      pixels.push_back(static_cast<std::uint8_t>((above * (kCell - v) + below * v) / (kCell * kCell)));
    }
  return pixels;
}

// Shifted by up to two pixels each way, under noise.
void draw_image(const std::vector<std::uint8_t>& shown, Draw& draw, std::vector<std::uint8_t>& pixels) {
  const std::size_t down = draw.below(5), right = draw.below(5);
  const auto moved = [](std::size_t at, std::size_t by) { return std::min(at + by < 2 ? 0 : at + by - 2, kSide - 1); };
  for (std::size_t y = 0; y < kSide; ++y)
    for (std::size_t x = 0; x < kSide; ++x)
      pixels.push_back(
          static_cast<std::uint8_t>((3 * shown[moved(y, down) * kSide + moved(x, right)] + draw.below(256)) / 4));
}

}  // namespace

Result<ImageSet> read_images(const Path& folder, Part part, std::size_t classes) {
  const auto image_file = find_file(folder, part, "images", "idx3-ubyte");
  if (!image_file) return missing(folder, part, "images", "idx3-ubyte");
  const auto label_file = find_file(folder, part, "labels", "idx1-ubyte");
  if (!label_file) return missing(folder, part, "labels", "idx1-ubyte");
  auto labels = read_idx(*label_file, 1);
  if (!labels) return in_file(*label_file, std::move(labels).error());
  if (auto status = check_labels(labels->values, classes); !status) return in_file(*label_file, status.error());
  const auto as_many = [&](const std::vector<std::size_t>& dims) -> Status {
    if (dims[0] == labels->dims[0]) return {};
    return Error{.code = Errc::malformed,
                 .offset = 4,
                 .message = "has " + std::to_string(dims[0]) + " images, and \"" +
                            escape(label_file->filename().string()) + "\" " + std::to_string(labels->dims[0]) +
                            " labels"};
  };
  auto images = read_idx(*image_file, 3, as_many);
  if (!images) return in_file(*image_file, std::move(images).error());
  if (images->values.empty())
    return in_file(*image_file, {.code = Errc::malformed, .offset = 4, .message = "has no pixels in it"});
  return ImageSet{.height = images->dims[1],
                  .width = images->dims[2],
                  .pixels = std::move(images->values),
                  .labels = std::move(labels->values)};
}

ImageSet synthetic_images(std::size_t count, Part part, std::size_t classes, std::uint64_t seed) {
  std::vector<std::vector<std::uint8_t>> patterns;
  for (std::size_t i = 0; i < classes; ++i) patterns.push_back(pattern(mixed(seed, i)));
  Draw draw(mixed(seed, part == Part::train ? "train" : "test"));
  ImageSet set{.height = kSide, .width = kSide};
  set.pixels.reserve(count * kSide * kSide);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t label = draw.below(classes);
    set.labels.push_back(static_cast<std::uint8_t>(label));
    draw_image(patterns[label], draw, set.pixels);
  }
  return set;
}

ImageSet only_labels(const ImageSet& images, const std::vector<std::uint8_t>& labels) {
  ImageSet chosen{.height = images.height, .width = images.width};
  const std::size_t pixels = images.height * images.width;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto at = std::ranges::find(labels, images.labels[i]);
    if (at == labels.end()) continue;
    chosen.labels.push_back(static_cast<std::uint8_t>(at - labels.begin()));
    const auto first = images.pixels.begin() + static_cast<std::ptrdiff_t>(i * pixels);
    chosen.pixels.insert(chosen.pixels.end(), first, first + static_cast<std::ptrdiff_t>(pixels));
  }
  return chosen;
}

ImageSet hold_out(ImageSet& images, std::size_t count) {
  const std::size_t kept = images.size() - std::min(count, images.size());
  const std::size_t pixels = images.height * images.width;
  ImageSet held{.height = images.height, .width = images.width};
  held.pixels.assign(images.pixels.begin() + static_cast<std::ptrdiff_t>(kept * pixels), images.pixels.end());
  held.labels.assign(images.labels.begin() + static_cast<std::ptrdiff_t>(kept), images.labels.end());
  images.pixels.resize(kept * pixels);
  images.labels.resize(kept);
  return held;
}

}  // namespace ckpt::train
