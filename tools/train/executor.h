#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ckpt/error.h"
#include "graph.h"
#include "parameters.h"

namespace ckpt::train {

struct ExecutorOptions {
  int threads = 0;         ///< 0: one a core. Another number sums in another order: other last bits
  bool sentinels = false;  ///< a band between values of the arena, looked at after each node: for tests
};

/// Runs a graph with oneDNN, again and again: primitives are made once, and all values between the nodes live in one
/// arena. The same graph, parameters, inputs and number of threads give the same bits. One thread at a time.
class Executor {
 public:
  /// Types of the graph must be inferred, without dimensions that are not known. Nodes that update a parameter
  /// (BatchNorm in training, ApplyMomentum, Adam, AssignAdd …) change it in `parameters`, which must outlive this.
  /// Errc::unsupported names all operators and attributes that there is no kernel for.
  static Result<Executor> make(const graph::Graph& graph, Parameters& parameters, const ExecutorOptions& options = {});

  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;
  ~Executor();

  /// Input and output `i` of the graph, row-major. An output is that of the last run.
  std::span<std::byte> input(std::size_t i);
  std::span<const std::byte> output(std::size_t i) const;

  /// Runs every node once. Errc::unsupported with the node's name for what oneDNN refuses.
  Status run();

  std::uint64_t arena_bytes() const noexcept;

 private:
  struct Impl;
  explicit Executor(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ckpt::train
