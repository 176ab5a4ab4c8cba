#include "ckpt/manager.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <future>
#include <list>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "ckpt/checkpoint.h"
#include "ckpt/output_file.h"
#include "ckpt/run_files.h"
#include "ckpt/text.h"
#include "file_source.h"
#include "index.h"
#include "parallel.h"
#include "run_directory.h"

namespace ckpt {
namespace {

using Time = std::chrono::system_clock::time_point;
using Path = std::filesystem::path;

constexpr std::size_t kMaxPrefix = 180;  // leaves room for the numbers in a name of 255 bytes
constexpr std::string_view kGraph = "-graph.meta";

Error usage(std::string message) { return {.code = Errc::usage, .message = std::move(message)}; }

std::vector<Param> params_of(const std::function<std::vector<Param>()>& params) {
  return params ? params() : std::vector<Param>();
}

Error not_ours(const std::string& prefix) {
  return usage("no record says which of the checkpoints of \"" + escape(prefix) +
               "\" this library saved; load one of them, and save under another prefix");
}

// Another key, or none, is no damage.
bool is_damaged(const Error& error) {
  return error.code != Errc::key && (is_damage(error) || error.code == Errc::mismatch);
}

bool is_set(const std::optional<std::int64_t>& number) { return number.value_or(0) != 0; }

Status check_prefix(std::string_view prefix) {
  if (prefix.find('/') != prefix.npos) return usage("the prefix has a slash in it");
  if (prefix.find('\0') != prefix.npos) return usage("the prefix has a NUL in it");
  if (prefix.size() > kMaxPrefix) return usage("the prefix is longer than " + std::to_string(kMaxPrefix) + " bytes");
  return {};
}

Status check_options(const CheckpointConfig& config, const ModelCheckpointOptions& options) {
  if (!options.params && !options.save)
    return usage("there is nothing to save: neither parameters nor a save function");
  if (!options.params && config.async_save) return usage("an asynchronous save needs the parameters, to copy them");
  if (config.format != "ckpt" && !options.save)
    return usage("a format other than ckpt needs a save function that writes it");
  for (const AppendValue& value : config.append_info.values)
    if ((value.name == "epoch_num" || value.name == "step_num") && !std::holds_alternative<std::int64_t>(value.value))
      return usage("the appended " + value.name + " is no integer");
  return {};
}

// The number of a run of `base`: 0 for `base` itself, N for `base_N`.
std::optional<std::uint64_t> run_number(std::string_view prefix, std::string_view base) {
  if (prefix == base) return 0;
  if (!prefix.starts_with(base)) return std::nullopt;
  prefix.remove_prefix(base.size());
  if (!prefix.starts_with('_') || prefix.starts_with("_0")) return std::nullopt;
  prefix.remove_prefix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(prefix.data(), prefix.data() + prefix.size(), number);
  if (error != std::errc() || end != prefix.data() + prefix.size()) return std::nullopt;
  return number;
}

// What `.target.<16 hexadecimal digits>.tmp`, which only a killed program leaves, would have become: of its name, where
// it is no checkpoint, only the prefix.
std::optional<CheckpointName> name_of_temporary(std::string_view name) {
  constexpr std::string_view kEnd = ".tmp";
  constexpr std::size_t kDigits = 16;
  if (!name.starts_with('.') || !name.ends_with(kEnd) || name.size() < kEnd.size() + kDigits + 2) return std::nullopt;
  name.remove_prefix(1);
  name.remove_suffix(kEnd.size());
  const std::string_view digits = name.substr(name.size() - kDigits);
  if (digits.find_first_not_of("0123456789abcdef") != digits.npos) return std::nullopt;
  name.remove_suffix(kDigits);
  if (!name.ends_with('.')) return std::nullopt;
  name.remove_suffix(1);
  for (const std::string_view end : {kGraph, RunRecord::kEnd})
    if (name.ends_with(end)) return CheckpointName{.prefix = std::string(name.substr(0, name.size() - end.size()))};
  return checkpoint_name_from(name);
}

// The newest run there is a file of.
std::optional<std::string> last_run(std::span<const std::string> names, std::string_view base) {
  std::optional<std::uint64_t> highest;
  for (const std::string& file : names) {
    const auto name = checkpoint_name_from(file);
    if (!name || name->breakpoint) continue;
    const auto number = run_number(name->prefix, base);
    if (number && (!highest || *number > *highest)) highest = number;
  }
  if (!highest) return std::nullopt;
  return *highest == 0 ? std::string(base) : std::string(base) + '_' + std::to_string(*highest);
}

/// Parameters and a copy of their bytes. The memory stays for the next copy: fresh memory costs more than the copying.
/// All cores copy, because training stands still meanwhile.
class Snapshot {
 public:
  void take(std::span<const Param> params) {
    std::size_t size = 0;
    for (const Param& param : params) size += padded(param.bytes.size());
    const bool fresh = size > capacity_;
    if (fresh) {
      capacity_ = 0;
      memory_.reset();  // not both at once
      memory_ = std::make_unique_for_overwrite<std::byte[]>(size);
      capacity_ = size;
    }
    params_.assign(params.begin(), params.end());
    std::vector<Piece> pieces;
    std::byte* at = memory_.get();
    for (Param& param : params_) {
      const std::span<const std::byte> from = std::exchange(param.bytes, {at, param.bytes.size()});
      for (std::size_t done = 0; done < from.size(); done += kPiece)
        pieces.push_back({from.subspan(done, std::min(kPiece, from.size() - done)), at + done});
      at += padded(from.size());
    }
    parallel_for(size < kWorthThreads ? 1 : 0, pieces.size(), [&](std::size_t i) {
      const auto& [from, to] = pieces[i];
      if (fresh && from.size() == kPiece) populate({to, kPiece});
      std::memcpy(to, from.data(), from.size());
      return true;
    });
  }
  std::span<const Param> params() const noexcept { return params_; }

