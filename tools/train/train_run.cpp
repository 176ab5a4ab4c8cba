#include "train_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "checkpoint_fit.h"
#include "ckpt/run_files.h"
#include "ckpt/text.h"
#include "ckpt/validate.h"
#include "evaluate.h"
#include "initial_weights.h"
#include "meta_file.h"
#include "metrics_file.h"
#include "render.h"
#include "reporter.h"
#include "select.h"
#include "train_loop.h"
#include "train_setup.h"
#include "trainer.h"
#include "usage.h"

namespace ckpt::train {
namespace {

using tools::usage;
namespace fs = std::filesystem;

bool is_in(const fs::path& file, const fs::path& directory) {
  std::error_code none;
  return fs::equivalent(file.has_parent_path() ? file.parent_path() : ".", directory, none);
}

/// Training from the images to its end.
class Run {
 public:
  Run(cli::Context& context, const TrainCommand& command, const GivenFile& given, graph::Graph network)
      : context_(context), command_(command), given_(given), network_(std::move(network)) {
    seed_ = seed_of(command, given);
    batch_ = static_cast<std::size_t>(command.batch);
  }

  int run();

 private:
  bool load_data();
  bool find_start();
  bool make_rates(std::span<const double> of_file);
  bool make_trainer();
  bool load_weights();
  bool load_resumed();
  bool load_finetuned();
  std::vector<Param> to_save();
  bool open_saver();
  std::optional<std::uint64_t> metrics_begin() const {  // the step after which the file continues
    return command_.resume.empty() ? std::nullopt : std::optional(first_step_);
  }
  bool check_metrics();
  bool open_metrics(std::optional<MetricsFile>& metrics);
  int finish(const Ending& ending);
  int tell_divergence(const Ending& ending);
  void tell_best();

  bool fail(const Trouble& trouble) {
    exit_ = tell(context_, trouble);
    return false;
  }
  bool fail(std::string where, Error error, std::string hint = {}) {
    return fail(Trouble{std::move(where), std::move(error), std::move(hint)});
  }

  cli::Context& context_;
  const TrainCommand& command_;
  const GivenFile& given_;
  graph::Graph network_;
  std::uint64_t seed_ = 1;
  std::size_t batch_ = 1;
  int exit_ = cli::kFailed;

