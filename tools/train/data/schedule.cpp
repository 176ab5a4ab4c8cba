#include "data/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ckpt::train {

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
  if (warm_up > 0) list = warmup_lr(schedule.learning_rate, warm_up * steps_per_epoch, 1, warm_up * steps_per_epoch);
  const std::uint64_t rest = (epochs - warm_up) * steps_per_epoch;
  std::vector<double> behind;
  if (schedule.kind == Kind::cosine && rest > 0)
    behind = cosine_decay_lr(schedule.least, schedule.learning_rate, rest, 1, rest);
  if (schedule.kind != Kind::cosine) {
    std::vector<std::uint64_t> milestones;
    std::vector<double> rates = {schedule.learning_rate};
    for (const std::uint64_t epoch : schedule.milestones) {
      milestones.push_back(std::min(epoch, epochs) * steps_per_epoch);
      rates.push_back(rates.back() * schedule.factor);
    }
    milestones.push_back(epochs * steps_per_epoch);
    behind = piecewise_constant_lr(milestones, rates);
    behind.erase(behind.begin(), behind.begin() + static_cast<std::ptrdiff_t>(list.size()));
  }
  list.insert(list.end(), behind.begin(), behind.end());
  return list;
}

}  // namespace ckpt::train
