#include "resume_point.h"

#include <algorithm>
#include <string>
#include <utility>

#include "ckpt/checkpoint.h"
#include "index.h"
#include "run_directory.h"
#include "wording.h"

namespace ckpt {
namespace {

/// A file of the run that cannot be opened.
struct Failure {
  RunRecord::FileKey file = {};
  bool is_newer = true;  // than every one that can be opened
  Error error = {};
};

/// What came of opening them all.
struct Look {
  std::optional<SavedCheckpoint> latest = {};
  std::vector<Failure> failures = {};
  bool key_fits = false;  // an encrypted one was opened with it
};

Status open_one(OpenRun& run, const CheckpointFile& file, const std::optional<Key>& key, Look& look) {
  const std::filesystem::path path = run.directory / run.file_name(file.epoch, file.step);
  const auto there = look_at(path);
  if (!there) return there.error();
  if (!*there) return {};
  if (run.format == "ckpt") {  // of others no more is known than that they are there
    auto opened = Checkpoint::open(path, {.key = key});
    if (!opened) {
      look.failures.push_back({.file = {file.epoch, file.step}, .error = std::move(opened).error()});
      return {};
    }
    look.key_fits = look.key_fits || opened->encryption();
  }
  look.latest = {.path = path, .epoch = file.epoch, .step = file.total_steps.value_or(0), .metric = file.metric};
  for (Failure& failure : look.failures) failure.is_newer = false;
  return {};
}

// A wrong key fails everywhere. So where it fits another file, or a block in front, the bytes are to blame.
bool is_damaged(const Error& error, bool key_fits) {
  if (error.code == Errc::key) return key_fits || error.offset != Error::kNoOffset;
  return is_damage(error) || error.code == Errc::mismatch;
}

// To begin from nothing beside checkpoints would be a bad surprise.
Error nothing_to_go_on_with(const OpenRun& run, const std::vector<PassedOver>& damaged) {
  if (damaged.empty()) return not_ours(run.prefix);
  Error error = damaged.back().error;
  error.message = "no checkpoint of " + in_quotes(run.prefix) + " can be opened; the newest: " + error.message;
  return error;
}

}  // namespace

Result<ResumePoint> find_resume_point(OpenRun& run, const std::optional<Key>& key) {
  Look look;
  for (const CheckpointFile& file : run.record.files())
    if (auto status = open_one(run, file, key, look); !status) return status.error();
  ResumePoint point{.latest = std::move(look.latest)};
  std::optional<Error> hindrance;
  for (Failure& failure : look.failures) {
    const std::string name = run.file_name(failure.file.first, failure.file.second);
    const bool damaged = is_damaged(failure.error, look.key_fits);
    if (damaged) run.not_whole[failure.file] = FileState::damaged;
    if (!damaged && failure.error.code == Errc::io) run.not_whole[failure.file] = FileState::unreadable;
    if (!failure.is_newer) continue;
    if (damaged) {
      point.passed_over.push_back({run.directory / name, std::move(failure.error)});
    } else {
      hindrance = std::move(failure.error);
      hindrance->message = "cannot go on with " + in_quotes(name) + ": " + hindrance->message;
    }
  }
  if (hindrance) return std::move(*hindrance);
  if (!point.latest && run.goes_on) return nothing_to_go_on_with(run, point.passed_over);
  return point;
}

}  // namespace ckpt
