#include <benchmark/benchmark.h>
#include <ckpt/checkpoint.h>
#include <ckpt/stream.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "bench_file.h"

namespace ckpt::bench {
namespace {

void both_files(benchmark::internal::Benchmark* benchmark) { benchmark->ArgName("many")->Arg(0)->Arg(1); }

void BM_Open(benchmark::State& state) {
  const auto& path = file(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(need(Checkpoint::open(path)).tensors().data());
}
BENCHMARK(BM_Open)->Apply(both_files)->Unit(benchmark::kMicrosecond);

void BM_Find(benchmark::State& state) {
  const Checkpoint checkpoint = need(Checkpoint::open(files().many));
  const auto tensors = checkpoint.tensors();
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(checkpoint.find(tensors[i].name));
    i = (i + 7919) % tensors.size();
  }
}
BENCHMARK(BM_Find);

// One tensor after the other into the same memory.
void BM_Read(benchmark::State& state) {
  const Checkpoint checkpoint = need(Checkpoint::open(file(state.range(0))));
  std::vector<std::byte> out(checkpoint.tensors()[0].byte_size);
  std::size_t i = 0;
  for (auto _ : state) {
    need(checkpoint.read(checkpoint.tensors()[i], 0, out));
    i = (i + 1) % checkpoint.tensors().size();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(BM_Read)->Apply(both_files);

// Everything into fresh memory, as a program does that loads a network.
void BM_ReadMany(benchmark::State& state) {
  const Checkpoint checkpoint = need(Checkpoint::open(file(state.range(0))));
  std::size_t size = 0;
  for (const TensorInfo& tensor : checkpoint.tensors()) size += tensor.byte_size;
  for (auto _ : state) {
    const auto memory = std::make_unique_for_overwrite<std::byte[]>(size);
    std::vector<ReadRequest> requests;
    std::byte* at = memory.get();
    for (const TensorInfo& tensor : checkpoint.tensors()) {
      requests.push_back({&tensor, {at, tensor.byte_size}});
      at += tensor.byte_size;
    }
    need(checkpoint.read_many(requests, {.threads = static_cast<unsigned>(state.range(1))}));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
}
BENCHMARK(BM_ReadMany)
    ->ArgNames({"many", "threads"})
    ->ArgsProduct({{0, 1}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_Stream(benchmark::State& state) {
  const auto& path = file(state.range(0));
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    RecordStream stream(read_descriptor(descriptor));
    while (need(stream.next()) != nullptr) continue;
    bytes += stream.bytes_read();
    ::close(descriptor);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(BM_Stream)->Apply(both_files)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ckpt::bench
