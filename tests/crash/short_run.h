#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "ckpt/manager.h"

/// A short training run that saves by policy, for tests that disturb it.
namespace ckpt::test {

inline constexpr std::uint64_t kSteps = 5;
inline constexpr std::uint64_t kStepsPerEpoch = 2;
inline constexpr double kMetrics[] = {0.9, 0.5, 0.95};  ///< of each epoch

/// Its clock.
std::chrono::system_clock::time_point time_of(std::uint64_t step);
/// The checkpoint of a step.
std::string name_of(std::uint64_t step);

struct Policy {
  std::string name = {};
  CheckpointConfig config = {};
};
std::ostream& operator<<(std::ostream& out, const Policy& policy);

/// Each kind of policy there is.
std::vector<Policy> policies();

/// The whole run. `after` is told what has become of each call, and which step it should have saved (0: none), and says
/// whether to go on. 1 if it began not, or not to its end.
int train(const std::filesystem::path& directory, const CheckpointConfig& config,
          const std::function<bool(std::uint64_t saves, const Status& status)>& after);

/// What is in a file of somebody else.
inline constexpr const char* kForeign = "mine";

/// The steps whose checkpoints are there, whole and right; 0 among them if one is not. Links and kForeign are none.
std::set<std::uint64_t> steps_in(const std::filesystem::path& directory);

}  // namespace ckpt::test
