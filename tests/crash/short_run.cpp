#include "short_run.h"

#include <span>
#include <utility>

#include "ckpt/checkpoint.h"
#include "ckpt/run_files.h"
#include "file_bytes.h"

namespace ckpt::test {

std::chrono::system_clock::time_point time_of(std::uint64_t step) {
  return std::chrono::system_clock::time_point(std::chrono::hours(1000) + std::chrono::minutes(7 * step));
}

std::string name_of(std::uint64_t step) {
  return to_string(CheckpointName{"net", (step - 1) / kStepsPerEpoch + 1, (step - 1) % kStepsPerEpoch + 1});
}

std::vector<Policy> policies() {
  std::vector<Policy> list;
  list.push_back({"newest_one", {.keep_checkpoint_max = 1}});
  list.push_back({"newest_two", {.keep_checkpoint_max = 2}});
  list.push_back({"minutes", {.keep_checkpoint_max = 0, .keep_checkpoint_per_n_minutes = 14}});
  list.push_back({"best", {.keep_checkpoint_max = 1, .keep_best = 1}});
  list.push_back({"steps", {.keep_checkpoint_max = 1, .keep_every_steps = 3}});
  list.push_back({"all", {.keep_checkpoint_max = 2, .keep_best = 2, .keep_every_steps = 4}});
  list.push_back({"strict", {.keep_checkpoint_max = 2, .strict_mindspore = true}});
  list.push_back(
      {"strict_minutes", {.keep_checkpoint_max = 0, .keep_checkpoint_per_n_minutes = 20, .strict_mindspore = true}});
  return list;
}

std::ostream& operator<<(std::ostream& out, const Policy& policy) { return out << policy.name; }

int train(const std::filesystem::path& directory, const CheckpointConfig& config,
          const std::function<bool(std::uint64_t saves, const Status& status)>& after) {
  float value = 0;
  std::uint64_t step = 0;
  ModelCheckpointOptions options{
      .params =
          [&] {
            return std::vector<Param>{{.desc = {.name = "w", .dtype = DType::float32, .dims = {}},
                                       .bytes = std::as_bytes(std::span(&value, 1))}};
          },
      .graph = {std::byte{8}, std::byte{1}},
      .clock = [&] { return time_of(step); }};
  auto saver = ModelCheckpoint::create("net", directory, config, std::move(options));
  if (!saver) {
    after(0, saver.error());
    return 1;
  }
  for (step = 1; step <= kSteps; ++step) {
    value = static_cast<float>(step);
    if (!after(step, saver->step_end({(step - 1) / kStepsPerEpoch + 1, step, kStepsPerEpoch}))) return 1;
    if (step % kStepsPerEpoch != 0) continue;
    if (!after(0, saver->epoch_end(kMetrics[step / kStepsPerEpoch - 1]))) return 1;
  }
  return 0;
}

std::set<std::uint64_t> steps_in(const std::filesystem::path& directory) {
  std::set<std::uint64_t> steps;
  for (const std::string& file : names_in(directory)) {
    const auto name = checkpoint_name_from(file);
    if (!name || std::filesystem::is_symlink(directory / file) || read_file(directory / file) == kForeign) continue;
    const std::uint64_t step = (name->epoch - 1) * kStepsPerEpoch + name->step;
    const auto opened = Checkpoint::open(directory / file);
    float value = 0;
    const bool good = opened && opened->find("w") != nullptr &&
                      opened->read(*opened->find("w"), 0, std::as_writable_bytes(std::span(&value, 1))) &&
                      value == static_cast<float>(step);
    steps.insert(good ? step : 0);
  }
  return steps;
}

}  // namespace ckpt::test
