#include <benchmark/benchmark.h>
#include <ckpt/checkpoint.h>
#include <ckpt/validate.h>
#include <ckpt/writer.h>

#include <vector>

#include "bench_file.h"
#include "crc32.h"

namespace ckpt::bench {
namespace {

void BM_Crc32(benchmark::State& state) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)), std::byte{0x5a});
  for (auto _ : state) benchmark::DoNotOptimize(crc32(0, bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crc32)->Arg(4 << 10)->Arg(256 << 10);

// From memory into a new file, which is what saving is.
void BM_Write(benchmark::State& state) {
  constexpr int kTensors = 40;
  const bool durable = state.range(0) != 0;
  const bool crc = state.range(1) != 0;
  const std::vector<std::byte> bytes(3'200'000, std::byte{0x3d});
  const auto path = files().directory() / "written.ckpt";
  for (auto _ : state) {
    Writer writer = need(Writer::create(path, {.crc = crc, .durable = durable}));
    for (int i = 0; i < kTensors; ++i)
      need(writer.add({.name = std::to_string(i), .dtype = DType::uint8, .dims = {3'200'000}}, bytes));
    need(writer.finish());
  }
  std::filesystem::remove(path);
  state.SetBytesProcessed(state.iterations() * kTensors * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(BM_Write)
    ->ArgNames({"durable", "crc"})
    ->ArgsProduct({{0, 1}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void BM_WriteMany(benchmark::State& state) {
  const std::vector<std::byte> bytes(1024, std::byte{0x3d});
  const auto path = files().directory() / "written.ckpt";
  for (auto _ : state) {
    Writer writer = need(Writer::create(path, {.durable = false}));
    for (int i = 0; i < 20'000; ++i)
      need(writer.add({.name = "layer" + std::to_string(i) + ".weight", .dtype = DType::uint8, .dims = {1024}}, bytes));
    need(writer.finish());
  }
  std::filesystem::remove(path);
}
BENCHMARK(BM_WriteMany)->UseRealTime()->Unit(benchmark::kMillisecond);

// With a CRC trailer to verify, and with every value looked at besides.
void BM_Validate(benchmark::State& state) {
  const Checkpoint checkpoint = need(Checkpoint::open(files().large));
  const ValidateOptions options{.values = state.range(0) != 0, .threads = static_cast<unsigned>(state.range(1))};
  for (auto _ : state) benchmark::DoNotOptimize(need(validate(checkpoint, options)).size());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(checkpoint.file_size()));
}
BENCHMARK(BM_Validate)
    ->ArgNames({"values", "threads"})
    ->ArgsProduct({{0, 1}, {1, 2}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// Rules of the headers alone.
void BM_ValidateHeaders(benchmark::State& state) {
  const Checkpoint checkpoint = need(Checkpoint::open(files().many));
  for (auto _ : state) benchmark::DoNotOptimize(need(validate(checkpoint, {.headers_only = true})).size());
}
BENCHMARK(BM_ValidateHeaders)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ckpt::bench
