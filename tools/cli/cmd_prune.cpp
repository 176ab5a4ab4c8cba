#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/manager.h"
#include "ckpt/run_files.h"
#include "ckpt/text.h"
#include "commands.h"
#include "containers.h"
#include "json.h"
#include "render.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

/// A checkpoint, and what becomes of it.
struct Row {
  CheckpointFile file = {};
  KeepDecision decision = {};
  bool deleted = false;
};

struct Plan {
  std::string prefix = {};
  bool recorded = false;
  std::optional<Error> error = {};  // why the run is left alone
  std::vector<Row> rows = {};
  std::vector<std::pair<std::string, Error>> unreadable = {};  // files, and why
};

struct Counts {
  std::uint64_t files = 0;
  std::uint64_t chosen = 0;  // to be deleted, or deleted
  std::uint64_t bytes = 0;   // of those
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

// As CheckpointConfig: the number goes before the minutes, and without either one file is kept.
Result<KeepPolicy> as_mindspore(KeepPolicy policy, std::uint64_t every_minutes) {
  const auto checked = checkpoint_policy(
      {.keep_checkpoint_max = static_cast<std::int64_t>(policy.keep_checkpoint_max),
       .keep_checkpoint_per_n_minutes = static_cast<std::int64_t>(policy.keep_checkpoint_per_n_minutes),
       .keep_best = policy.keep_best,
       .keep_every_steps = policy.keep_every_steps,
       .keep_every_minutes = every_minutes,
       .strict_mindspore = true});
  if (!checked) return checked.error();
  policy.keep_checkpoint_max = static_cast<std::uint64_t>(checked->keep_checkpoint_max.value_or(0));
  policy.keep_checkpoint_per_n_minutes = static_cast<std::uint64_t>(checked->keep_checkpoint_per_n_minutes.value_or(0));
  return policy;
}

Result<KeepPolicy> policy_from(const PruneCommand& options) {
  KeepPolicy policy{.metric_mode = options.metric_mode == "min" ? MetricMode::min : MetricMode::max,
                    .strict_mindspore = options.strict_mindspore};
  std::uint64_t every_minutes = 0;
  const std::pair<std::string_view, std::uint64_t*> rules[] = {
      {"keep_checkpoint_max", &policy.keep_checkpoint_max},
      {"keep_checkpoint_per_n_minutes", &policy.keep_checkpoint_per_n_minutes},
      {"keep_best", &policy.keep_best},
      {"keep_every_steps", &policy.keep_every_steps},
      {"keep_every_minutes", &every_minutes}};
  std::string_view left = options.policy;
  while (!left.empty()) {
    const std::string_view whole = left.substr(0, left.find(','));
    left.remove_prefix(std::min(left.size(), whole.size() + 1));
    const std::string_view part = trimmed(whole);
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto* const rule = std::find_if(std::begin(rules), std::end(rules),
                                          [&](const auto& r) { return r.first == part.substr(0, equals); });
    if (rule == std::end(rules)) return usage("no rule is called '" + escape(part.substr(0, equals)) + "'");
    const std::string_view value = part.substr(std::min(part.size(), equals + 1));
    *rule->second = 0;
    if (value == "none") continue;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *rule->second);
    if (value.empty() || error != std::errc() || end != value.data() + value.size() ||
        *rule->second > std::numeric_limits<std::int64_t>::max())
      return usage("'" + escape(part) + "' gives " + std::string(rule->first) + " no number");
  }
  if (policy.strict_mindspore) return as_mindspore(policy, every_minutes);
  if (policy.keep_checkpoint_per_n_minutes != 0 && every_minutes != 0)
    return usage("keep_checkpoint_per_n_minutes and keep_every_minutes are one rule here");
  policy.keep_checkpoint_per_n_minutes += every_minutes;
  if (policy.keep_checkpoint_max == 0 && policy.keep_checkpoint_per_n_minutes == 0 && policy.keep_best == 0 &&
      policy.keep_every_steps == 0)
    return usage("the policy has no rule");
  return policy;
}

// The names that --pin gives: of files in the directory, also with it in front.
Result<std::set<std::string>> pinned_names(const PruneCommand& options) {
  std::set<std::string> names;
  for (const std::string& given : options.pinned) {
    const std::filesystem::path path = given;
    const std::string name = path.filename().string();
    std::error_code error;
    const bool is_there =
        !path.has_parent_path() || std::filesystem::equivalent(path.parent_path(), options.directory, error);
    const auto status = std::filesystem::symlink_status(std::filesystem::path(options.directory) / name, error);
    if (!is_there || !checkpoint_name_from(name) || !std::filesystem::is_regular_file(status))
      return usage("--pin: no checkpoint there is called \"" + escape(given) + "\"");
    names.insert(name);
  }
  return names;
}