 private:
  struct Piece {
    std::span<const std::byte> from = {};
    std::byte* to = nullptr;
  };
  static constexpr std::size_t kPiece = std::size_t{4} << 20;
  static constexpr std::size_t kWorthThreads = 2 * kPiece;

  static std::size_t padded(std::size_t size) noexcept { return (size + 63) / 64 * 64; }

  std::unique_ptr<std::byte[]> memory_ = {};
  std::size_t capacity_ = 0;
  std::vector<Param> params_ = {};
};

/// One save, from its decision to the last deletion.
struct Job {
  Path path = {};
  CheckpointName name = {};
  TrainingStep now = {};
  std::vector<AppendValue> append = {};
  Time decided = {};  // by the clock
  Time last_save = {};
  std::uint64_t last_triggered = 0;    // before it,
  std::optional<Time> last_time = {};  // to go back to if it fails
  std::optional<double> metric = {};
  std::optional<CheckpointFile> replaced = {};  // what had the name before
};

struct JobResult {
  bool saved = false;
  Status status = {};
};

}  // namespace

Result<CheckpointPolicy> checkpoint_policy(const CheckpointConfig& config) {
  CheckpointPolicy policy{config.save_checkpoint_steps, config.save_checkpoint_seconds, config.keep_checkpoint_max,
                          config.keep_checkpoint_per_n_minutes};
  const std::pair<const char*, const std::optional<std::int64_t>*> numbers[] = {
      {"save_checkpoint_steps", &policy.save_checkpoint_steps},
      {"save_checkpoint_seconds", &policy.save_checkpoint_seconds},
      {"keep_checkpoint_max", &policy.keep_checkpoint_max},
      {"keep_checkpoint_per_n_minutes", &policy.keep_checkpoint_per_n_minutes}};
  bool any = false;
  for (const auto& [name, number] : numbers) {
    if (number->value_or(0) < 0) return usage(std::string(name) + " is negative");
    any = any || is_set(*number);
  }
  if (!any)
    return usage(
        "save_checkpoint_steps, save_checkpoint_seconds, keep_checkpoint_max and keep_checkpoint_per_n_minutes cannot "
        "all be none or 0");
  // The name must be one that is found again.
  const auto name = checkpoint_name_from(to_string(CheckpointName{"net", 1, 1, false, config.format}));
  if (!name || name->format != config.format) return usage("the format is neither ckpt nor safetensors");
  if (config.crc_check && config.enc_key) return usage("an encrypted file has no room for a checksum");
  if (config.format == "safetensors" &&
      (config.enc_key || config.enc_mode != CipherMode::aes_gcm || config.crc_check || config.exception_save))
    return usage("safetensors goes with neither encryption nor a checksum nor exception_save");
  if (config.strict_mindspore &&
      (config.keep_best != 0 || config.keep_every_steps != 0 || config.keep_every_minutes != 0))
    return usage("MindSpore has neither keep_best nor keep_every_steps nor keep_every_minutes");
  if (is_set(policy.save_checkpoint_steps)) policy.save_checkpoint_seconds = std::nullopt;
  if (is_set(policy.keep_checkpoint_max)) {
    policy.keep_checkpoint_per_n_minutes = std::nullopt;
  } else if (!is_set(policy.keep_checkpoint_per_n_minutes)) {
    policy.keep_checkpoint_max = 1;
  }
  return policy;
}

struct ModelCheckpoint::Impl {
  CheckpointConfig config = {};
  CheckpointPolicy policy = {};
  ModelCheckpointOptions options = {};
  Path directory = {};
  std::string base = {};
  std::string prefix = {};
  bool goes_on = false;  // with a run that was there
  std::optional<RunRecord> record = {};
  std::set<std::pair<std::uint64_t, std::uint64_t>> damaged = {};  // found when the run was gone on with
  std::optional<SavedCheckpoint> latest = {};
  Path latest_file = {};
  TrainingStep now = {.epoch = 0, .step = 0};  // as step_end was told

