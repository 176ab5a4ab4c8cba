#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "ckpt/error.h"
#include "ckpt/manager.h"
#include "data/image_feed.h"
#include "reporter.h"
#include "trainer.h"

namespace ckpt::train {

/// What a training is made of.
struct Training {
  Trainer& trainer;
  ImageFeed& images;
  ModelCheckpoint& saver;
  Reporter& reporter;
  Evaluator* validator = nullptr;  ///< null: nothing is validated between epochs
  ImageFeed* held_out = nullptr;
  bool metric_is_loss = false;  ///< what the saver is told of a validation; else the accuracy
  const std::string& culprit;   ///< the parameter because of which a save was not made; empty where none was
  std::span<const double> learning_rates = {};
  std::uint64_t seed = 1;
  std::uint64_t epochs = 1;
  std::size_t batch = 1;
  std::uint64_t first_step = 0;  ///< steps that are done already
  bool validates_first = false;  ///< the last of them ended an epoch, which is yet to be validated
};

struct Ending {
  enum class Why : std::uint8_t { done, interrupted, diverged };
  Why why = Why::done;
  std::uint64_t step = 0;    ///< the last one
  double loss = 0;           ///< its loss, or that of the validation after it
  std::string culprit = {};  ///< of diverged: the parameter that is not finite, where it is not the loss
};

/// Trains. The order of the images is a matter of seed and epoch alone, and all that a step changes is among the
/// parameters: so resuming after any step is as if nothing had happened. It ends where a loss is not finite, or at a
/// save or the end of an epoch a parameter: behind a ReLU the loss does not show that. Then nothing is saved. Errors:
/// those of a step; of saving none, they are reported. It does not end the saver.
Result<Ending> train(const Training& training);

}  // namespace ckpt::train
