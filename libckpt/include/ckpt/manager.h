#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ckpt/cipher.h"
#include "ckpt/error.h"
#include "ckpt/retention.h"
#include "ckpt/writer.h"

namespace ckpt {

/// What is written behind the parameters, in this order: the two totals as Int64, then the values. A value called
/// epoch_num or step_num is what that total starts from.
struct AppendInfo {
  bool epoch_num = false;
  bool step_num = false;  ///< since training began
  std::vector<AppendValue> values = {};
};

/// MindSpore's CheckpointConfig: the same names and defaults. An empty optional is Python's None. Steps go before
/// seconds, the number of files before minutes: of two given the other is given up.
struct CheckpointConfig {
  std::optional<std::int64_t> save_checkpoint_steps = 1;          ///< save when so many steps have passed
  std::optional<std::int64_t> save_checkpoint_seconds = 0;        ///< save when more than so many seconds have passed
  std::optional<std::int64_t> keep_checkpoint_max = 5;            ///< the newest so many
  std::optional<std::int64_t> keep_checkpoint_per_n_minutes = 0;  ///< one in so many minutes
  bool integrated_save = true;  ///< accepted, without effect: merging what is spread over devices is the caller's part
  bool async_save = false;      ///< copy the parameters, and write the copy on another thread, ten nicer than this one
  AppendInfo append_info = {};
  std::optional<Key> enc_key = {};
  CipherMode enc_mode = CipherMode::aes_gcm;
  bool exception_save = false;  ///< save_exception() saves; otherwise it does nothing
  bool crc_check = false;
  std::string format = "ckpt";  ///< the extension: this, or safetensors, which needs a save function

  // What MindSpore does not have. Each rule keeps files besides those of the others.
  std::uint64_t keep_best = 0;  ///< the so many with the best metric, which epoch_end() is given
  /// With keep_best a run that has metrics of the other one is not gone on with: Errc::mismatch.
  MetricMode metric_mode = MetricMode::max;
  std::uint64_t keep_every_steps = 0;
  std::uint64_t keep_every_minutes = 0;  ///< as keep_checkpoint_per_n_minutes, and goes with keep_checkpoint_max
  bool strict_mindspore = false;         ///< keep and delete exactly as MindSpore does, if only behind the save
  /// Go on with the last run in the directory, if there is one, instead of beginning another. Errc::usage if a
  /// ModelCheckpoint did not save it; and what kept its newest checkpoint from being opened, unless that is damaged and
  /// an older one can be: a wrong key, or a file that may not be read, is not passed over. Where the key opens another
  /// encrypted file of the run it is the right one, and what it does not open is damaged.
  bool resume = false;
  bool durable = true;  ///< survive a power cut, not only the end of the program
};

/// What a configuration comes to: MindSpore's get_checkpoint_policy().
struct CheckpointPolicy {
  std::optional<std::int64_t> save_checkpoint_steps = {};
  std::optional<std::int64_t> save_checkpoint_seconds = {};
  std::optional<std::int64_t> keep_checkpoint_max = {};
  std::optional<std::int64_t> keep_checkpoint_per_n_minutes = {};

