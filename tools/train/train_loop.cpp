#include "train_loop.h"

#include <cmath>
#include <optional>
#include <vector>

#include "context.h"

namespace ckpt::train {
namespace {

// What is to be done at the end of an epoch; how the training ends, where it ends here.
Result<std::optional<Ending>> end_epoch(const Training& t, std::uint64_t step) {
  if (const auto culprit = t.trainer.parameters().not_finite(); !culprit.empty())
    return std::optional(Ending{Ending::Why::diverged, step, 0, std::string(culprit)});
  std::optional<Evaluation> validation;
  std::optional<double> metric;
  if (t.validator != nullptr) {
    auto result = t.validator->run(*t.held_out, t.reporter.validating());
    if (!result && result.error().code == Errc::cancelled)
      return std::optional(Ending{Ending::Why::interrupted, step, 0});
    if (!result) return std::move(result).error();
    if (!std::isfinite(result->loss)) return std::optional(Ending{Ending::Why::diverged, step, result->loss});
    validation = *result;
    metric = t.metric_is_loss ? result->loss : result->accuracy;
  }
  t.reporter.epoch_end(validation);
  t.reporter.saved(t.saver.epoch_end(metric));  // the last: who resumes asks for this metric, whether all was done
  return std::optional<Ending>();
}

}  // namespace

Result<Ending> train(const Training& t) {
  const std::uint64_t steps_per_epoch = t.images.size() / t.batch;
  std::uint64_t step = t.first_step;
  if (t.validates_first) {
    t.reporter.saved(t.saver.step_end({step / steps_per_epoch, step, steps_per_epoch}));  // which is saved already
    const auto ending = end_epoch(t, step);
    if (!ending) return ending.error();
    if (*ending) return **ending;
  }
  for (std::uint64_t epoch = step / steps_per_epoch; epoch < t.epochs; ++epoch) {
    const std::vector<std::uint32_t> order = shuffled(t.images.size(), t.seed, epoch);
    for (std::uint64_t in_epoch = step % steps_per_epoch; in_epoch < steps_per_epoch; ++in_epoch) {
      const auto result = t.trainer.step(t.images, std::span(order).subspan(in_epoch * t.batch, t.batch));
      if (!result) return result.error();
      ++step;
      if (!std::isfinite(result->loss)) return Ending{Ending::Why::diverged, step, result->loss};
      // Before it is saved: who resumes from here finds its line, and who does not cuts it off.
      t.reporter.step(step, *result, t.learning_rates[t.learning_rates.size() == 1 ? 0 : step - 1]);
      const Status saved = t.saver.step_end({epoch + 1, step, steps_per_epoch});
      if (!t.culprit.empty()) return Ending{Ending::Why::diverged, step, result->loss, t.culprit};
      t.reporter.saved(saved);
      if (cli::interrupted()) return Ending{Ending::Why::interrupted, step, result->loss};
    }
    const auto ending = end_epoch(t, step);
    if (!ending) return ending.error();
    if (*ending) return **ending;
  }
  return Ending{Ending::Why::done, step, 0};
}

}  // namespace ckpt::train
