// What a CheckpointConfig comes to, and what of it cannot be.
#include <string>
#include <utility>

#include "ckpt/manager.h"
#include "ckpt/run_files.h"
#include "wording.h"

namespace ckpt {
namespace {

bool is_set(const std::optional<std::int64_t>& number) { return number.value_or(0) != 0; }

Status check_numbers(const CheckpointPolicy& policy) {
  const std::pair<const char*, std::optional<std::int64_t>> numbers[] = {
      {"save_checkpoint_steps", policy.save_checkpoint_steps},
      {"save_checkpoint_seconds", policy.save_checkpoint_seconds},
      {"keep_checkpoint_max", policy.keep_checkpoint_max},
      {"keep_checkpoint_per_n_minutes", policy.keep_checkpoint_per_n_minutes}};
  bool any = false;
  for (const auto& [name, number] : numbers) {
    if (number.value_or(0) < 0) return usage(std::string(name) + " is negative");
    any = any || is_set(number);
  }
  if (any) return {};
  return usage(
      "save_checkpoint_steps, save_checkpoint_seconds, keep_checkpoint_max and keep_checkpoint_per_n_minutes cannot "
      "all be none or 0");
}

Status check_combinations(const CheckpointConfig& config) {
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
  return {};
}

}  // namespace

Result<CheckpointPolicy> checkpoint_policy(const CheckpointConfig& config) {
  CheckpointPolicy policy{config.save_checkpoint_steps, config.save_checkpoint_seconds, config.keep_checkpoint_max,
                          config.keep_checkpoint_per_n_minutes};
  if (auto status = check_numbers(policy); !status) return status.error();
  if (auto status = check_combinations(config); !status) return status.error();
  if (is_set(policy.save_checkpoint_steps)) policy.save_checkpoint_seconds = std::nullopt;
  if (is_set(policy.keep_checkpoint_max)) {
    policy.keep_checkpoint_per_n_minutes = std::nullopt;
  } else if (!is_set(policy.keep_checkpoint_per_n_minutes)) {
    policy.keep_checkpoint_max = 1;
  }
  return policy;
}

}  // namespace ckpt
