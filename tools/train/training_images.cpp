#include "training_images.h"

#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include "render.h"
#include "usage.h"

namespace ckpt::train {
namespace {

using tools::usage;

// What training is validated on: the last of its own images, which it loses, or those for tests.
Made<std::optional<ImageSet>> load_held_out(const TrainCommand& command, std::size_t classes, std::uint64_t seed,
                                            ImageSet& trained) {
  if (!command.hold_out) {
    auto images = load_images(command, Part::test, classes, seed, !command.best.empty());
    if (!images && images.trouble.error.code == Errc::usage)
      images.trouble.hint = "--hold-out takes some of the training images";
    return images;
  }
  if (*command.hold_out == 0 || *command.hold_out >= trained.size())
    return Trouble{"--hold-out", usage("some of the " + cli::counted(trained.size(), "image") + ", and not all")};
  return std::optional(hold_out(trained, static_cast<std::size_t>(*command.hold_out)));
}

}  // namespace

Made<TrainingImages> load_training_images(const TrainCommand& command, const graph::Graph& network,
                                          std::uint64_t seed) {
  const std::size_t classes = classes_of(network);
  auto trained = load_images(command, Part::train, classes, seed, true);
  if (!trained) return std::move(trained.trouble);
  auto held_out = load_held_out(command, classes, seed, **trained);
  if (!held_out) return std::move(held_out.trouble);
  const FeedOptions options = feed_options(command, network);
  TrainingImages images{.trained = ImageFeed(std::move(**trained), options)};
  if (*held_out) images.held_out.emplace(std::move(**held_out), options);

  const auto batch = static_cast<std::uint64_t>(command.batch);
  images.steps_per_epoch = images.trained.size() / batch;
  if (images.steps_per_epoch == 0)
    return Trouble{"--batch", usage(fmt::format("{} images a step are more than there are, {}", cli::grouped(batch),
                                                cli::grouped(images.trained.size())))};
  constexpr std::uint64_t kMostSteps = 2'000'000'000;  // MindSpore counts them in an Int32
  if (images.steps_per_epoch > kMostSteps / static_cast<std::uint64_t>(command.epochs))
    return Trouble{"--epochs", usage("these are more than " + cli::grouped(kMostSteps) + " steps")};
  return images;
}

}  // namespace ckpt::train
