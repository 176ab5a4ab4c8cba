#include "train_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "checkpoint_fit.h"
#include "ckpt/checkpoint.h"
#include "ckpt/run_files.h"
#include "ckpt/text.h"
#include "initial_weights.h"
#include "render.h"
#include "usage.h"

namespace ckpt::train {
namespace {

using tools::usage;
namespace fs = std::filesystem;

// A list is saved with each checkpoint, and this many are 64 MB of it.
constexpr std::uint64_t kMostRates = 16'000'000;

bool changes_rates(const Schedule& schedule) {
  return schedule.kind != Schedule::Kind::constant || schedule.warm_up > 0;
}

// A schedule begins at --lr, at the one rate of the file that training resumes from, or at the optimizer's usual one.
Made<Start> with_rates(const TrainCommand& command, Start start, std::span<const double> of_file,
                       std::uint64_t steps_per_epoch) {
  const auto epochs = static_cast<std::uint64_t>(command.epochs);
  if (changes_rates(command.schedule) && epochs * steps_per_epoch > kMostRates)
    return Trouble{"--epochs",
                   usage(fmt::format("a schedule has a learning rate for each step, at most {}, and these are {} steps",
                                     cli::grouped(kMostRates), cli::grouped(epochs * steps_per_epoch)))};
  const double usual = command.training.optimizer.kind == Optimizer::Kind::adam ? 0.001 : 0.01;
  Schedule schedule = command.schedule;
  schedule.learning_rate = command.learning_rate.value_or(of_file.size() == 1 ? of_file.front() : usual);
  if (schedule.least > schedule.learning_rate)
    return Trouble{"--lr-min", usage(fmt::format("is above where it begins, {:.6g}", schedule.learning_rate))};
  start.rates = learning_rates(schedule, epochs, steps_per_epoch);
  return start;
}

// The run of the file that is resumed from; empty where it is of none.
std::optional<RunFiles> resumed_run(const TrainCommand& command, const std::optional<CheckpointName>& name) {
  if (!name) return std::nullopt;
  auto runs = find_runs(command.directory, name->prefix);
  if (!runs || runs->empty()) return std::nullopt;
  return std::move(runs->front());
}

// Whether that run has not recorded how good the file is: it was stopped before that.
bool lacks_validation(const RunFiles& run, const CheckpointName& name) {
  const auto same = [&](const CheckpointFile& file) { return file.epoch == name.epoch && file.step == name.step; };
  const auto file = std::ranges::find_if(run.files, same);
  return run.recorded && file != run.files.end() && !file->metric;
}

// Whether it has whole files of later steps.
bool went_on(const RunFiles& run, const fs::path& directory, std::uint64_t step) {
  return std::ranges::any_of(run.files, [&](const CheckpointFile& file) {
    return file.total_steps.value_or(0) > step && Checkpoint::open(directory / file.name);
  });
}

// All parameters, the optimizer's too. Only the learning rates are there already, and the step, which MindSpore's first
// versions did not save beside a rate that is one number.
std::optional<Trouble> load_resumed(cli::Context& context, const TrainCommand& command, const GivenFile& given,
                                    const graph::Graph& network, std::uint64_t step, Parameters& parameters) {
  const auto counted = static_cast<std::int32_t>(step);
  std::ranges::copy(std::as_bytes(std::span(&counted, 1)), parameters.bytes("global_step").begin());
  const bool counts = given.file->find("global_step") != nullptr;
  std::vector<NetParam> params = parameters.net_params();
  std::erase_if(params, [&](const NetParam& param) {
    return param.name == "learning_rate" || (param.name == "global_step" && !counts);
  });
  const Fit fits = fit(params, *given.file);
  if (!fits.others.empty()) {
    tell_others(context, given.path, fits.others);
    return Trouble{
        given.path, usage("does not fit " + network.name + " with this optimizer"),
        "--optimizer and --freeze must be those of that training; --finetune takes what fits, and begins anew"};
  }
  const auto loaded = load_param_into_net(fits.fitting, *given.file);
  if (!loaded) return Trouble{given.path, loaded.error()};
  const std::vector<double> momentum = floats_in(*given.file, "momentum");
  const bool momentum_given = std::ranges::count(command.optimizer_options, "--momentum") > 0;
  if (momentum_given && !momentum.empty() &&
      static_cast<float>(momentum[0]) != static_cast<float>(command.training.optimizer.momentum))
    context.note(fmt::format("{}: resumes with its momentum, {:.6g}", cli::file_text(given.path), momentum[0]));
  return std::nullopt;
}

// What fits of the network's parameters, without the optimizer's.
std::optional<Trouble> load_finetuned(cli::Context& context, const GivenFile& given, const graph::Graph& network,
                                      Parameters& parameters) {
  std::vector<NetParam> params;
  for (NetParam& param : parameters.net_params()) {
    const auto same = [&](const graph::Value& value) { return value.name == param.name; };
    const auto at = std::ranges::find_if(network.values, same);
    if (at != network.values.end() && at->kind == graph::ValueKind::parameter) params.push_back(std::move(param));
  }
  const Fit fits = fit(params, *given.file);
  tell_others(context, given.path, fits.others);
  if (fits.fitting.empty()) return Trouble{given.path, usage("nothing in it fits " + network.name)};
  const auto loaded = load_param_into_net(fits.fitting, *given.file);
  return loaded ? std::nullopt : std::optional(Trouble{given.path, loaded.error()});
}

}  // namespace

std::optional<CheckpointName> resumed_name(const TrainCommand& command) {
  if (command.resume.empty()) return std::nullopt;
  const fs::path file(command.resume);
  std::error_code none;
  if (!fs::equivalent(file.has_parent_path() ? file.parent_path() : ".", command.directory, none)) return std::nullopt;
  return checkpoint_name_from(file.filename().string());
}

Made<Start> find_start(cli::Context& context, const TrainCommand& command, const GivenFile& given,
                       std::uint64_t steps_per_epoch) {
  const auto epochs = static_cast<std::uint64_t>(command.epochs);
  const std::uint64_t steps = epochs * steps_per_epoch;
  if (command.resume.empty()) return with_rates(command, {}, {}, steps_per_epoch);
  auto standing = train::standing(*given.file, given.path, steps_per_epoch);
  if (!standing)
    return Trouble{given.path, standing.error(),
                   standing.error().code == Errc::mismatch ? "--batch and --data must be those of that training"
                                                           : "--finetune begins anew with its weights"};
  const auto name = resumed_name(command);
  const auto run = resumed_run(command, name);
  Start start{.step = standing->step};
  start.went_on = run && went_on(*run, command.directory, start.step);
  start.validates_first =
      run && validates(command) && start.step > 0 && start.step % steps_per_epoch == 0 && lacks_validation(*run, *name);
  if (start.step > steps || (start.step == steps && !start.validates_first))
    return Trouble{
        given.path,
        usage(fmt::format("{} trained already", cli::counted(epochs, "epoch") + (epochs == 1 ? " is" : " are"))),
        "--epochs says how many it shall be together"};
  if (command.seed && standing->seed && static_cast<std::int64_t>(*command.seed) != *standing->seed)
    context.note(fmt::format("{}: was trained with --seed {}", cli::file_text(given.path), *standing->seed));
  if (command.schedule_given || standing->learning_rates.empty())
    return with_rates(command, std::move(start), standing->learning_rates, steps_per_epoch);
  start.rates = std::move(standing->learning_rates);
  if (start.rates.size() > 1 && start.rates.size() < steps)
    return Trouble{given.path,
                   usage(fmt::format("has learning rates for {} steps, and there shall be {}",
                                     cli::grouped(start.rates.size()), cli::grouped(steps))),
                   "--lr and --schedule give others"};
  return start;
}

std::optional<Trouble> load_weights(cli::Context& context, const TrainCommand& command, const GivenFile& given,
                                    const graph::Graph& network, std::uint64_t seed, std::uint64_t step,
                                    Parameters& parameters) {
  initialise(network, seed, parameters);
  std::optional<Trouble> trouble;
  if (!command.resume.empty()) trouble = load_resumed(context, command, given, network, step, parameters);
  if (!command.finetune.empty()) trouble = load_finetuned(context, given, network, parameters);
  if (trouble) return trouble;
  const auto bad = parameters.not_finite();
  if (bad.empty()) return std::nullopt;
  return Trouble{given.path, {.code = Errc::mismatch, .message = '"' + escape(bad) + "\" has NaN or infinite values"}};
}

}  // namespace ckpt::train