std::optional<std::uint64_t> total_steps(const CheckpointFile& file, std::uint64_t steps_per_epoch) {
  std::uint64_t total = 0;
  if (steps_per_epoch == 0 || file.epoch == 0 || __builtin_mul_overflow(file.epoch - 1, steps_per_epoch, &total) ||
      __builtin_add_overflow(total, file.step, &total))
    return std::nullopt;
  return total;
}

// What the rules need to know of each file. Without it they would delete what they are meant to keep.
Status complete(RunFiles& run, const KeepPolicy& policy, const PruneCommand& options) {
  bool any_metric = false;
  for (CheckpointFile& file : run.files) {
    any_metric = any_metric || file.metric;
    if (!file.total_steps) file.total_steps = total_steps(file, static_cast<std::uint64_t>(options.steps_per_epoch));
    if (!file.total_steps && policy.keep_every_steps > 0)
      return usage("keep_every_steps: how many steps came before \"" + escape(file.name) + "\" is not known");
  }
  if (policy.keep_best > 0 && !any_metric) return usage("keep_best: no metric is known of its files");
  return {};
}

// Why a file is no checkpoint to fall back on: it cannot be opened, or is of another format than its name says. One
// that only lacks its key is.
std::optional<Error> why_not_usable(const std::filesystem::path& path) {
  const auto opened = containers::open_any(path);
  if (!opened) return opened.error().code == Errc::key ? std::nullopt : std::optional(opened.error());
  if ((opened->format == FileFormat::safetensors) == (path.extension() == ".safetensors")) return std::nullopt;
  return Error{.code = Errc::mismatch, .message = "is of another format than its name says"};
}

bool is_unreadable(const Error& error) { return error.code == Errc::io || error.code == Errc::changed; }

// MindSpore deletes before it saves; here no save follows.
void keep_newest(std::span<const CheckpointFile> files, std::vector<KeepDecision>& decisions) {
  for (std::size_t i = files.size(); i-- > 0;) {
    if (files[i].state != FileState::whole) continue;
    if (!decisions[i].keep) decisions[i] = {true, "the newest; MindSpore would delete it before its next save"};
    return;
  }
}

// Opens every file, to know which are whole.
std::vector<KeepDecision> decide(std::vector<CheckpointFile>& files, const std::filesystem::path& directory,
                                 KeepPolicy policy, const std::set<std::string>& pinned, Plan& plan) {
  for (CheckpointFile& file : files) {
    file.pinned = file.pinned || pinned.contains(file.name);
    if (auto error = why_not_usable(directory / file.name)) {
      file.state = is_unreadable(*error) ? FileState::unreadable : FileState::damaged;
      if (file.state == FileState::unreadable) plan.unreadable.emplace_back(file.name, std::move(*error));
    }
    policy.last_save = std::max(policy.last_save, file.time);
  }
  auto decisions = decide_retention(files, policy, std::chrono::system_clock::now());
  if (policy.strict_mindspore) keep_newest(files, decisions);
  return decisions;
}

Plan plan_for(RunFiles run, const PruneCommand& options, const KeepPolicy& policy,
              const std::set<std::string>& pinned) {
  Plan plan{.prefix = run.prefix, .recorded = run.recorded, .error = run.error};
  if (!plan.error)
    if (const auto status = complete(run, policy, options); !status) plan.error = status.error();
  const auto decisions = plan.error ? std::vector<KeepDecision>(run.files.size(), {true, "its run is left alone"})
                                    : decide(run.files, options.directory, policy, pinned, plan);
  for (std::size_t i = 0; i < run.files.size(); ++i) plan.rows.push_back({std::move(run.files[i]), decisions[i]});
  for (CheckpointFile& file : run.others) plan.rows.push_back({std::move(file), {true, "not of the record"}});
  return plan;
}

std::string path_of(const PruneCommand& options, const std::string& name) {
  return (std::filesystem::path(options.directory) / name).string();
}

int delete_planned(Context& context, const PruneCommand& options, Plan& plan) {
  std::vector<CheckpointFile> files;
  std::vector<Row*> rows;
  for (Row& row : plan.rows) {
    if (row.decision.keep) continue;
    files.push_back(row.file);
    rows.push_back(&row);
  }
  if (files.empty()) return kDone;
  const auto deletions = delete_run_files(options.directory, plan.prefix, files);
  if (!deletions) return context.fail(path_of(options, plan.prefix), deletions.error());
  int code = kDone;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Deletion& deletion = (*deletions)[i];
    rows[i]->deleted = deletion.deleted;
    if (!deletion.status) code = context.fail(path_of(options, files[i].name), deletion.status.error());
  }
  return code;
}

