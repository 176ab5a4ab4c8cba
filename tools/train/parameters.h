#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/params.h"
#include "ckpt/writer.h"
#include "graph.h"

namespace ckpt::train {

/// Somebody who keeps some parameters elsewhere meanwhile, in layouts of its own.
class Borrower {
 public:
  virtual void give_back() = 0;  ///< copies them to where they belong

 protected:
  ~Borrower() = default;
};

/// The parameters of a network and of its optimizer: one master copy of each, row-major, as a checkpoint has it. The
/// executors of training and of evaluation share them. One thread at a time.
class Parameters {
 public:
  /// Memory for every parameter of the graph, in the graph's order: a bound one has its contents, the others are zero.
  /// Errc::unsupported for a shape that is not known; the errors of what contents are read from.
  static Result<Parameters> of(const graph::Graph& graph);

  Parameters(Parameters&&) noexcept;
  Parameters& operator=(Parameters&&) noexcept;
  ~Parameters();

  // What these give is true until the next run of an executor; what is written is read by it.

  /// Empty where there is none of the name. Aligned to 64 bytes; stays where it is.
  std::span<std::byte> bytes(std::string_view name);
  std::span<float> floats(std::string_view name);

  /// The first one that has NaN or infinite values; empty where all are finite.
  std::string_view not_finite() const;

  /// What to save, in order, and what to load into. Borrows.
  std::vector<Param> params() const;
  std::vector<NetParam> net_params();

  /// From here on `by` has the newest values, until somebody asks for them here or borrows them. False if it has them
  /// since its last time, and they need not be copied.
  bool borrow(Borrower& by);
  /// All of them are here again, and nobody keeps others.
  void take_back();
  void take_back_from(const Borrower& by);

 private:
  struct Impl;
  explicit Parameters(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ckpt::train
