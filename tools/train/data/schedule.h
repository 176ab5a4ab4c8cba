#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ckpt::train {

/// MindSpore's lists of learning rates (nn/dynamic_lr.py), one a step, to the last bit of a double.

/// Rate i until step milestones[i], where they rise; as long as the last of them.
std::vector<double> piecewise_constant_lr(std::span<const std::uint64_t> milestones, std::span<const double> rates);

/// From max_lr to min_lr along a cosine within decay_epoch epochs; the rate of an epoch is one.
std::vector<double> cosine_decay_lr(double min_lr, double max_lr, std::uint64_t total_step,
                                    std::uint64_t step_per_epoch, std::uint64_t decay_epoch);

/// learning_rate · decay_rate to the power of the epochs that have passed / decay_epoch; with is_stair of that the
/// whole number.
std::vector<double> exponential_decay_lr(double learning_rate, double decay_rate, std::uint64_t total_step,
                                         std::uint64_t step_per_epoch, std::uint64_t decay_epoch, bool is_stair);

/// learning_rate · e to the power of -decay_rate · epochs; with is_stair of those the last multiple of decay_epoch.
std::vector<double> natural_exp_decay_lr(double learning_rate, double decay_rate, std::uint64_t total_step,
                                         std::uint64_t step_per_epoch, std::uint64_t decay_epoch, bool is_stair);

/// learning_rate / (1 + decay_rate · epochs / decay_epoch); with is_stair of the quotient the whole number.
std::vector<double> inverse_decay_lr(double learning_rate, double decay_rate, std::uint64_t total_step,
                                     std::uint64_t step_per_epoch, std::uint64_t decay_epoch, bool is_stair);

/// From learning_rate to end_learning_rate within decay_epoch epochs, along (1 - epochs / decay_epoch) to the power.
std::vector<double> polynomial_decay_lr(double learning_rate, double end_learning_rate, std::uint64_t total_step,
                                        std::uint64_t step_per_epoch, std::uint64_t decay_epoch, double power);

/// From 0 to learning_rate in warmup_epoch epochs, linearly.
std::vector<double> warmup_lr(double learning_rate, std::uint64_t total_step, std::uint64_t step_per_epoch,
                              std::uint64_t warmup_epoch);

/// The rates of a training, made of these.
struct Schedule {
  enum class Kind : std::uint8_t { constant, step, exponential, natural_exp, inverse, cosine, polynomial };
  Kind kind = Kind::constant;
  double learning_rate = 0.01;
  double least = 0;                            ///< of cosine and polynomial: where it ends
  double power = 1;                            ///< of polynomial
  double decay_rate = 0.9;                     ///< of exponential, natural_exp, inverse
  std::uint64_t decay_epochs = 0;              ///< 0: of cosine and polynomial all of them, of the others 1
  bool stair = false;                          ///< of exponential, natural_exp, inverse
  std::vector<std::uint64_t> milestones = {};  ///< of step: after these epochs, which rise,
  double factor = 0.1;                         ///< the rate is multiplied by this
  std::uint64_t warm_up = 0;                   ///< epochs; step by step, in front of the rest
};

/// A single rate, or one for each step: cosine, polynomial and warm-up change from step to step (an epoch of theirs is
/// a step), the others from epoch to epoch.
std::vector<double> learning_rates(const Schedule& schedule, std::uint64_t epochs, std::uint64_t steps_per_epoch);

}  // namespace ckpt::train