  friend bool operator==(const CheckpointPolicy&, const CheckpointPolicy&) = default;
};

/// Errc::usage for what MindSpore refuses: a negative number, all four None or 0, a format other than ckpt and
/// safetensors, the latter together with encryption, a checksum or exception_save; and for encryption together with a
/// checksum, which MindSpore takes and writes a file that nobody can read; and for strict_mindspore together with a
/// rule that MindSpore does not have.
Result<CheckpointPolicy> checkpoint_policy(const CheckpointConfig& config);

/// Where training stands, as MindSpore counts.
struct TrainingStep {
  std::uint64_t epoch = 1;  ///< cur_epoch_num: the first is 1
  std::uint64_t step = 1;   ///< cur_step_num: since training began, the first is 1
  std::uint64_t steps_per_epoch = 1;
};

/// A checkpoint that this run has saved and not deleted.
struct SavedCheckpoint {
  std::filesystem::path path = {};
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;  ///< since training began
  std::optional<double> metric = {};
};

/// A checkpoint that was not gone on with, because it is damaged.
struct PassedOver {
  std::filesystem::path path = {};
  Error error = {};
};

struct ModelCheckpointOptions {
  /// What to save, asked for at each save. The bytes are borrowed until the call that saves returns.
  std::function<std::vector<Param>()> params = {};
  /// What to save instead, but for save_exception(): MindSpore's saved_network.
  std::function<std::vector<Param>()> saved_network = {};
  /// How: save_checkpoint() where empty. Must replace `path` in one step and, with options.durable, for good. With
  /// async_save it runs on another thread.
  std::function<Status(const std::filesystem::path& path, std::span<const Param> params,
                       std::span<const AppendValue> append, const WriteOptions& options)>
      save = {};
  /// The compiled graph, written once to `prefix-graph.meta`, as the first step ends. Empty: no such file.
  std::vector<std::byte> graph = {};
  std::function<std::chrono::system_clock::time_point()> clock =
      {};  ///< the system's where empty; asked on the caller's thread
};

/// MindSpore's ModelCheckpoint: saves the parameters of a training run by policy, and deletes old files by policy.
///
///     auto saver = ckpt::ModelCheckpoint::create("resnet50", "checkpoints", config, {.params = parameters});
///     if (!saver) return report(saver.error());
///     for (...) { train(); if (auto s = saver->step_end({epoch, step, steps_per_epoch}); !s) return report(s.error());
///     } return saver->end();
///
/// Files are called `prefix-epoch_step.ckpt`. A directory that has files of an earlier run makes the prefix
/// `prefix_N` (rerun_prefix); with config.resume the last run is gone on with. While it exists no other ModelCheckpoint
/// saves under the same prefix, in any process; others may use the directory. `prefix-record.txt` is what it remembers.
///
/// A file is deleted only after a newer one is safe, and only if both its name and the record say that it is of this
/// run. The newest is never deleted. After a kill or a power cut everything that a policy promises is there; what was
/// half written is gone after the next start. After an error training may go on: the next step tries again. Out of
/// memory is such an error, Errc::io with ENOMEM; what else the caller's functions throw comes through. One thread at a
/// time.
class ModelCheckpoint {
 public:
  /// An empty `directory` is the current one; it is made if it is not there. Errors: usage, for a prefix with a slash
  /// or a NUL or too long for a file name, and for the configuration; io; locked.
  static Result<ModelCheckpoint> create(std::string prefix = "CKP", std::optional<std::filesystem::path> directory = {},
                                        const CheckpointConfig& config = {}, ModelCheckpointOptions options = {});
  ModelCheckpoint(ModelCheckpoint&&) noexcept;
  ModelCheckpoint& operator=(ModelCheckpoint&&) noexcept;
  ~ModelCheckpoint();  ///< waits for a save that is on its way; its error is lost

  /// Training begins, behind `step`: steps to the next save are counted from there. Without one, and if it is never
  /// called, that is 0, or the step of latest() in a run that is gone on with.
  Status begin(std::optional<std::uint64_t> step = {});
  /// Saves if the policy says so, and never the same step twice. Errc::usage for step 0. Reports an asynchronous save
  /// that has failed. A graph that cannot be written costs no checkpoint.
  Status step_end(const TrainingStep& now);
  /// The result of a validation after the last step_end(). Belongs to the file of that step; where there is none and
  /// keep_best wants it, it is saved. NaN is no result, nor is anything in a run whose metrics are of the other
  /// metric_mode.
  Status epoch_end(std::optional<double> metric = {});
  /// Saves the last step, if there was any, and if the policy saves at all; and waits for everything.
  Status end();
  /// For the handler of an exception: `prefix-epoch_step_breakpoint.ckpt`, which no policy deletes. With
  /// config.exception_save only.
  Status save_exception(const TrainingStep& now);
  /// Never delete this file of the run. Errc::usage if it is none of them.
  Status pin(const std::filesystem::path& file);

  /// The file saved last; empty before the first. In a run that is gone on with the newest that can be opened.
  const std::filesystem::path& latest_ckpt_file_name() const noexcept;
  /// What is there to begin from: the same file with its step. Empty before the first save.
  const std::optional<SavedCheckpoint>& latest() const noexcept;
  /// Behind end(): of the files that the run has kept the one with the best metric, by config.metric_mode; of equal
  /// ones the first. Empty where none has a metric.
  std::optional<SavedCheckpoint> best() const;
  /// Of a run that is gone on with: what is newer than latest() and damaged, the newest last. It is not deleted.
  const std::vector<PassedOver>& passed_over() const noexcept;
  /// With the run's number: `resnet50_3`.
  const std::string& prefix() const noexcept;
  const CheckpointPolicy& policy() const noexcept;

 private:
  struct Impl;
  explicit ModelCheckpoint(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ckpt
