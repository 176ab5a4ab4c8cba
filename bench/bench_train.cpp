// A step of training, images ready in memory: forwards, backwards and the update. items_per_second are images.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

#include "executor.h"
#include "networks.h"
#include "op.h"
#include "parameters.h"
#include "training_graph.h"

namespace ckpt::train {
namespace {

Result<graph::Graph> step_of(const std::string& name, const graph::Dims& input, double weight_decay) {
  auto network = graph::make_network(name, {.num_classes = 10, .input = input});
  if (!network) return network;
  for (graph::Node& node : network->nodes) {
    if (auto status = graph::canonicalise(node); !status) return status.error();
  }
  if (!graph::infer_types(*network).empty()) return Error{.code = Errc::unsupported, .message = "types"};
  TrainingOptions options;
  options.optimizer.learning_rate = {1e-3};
  options.optimizer.weight_decay = weight_decay;
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

void step(benchmark::State& state, const std::string& name, const graph::Dims& input, double weight_decay) {
  auto graph = step_of(name, input, weight_decay);
  if (!graph) return state.SkipWithError(graph.error().message.c_str());
  auto parameters = Parameters::of(*graph);
  if (!parameters) return state.SkipWithError(parameters.error().message.c_str());
  auto executor = Executor::make(*graph, *parameters, {.threads = static_cast<int>(state.range(0))});
  if (!executor) return state.SkipWithError(executor.error().message.c_str());
  fill(*parameters, *executor);
  if (auto status = executor->run(); !status) return state.SkipWithError(status.error().message.c_str());
  for (auto _ : state) {
    if (auto status = executor->run(); !status) return state.SkipWithError(status.error().message.c_str());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * input[0].size);
  state.counters["arena_MB"] = static_cast<double>(executor->arena_bytes()) / 1e6;
}

BENCHMARK_CAPTURE(step, lenet5_batch_32, std::string("lenet5"), graph::Dims({32, 1, 32, 32}), 0)
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime();
BENCHMARK_CAPTURE(step, mlp_batch_32, std::string("mlp"), graph::Dims({32, 1, 28, 28}), 0)
    ->Arg(1)
    ->Arg(2)
    ->UseRealTime();
BENCHMARK_CAPTURE(step, resnet50_32x32_batch_32, std::string("resnet50"), graph::Dims({32, 3, 32, 32}), 0)
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(step, resnet50_with_weight_decay, std::string("resnet50"), graph::Dims({32, 3, 32, 32}), 1e-4)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace ckpt::train
