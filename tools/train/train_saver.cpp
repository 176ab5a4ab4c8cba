#include "train_saver.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <span>
#include <utility>

#include "ckpt/text.h"
#include "meta_file.h"
#include "render.h"
#include "train_start.h"
#include "usage.h"

namespace ckpt::train {
namespace {

Status save_if_any(const std::filesystem::path& path, std::span<const Param> params,
                   std::span<const AppendValue> append, const WriteOptions& options) {
  if (params.empty()) return tools::usage("the parameters are not finite");
  return save_checkpoint(path, params, append, options);
}

}  // namespace

std::vector<Param> FiniteParams::to_save() {
  culprit_ = parameters_.not_finite();
  return culprit_.empty() ? parameters_.params() : std::vector<Param>();
}

Made<ModelCheckpoint> open_saver(cli::Context& context, const TrainCommand& command, const graph::Graph& step_graph,
                                 FiniteParams& params, std::uint64_t seed, const Start& start) {
  auto meta = graph::to_meta(step_graph);
  if (!meta) return Trouble{step_graph.name, std::move(meta).error()};
  CheckpointConfig config = command.config;
  config.append_info.values.push_back({"seed", static_cast<std::int64_t>(seed)});
  const auto name = resumed_name(command);
  const std::string prefix = command.prefix.value_or(name ? name->prefix : "CKP");
  const auto create = [&](bool resume) {
    config.resume = resume;
    return ModelCheckpoint::create(
        prefix, command.directory, config,
        {.params = [&params] { return params.to_save(); }, .save = save_if_any, .graph = *meta});
  };
  std::optional<ModelCheckpoint> saver;
  if (name && !start.went_on) {
    auto same = create(true);
    if (!same && same.error().code != Errc::usage) {
      const bool metrics = same.error().code == Errc::mismatch;
      return Trouble{
          command.directory, std::move(same).error(),
          metrics ? "--best must be that of the run; --prefix begins another" : "--prefix begins another run"};
    }
    if (same && same->prefix() == name->prefix) saver.emplace(std::move(*same));
  }
  if (!saver) {
    auto another = create(false);
    if (!another) return Trouble{command.directory, std::move(another).error()};
    saver.emplace(std::move(*another));
    if (!command.resume.empty())
      context.note(fmt::format("{}: saves as {}", cli::file_text(command.resume), escape(saver->prefix())) +
                   (start.went_on ? ", for that run went on" : ""));
  }
  for (const auto& [path, error] : saver->passed_over())
    context.note(fmt::format("{}: {}", cli::file_text(path.string()), to_string(error)));
  const CheckpointPolicy& policy = saver->policy();
  if (policy.save_checkpoint_steps.value_or(0) == 0 && policy.save_checkpoint_seconds.value_or(0) == 0)
    context.note(config.keep_best > 0
                     ? "only what is the best is saved: neither --save-steps nor --save-seconds is above 0"
                     : "nothing is saved: neither --save-steps nor --save-seconds is above 0");
  if (config.keep_checkpoint_max.value_or(0) == 0 && config.keep_checkpoint_per_n_minutes.value_or(0) == 0)
    context.note("the newest checkpoint alone is kept: neither --keep-max nor --keep-per-minutes is above 0");
  if (auto status = saver->begin(start.step); !status) return Trouble{command.directory, status.error()};
  return std::move(*saver);
}

bool continues_run(const TrainCommand& command, const ModelCheckpoint& saver) {
  const auto name = resumed_name(command);
  return name && name->prefix == saver.prefix();
}

}  // namespace ckpt::train
