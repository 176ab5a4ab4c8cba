// A training run as tests/interop/manager_test.py tells it on standard input, through ckpt::ModelCheckpoint. Prints a
// line of JSON after each step, and one after the end: the names in the directory.
//
//   run_training < {"directory", "prefix", "config": {...}, "steps": [[epoch, step, steps_per_epoch, seconds]...],
//   "end"}
#include <ckpt/manager.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "interop_support.h"

namespace {

using Json = nlohmann::ordered_json;

std::optional<std::int64_t> number(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<std::int64_t>());
}

ckpt::CheckpointConfig config_from(const Json& json) {
  ckpt::CheckpointConfig config{.durable = false};
  config.strict_mindspore = true;
  for (const auto& [name, value] : json.items()) {
    if (name == "save_checkpoint_steps") config.save_checkpoint_steps = number(value);
    if (name == "save_checkpoint_seconds") config.save_checkpoint_seconds = number(value);
    if (name == "keep_checkpoint_max") config.keep_checkpoint_max = number(value);
    if (name == "keep_checkpoint_per_n_minutes") config.keep_checkpoint_per_n_minutes = number(value);
    if (name == "async_save") config.async_save = value;
    if (name == "epoch_num") config.append_info.epoch_num = value;
    if (name == "step_num") config.append_info.step_num = value;
    if (name == "values")
      for (const auto& [key, v] : value.items())
        config.append_info.values.push_back(v.is_boolean()          ? ckpt::AppendValue{key, v.get<bool>()}
                                            : v.is_number_integer() ? ckpt::AppendValue{key, v.get<std::int64_t>()}
                                            : v.is_number()         ? ckpt::AppendValue{key, v.get<double>()}
                                                                    : ckpt::AppendValue{key, v.get<std::string>()});
  }
  return config;
}

void print_names(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  std::cout << Json(names) << '\n';
}

}  // namespace

int main() {
  const Json told = Json::parse(std::cin);
  const std::filesystem::path directory = told["directory"].get<std::string>();
  const float value = 1.5F;
  std::chrono::system_clock::time_point now;
  const auto set_time = [&](double seconds) {
    now = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::duration<double>(seconds)));
  };
  set_time(told["begin"]);
  ckpt::ModelCheckpointOptions options{
      .params =
          [&] {
            return std::vector<ckpt::Param>{{.desc = {.name = "w", .dtype = ckpt::DType::float32, .dims = {1}},
                                             .bytes = std::as_bytes(std::span(&value, 1))}};
          },
      .graph = {std::byte{8}, std::byte{1}},
      .clock = [&] { return now; }};
  const auto policy = ckpt::checkpoint_policy(config_from(told["config"]));
  if (!policy) {
    std::cout << Json{{"refused", to_string(policy.error())}} << '\n';
    return 0;
  }
  const auto text = [](const std::optional<std::int64_t>& n) { return n ? Json(*n) : Json(); };
  std::cout << Json{{"save_checkpoint_steps", text(policy->save_checkpoint_steps)},
                    {"save_checkpoint_seconds", text(policy->save_checkpoint_seconds)},
                    {"keep_checkpoint_max", text(policy->keep_checkpoint_max)},
                    {"keep_checkpoint_per_n_minutes", text(policy->keep_checkpoint_per_n_minutes)}}
            << '\n';
  auto saver = ckpt::test::get(ckpt::ModelCheckpoint::create(told["prefix"].get<std::string>(), directory,
                                                             config_from(told["config"]), std::move(options)));
  for (const Json& step : told["steps"]) {
    set_time(step[3]);
    ckpt::test::check(saver.step_end({step[0], step[1], step[2]}));
    print_names(directory);
  }
  set_time(told["end"]);
  ckpt::test::check(saver.end());
  print_names(directory);
  return 0;
}
