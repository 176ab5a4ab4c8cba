#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/run_files.h"
#include "ckpt/text.h"
#include "commands.h"
#include "json.h"
#include "render.h"

namespace ckpt::cli {
namespace {

/// One run, and what becomes of each of its files.
struct Plan {
  RunFiles run = {};
  std::vector<KeepDecision> decisions = {};
};

struct Counts {
  std::uint64_t files = 0;
  std::uint64_t deleted = 0;
  std::uint64_t bytes = 0;  // of those
};

Error usage(std::string message) { return {.code = Errc::usage, .message = std::move(message)}; }

Result<KeepPolicy> policy_from(const PruneCommand& options) {
  KeepPolicy policy{.metric_mode = options.metric_mode == "min" ? MetricMode::min : MetricMode::max,
                    .strict_mindspore = options.strict_mindspore};
  const std::pair<std::string_view, std::uint64_t*> rules[] = {
      {"keep_checkpoint_max", &policy.keep_checkpoint_max},
      {"keep_checkpoint_per_n_minutes", &policy.keep_checkpoint_per_n_minutes},
      {"keep_best", &policy.keep_best},
      {"keep_every_steps", &policy.keep_every_steps}};
  std::string_view left = options.policy;
  while (!left.empty()) {
    const std::string_view part = left.substr(0, left.find(','));
    left.remove_prefix(std::min(left.size(), part.size() + 1));
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto* const rule = std::find_if(std::begin(rules), std::end(rules),
                                          [&](const auto& r) { return r.first == part.substr(0, equals); });
    if (rule == std::end(rules)) return usage("no rule is called '" + escape(part.substr(0, equals)) + "'");
    const std::string_view value = part.substr(std::min(part.size(), equals + 1));
    *rule->second = 0;
    if (value == "none") continue;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *rule->second);
    if (value.empty() || error != std::errc() || end != value.data() + value.size())
      return usage("'" + escape(part) + "' gives " + std::string(rule->first) + " no number");
  }
  if (policy.strict_mindspore) {
    if (policy.keep_best != 0 || policy.keep_every_steps != 0)
      return usage("MindSpore has neither keep_best nor keep_every_steps");
    // As CheckpointConfig: the number goes before the minutes, and without either one file is kept.
    if (policy.keep_checkpoint_max > 0) policy.keep_checkpoint_per_n_minutes = 0;
    if (policy.keep_checkpoint_max == 0 && policy.keep_checkpoint_per_n_minutes == 0) policy.keep_checkpoint_max = 1;
  } else if (policy.keep_checkpoint_max == 0 && policy.keep_checkpoint_per_n_minutes == 0 && policy.keep_best == 0 &&
             policy.keep_every_steps == 0) {
    return usage("the policy has no rule");
  }
  return policy;
}

// What the rules need to know of each file. Without it they would delete what they are meant to keep.
Status complete(RunFiles& run, const KeepPolicy& policy, const PruneCommand& options) {
  bool any_metric = false;
  for (CheckpointFile& file : run.files) {
    any_metric = any_metric || file.metric;
    file.pinned =
        file.pinned || std::find(options.pinned.begin(), options.pinned.end(), file.name) != options.pinned.end();
    if (!file.total_steps && options.steps_per_epoch > 0 && file.epoch > 0)
      file.total_steps = (file.epoch - 1) * static_cast<std::uint64_t>(options.steps_per_epoch) + file.step;
    if (!file.total_steps && policy.keep_every_steps > 0)
      return usage("keep_every_steps: how many steps came before \"" + escape(file.name) + "\" is not known");
  }
  if (policy.keep_best > 0 && !any_metric)
    return usage("keep_best: no metric is known of the files of \"" + escape(run.prefix) + "\"");
  return {};
}

// A file that cannot be opened is no checkpoint to fall back on: what is to stay is looked at, until nothing changes.
Plan plan_for(RunFiles run, const std::filesystem::path& directory, KeepPolicy policy) {
  std::set<std::string_view> good;
  for (const CheckpointFile& file : run.files) policy.last_save = std::max(policy.last_save, file.time);
  while (true) {
    auto decisions = decide_retention(run.files, policy, std::chrono::system_clock::now());
    bool changed = false;
    for (std::size_t i = 0; i < run.files.size() && !policy.strict_mindspore; ++i) {
      CheckpointFile& file = run.files[i];
      if (!decisions[i].keep || file.damaged || !file.name.ends_with(".ckpt") || !good.insert(file.name).second)
        continue;
      const auto opened = Checkpoint::open(directory / file.name);
      file.damaged = !opened && opened.error().code != Errc::key;
      changed = changed || file.damaged;
    }
    if (!changed) return {std::move(run), std::move(decisions)};
  }
}

Counts counts_of(std::span<const Plan> plans) {
  Counts sum;
  for (const Plan& plan : plans)
    for (std::size_t i = 0; i < plan.run.files.size(); ++i) {
      ++sum.files;
      sum.deleted += plan.decisions[i].keep ? 0 : 1;
      sum.bytes += plan.decisions[i].keep ? 0 : plan.run.files[i].size;
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
    set_text(run, "prefix", plan.run.prefix);
    run["recorded"] = plan.run.recorded;
    run["files"] = Json::array();
    for (std::size_t i = 0; i < plan.run.files.size(); ++i) {
      const CheckpointFile& file = plan.run.files[i];
      Json row;
      set_text(row, "name", file.name);
      row["epoch"] = file.epoch;
      row["step"] = file.step;
      row["bytes"] = file.size;
      row["metric"] = file.metric ? number(*file.metric) : Json();
      row["keep"] = plan.decisions[i].keep;
      row["why"] = plan.decisions[i].why;
      run["files"].push_back(std::move(row));
    }
    json["runs"].push_back(std::move(run));
  }
  return json;
}

std::string text_of(std::span<const Plan> plans, bool explain, bool color) {
  Table table({{.head = "", .style = Style::plain}, {"FILE"}, {"SIZE", Table::Align::right}, {"WHY"}});
  for (const Plan& plan : plans)
    for (std::size_t i = 0; i < plan.run.files.size(); ++i) {
      const KeepDecision& decision = plan.decisions[i];
      if (decision.keep && !explain) continue;
      const CheckpointFile& file = plan.run.files[i];
      table.add({decision.keep ? "keep" : "delete", escape(file.name), human_size(file.size), decision.why});
    }
  return table.empty() ? "" : table.text(color);
}

}  // namespace

