#include "train_run.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/text.h"
#include "evaluate.h"
#include "metrics_file.h"
#include "reporter.h"
#include "select.h"
#include "train_ending.h"
#include "train_loop.h"
#include "train_saver.h"
#include "train_setup.h"
#include "train_start.h"
#include "trainer.h"
#include "training_images.h"
#include "usage.h"

namespace ckpt::train {
namespace {

Made<Trainer> make_trainer(const TrainCommand& command, const graph::Graph& network, const std::vector<double>& rates) {
  auto frozen = tools::Selection::create({.patterns = command.freeze});
  if (!frozen) return Trouble{"--freeze", frozen.error()};
  TrainingOptions options = command.training;
  options.optimizer.learning_rate = rates;
  if (!command.freeze.empty()) options.frozen = [&](std::string_view name) { return frozen->matches(name); };
  auto trainer = Trainer::make(network, options, command.threads);
  if (!trainer) return Trouble{network.name, trainer.error()};
  if (const std::string unused = frozen->unused(); !unused.empty())
    return Trouble{"--freeze", tools::usage("nothing matches '" + escape(unused) + "'")};
  return std::move(*trainer);
}

Trouble metrics_trouble(const TrainCommand& command, Error error) {
  std::error_code none;
  const bool in_the_way = error.code == Errc::usage && std::filesystem::exists(command.metrics, none);
  return {command.metrics, std::move(error), in_the_way ? "this run wants a file of its own" : ""};
}

// Where that fails nothing is made, and where saving does, nothing is cut: it is opened first, and begun last.
Made<std::optional<MetricsFile>> open_metrics(const TrainCommand& command, const Start& start) {
  if (command.metrics.empty()) return std::optional<MetricsFile>();
  const bool continues = resumed_name(command) && !start.went_on;
  auto file = MetricsFile::open(command.metrics, continues ? std::optional(start.step) : std::nullopt);
  if (file) return std::optional(std::move(*file));
  return metrics_trouble(command, std::move(file).error());
}

std::optional<Trouble> begin_metrics(const TrainCommand& command, std::optional<MetricsFile>& metrics,
                                     const ModelCheckpoint& saver) {
  if (!metrics) return std::nullopt;
  const auto status = metrics->begin(continues_run(command, saver));
  return status ? std::nullopt : std::optional(metrics_trouble(command, status.error()));
}

// For the images that are held out, if any are.
Made<std::optional<Evaluator>> make_evaluator(const TrainCommand& command, const graph::Graph& network,
                                              Trainer& trainer, const TrainingImages& images) {
  if (!images.held_out) return std::optional<Evaluator>();
  auto evaluator = Evaluator::make(network, trainer.parameters(), command.threads);
  if (!evaluator) return Trouble{network.name, evaluator.error()};
  return std::optional(std::move(*evaluator));
}

// What the test images say at the end, where they were not all there is to validate on.
int tell_test(cli::Context& context, const TrainCommand& command, const graph::Graph& network, Evaluator& evaluator,
              ImageFeed& images) {
  const auto test = evaluator.run(images, context.counting("test"));
  if (!test) return tell(context, {"", test.error()});
  context.write("test images: " + text_of(*test, feed_options(command, network)) + '\n');
  return cli::kDone;
}

// From the images to the end. What the command asks for is looked at before anything is made.
int train_network(cli::Context& context, const TrainCommand& command, const GivenFile& given,
                  const graph::Graph& network) {
  const std::uint64_t seed = seed_of(command, given);
  auto images = load_training_images(command, network, seed);
  if (!images) return tell(context, images.trouble);
  auto start = find_start(context, command, given, images->steps_per_epoch);
  if (!start) return tell(context, start.trouble);
  auto metrics = open_metrics(command, *start);
  if (!metrics) return tell(context, metrics.trouble);

  auto trainer = make_trainer(command, network, start->rates);
  if (!trainer) return tell(context, trainer.trouble);
  auto evaluator = make_evaluator(command, network, *trainer, *images);
  if (!evaluator) return tell(context, evaluator.trouble);
  if (const auto trouble = load_weights(context, command, given, network, seed, start->step, trainer->parameters()))
    return tell(context, *trouble);

  FiniteParams params(trainer->parameters());
  auto saver = open_saver(context, command, trainer->graph(), params, seed, *start);
  if (!saver) return tell(context, saver.trouble);
  if (const auto trouble = begin_metrics(command, *metrics, *saver)) return tell(context, *trouble);
  const auto epochs = static_cast<std::uint64_t>(command.epochs);
  const auto batch = static_cast<std::size_t>(command.batch);
  Reporter reporter(context,
                    {.epochs = epochs,
                     .steps_per_epoch = images->steps_per_epoch,
                     .first_step = start->step,
                     .batch = batch,
                     .log_steps = static_cast<std::uint64_t>(command.log_steps)},
                    std::move(*metrics));
  const auto ending = train({.trainer = *trainer,
                             .images = images->trained,
                             .saver = *saver,
                             .reporter = reporter,
                             .validator = validates(command) ? &**evaluator : nullptr,
                             .held_out = images->held_out ? &*images->held_out : nullptr,
                             .metric_is_loss = command.best == "loss",
                             .culprit = params.culprit(),
                             .learning_rates = start->rates,
                             .seed = seed,
                             .epochs = epochs,
                             .batch = batch,
                             .first_step = start->step,
                             .validates_first = start->validates_first});
  reporter.clear();
  if (!ending) return context.fail(network.name, ending.error());
  const int exit = conclude(context, command, *ending, std::move(*saver), params, images->steps_per_epoch);
  if (exit != cli::kDone || !*evaluator || command.hold_out) return exit;
  return tell_test(context, command, network, **evaluator, *images->held_out);
}

}  // namespace

int run(cli::Context& context, TrainCommand command) {
  auto given = open_given(command);
  if (!given) return tell(context, given.trouble);
  if (!command.resume.empty() && !command.optimizer_given)
    command.training.optimizer.kind = optimizer_of(*given->file).value_or(command.training.optimizer.kind);
  if (const std::string wrong = misplaced_option(command); !wrong.empty())
    return tell(context, {given->path, tools::usage(wrong), "its optimizer is that of the file"});
  auto network = make_trained_network(context, command, *given);
  if (!network) return tell(context, network.trouble);
  if (!command.eval.empty()) return evaluate(context, command, *given, *network);
  return train_network(context, command, *given, *network);
}

}  // namespace ckpt::train
