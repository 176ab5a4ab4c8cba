#include "executor.h"

#include <utility>

#include "kernels/kernels.h"
#include "kernels/program.h"
#include "threads.h"

namespace ckpt::train {

struct Executor::Impl {
  Program program;
  int threads;
};

Executor::Executor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;
Executor::~Executor() = default;

Result<Executor> Executor::make(const graph::Graph& graph, Parameters& parameters, const ExecutorOptions& options) {
  if (auto status = graph::verify(graph); !status) return status.error();
  const Threads threads(options.threads);  // primitives are made for a number of threads
  std::unique_ptr<Impl> impl(new Impl{Program(graph, parameters, options.sentinels), thread_count()});
  if (auto status = impl->program.build(kernels()); !status) return status.error();
  if (auto status = impl->program.finish(); !status) return status.error();
  return Executor(std::move(impl));
}

std::span<std::byte> Executor::input(std::size_t i) { return impl_->program.input(i); }
std::span<const std::byte> Executor::output(std::size_t i) const { return impl_->program.output(i); }
std::uint64_t Executor::arena_bytes() const noexcept { return impl_->program.arena_bytes(); }

Status Executor::run() {
  const Threads threads(impl_->threads);
  return impl_->program.run();
}

}  // namespace ckpt::train
