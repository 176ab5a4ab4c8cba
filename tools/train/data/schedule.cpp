#include "data/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ckpt::train {
namespace {

// What `rate` says of each epoch, for its steps.
template <class Rate>
std::vector<double> by_epoch(std::uint64_t total_step, std::uint64_t step_per_epoch, const Rate& rate) {
  std::vector<double> list;
  for (std::uint64_t i = 0; i < total_step; ++i) list.push_back(rate(static_cast<double>(i / step_per_epoch)));
  return list;
}

double stair(double x, bool is_stair) { return is_stair ? std::floor(x) : x; }

// The rates after a warm-up.
std::vector<double> decayed(const Schedule& s, std::uint64_t epochs, std::uint64_t steps_per_epoch) {
  using Kind = Schedule::Kind;
  const std::uint64_t steps = epochs * steps_per_epoch;
  const std::uint64_t all = (s.decay_epochs > 0 ? s.decay_epochs : epochs) * steps_per_epoch;
  const std::uint64_t each = std::max<std::uint64_t>(s.decay_epochs, 1);
  switch (s.kind) {
    case Kind::exponential:
      return exponential_decay_lr(s.learning_rate, s.decay_rate, steps, steps_per_epoch, each, s.stair);
    case Kind::natural_exp:
      return natural_exp_decay_lr(s.learning_rate, s.decay_rate, steps, steps_per_epoch, each, s.stair);
    case Kind::inverse:
      return inverse_decay_lr(s.learning_rate, s.decay_rate, steps, steps_per_epoch, each, s.stair);
    case Kind::cosine:
      return cosine_decay_lr(s.least, s.learning_rate, steps, 1, all);
    case Kind::polynomial:
      return polynomial_decay_lr(s.learning_rate, s.least, steps, 1, all, s.power);
    default:
      return std::vector<double>(static_cast<std::size_t>(steps), s.learning_rate);
  }
}

}  // namespace

std::vector<double> piecewise_constant_lr(std::span<const std::uint64_t> milestones, std::span<const double> rates) {
  std::vector<double> list;
  for (std::size_t i = 0; i < milestones.size(); ++i) list.resize(static_cast<std::size_t>(milestones[i]), rates[i]);
  return list;
}

std::vector<double> cosine_decay_lr(double min_lr, double max_lr, std::uint64_t total_step,
                                    std::uint64_t step_per_epoch, std::uint64_t decay_epoch) {
  const double delta = 0.5 * (max_lr - min_lr);
  std::vector<double> list;
  for (std::uint64_t i = 0; i < total_step; ++i) {
    const auto epoch = static_cast<double>(std::min(i / step_per_epoch, decay_epoch));
    list.push_back(min_lr + delta * (1 + std::cos(std::numbers::pi * epoch / static_cast<double>(decay_epoch))));
  }
  return list;
}

std::vector<double> exponential_decay_lr(double learning_rate, double decay_rate, std::uint64_t total_step,
                                         std::uint64_t step_per_epoch, std::uint64_t decay_epoch, bool is_stair) {
  return by_epoch(total_step, step_per_epoch, [&](double epoch) {
    return learning_rate * std::pow(decay_rate, stair(epoch / static_cast<double>(decay_epoch), is_stair));
  });
}

std::vector<double> natural_exp_decay_lr(double learning_rate, double decay_rate, std::uint64_t total_step,
                                         std::uint64_t step_per_epoch, std::uint64_t decay_epoch, bool is_stair) {
  const auto each = static_cast<double>(decay_epoch);
  return by_epoch(total_step, step_per_epoch, [&](double epoch) {
    const double passed = is_stair ? std::floor(epoch / each) * each : epoch;
    return learning_rate * std::pow(std::numbers::e, -decay_rate * passed);
  });
}

std::vector<double> inverse_decay_lr(double learning_rate, double decay_rate, std::uint64_t total_step,
                                     std::uint64_t step_per_epoch, std::uint64_t decay_epoch, bool is_stair) {
  const auto each = static_cast<double>(decay_epoch);
  return by_epoch(total_step, step_per_epoch, [&](double epoch) {
    const double passed = is_stair ? decay_rate * std::floor(epoch / each) : decay_rate * epoch / each;
    return learning_rate / (1 + passed);
  });
}

std::vector<double> polynomial_decay_lr(double learning_rate, double end_learning_rate, std::uint64_t total_step,
                                        std::uint64_t step_per_epoch, std::uint64_t decay_epoch, double power) {
  const auto last = static_cast<double>(decay_epoch);
  const double delta = learning_rate - end_learning_rate;
  return by_epoch(total_step, step_per_epoch, [&](double epoch) {
    return delta * std::pow(1 - std::min(epoch, last) / last, power) + end_learning_rate;
  });
}

std::vector<double> warmup_lr(double learning_rate, std::uint64_t total_step, std::uint64_t step_per_epoch,
                              std::uint64_t warmup_epoch) {
  std::vector<double> list;
  for (std::uint64_t i = 0; i < total_step; ++i)
    list.push_back(learning_rate * static_cast<double>(std::min(i / step_per_epoch, warmup_epoch)) /
                   static_cast<double>(warmup_epoch));
  return list;
}

std::vector<double> learning_rates(const Schedule& schedule, std::uint64_t epochs, std::uint64_t steps_per_epoch) {
  using Kind = Schedule::Kind;
  if (schedule.kind == Kind::constant && schedule.warm_up == 0) return {schedule.learning_rate};
  const std::uint64_t warm_up = std::min(schedule.warm_up, epochs);
  std::vector<double> list;
  if (warm_up > 0)
    list = warmup_lr(schedule.learning_rate, warm_up * steps_per_epoch, 1, schedule.warm_up * steps_per_epoch);
  std::vector<double> rest;
  if (schedule.kind == Kind::step) {  // whose epochs count those of the warm-up, too
    std::vector<std::uint64_t> milestones;
    std::vector<double> rates = {schedule.learning_rate};
    for (const std::uint64_t epoch : schedule.milestones) {
      milestones.push_back(std::min(epoch, epochs) * steps_per_epoch);
      rates.push_back(rates.back() * schedule.factor);
    }
    milestones.push_back(epochs * steps_per_epoch);
    rest = piecewise_constant_lr(milestones, rates);
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(list.size()));
  } else if (warm_up < epochs) {
    rest = decayed(schedule, epochs - warm_up, steps_per_epoch);
  }
  list.insert(list.end(), rest.begin(), rest.end());
  return list;
}

}  // namespace ckpt::train
