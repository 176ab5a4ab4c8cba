// When to save, and what is known of it. How is in run_saver.cpp, which run in open_run.cpp, from where to go on in
// resume_point.cpp, what may be configured in checkpoint_config.cpp.
#include "ckpt/manager.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <future>
#include <new>
#include <system_error>
#include <utility>

#include "ckpt/output_file.h"
#include "ckpt/run_files.h"
#include "file_source.h"
#include "open_run.h"
#include "resume_point.h"
#include "run_directory.h"
#include "run_saver.h"
#include "snapshot.h"
#include "wording.h"

namespace ckpt {
namespace {

using Time = std::chrono::system_clock::time_point;
using Path = std::filesystem::path;

constexpr std::string_view kEpochs = "epoch_num";
constexpr std::string_view kSteps = "step_num";

Status check_options(const CheckpointConfig& config, const ModelCheckpointOptions& options) {
  if (!options.params && !options.save)
    return usage("there is nothing to save: neither parameters nor a save function");
  if (!options.params && config.async_save) return usage("an asynchronous save needs the parameters, to copy them");
  if (config.format != "ckpt" && !options.save)
    return usage("a format other than ckpt needs a save function that writes it");
  for (const AppendValue& value : config.append_info.values)
    if ((value.name == kEpochs || value.name == kSteps) && !std::holds_alternative<std::int64_t>(value.value))
      return usage("the appended " + value.name + " is no integer");
  return {};
}

// A loss is not to be compared with an accuracy: of the two the best would be deleted.
Status check_metrics(const OpenRun& run, const CheckpointConfig& config) {
  const auto mode = run.record.metric_mode();
  if (config.keep_best == 0 || mode.value_or(config.metric_mode) == config.metric_mode) return {};
  const bool largest = *mode == MetricMode::max;
  return Error{.code = Errc::mismatch,
               .message = "of " + in_quotes(run.prefix) + " the best is what has the " +
                          (largest ? "largest metric, not the smallest" : "smallest metric, not the largest")};
}

// The order and the sums of MindSpore's append_info.
Result<std::vector<AppendValue>> append_values(const AppendInfo& info, const TrainingStep& step) {
  std::vector<AppendValue> values;
  if (info.epoch_num) values.push_back({std::string(kEpochs), std::int64_t{0}});
  if (info.step_num) values.push_back({std::string(kSteps), std::int64_t{0}});
  for (const AppendValue& value : info.values) {
    const auto same = [&](const AppendValue& v) { return v.name == value.name; };
    const auto known = std::find_if(values.begin(), values.end(), same);
    if (known == values.end()) {
      values.push_back(value);
    } else {
      known->value = value.value;
    }
  }
  for (AppendValue& value : values) {
    if (value.name != kEpochs && value.name != kSteps) continue;
    auto& sum = std::get<std::int64_t>(value.value);
    if (__builtin_add_overflow(sum, value.name == kEpochs ? step.epoch : step.step, &sum))
      return usage("the appended " + value.name + " is more than an Int64 holds");
  }
  return values;
}

std::vector<Param> params_of(const std::function<std::vector<Param>()>& params) {
  return params ? params() : std::vector<Param>();
}

std::uint64_t step_of_epoch(const TrainingStep& step) { return (step.step - 1) % step.steps_per_epoch + 1; }

SaveRules rules_from(const CheckpointConfig& config, const CheckpointPolicy& policy,
                     const ModelCheckpointOptions& options) {
  const auto minutes = static_cast<std::uint64_t>(policy.keep_checkpoint_per_n_minutes.value_or(0));
  SaveRules rules{
      .how = {.crc = config.crc_check, .key = config.enc_key, .mode = config.enc_mode, .durable = config.durable},
      .write = options.save,
      .keep = {.keep_checkpoint_max = static_cast<std::uint64_t>(policy.keep_checkpoint_max.value_or(0)),
               .keep_checkpoint_per_n_minutes = minutes != 0 ? minutes : config.keep_every_minutes,
               .keep_best = config.keep_best,
               .metric_mode = config.metric_mode,
               .keep_every_steps = config.keep_every_steps,
               .strict_mindspore = config.strict_mindspore}};
  if (!options.clock) rules.clock = std::chrono::system_clock::now;
  if (options.clock && !config.async_save) rules.clock = options.clock;
  return rules;
}

/// A save that is not over, and what to go back to if it fails.
struct Pending {
  SaveJob job = {};
  std::uint64_t last_triggered = 0;
  std::optional<Time> last_time = {};
  std::optional<double> metric = {};  // known before the save was over
};

// Training goes on meanwhile, on all cores: a save on a thread of its own takes what is left of them. As urgent as the
// others it stops one of them, and with it all that wait for that one. (Linux has a niceness for each thread.)
void give_way() noexcept {
  constexpr int kNicer = 10;
  const auto self = static_cast<id_t>(::gettid());
  (void)::setpriority(PRIO_PROCESS, self, ::getpriority(PRIO_PROCESS, self) + kNicer);
}

// Out of memory is an error like another one: training may go on, and the next step tries again.
template <class Call>
Status within_memory(const Call& call) {
  try {
    return call();
  } catch (const std::bad_alloc&) {
    return system_error("cannot save", ENOMEM);
  }
}

}  // namespace

struct ModelCheckpoint::Impl {
  CheckpointConfig config = {};
  CheckpointPolicy policy = {};
  ModelCheckpointOptions options = {};
  std::string base = {};  // the prefix without the run's number
  OpenRun run;
  SaveRules rules = {};
  std::optional<SavedCheckpoint> latest = {};
  std::vector<PassedOver> passed_over = {};
  Path none = {};
  TrainingStep now = {.epoch = 0, .step = 0};  // as step_end was told

