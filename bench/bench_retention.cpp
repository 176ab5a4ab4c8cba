#include <benchmark/benchmark.h>
#include <ckpt/retention.h>

#include <vector>

namespace ckpt::bench {
namespace {

// All rules at once, over the checkpoints of a long run.
void BM_DecideRetention(benchmark::State& state) {
  std::vector<CheckpointFile> files(static_cast<std::size_t>(state.range(0)));
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i].name = "net-" + std::to_string(i) + "_1.ckpt";
    files[i].time = std::chrono::system_clock::time_point(std::chrono::seconds(10 * i));
    files[i].total_steps = 10 * i;
    files[i].metric = static_cast<double>(i * 2654435761 % 1000);
  }
  const KeepPolicy policy{
      .keep_checkpoint_max = 5, .keep_checkpoint_per_n_minutes = 60, .keep_best = 10, .keep_every_steps = 1000};
  for (auto _ : state) benchmark::DoNotOptimize(decide_retention(files, policy, {}).size());
}
BENCHMARK(BM_DecideRetention)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ckpt::bench