  std::uint64_t last_triggered = 0;
  Time last_time = {};       // of the time policy
  Time last_save_time = {};  // of any save
  bool graph_saved = false;

  Snapshot snapshot = {};
  std::optional<Job> pending = {};
  std::future<JobResult> result = {};  // the last member: it waits for a thread that uses the others

  Time clock() const { return options.clock ? options.clock() : std::chrono::system_clock::now(); }

  Result<std::vector<std::string>> names_there() const;
  Status choose_run();
  Status delete_temporaries() const;
  std::optional<std::vector<RunRecord>> lock_others(const std::vector<std::string>& runs) const;
  std::optional<std::vector<RunRecord>> lock_all_others() const;
  Status take_up();

  bool is_due(const TrainingStep& step, bool forced);
  bool is_wanted_as_best(double metric) const;
  Result<std::vector<AppendValue>> append_values(const TrainingStep& step) const;
  Status write(const Path& path, bool overwrite, std::span<const Param> params,
               std::span<const AppendValue> append) const;
  Status save_graph();
  Status save(const TrainingStep& step, bool by_policy);
  JobResult perform(Job job, std::span<const Param> params);
  Status finished(const Job& job, JobResult outcome);
  Status collect(bool wait);
  Status set_metric(const CheckpointName& name, double metric);
  Status retain(const Job* job);
};

Result<std::vector<std::string>> ModelCheckpoint::Impl::names_there() const {
  auto entries = list_files(directory);
  if (!entries) return entries.error();
  std::vector<std::string> names;
  for (DirectoryEntry& entry : *entries) names.push_back(std::move(entry.name));
  return names;
}

// Which number this run has, and its lock. Whoever was faster between the look and the lock has left files: then it is
// chosen again.
Status ModelCheckpoint::Impl::choose_run() {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto names = names_there();
    if (!names) return names.error();
    auto last = config.resume ? last_run(*names, base) : std::nullopt;
    goes_on = last.has_value();
    prefix = goes_on ? std::move(*last) : rerun_prefix(base, *names);
    if (auto status = check_prefix(prefix); !status) return status;
    auto opened = RunRecord::open(directory, prefix, !goes_on);
    if (!opened) return opened.error();
    if (!*opened) return not_ours(prefix);
    record = std::move(*opened);
    if (goes_on) return {};
    names = names_there();
    if (!names) return names.error();
    if (rerun_prefix(base, *names) == prefix) return record->clear();
    record.reset();
  }
  return Error{.code = Errc::locked, .message = "other runs begin in this directory all the time"};
}