Counts counts_of(std::span<const Plan> plans, bool deleted) {
  Counts sum;
  for (const Plan& plan : plans)
    for (const Row& row : plan.rows) {
      ++sum.files;
      if (deleted ? !row.deleted : row.decision.keep) continue;
      ++sum.chosen;
      sum.bytes += row.file.size;
    }
  return sum;
}

Json json_of(const PruneCommand& options, const KeepPolicy& policy, std::span<const Plan> plans, bool deleted) {
  Json json;
  json["schema"] = "ckpt.prune/1";
  set_text(json, "directory", options.directory);
  json["policy"] = {{"keep_checkpoint_max", policy.keep_checkpoint_max},
                    {"keep_checkpoint_per_n_minutes", policy.keep_checkpoint_per_n_minutes},
                    {"keep_best", policy.keep_best},
                    {"metric_mode", policy.metric_mode == MetricMode::max ? "max" : "min"},
                    {"keep_every_steps", policy.keep_every_steps},
                    {"strict_mindspore", policy.strict_mindspore}};
  json["deleted"] = deleted;
  json["runs"] = Json::array();
  for (const Plan& plan : plans) {
    Json run;
    set_text(run, "prefix", plan.prefix);
    run["recorded"] = plan.recorded;
    run["error"] = cli::json_of(plan.error);
    run["files"] = Json::array();
    for (const auto& [file, decision, is_deleted] : plan.rows) {
      Json row;
      set_text(row, "name", file.name);
      row["epoch"] = file.epoch;
      row["step"] = file.step;
      row["bytes"] = file.size;
      row["metric"] = file.metric ? number(*file.metric) : Json();
      row["keep"] = decision.keep;
      row["why"] = decision.why;
      row["deleted"] = is_deleted;
      run["files"].push_back(std::move(row));
    }
    json["runs"].push_back(std::move(run));
  }
  return json;
}

std::string text_of(std::span<const Plan> plans, const PruneCommand& options, bool color) {
  Table table({{.head = "", .style = Style::plain}, {"FILE"}, {"SIZE", Table::Align::right}, {"WHY"}});
  for (const Plan& plan : plans)
    for (const auto& [file, decision, deleted] : plan.rows) {
      if (decision.keep && !options.explain) continue;
      const char* const what = decision.keep ? "keep" : options.yes && !deleted ? "failed" : "delete";
      table.add({what, escape(file.name), human_size(file.size), decision.why});
    }
  const Counts sum = counts_of(plans, options.yes);
  const char* const how = options.yes ? "deleted" : sum.chosen == 0 ? "to be deleted" : "to be deleted (--yes does it)";
  return (table.empty() ? "" : table.text(color)) +
         fmt::format("{} of {} {}, {}\n", sum.chosen, counted(sum.files, "file"), how, human_size(sum.bytes));
}

}  // namespace

int run(Context& context, const PruneCommand& options) {
  const auto policy = policy_from(options);
  if (!policy) return context.fail(policy.error().message, "`ckpt prune --help` has the rules");
  auto runs = find_runs(options.directory, options.prefix);
  if (!runs) return context.fail(options.directory, runs.error());
  if (options.prefix && runs->empty())
    return context.fail(options.directory, usage("no run saved as \"" + escape(*options.prefix) + "\" there"));
  const auto pinned = pinned_names(options);
  if (!pinned) return context.fail(options.directory, pinned.error());
  int code = kDone;
  std::vector<Plan> plans;
  for (RunFiles& run_files : *runs) {
    const std::string at = path_of(options, run_files.prefix + (run_files.error ? "-record.txt" : ""));
    plans.push_back(plan_for(std::move(run_files), options, *policy, *pinned));
    if (plans.back().error) code = context.fail(at, *plans.back().error);
    for (const auto& [file, error] : plans.back().unreadable) code = context.fail(path_of(options, file), error);
  }
  if (options.yes)
    for (Plan& plan : plans) code = std::max(code, delete_planned(context, options, plan));
  const bool deleted = options.yes && code == kDone;
  context.write(options.json ? line_of(json_of(options, *policy, plans, deleted))
                             : text_of(plans, options, context.color()));
  return code;
}

}  // namespace ckpt::cli
