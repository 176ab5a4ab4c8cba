#include "train_ending.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <utility>

#include "ckpt/checkpoint.h"
#include "ckpt/run_files.h"
#include "ckpt/text.h"
#include "ckpt/validate.h"
#include "render.h"

namespace ckpt::train {
namespace {

namespace fs = std::filesystem;

std::string step_text(std::uint64_t step, std::uint64_t steps_per_epoch) {
  return fmt::format("step {} of epoch {}", (step - 1) % steps_per_epoch + 1, (step - 1) / steps_per_epoch + 1);
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

int tell_divergence(cli::Context& context, const std::string& directory, const std::string& prefix,
                    const Ending& ending, std::uint64_t steps_per_epoch) {
  const std::string good = last_good(directory, prefix);
  const std::string what = ending.culprit.empty()
                               ? fmt::format("the loss is {}", std::isnan(ending.loss) ? "NaN" : "infinite")
                               : fmt::format("\"{}\" has NaN or infinite values", escape(ending.culprit));
  return context.fail(fmt::format("{}: {}", step_text(ending.step, steps_per_epoch), what),
                      good.empty() ? "no checkpoint of this run is without NaN and infinities"
                                   : "the last checkpoint without NaN and infinities is " + cli::file_text(good));
}

int tell_interruption(cli::Context& context, const std::string& directory, const fs::path& latest, const Ending& ending,
                      std::uint64_t steps_per_epoch) {
  std::string text = "stopped after " + step_text(ending.step, steps_per_epoch);
  if (!latest.empty())
    text += "; --resume " + cli::file_text((fs::path(directory) / latest.filename()).string()) + " continues";
  context.note(text);
  return cli::kInterrupted;
}

}  // namespace

int conclude(cli::Context& context, const TrainCommand& command, const Ending& ending, ModelCheckpoint saver,
             const FiniteParams& params, std::uint64_t steps_per_epoch) {
  if (ending.why == Ending::Why::diverged) {
    const std::string prefix = saver.prefix();
    { const ModelCheckpoint over = std::move(saver); }  // what is being saved is there; the last step is not saved
    return tell_divergence(context, command.directory, prefix, ending, steps_per_epoch);
  }
  const Status saved = saver.end();
  if (!params.culprit().empty())
    return tell_divergence(context, command.directory, saver.prefix(),
                           {.step = ending.step, .culprit = params.culprit()}, steps_per_epoch);
  if (!saved) return context.fail(command.directory, saved.error());
  if (ending.why == Ending::Why::interrupted)
    return tell_interruption(context, command.directory, saver.latest_ckpt_file_name(), ending, steps_per_epoch);
  if (const auto best = saver.best(); best && !command.best.empty())
    context.write(
        fmt::format("best {} {:.4f}: {}\n", command.best, *best->metric, escape(best->path.filename().string())));
  return cli::kDone;
}

}  // namespace ckpt::train