// What killed runs of this prefix have left. A run that is not locked is not running. A breakpoint file is numbered
// apart from its run, so its temporary may be of any of them.
Status ModelCheckpoint::Impl::delete_temporaries() const {
  const auto names = names_there();
  if (!names) return names.error();
  for (const std::string& file : *names) {
    const auto name = name_of_temporary(file);
    if (!name || !run_number(name->prefix, base)) continue;
    // Held until it is deleted: none of these begins to save meanwhile.
    const auto locks = name->breakpoint ? lock_all_others() : lock_others({name->prefix});
    if (!locks) continue;
    if (auto status = remove_name(directory / file); !status) return status;
  }
  return {};
}

// The locks of runs that this one is not; empty if one of them is running, or has no record that says it is not.
std::optional<std::vector<RunRecord>> ModelCheckpoint::Impl::lock_others(const std::vector<std::string>& runs) const {
  std::vector<RunRecord> locks;
  for (const std::string& run : runs) {
    if (run == prefix) continue;
    auto other = RunRecord::open(directory, run, false);
    if (!other || !*other) return std::nullopt;
    locks.push_back(std::move(**other));
  }
  return locks;
}

std::optional<std::vector<RunRecord>> ModelCheckpoint::Impl::lock_all_others() const {
  const auto names = names_there();  // looked at anew: whoever has begun to save has made its record before
  if (!names) return std::nullopt;
  std::vector<std::string> runs;
  for (const std::string& file : *names)
    if (file.ends_with(RunRecord::kEnd))
      if (auto run = file.substr(0, file.size() - RunRecord::kEnd.size()); run_number(run, base))
        runs.push_back(std::move(run));
  return lock_others(runs);
}

// Goes on with the run whose record was opened: its newest file that is not damaged is where it stands. One that cannot
// be opened for another reason, say for want of the key, is not passed over for an older one.
Status ModelCheckpoint::Impl::take_up() {
  std::optional<Error> damage;     // of the newest that is damaged
  std::optional<Error> hindrance;  // newer than the latest
  for (const CheckpointFile& file : record->files()) {
    const std::string name = to_string(CheckpointName{prefix, file.epoch, file.step, false, config.format});
    const auto there = look_at(directory / name);
    if (!there) return there.error();
    if (!*there) continue;
    if (config.format == "ckpt") {
      const auto opened = Checkpoint::open(directory / name, {.key = config.enc_key});
      if (!opened && is_damaged(opened.error())) {
        damaged.emplace(file.epoch, file.step);
        damage = opened.error();
        continue;
      }
      hindrance = opened ? std::nullopt : std::optional(opened.error());
      if (hindrance) hindrance->message = "cannot go on with \"" + escape(name) + "\": " + hindrance->message;
      if (hindrance) continue;
    }
    latest = {
        .path = directory / name, .epoch = file.epoch, .step = file.total_steps.value_or(0), .metric = file.metric};
  }
  if (hindrance) return std::move(*hindrance);
  if (!latest && !goes_on) return {};
  if (!latest) {  // To begin from nothing beside checkpoints would be a bad surprise.
    if (!damage) return not_ours(prefix);
    damage->message = "no checkpoint of \"" + escape(prefix) + "\" can be opened; the newest: " + damage->message;
    return std::move(*damage);
  }
  latest_file = latest->path;
  last_triggered = latest->step;
  return {};
}

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
  for (const CheckpointFile& file : record->files())
    if (file.metric && (config.metric_mode == MetricMode::max ? *file.metric >= metric : *file.metric <= metric))
      ++as_good;
  return as_good < config.keep_best;
}

// The order and the sums of MindSpore's append_info.
Result<std::vector<AppendValue>> ModelCheckpoint::Impl::append_values(const TrainingStep& step) const {
  const AppendInfo& info = config.append_info;
  std::vector<AppendValue> values;
  if (info.epoch_num) values.push_back({"epoch_num", std::int64_t{0}});
  if (info.step_num) values.push_back({"step_num", std::int64_t{0}});
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
    if (value.name != "epoch_num" && value.name != "step_num") continue;
    auto& sum = std::get<std::int64_t>(value.value);
    if (__builtin_add_overflow(sum, value.name == "epoch_num" ? step.epoch : step.step, &sum))
      return usage("the appended " + value.name + " is more than an Int64 holds");
  }
  return values;
}

