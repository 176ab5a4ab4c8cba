// Steps of training, images ready in memory: forwards, backwards and the update. For `peers`: prints a line of JSON
// with the times of the steps, and the memory needed on top of what the process had before.
//
//   ckpt_measure_train NETWORK BATCH STEPS [THREADS]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "executor.h"
#include "networks.h"
#include "op.h"
#include "parameters.h"
#include "training_graph.h"

namespace ckpt::train {
namespace {

Result<graph::Graph> step_of(const std::string& name, const graph::Dims& input) {
  auto network = graph::make_network(name, {.num_classes = 10, .input = input});
  if (!network) return network;
  for (graph::Node& node : network->nodes) {
    if (auto status = graph::canonicalise(node); !status) return status.error();
  }
  if (!graph::infer_types(*network).empty()) return Error{.code = Errc::unsupported, .message = "types"};
  TrainingOptions options;
  options.optimizer.learning_rate = {1e-3};
  return make_training_graph(*network, options);
}

/// Weights small enough that nothing overflows, and images of noise.
void fill(Parameters& parameters, Executor& executor) {
  std::mt19937 random(1);
  std::normal_distribution<float> draw(0, 1);
  for (const Param& parameter : parameters.params()) {
    const std::string& name = parameter.desc.name;
    const auto numbers = parameters.floats(name);
    const bool ones = name.ends_with("gamma") || name.ends_with("moving_variance");
    if (name.starts_with("moments.") || parameter.desc.dims.empty()) continue;
    const float size =
        std::sqrt(2.0F * static_cast<float>(parameter.desc.dims[0]) / static_cast<float>(numbers.size()));
    if (name.ends_with("weight") || ones) {
      for (float& number : numbers) number = ones ? 1.0F : size * draw(random);
    }
  }
  auto images = executor.input(0);
  for (std::size_t i = 0; i < images.size(); i += sizeof(float)) {
    const float number = draw(random);
    std::memcpy(images.data() + i, &number, sizeof number);
  }
  auto labels = executor.input(1);
  for (std::size_t i = 0; i < labels.size(); i += sizeof(std::int32_t)) {
    const auto label = static_cast<std::int32_t>(i / sizeof(std::int32_t) % 10);
    std::memcpy(labels.data() + i, &label, sizeof label);
  }
}

std::uint64_t status_bytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key)) return 1024 * std::strtoull(line.c_str() + key.size(), nullptr, 10);
  return 0;
}

Status measure(const std::string& name, std::int64_t batch, int steps, int threads) {
  constexpr int kWarm = 3;
  std::ofstream("/proc/self/clear_refs") << 5 << std::flush;
  const std::uint64_t before = status_bytes("VmHWM:");
  const std::int64_t channels = name.starts_with("resnet") ? 3 : 1, size = name == "mlp" ? 28 : 32;
  auto graph = step_of(name, graph::Dims({batch, channels, size, size}));
  if (!graph) return graph.error();
  auto parameters = Parameters::of(*graph);
  if (!parameters) return parameters.error();
  auto executor = Executor::make(*graph, *parameters, {.threads = threads});
  if (!executor) return executor.error();
  fill(*parameters, *executor);
  std::string seconds;
  for (int i = -kWarm; i < steps; ++i) {
    const auto start = std::chrono::steady_clock::now();
    if (auto status = executor->run(); !status) return status;
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    if (i >= 0) seconds += (i == 0 ? "" : ", ") + std::to_string(time.count());
  }
  std::printf("{\"seconds\": [%s], \"peak_bytes\": %llu, \"arena_bytes\": %llu}\n", seconds.c_str(),
              static_cast<unsigned long long>(status_bytes("VmHWM:") - before),
              static_cast<unsigned long long>(executor->arena_bytes()));
  return {};
}

}  // namespace
}  // namespace ckpt::train

int main(int count, char** words) {
  if (count < 4) return std::fputs("ckpt_measure_train NETWORK BATCH STEPS [THREADS]\n", stderr), 2;
  const auto status =
      ckpt::train::measure(words[1], std::atoll(words[2]), std::atoi(words[3]), count > 4 ? std::atoi(words[4]) : 0);
  if (!status) std::fprintf(stderr, "%s\n", to_string(status.error()).c_str());
  return status ? 0 : 1;
}
