#include "train_loop.h"

#include <cmath>
#include <optional>
#include <vector>

#include "context.h"

namespace ckpt::train {
namespace {

Result<std::optional<Evaluation>> validate(const Training& t) {
  if (t.validator == nullptr) return std::optional<Evaluation>();
  auto evaluation = t.validator->run(*t.held_out, t.reporter.validating());
  if (!evaluation) return std::move(evaluation).error();
  return std::optional(*evaluation);
}

}  // namespace

Result<Ending> train(const Training& t) {
  const std::uint64_t steps_per_epoch = t.images.size() / t.batch;
  std::uint64_t step = t.first_step;
  for (std::uint64_t epoch = step / steps_per_epoch; epoch < t.epochs; ++epoch) {
    const std::vector<std::uint32_t> order = shuffled(t.images.size(), t.seed, epoch);
    for (std::uint64_t in_epoch = step % steps_per_epoch; in_epoch < steps_per_epoch; ++in_epoch) {
      const auto result = t.trainer.step(t.images, std::span(order).subspan(in_epoch * t.batch, t.batch));
      if (!result) return result.error();
      ++step;
      if (!std::isfinite(result->loss)) return Ending{Ending::Why::diverged, step, result->loss};
      const Status saved = t.saver.step_end({epoch + 1, step, steps_per_epoch});
      if (!t.culprit.empty()) return Ending{Ending::Why::diverged, step, result->loss, t.culprit};
      t.reporter.saved(saved);
      t.reporter.step(step, *result, t.learning_rates[t.learning_rates.size() == 1 ? 0 : step - 1]);
      if (cli::interrupted()) return Ending{Ending::Why::interrupted, step, result->loss};
    }
    if (const auto culprit = t.trainer.parameters().not_finite(); !culprit.empty())
      return Ending{Ending::Why::diverged, step, 0, std::string(culprit)};
    const auto validation = validate(t);
    if (!validation && validation.error().code == Errc::cancelled) return Ending{Ending::Why::interrupted, step, 0};
    if (!validation) return validation.error();
    if (*validation && !std::isfinite((*validation)->loss))
      return Ending{Ending::Why::diverged, step, (*validation)->loss};
    std::optional<double> metric;
    if (*validation) metric = t.metric_is_loss ? (*validation)->loss : (*validation)->accuracy;
    t.reporter.saved(t.saver.epoch_end(metric));
    t.reporter.epoch_end(*validation);
  }
  return Ending{Ending::Why::done, step, 0};
}

}  // namespace ckpt::train