int run(Context& context, const PruneCommand& options) {
  const auto policy = policy_from(options);
  if (!policy) return context.fail(policy.error().message, "`ckpt prune --help` has the rules");
  auto runs = find_runs(options.directory);
  if (!runs) return context.fail(options.directory, runs.error());
  if (!options.prefix.empty()) {
    std::erase_if(*runs, [&](const RunFiles& r) { return r.prefix != options.prefix; });
    if (runs->empty())
      return context.fail(options.directory, usage("no run saved as \"" + escape(options.prefix) + "\" there"));
  }
  std::vector<Plan> plans;
  for (RunFiles& run_files : *runs) {
    if (auto status = complete(run_files, *policy, options); !status)
      return context.fail(options.directory, status.error());
    plans.push_back(plan_for(std::move(run_files), options.directory, *policy));
  }
  int code = kDone;
  if (options.yes)
    for (const Plan& plan : plans) {
      std::vector<std::string> names;
      for (std::size_t i = 0; i < plan.run.files.size(); ++i)
        if (!plan.decisions[i].keep) names.push_back(plan.run.files[i].name);
      if (names.empty()) continue;
      if (auto status = delete_run_files(options.directory, plan.run.prefix, names); !status)
        code = context.fail(options.directory + "/" + plan.run.prefix, status.error());
    }
  const bool deleted = options.yes && code == kDone;
  if (options.json) {
    context.write(line_of(json_of(options, *policy, plans, deleted)));
    return code;
  }
  context.write(text_of(plans, options.explain, context.color()));
  const Counts sum = counts_of(plans);
  if (code == kDone)
    context.write(fmt::format("{} of {} {}{}, {}\n", sum.deleted, counted(sum.files, "file"),
                              options.yes ? "deleted" : "to be deleted",
                              options.yes || sum.deleted == 0 ? "" : " (--yes does it)", human_size(sum.bytes)));
  return code;
}

}  // namespace ckpt::cli
