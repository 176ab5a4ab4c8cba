#include "run_saver.h"

#include <algorithm>
#include <cerrno>
#include <list>
#include <new>
#include <string>
#include <utility>

#include "file_source.h"
#include "run_directory.h"
#include "wording.h"

namespace ckpt {
namespace {

using Time = std::chrono::system_clock::time_point;
using Path = std::filesystem::path;

// The run's files that are there, in the order of saving. One that is not was deleted by somebody else.
Result<std::vector<CheckpointFile>> files_there(OpenRun& run) {
  std::vector<CheckpointFile> files;
  for (const CheckpointFile& known : std::list(run.record.files())) {
    CheckpointFile file = known;
    file.name = run.file_name(file.epoch, file.step);
    const auto entry = look_at(run.directory / file.name);
    if (!entry) return entry.error();
    if (!*entry) {
      if (auto status = run.record.drop(file.epoch, file.step); !status) return status.error();
      continue;
    }
    if (file.time == Time()) file.time = (*entry)->time;
    if (const auto state = run.not_whole.find({file.epoch, file.step}); state != run.not_whole.end())
      file.state = state->second;
    files.push_back(std::move(file));
  }
  return files;
}

// All but `spared`, which is empty or the file that was just saved.
Status delete_what_no_rule_keeps(OpenRun& run, std::span<const CheckpointFile> files, const KeepPolicy& keep, Time now,
                                 const Path& spared) {
  const auto decisions = decide_retention(files, keep, now);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (decisions[i].keep || files[i].name == spared) continue;
    if (auto status = remove_name(run.directory / files[i].name); !status) return status;
    if (auto status = run.record.drop(files[i].epoch, files[i].step); !status) return status;
  }
  return {};
}

// Behind the save, whose file is `replaced` as it was before, if it was there.
Status prune_behind(OpenRun& run, KeepPolicy keep, const SaveJob& job, const std::optional<CheckpointFile>& replaced) {
  auto files = files_there(run);
  if (!files) return files.error();
  // MindSpore decides before it saves: without the new file, and of a name that is used again the old one counts.
  if (keep.strict_mindspore) {
    const auto is_new = [&](const CheckpointFile& f) { return f.epoch == job.epoch && f.step == job.step; };
    if (!replaced) std::erase_if(*files, is_new);
    const auto file = std::find_if(files->begin(), files->end(), is_new);
    if (file != files->end()) {
      file->metric = replaced->metric;
      if (replaced->time != Time()) file->time = replaced->time;
    }
  }
  keep.last_save = job.last_save;
  return delete_what_no_rule_keeps(run, *files, keep, job.decided, job.path.filename());
}

Error not_to_be_replaced(const Path& path) {
  return {.code = Errc::usage,
          .os_error = EEXIST,
          .message = "there is a file " + in_quotes(path.filename().string()) + " that this run has not saved"};
}

/// A save whose name is noted in the record, before anything is written: from then on the name is ours.
struct Begun {
  RunRecord::Memory before = {};                // of the record
  std::optional<CheckpointFile> replaced = {};  // what has the name until then,
  std::uint64_t inode = 0;                      // and its file
};

Result<Begun> begin(OpenRun& run, const SaveJob& job) {
  const auto there = look_at(job.path);
  if (!there) return there.error();
  Begun begun{.before = run.record.remember(job.epoch, job.step)};
  if (!*there) begun.before.file.clear();
  if (!begun.before.file.empty()) {
    begun.replaced = begun.before.file.front();
    begun.inode = (*there)->inode;
  } else if (is_taken(job.path)) {
    return not_to_be_replaced(job.path);
  }
  if (auto status = run.record.begin(job.epoch, job.step, job.total_steps); !status) return status.error();
  return begun;
}

// Unless it failed behind the replacing: then the file is there, and ours.
void take_back(OpenRun& run, const SaveJob& job, Begun& begun, int os_error) noexcept {
  const auto left = inode_of(job.path);
  const bool is_old = begun.replaced && left == begun.inode;
  if (!is_old && left && os_error != EEXIST) return;
  if (!is_old) begun.before.file.clear();
  run.record.take_back(std::move(begun.before));
}

Status write_or_take_back(OpenRun& run, const SaveRules& rules, const SaveJob& job, std::span<const Param> params,
                          Begun& begun) {
  try {
    auto status = write_params(rules, job.path, begun.replaced.has_value(), params, job.append);
    if (!status) take_back(run, job, begun, status.error().os_error);
    return status;
  } catch (...) {  // there is no memory, or the caller's function threw
    take_back(run, job, begun, 0);
    throw;
  }
}

void save_and_prune(OpenRun& run, const SaveRules& rules, const SaveJob& job, std::span<const Param> params,
                    SaveResult& result) {
  auto begun = begin(run, job);
  if (!begun) return (void)(result.status = begun.error());
  result.status = write_or_take_back(run, rules, job, params, *begun);
  if (!result.status) return;
  result.saved = true;
  run.not_whole.erase({job.epoch, job.step});
  result.status = run.record.done(job.epoch, job.step, rules.clock ? rules.clock() : job.decided);
  // What is deleted now is deleted because of what the record says: that must not be forgotten.
  if (result.status && rules.how.durable) result.status = run.record.sync();
  if (result.status) result.status = prune_behind(run, rules.keep, job, begun->replaced);
}

}  // namespace

SaveResult save_and_prune(OpenRun& run, const SaveRules& rules, const SaveJob& job, std::span<const Param> params) {
  SaveResult result;
  try {
    save_and_prune(run, rules, job, params, result);
  } catch (const std::bad_alloc&) {
    result.status = system_error("cannot save", ENOMEM);
  }
  return result;
}

Status write_params(const SaveRules& rules, const Path& path, bool overwrite, std::span<const Param> params,
                    std::span<const AppendValue> append) {
  if (!overwrite && is_taken(path)) return not_to_be_replaced(path);
  WriteOptions how = rules.how;
  how.overwrite = overwrite;
  return rules.write ? rules.write(path, params, append, how) : save_checkpoint(path, params, append, how);
}

Status prune_again(OpenRun& run, const KeepPolicy& keep) {
  const auto files = files_there(run);
  if (!files) return files.error();
  return delete_what_no_rule_keeps(run, *files, keep, Time(), {});
}

}  // namespace ckpt