  std::optional<ImageFeed> images_ = {};
  std::optional<ImageFeed> held_out_ = {};
  std::uint64_t steps_per_epoch_ = 1;
  std::uint64_t first_step_ = 0;
  bool validates_first_ = false;
  std::vector<double> rates_ = {};
  std::optional<Trainer> trainer_ = {};
  std::optional<Evaluator> validator_ = {};
  std::string culprit_ = {};                   // the parameter that was not finite when there was something to save
  std::optional<ModelCheckpoint> saver_ = {};  // behind what it saves
};

bool Run::load_data() {
  const std::size_t classes = classes_of(network_);
  auto train = load_images(command_, Part::train, classes, seed_, true);
  if (!train) return fail(train.trouble);
  std::optional<ImageSet> held_out;
  if (command_.hold_out) {
    if (*command_.hold_out == 0 || *command_.hold_out >= (*train)->size())
      return fail("--hold-out", usage("some of the " + cli::counted((*train)->size(), "image") + ", and not all"));
    held_out = hold_out(**train, static_cast<std::size_t>(*command_.hold_out));
  } else {
    auto test = load_images(command_, Part::test, classes, seed_, !command_.best.empty());
    if (!test) return fail(test.trouble);
    held_out = std::move(*test);
  }
  const FeedOptions options = feed_options(command_, network_);
  if (held_out) held_out_.emplace(std::move(*held_out), options);
  images_.emplace(std::move(**train), options);
  steps_per_epoch_ = images_->size() / batch_;
  if (steps_per_epoch_ == 0)
    return fail("--batch", usage(fmt::format("{} images a step are more than there are, {}", cli::grouped(batch_),
                                             cli::grouped(images_->size()))));
  constexpr std::uint64_t kMostSteps = 2'000'000'000;  // MindSpore counts them in an Int32
  if (steps_per_epoch_ > kMostSteps / static_cast<std::uint64_t>(command_.epochs))
    return fail("--epochs", usage("these are more than " + cli::grouped(kMostSteps) + " steps"));
  return true;
}

// Whether the run that saved the file here has not recorded how good it is: it was stopped before that.
bool lacks_validation(const TrainCommand& command, const fs::path& path) {
  const auto name = checkpoint_name_from(path.filename().string());
  if (!name || !is_in(path, command.directory)) return false;
  const auto runs = find_runs(command.directory, name->prefix);
  if (!runs || runs->empty() || !runs->front().recorded) return false;
  const auto same = [&](const CheckpointFile& file) { return file.epoch == name->epoch && file.step == name->step; };
  const auto file = std::ranges::find_if(runs->front().files, same);
  return file != runs->front().files.end() && !file->metric;
}

// The step that training resumes after, and the learning rates.
bool Run::find_start() {
  const auto epochs = static_cast<std::uint64_t>(command_.epochs);
  if (command_.resume.empty()) return make_rates({});
  const auto standing = train::standing(*given_.file, given_.path, steps_per_epoch_);
  if (!standing) return fail(given_.path, standing.error(), "--batch and --data must be those of that training");
  first_step_ = standing->step;
  const std::uint64_t steps = epochs * steps_per_epoch_;
  const bool validates = !command_.best.empty() || command_.hold_out;
  validates_first_ =
      validates && first_step_ > 0 && first_step_ % steps_per_epoch_ == 0 && lacks_validation(command_, given_.path);
  if (first_step_ > steps || (first_step_ == steps && !validates_first_))
    return fail(
        given_.path,
        usage(fmt::format("{} trained already", cli::counted(epochs, "epoch") + (epochs == 1 ? " is" : " are"))),
        "--epochs says how many it shall be together");
  if (command_.seed && standing->seed && static_cast<std::int64_t>(*command_.seed) != *standing->seed)
    context_.note(fmt::format("{}: was trained with --seed {}", cli::file_text(given_.path), *standing->seed));
  if (command_.schedule_given || standing->learning_rates.empty()) return make_rates(standing->learning_rates);
  rates_ = standing->learning_rates;
  if (rates_.size() > 1 && rates_.size() < steps)
    return fail(given_.path,
                usage(fmt::format("has learning rates for {} steps, and there shall be {}", cli::grouped(rates_.size()),
                                  cli::grouped(steps))),
                "--lr and --schedule give others");
  return true;
}

// A schedule begins at --lr, at the one rate of the file that training resumes from, or at the optimizer's usual one.
bool Run::make_rates(std::span<const double> of_file) {
  const double usual = command_.training.optimizer.kind == Optimizer::Kind::adam ? 0.001 : 0.01;
  Schedule schedule = command_.schedule;
  schedule.learning_rate = command_.learning_rate.value_or(of_file.size() == 1 ? of_file.front() : usual);
  if (schedule.least > schedule.learning_rate)
    return fail("--lr-min", usage(fmt::format("is above where it begins, {:.6g}", schedule.learning_rate)));
  rates_ = learning_rates(schedule, static_cast<std::uint64_t>(command_.epochs), steps_per_epoch_);
  return true;
}

bool Run::make_trainer() {
  auto frozen = tools::Selection::create({.patterns = command_.freeze});
  if (!frozen) return fail("--freeze", frozen.error());
  TrainingOptions options = command_.training;
  options.optimizer.learning_rate = rates_;
  if (!command_.freeze.empty()) options.frozen = [&](std::string_view name) { return frozen->matches(name); };
  auto trainer = Trainer::make(network_, options, command_.threads);
  if (!trainer) return fail(network_.name, trainer.error());
  if (const std::string unused = frozen->unused(); !unused.empty())
    return fail("--freeze", usage("nothing matches '" + escape(unused) + "'"));
  trainer_.emplace(std::move(*trainer));
  if (!held_out_) return true;
  auto validator = Evaluator::make(network_, trainer_->parameters(), command_.threads);
  if (!validator) return fail(network_.name, validator.error());
  validator_.emplace(std::move(*validator));
  return true;
}

bool Run::load_weights() {
  initialise(network_, seed_, trainer_->parameters());
  if (!command_.resume.empty() && !load_resumed()) return false;
  if (!command_.finetune.empty() && !load_finetuned()) return false;
  const auto bad = trainer_->parameters().not_finite();
  return bad.empty() || fail(given_.path, Error{.code = Errc::mismatch,
                                                .message = '"' + escape(bad) + "\" has NaN or infinite values"});
}

// All parameters, the optimizer's too. Only the learning rates are there already.
bool Run::load_resumed() {
  std::vector<NetParam> params = trainer_->parameters().net_params();
  std::erase_if(params, [](const NetParam& param) { return param.name == "learning_rate"; });
  const Fit fits = fit(params, *given_.file);
  if (!fits.others.empty()) {
    tell_others(context_, given_.path, fits.others);
    return fail(given_.path, usage("does not fit " + network_.name + " with this optimizer"),
                "--finetune takes what fits of its weights, and begins anew");
  }
  const auto loaded = load_param_into_net(fits.fitting, *given_.file);
  if (!loaded) return fail(given_.path, loaded.error());
  const std::vector<double> momentum = floats_in(*given_.file, "momentum");
  const bool momentum_given = std::ranges::count(command_.optimizer_options, "--momentum") > 0;
  if (momentum_given && !momentum.empty() &&
      momentum[0] != static_cast<double>(static_cast<float>(command_.training.optimizer.momentum)))
    context_.note(fmt::format("{}: resumes with its momentum, {:.6g}", cli::file_text(given_.path), momentum[0]));
  return true;
}

bool Run::load_finetuned() {
  std::vector<NetParam> params;
  for (NetParam& param : trainer_->parameters().net_params()) {
    const auto same = [&](const graph::Value& value) { return value.name == param.name; };
    const auto at = std::ranges::find_if(network_.values, same);
    if (at != network_.values.end() && at->kind == graph::ValueKind::parameter) params.push_back(std::move(param));
  }
  const Fit fits = fit(params, *given_.file);
  tell_others(context_, given_.path, fits.others);
  if (fits.fitting.empty()) return fail(given_.path, usage("nothing in it fits " + network_.name));
  const auto loaded = load_param_into_net(fits.fitting, *given_.file);
  return loaded || fail(given_.path, loaded.error());
}

// Nothing where a parameter is not finite: what is there already is better.
std::vector<Param> Run::to_save() {
  culprit_ = trainer_->parameters().not_finite();
  return culprit_.empty() ? trainer_->parameters().params() : std::vector<Param>();
}

Status save_if_any(const fs::path& path, std::span<const Param> params, std::span<const AppendValue> append,
                   const WriteOptions& options) {
  if (params.empty()) return usage("the parameters are not finite");
  return save_checkpoint(path, params, append, options);
}

// The newest file of the last run in the directory continues that run under its prefix; everything else begins a run.
// So does an older one: what was saved after it is of another training.
bool Run::open_saver() {
  auto meta = graph::to_meta(trainer_->graph());
  if (!meta) return fail(network_.name, meta.error());
  CheckpointConfig config = command_.config;
  config.append_info.values.push_back({"seed", static_cast<std::int64_t>(seed_)});
  auto name = checkpoint_name_from(fs::path(given_.path).filename().string());
  if (command_.resume.empty() || !is_in(given_.path, command_.directory)) name.reset();
  const std::string prefix = command_.prefix.value_or(name ? name->prefix : "CKP");
  const auto create = [&](bool resume) {
    config.resume = resume;
    return ModelCheckpoint::create(prefix, command_.directory, config,
                                   {.params = [this] { return to_save(); }, .save = save_if_any, .graph = *meta});
  };
  bool has_later = false;
  if (name) {
    auto saver = create(true);
    if (!saver && saver.error().code == Errc::locked) return fail(command_.directory, saver.error());
    has_later = saver && saver->latest() && saver->latest()->step > first_step_;
    if (saver && saver->prefix() == name->prefix && !has_later) saver_.emplace(std::move(*saver));
  }
  if (!saver_) {
    auto saver = create(false);
    if (!saver) return fail(command_.directory, saver.error());
    saver_.emplace(std::move(*saver));
    if (name)
      context_.note(fmt::format("{}: saves as {}", cli::file_text(given_.path), escape(saver_->prefix())) +
                    (has_later ? ", for that run went on" : ""));
  }
  for (const auto& [path, error] : saver_->passed_over())
    context_.note(fmt::format("{}: {}", cli::file_text(path.string()), to_string(error)));
  if (auto status = saver_->begin(first_step_); !status) return fail(command_.directory, status.error());
  return true;
}

// Where that would fail nothing is made, and where saving would, nothing is cut: it is asked first, and opened last.
bool Run::check_metrics() {
  if (command_.metrics.empty()) return true;
  const Status status = MetricsFile::check(command_.metrics, metrics_begin());
  std::error_code none;
  const bool there = fs::exists(command_.metrics, none);
  return status || fail(command_.metrics, status.error(), there ? "this run wants a file of its own" : "");
}

bool Run::open_metrics(std::optional<MetricsFile>& metrics) {
  if (command_.metrics.empty()) return true;
  auto file = MetricsFile::open(command_.metrics, metrics_begin());
  if (!file) return fail(command_.metrics, file.error());
  metrics.emplace(std::move(*file));
  return true;
}

// The newest file of the run whose values are all finite.
std::string last_good(const fs::path& directory, const std::string& prefix) {
  const auto runs = find_runs(directory, prefix);
  if (!runs || runs->empty()) return {};
  const auto& files = runs->front().files;
  for (auto at = files.rbegin(); at != files.rend(); ++at) {
    const fs::path path = directory / at->name;
    const auto file = Checkpoint::open(path);
    if (!file) continue;
    const auto findings = validate(*file, {.values = true});
    if (findings && findings->empty()) return path.string();
  }
  return {};
}

// Not the step that went wrong: it has changed the parameters.
int Run::tell_divergence(const Ending& ending) {
  const std::string prefix = saver_->prefix();
  saver_.reset();  // waits for what is being saved
  const std::string good = last_good(command_.directory, prefix);
  const std::string what = ending.culprit.empty()
                               ? fmt::format("the loss is {}", std::isnan(ending.loss) ? "NaN" : "infinite")
                               : fmt::format("\"{}\" has NaN or infinite values", escape(ending.culprit));
  return context_.fail(fmt::format("step {} of epoch {}: {}", (ending.step - 1) % steps_per_epoch_ + 1,
                                   (ending.step - 1) / steps_per_epoch_ + 1, what),
                       good.empty() ? "no checkpoint of this run is without NaN and infinities"
                                    : "the last checkpoint without NaN and infinities is " + cli::file_text(good));
}

void Run::tell_best() {
  if (command_.best.empty()) return;
  if (const auto best = saver_->best())
    context_.write(
        fmt::format("best {} {:.4f}: {}\n", command_.best, *best->metric, escape(best->path.filename().string())));
}

int Run::finish(const Ending& ending) {
  if (ending.why == Ending::Why::diverged) return tell_divergence(ending);
  const Status saved = saver_->end();
  if (!culprit_.empty()) return tell_divergence({.step = ending.step, .culprit = culprit_});
  if (!saved) return context_.fail(command_.directory, saved.error());
  if (ending.why == Ending::Why::interrupted) {
    const fs::path& latest = saver_->latest_ckpt_file_name();
    const std::string file = latest.empty() ? "" : (fs::path(command_.directory) / latest.filename()).string();
    context_.note(fmt::format("stopped after step {} of epoch {}{}", (ending.step - 1) % steps_per_epoch_ + 1,
                              (ending.step - 1) / steps_per_epoch_ + 1,
                              file.empty() ? std::string() : "; --resume " + cli::file_text(file) + " continues"));
    return cli::kInterrupted;
  }
  tell_best();
  if (!validator_ || command_.hold_out) return cli::kDone;
  const auto test = validator_->run(*held_out_, context_.counting("test"));
  if (!test) return tell(context_, {"", test.error(), ""});
  context_.write("test images: " + text_of(*test, feed_options(command_, network_)) + '\n');
  return cli::kDone;
}

int Run::run() {
  if (!load_data() || !find_start() || !check_metrics() || !make_trainer() || !load_weights()) return exit_;
  std::optional<MetricsFile> metrics;
  if (!open_saver() || !open_metrics(metrics)) return exit_;
  Reporter reporter(context_,
                    {.epochs = static_cast<std::uint64_t>(command_.epochs),
                     .steps_per_epoch = steps_per_epoch_,
                     .first_step = first_step_,
                     .batch = batch_,
                     .log_steps = static_cast<std::uint64_t>(command_.log_steps)},
                    std::move(metrics));
  const bool validate = !command_.best.empty() || command_.hold_out;
  const auto ending = train({.trainer = *trainer_,
                             .images = *images_,
                             .saver = *saver_,
                             .reporter = reporter,
                             .validator = validate ? &*validator_ : nullptr,
                             .held_out = held_out_ ? &*held_out_ : nullptr,
                             .metric_is_loss = command_.best == "loss",
                             .culprit = culprit_,
                             .learning_rates = rates_,
                             .seed = seed_,
                             .epochs = static_cast<std::uint64_t>(command_.epochs),
                             .batch = batch_,
                             .first_step = first_step_,
                             .validates_first = validates_first_});
  if (!ending) return tell(context_, {network_.name, ending.error(), ""});
  return finish(*ending);
}

}  // namespace

int run(cli::Context& context, TrainCommand command) {
  if (const auto policy = checkpoint_policy(command.config); !policy) return context.fail(policy.error().message);
  auto given = open_given(command);
  if (!given) return tell(context, given.trouble);
  if (!command.resume.empty() && !command.optimizer_given)
    command.training.optimizer.kind = optimizer_of(*given->file).value_or(command.training.optimizer.kind);
  if (const std::string wrong = misplaced_option(command); !wrong.empty())
    return tell(context, {given->path, usage(wrong), "its optimizer is that of the file"});
  auto network = make_trained_network(command, given->path, given->dict());
  if (!network) return tell(context, network.trouble);
  if (!command.eval.empty()) return evaluate(context, command, *given, *network);
  return Run(context, command, *given, std::move(*network)).run();
}

}  // namespace ckpt::train