  std::uint64_t last_triggered = 0;
  Time last_time = {};       // of the time policy
  Time last_save_time = {};  // of any save
  bool graph_saved = false;

  Snapshot snapshot = {};
  std::optional<Pending> pending = {};
  std::future<SaveResult> result = {};  // the last member: it waits for a thread that uses the others

  Time clock() const { return options.clock ? options.clock() : std::chrono::system_clock::now(); }

  Status step_end(const TrainingStep& step);
  Status epoch_end(std::optional<double> metric);
  Status end();
  Status save_exception(const TrainingStep& step);
  Status pin(const Path& file);

  bool is_due(const TrainingStep& step, bool forced);
  bool is_wanted_as_best(double metric) const;
  Status save_graph();
  Result<SaveJob> job_for(const TrainingStep& step) const;
  Status save(const TrainingStep& step, bool by_policy);
  bool start();
  template <class Outcome>
  Status finish(const Outcome& outcome);
  Status collect(bool wait);
  Status set_metric(std::uint64_t epoch, std::uint64_t step, double metric);
};

bool ModelCheckpoint::Impl::is_due(const TrainingStep& step, bool forced) {
  if (const auto steps = static_cast<std::uint64_t>(policy.save_checkpoint_steps.value_or(0)); steps > 0)
    return forced || (step.step >= last_triggered && step.step - last_triggered >= steps);
  const std::int64_t seconds = policy.save_checkpoint_seconds.value_or(0);
  if (seconds == 0) return false;
  const Time time = clock();
  if (time < last_time) last_time = time;  // it was set back: wait anew rather than for the old time to come again
  return forced || std::chrono::duration<double>(time - last_time).count() > static_cast<double>(seconds);
}

bool ModelCheckpoint::Impl::is_wanted_as_best(double metric) const {
  std::uint64_t as_good = 0;
  for (const CheckpointFile& file : run.record.files())
    if (file.metric && (config.metric_mode == MetricMode::max ? *file.metric >= metric : *file.metric <= metric))
      ++as_good;
  return as_good < config.keep_best;
}

Status ModelCheckpoint::Impl::save_graph() {
  if (graph_saved || options.graph.empty()) return {};
  const std::string name = run.prefix + std::string(kGraphEnd);
  auto file =
      OutputFile::create(run.directory / name, {.permissions = 0600, .durable = config.durable, .follow_links = false});
  if (!file) {
    Error error = std::move(file).error();
    error.message = in_quotes(name) + ": " + error.message;
    return error;
  }
  if (auto status = file->append(options.graph); !status) return status;
  if (auto status = file->commit(); !status) return status;
  graph_saved = true;
  return {};
}

Result<SaveJob> ModelCheckpoint::Impl::job_for(const TrainingStep& step) const {
  auto append = append_values(config.append_info, step);
  if (!append) return append.error();
  SaveJob job{.epoch = step.epoch, .step = step_of_epoch(step), .total_steps = step.step, .append = std::move(*append)};
  job.path = run.directory / run.file_name(job.epoch, job.step);
  return job;
}

// What the save that is pending comes to.
template <class Outcome>
Status ModelCheckpoint::Impl::finish(const Outcome& outcome) {
  const auto give_up = [&] {  // so that the next step tries again
    const Pending over = std::move(*std::exchange(pending, std::nullopt));
    last_triggered = over.last_triggered;
    last_save_time = over.job.last_save;
    if (over.last_time) last_time = *over.last_time;
  };
  SaveResult saved;
  try {
    saved = outcome();
  } catch (...) {  // of the caller's save function
    give_up();
    throw;
  }
  if (!saved.saved) return give_up(), std::move(saved.status);
  Pending over = std::move(*std::exchange(pending, std::nullopt));
  latest = {.path = std::move(over.job.path), .epoch = over.job.epoch, .step = over.job.total_steps};
  Status first = std::move(saved.status);  // even if a deletion failed: the file is there
  if (over.metric)
    if (auto status = set_metric(over.job.epoch, over.job.step, *over.metric); !status && first)
      first = std::move(status);
  return first;
}

// Here and now, or, from a copy, on another thread. Nothing has happened where the parameters or the copy of them
// cannot be had.
Status ModelCheckpoint::Impl::save(const TrainingStep& step, bool by_policy) {
  if (auto status = collect(true); !status) return status;
  auto job = job_for(step);
  if (!job) return job.error();
  const std::vector<Param> params = params_of(options.saved_network ? options.saved_network : options.params);
  if (config.async_save)
    if (auto status = snapshot.take(params); !status) return status;
  job->decided = clock();
  job->last_save = std::exchange(last_save_time, job->decided);
  pending = {.job = std::move(*job), .last_triggered = std::exchange(last_triggered, step.step)};
  if (by_policy) pending->last_time = std::exchange(last_time, pending->job.decided);
  if (config.async_save && start()) return {};
  const std::span<const Param> from = config.async_save ? snapshot.params() : std::span<const Param>(params);
  return finish([&] { return save_and_prune(run, rules, pending->job, from); });
}

// False where there is no thread to be had, or no memory for it.
bool ModelCheckpoint::Impl::start() {
  try {
    result = std::async(std::launch::async, [this] {
      give_way();
      return save_and_prune(run, rules, pending->job, snapshot.params());
    });
    return true;
  } catch (const std::system_error&) {
    return false;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

// What has become of the asynchronous save, if there is one, and if it is over or `wait`.
Status ModelCheckpoint::Impl::collect(bool wait) {
  if (!result.valid()) return {};
  if (!wait && result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
  return finish([&] { return result.get(); });
}

Status ModelCheckpoint::Impl::set_metric(std::uint64_t epoch, std::uint64_t step, double metric) {
  if (run.record.find(epoch, step) == nullptr) return {};
  if (run.record.metric_mode().value_or(config.metric_mode) != config.metric_mode) return {};  // keep_best is 0
  if (auto status = run.record.metric(epoch, step, metric, config.metric_mode); !status) return status;
  if (latest) latest->metric = metric;
  if (config.durable)
    if (auto status = run.record.sync(); !status) return status;
  return config.strict_mindspore ? Status() : prune_again(run, rules.keep);
}

Status ModelCheckpoint::Impl::step_end(const TrainingStep& step) {
  if (step.steps_per_epoch == 0) return usage("an epoch has no steps");
  if (step.step == 0) return usage("the first step is 1");
  now = step;
  if (auto status = collect(false); !status) return status;
  Status graph = save_graph();  // without which the checkpoint is worth as much
  if (now.step == last_triggered || !is_due(now, false)) return graph;
  Status saved = save(now, true);
  return saved ? graph : saved;
}

Status ModelCheckpoint::Impl::epoch_end(std::optional<double> metric) {
  Status first = collect(false);  // whatever becomes of older files, the metric is recorded
  const auto add = [&](Status status) {
    if (!status && first) first = std::move(status);
  };
  if (!metric || std::isnan(*metric) || now.step == 0) return first;
  const auto is_saved = [&] { return !pending && latest && latest->step == now.step; };
  const auto is_being_saved = [&] { return pending && pending->job.total_steps == now.step; };
  if (!is_saved() && !is_being_saved()) {
    if (config.keep_best == 0) return first;
    add(collect(true));
    if (!is_wanted_as_best(*metric)) return first;
    add(save(now, false));
  }
  if (is_being_saved()) {
    pending->metric = metric;
  } else if (is_saved()) {
    const auto name = checkpoint_name_from(latest->path.filename().string());
    if (name) add(set_metric(name->epoch, name->step, *metric));
  }
  return first;
}

Status ModelCheckpoint::Impl::end() {
  Status first = collect(true);
  const bool any = now.step != 0;  // in this process
  if (any && now.step != last_triggered && is_due(now, true)) {
    if (auto status = save(now, true); !status && first) first = status;
    if (auto status = collect(true); !status && first) first = status;
  }
  return first;
}

Status ModelCheckpoint::Impl::save_exception(const TrainingStep& step) {
  if (!config.exception_save) return {};
  if (step.steps_per_epoch == 0 || step.step == 0)
    return usage("an exception before the first step leaves nothing to save");
  (void)collect(true);  // this save matters more than the error of another one
  const auto names = names_there(run.directory);
  if (!names) return names.error();
  const CheckpointName name{rerun_prefix(base, *names, true), step.epoch, step_of_epoch(step), true};
  const auto append = append_values(config.append_info, step);
  if (!append) return append.error();
  return write_params(rules, run.directory / to_string(name), false, params_of(options.params), *append);
}

Status ModelCheckpoint::Impl::pin(const Path& file) {
  if (auto status = collect(true); !status) return status;
  const auto name = checkpoint_name_from(file.filename().string());
  if (!name || name->prefix != run.prefix || run.record.find(name->epoch, name->step) == nullptr)
    return usage("the file is none of this run");
  if (auto status = run.record.pin(name->epoch, name->step); !status) return status;
  return config.durable ? run.record.sync() : Status();
}

ModelCheckpoint::ModelCheckpoint(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ModelCheckpoint::ModelCheckpoint(ModelCheckpoint&&) noexcept = default;
ModelCheckpoint& ModelCheckpoint::operator=(ModelCheckpoint&&) noexcept = default;
ModelCheckpoint::~ModelCheckpoint() = default;

Result<ModelCheckpoint> ModelCheckpoint::create(std::string prefix, std::optional<Path> directory,
                                                const CheckpointConfig& config, ModelCheckpointOptions options) {
  if (auto status = check_prefix(prefix); !status) return status.error();
  auto policy = checkpoint_policy(config);
  if (!policy) return policy.error();
  if (auto status = check_options(config, options); !status) return status.error();
  // Absolute, so that a program that changes its directory goes on saving into the same one.
  std::error_code error;
  const Path where =
      directory && directory->empty() ? Path() : std::filesystem::absolute(directory.value_or("."), error);
  if (auto status = make_directory(where); !status) return status.error();
  auto run = open_run(where, prefix, config.format, config.resume);
  if (!run) return std::move(run).error();
  if (auto status = delete_litter(*run, prefix); !status) return status.error();
  if (auto status = check_metrics(*run, config); !status) return status.error();
  auto point = find_resume_point(*run, config.enc_key);
  if (!point) return std::move(point).error();
  SaveRules rules = rules_from(config, *policy, options);
  std::unique_ptr<Impl> impl(new Impl{.config = config,
                                      .policy = *policy,
                                      .options = std::move(options),
                                      .base = std::move(prefix),
                                      .run = std::move(*run),
                                      .rules = std::move(rules),
                                      .latest = std::move(point->latest),
                                      .passed_over = std::move(point->passed_over)});
  if (impl->latest) impl->last_triggered = impl->latest->step;
  impl->last_time = impl->last_save_time = impl->clock();
  return ModelCheckpoint(std::move(impl));
}

Status ModelCheckpoint::begin(std::optional<std::uint64_t> step) {
  if (step) impl_->last_triggered = *step;
  return within_memory([&] { return impl_->collect(false); });
}

Status ModelCheckpoint::step_end(const TrainingStep& now) {
  return within_memory([&] { return impl_->step_end(now); });
}

Status ModelCheckpoint::epoch_end(std::optional<double> metric) {
  return within_memory([&] { return impl_->epoch_end(metric); });
}

Status ModelCheckpoint::end() {
  return within_memory([&] { return impl_->end(); });
}

Status ModelCheckpoint::save_exception(const TrainingStep& now) {
  return within_memory([&] { return impl_->save_exception(now); });
}

Status ModelCheckpoint::pin(const Path& file) {
  return within_memory([&] { return impl_->pin(file); });
}

const Path& ModelCheckpoint::latest_ckpt_file_name() const noexcept {
  return impl_->latest ? impl_->latest->path : impl_->none;
}
const std::optional<SavedCheckpoint>& ModelCheckpoint::latest() const noexcept { return impl_->latest; }
std::optional<SavedCheckpoint> ModelCheckpoint::best() const {
  const CheckpointFile* best = nullptr;
  const bool most = impl_->config.metric_mode == MetricMode::max;
  for (const CheckpointFile& file : impl_->run.record.files())
    if (file.metric && (best == nullptr || (most ? *file.metric > *best->metric : *file.metric < *best->metric)))
      best = &file;
  if (best == nullptr) return std::nullopt;
  return SavedCheckpoint{.path = impl_->run.directory / impl_->run.file_name(best->epoch, best->step),
                         .epoch = best->epoch,
                         .step = best->total_steps.value_or(0),
                         .metric = best->metric};
}
const std::vector<PassedOver>& ModelCheckpoint::passed_over() const noexcept { return impl_->passed_over; }
const std::string& ModelCheckpoint::prefix() const noexcept { return impl_->run.prefix; }
const CheckpointPolicy& ModelCheckpoint::policy() const noexcept { return impl_->policy; }

}  // namespace ckpt