Status ModelCheckpoint::Impl::write(const Path& path, bool overwrite, std::span<const Param> params,
                                    std::span<const AppendValue> append) const {
  if (!overwrite && is_taken(path))
    return Error{.code = Errc::usage,
                 .os_error = EEXIST,
                 .message = "there is a file \"" + escape(path.filename().string()) + "\" that this run has not saved"};
  const WriteOptions how{.crc = config.crc_check,
                         .key = config.enc_key,
                         .mode = config.enc_mode,
                         .overwrite = overwrite,
                         .durable = config.durable};
  return options.save ? options.save(path, params, append, how) : save_checkpoint(path, params, append, how);
}

Status ModelCheckpoint::Impl::save_graph() {
  if (graph_saved || options.graph.empty()) return {};
  const std::string name = prefix + std::string(kGraph);
  auto file =
      OutputFile::create(directory / name, {.permissions = 0600, .durable = config.durable, .follow_links = false});
  if (!file) {
    Error error = std::move(file).error();
    error.message = "\"" + escape(name) + "\": " + error.message;
    return error;
  }
  if (auto status = file->append(options.graph); !status) return status;
  if (auto status = file->commit(); !status) return status;
  graph_saved = true;
  return {};
}

// Here and now, or, from a copy, on another thread. Nothing has happened where the parameters or the copy of them
// cannot be had.
Status ModelCheckpoint::Impl::save(const TrainingStep& step, bool by_policy) {
  if (auto status = collect(true); !status) return status;
  auto append = append_values(step);
  if (!append) return append.error();
  const std::vector<Param> params = params_of(options.saved_network ? options.saved_network : options.params);
  if (config.async_save) snapshot.take(params);
  Job job;
  job.now = step;
  job.name = {prefix, step.epoch, (step.step - 1) % step.steps_per_epoch + 1, false, config.format};
  job.path = directory / to_string(job.name);
  job.append = std::move(*append);
  job.decided = clock();
  job.last_save = std::exchange(last_save_time, job.decided);
  job.last_triggered = std::exchange(last_triggered, step.step);
  if (by_policy) job.last_time = std::exchange(last_time, job.decided);
  if (!config.async_save) return finished(job, perform(job, params));
  try {
    result = std::async(std::launch::async, [this, job] { return perform(job, snapshot.params()); });
  } catch (const std::system_error&) {  // no more threads to be had
    return finished(job, perform(job, snapshot.params()));
  }
  pending = std::move(job);
  return {};
}

// May be on another thread; the caller's touches none of this before it has waited.
JobResult ModelCheckpoint::Impl::perform(Job job, std::span<const Param> params) {
  const std::uint64_t epoch = job.name.epoch;
  const std::uint64_t step = job.name.step;
  const auto there = look_at(job.path);
  if (!there) return {.status = there.error()};
  std::list<CheckpointFile> before;
  if (const CheckpointFile* const known = record->find(epoch, step); known != nullptr && *there) {
    job.replaced = *known;
    before = record->files();
  }
  if (auto status = record->begin(epoch, step, job.now.step); !status) return {.status = std::move(status)};
  if (auto status = write(job.path, job.replaced.has_value(), params, job.append); !status) {
    const auto left = look_at(job.path);
    if (job.replaced && left && *left && (*left)->inode == (*there)->inode) {
      record->go_back_to(std::move(before));
    } else if (status.error().os_error == EEXIST || !is_taken(job.path)) {
      (void)record->drop(epoch, step);  // else it failed behind the replacing: the file is there, and ours
    }
    return {.status = std::move(status)};
  }
  // A clock that was given is asked on its owner's thread only.
  const Time time = config.async_save && options.clock ? job.decided : clock();
  Status status = record->done(epoch, step, time);
  // What is deleted now is deleted because of what the record says: that must not be forgotten.
  if (status && config.durable) status = record->sync();
  if (status) status = retain(&job);
  return {.saved = true, .status = std::move(status)};
}

