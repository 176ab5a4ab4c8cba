#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "context.h"
#include "metrics_file.h"
#include "trainer.h"

namespace ckpt::train {

/// Tells how a training goes: a line on a terminal that is written over, elsewhere one a minute; a line an epoch; the
/// metrics file.
class Reporter {
 public:
  using Clock = std::chrono::steady_clock;
  struct Plan {
    std::uint64_t epochs = 1;
    std::uint64_t steps_per_epoch = 1;
    std::uint64_t first_step = 0;  ///< steps that are done already
    std::size_t batch = 1;
    std::uint64_t log_steps = 100;
    std::FILE* err = stderr;  ///< the context's
    std::function<Clock::time_point()> clock = Clock::now;
  };
  Reporter(cli::Context& context, const Plan& plan, std::optional<MetricsFile> metrics);

  /// `step` counts from 1 since training began.
  void step(std::uint64_t step, const Trainer::Step& result, double learning_rate);
  /// A Progress for what is validated meanwhile.
  Progress validating();
  /// Of an epoch that was trained before all this there is only its validation to tell.
  void epoch_end(const std::optional<Evaluation>& validation);
  /// What became of a save: each error is told once. (A full disk has several, which take turns.)
  void saved(const Status& status);
  /// Erases the line on the terminal, for others to write.
  void clear();

 private:
  struct Sum {
    std::uint64_t steps = 0;
    double loss = 0;
    std::size_t right = 0;
    double seconds = 0;
  };

  std::uint64_t epoch() const { return (step_ - 1) / plan_.steps_per_epoch + 1; }
  double loss(const Sum& sum) const { return sum.loss / static_cast<double>(sum.steps); }
  double accuracy(const Sum& sum) const;
  double rate(const Sum& sum) const;
  void count_time();
  void write_metrics();
  void wrote(const Status& status);
  bool is_due();
  void show_step();
  std::string bar() const;
  void say(const std::string& text);

  cli::Context& context_;
  Plan plan_;
  std::optional<MetricsFile> metrics_;
  std::uint64_t step_ = 0;
  double learning_rate_ = 0;
  Sum line_ = {};       // since the last line of the metrics
  Sum epoch_ = {};      // in this epoch
  Sum shown_sum_ = {};  // since the line on the terminal was written
  std::string shown_numbers_ = {};
  Clock::time_point last_;   // until when time is counted
  Clock::time_point shown_;  // when something was said last
  bool visible_ = false;
  std::set<std::string> told_ = {};  // of saving
};

}  // namespace ckpt::train
