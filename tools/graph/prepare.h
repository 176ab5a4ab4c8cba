#pragma once

#include <memory>
#include <optional>
#include <span>

#include "bind.h"
#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "graph.h"
#include "input_spec.h"
#include "target_graph.h"

namespace ckpt::graph {

struct PrepareOptions {
  int opset = 17;  ///< of ONNX; 0: the target is GE
  std::span<const InputSpec> inputs = {};
  bool recorded = false;  ///< the network is a file's, which may have its batch baked in
  bool fold_batch_norm = false;
  bool allow_missing = false;  ///< a parameter without values becomes an input of the network
};

/// A network that is ready to be written, or all that stands in the way.
struct Prepared {
  Binding binding = {};
  bool has_weights = false;                 ///< all that it needs
  Refusals refusals = {};                   ///< of reading, typing and converting
  std::optional<Converted> converted = {};  ///< refers to the graph; empty where the graph is none

  bool ready() const noexcept { return has_weights && refusals.empty(); }
};

/// The way of a network that was read or made to its target: its inputs get other shapes (and a batch that the source
/// baked in follows them), its parameters the checkpoint's values (`weights` may be null), types are inferred, what is
/// constant is computed, rules applied. What one step refuses (`read`: what the reader did) the next leaves out, so
/// that everything is said at once; nothing is converted that inference did not find right. Errc::usage for inputs that
/// the network has not.
Result<Prepared> prepare(Graph& graph, const std::shared_ptr<const Checkpoint>& weights,
                         const PrepareOptions& options = {}, Refusals read = {});

}  // namespace ckpt::graph