// With the job that has just saved, or, because of a new metric, without.
Status ModelCheckpoint::Impl::retain(const Job* job) {
  std::vector<CheckpointFile> files;
  for (const CheckpointFile& known : std::list(record->files())) {
    const bool is_new = job != nullptr && known.epoch == job->name.epoch && known.step == job->name.step;
    // MindSpore decides before it saves, so of a name that is used again the old file counts.
    if (config.strict_mindspore && is_new && !job->replaced) continue;
    CheckpointFile file = config.strict_mindspore && is_new ? *job->replaced : known;
    file.name = to_string({prefix, known.epoch, known.step, false, config.format});
    const auto entry = look_at(directory / file.name);
    if (!entry) return entry.error();
    if (!*entry) {  // somebody else has deleted it
      if (auto status = record->drop(known.epoch, known.step); !status) return status;
      continue;
    }
    if (file.time == Time()) file.time = (*entry)->time;
    file.damaged = damaged.contains({file.epoch, file.step}) && !is_new;
    files.push_back(std::move(file));
  }
  const auto minutes = static_cast<std::uint64_t>(policy.keep_checkpoint_per_n_minutes.value_or(0));
  const KeepPolicy keep{.keep_checkpoint_max = static_cast<std::uint64_t>(policy.keep_checkpoint_max.value_or(0)),
                        .keep_checkpoint_per_n_minutes = minutes != 0 ? minutes : config.keep_every_minutes,
                        .keep_best = config.keep_best,
                        .metric_mode = config.metric_mode,
                        .keep_every_steps = config.keep_every_steps,
                        .strict_mindspore = config.strict_mindspore,
                        .last_save = job != nullptr ? job->last_save : Time()};
  const auto decisions = decide_retention(files, keep, job != nullptr ? job->decided : Time());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (decisions[i].keep || (job != nullptr && files[i].name == job->path.filename())) continue;
    if (auto status = remove_name(directory / files[i].name); !status) return status;
    if (auto status = record->drop(files[i].epoch, files[i].step); !status) return status;
  }
  return {};
}

Status ModelCheckpoint::Impl::finished(const Job& job, JobResult outcome) {
  if (!outcome.saved) {  // so that the next step tries again
    last_triggered = job.last_triggered;
    last_save_time = job.last_save;
    if (job.last_time) last_time = *job.last_time;
    return outcome.status;
  }
  damaged.erase({job.name.epoch, job.name.step});
  latest = {.path = job.path, .epoch = job.name.epoch, .step = job.now.step};
  latest_file = job.path;
  Status first = std::move(outcome.status);  // even if a deletion failed: the file is there
  if (job.metric)
    if (auto status = set_metric(job.name, *job.metric); !status && first) first = std::move(status);
  return first;
}

