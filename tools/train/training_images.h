#pragma once

#include <cstdint>
#include <optional>

#include "data/image_feed.h"
#include "graph.h"
#include "train_options.h"
#include "train_setup.h"

namespace ckpt::train {

/// What a training sees.
struct TrainingImages {
  ImageFeed trained;
  std::optional<ImageFeed> held_out = {};  ///< those of --hold-out, or the test files; empty where there are none
  std::uint64_t steps_per_epoch = 1;
};

/// The images of the command's data. It is trouble where there are not enough for a step, or too many steps to count.
Made<TrainingImages> load_training_images(const TrainCommand& command, const graph::Graph& network, std::uint64_t seed);

}  // namespace ckpt::train