// What has become of the asynchronous save, if there is one, and if it is over or `wait`.
Status ModelCheckpoint::Impl::collect(bool wait) {
  if (!result.valid()) return {};
  if (!wait && result.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return {};
  JobResult outcome = result.get();
  const Job job = std::move(*std::exchange(pending, std::nullopt));
  return finished(job, std::move(outcome));
}

Status ModelCheckpoint::Impl::set_metric(const CheckpointName& name, double metric) {
  if (record->find(name.epoch, name.step) == nullptr) return {};
  if (auto status = record->metric(name.epoch, name.step, metric); !status) return status;
  if (latest) latest->metric = metric;
  if (config.durable)
    if (auto status = record->sync(); !status) return status;
  return config.strict_mindspore ? Status() : retain(nullptr);
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
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  impl->policy = *policy;
  impl->options = std::move(options);
  impl->base = std::move(prefix);
  // Absolute, so that a program that changes its directory goes on saving into the same one.
  std::error_code error;
  impl->directory =
      directory && directory->empty() ? Path() : std::filesystem::absolute(directory.value_or("."), error);
  if (auto status = make_directory(impl->directory); !status) return status.error();
  if (auto status = impl->choose_run(); !status) return status.error();
  if (auto status = impl->delete_temporaries(); !status) return status.error();
  if (auto status = impl->take_up(); !status) return status.error();
  impl->last_time = impl->last_save_time = impl->clock();
  return ModelCheckpoint(std::move(impl));
}

Status ModelCheckpoint::begin(std::optional<std::uint64_t> step) {
  if (step) impl_->last_triggered = *step;
  return impl_->collect(false);
}

Status ModelCheckpoint::step_end(const TrainingStep& now) {
  Impl& impl = *impl_;
  if (now.steps_per_epoch == 0) return usage("an epoch has no steps");
  if (now.step == 0) return usage("the first step is 1");
  impl.now = now;
  if (auto status = impl.collect(false); !status) return status;
  Status graph = impl.save_graph();  // without which the checkpoint is worth as much
  if (now.step == impl.last_triggered || !impl.is_due(now, false)) return graph;
  Status saved = impl.save(now, true);
  return saved ? graph : saved;
}

Status ModelCheckpoint::epoch_end(std::optional<double> metric) {
  Impl& impl = *impl_;
  Status first = impl.collect(false);  // whatever becomes of older files, the metric is recorded
  const auto add = [&](Status status) {
    if (!status && first) first = std::move(status);
  };
  if (!metric || std::isnan(*metric) || impl.now.step == 0) return first;
  const auto is_saved = [&] { return !impl.pending && impl.latest && impl.latest->step == impl.now.step; };
  const auto is_being_saved = [&] { return impl.pending && impl.pending->now.step == impl.now.step; };
  if (!is_saved() && !is_being_saved()) {
    if (impl.config.keep_best == 0) return first;
    add(impl.collect(true));
    if (!impl.is_wanted_as_best(*metric)) return first;
    add(impl.save(impl.now, false));
  }
  if (is_being_saved()) {
    impl.pending->metric = metric;
  } else if (is_saved()) {
    const auto name = checkpoint_name_from(impl.latest->path.filename().string());
    if (name) add(impl.set_metric(*name, *metric));
  }
  return first;
}

Status ModelCheckpoint::end() {
  Impl& impl = *impl_;
  Status first = impl.collect(true);
  const bool any = impl.now.step != 0;  // in this process
  if (any && impl.now.step != impl.last_triggered && impl.is_due(impl.now, true)) {
    if (auto status = impl.save(impl.now, true); !status && first) first = status;
    if (auto status = impl.collect(true); !status && first) first = status;
  }
  return first;
}

Status ModelCheckpoint::save_exception(const TrainingStep& now) {
  Impl& impl = *impl_;
  if (!impl.config.exception_save) return {};
  if (now.steps_per_epoch == 0 || now.step == 0)
    return usage("an exception before the first step leaves nothing to save");
  (void)impl.collect(true);  // this save matters more than the error of another one
  const auto names = impl.names_there();
  if (!names) return names.error();
  const CheckpointName name{rerun_prefix(impl.base, *names, true), now.epoch, (now.step - 1) % now.steps_per_epoch + 1,
                            true};
  const auto append = impl.append_values(now);
  if (!append) return append.error();
  const std::vector<Param> params = params_of(impl.options.params);
  return impl.write(impl.directory / to_string(name), false, params, *append);
}

Status ModelCheckpoint::pin(const Path& file) {
  Impl& impl = *impl_;
  if (auto status = impl.collect(true); !status) return status;
  const auto name = checkpoint_name_from(file.filename().string());
  if (!name || name->prefix != impl.prefix || impl.record->find(name->epoch, name->step) == nullptr)
    return usage("the file is none of this run");
  if (auto status = impl.record->pin(name->epoch, name->step); !status) return status;
  return impl.config.durable ? impl.record->sync() : Status();
}

const Path& ModelCheckpoint::latest_ckpt_file_name() const noexcept { return impl_->latest_file; }
const std::optional<SavedCheckpoint>& ModelCheckpoint::latest() const noexcept { return impl_->latest; }
const std::string& ModelCheckpoint::prefix() const noexcept { return impl_->prefix; }
const CheckpointPolicy& ModelCheckpoint::policy() const noexcept { return impl_->policy; }

}  // namespace ckpt
