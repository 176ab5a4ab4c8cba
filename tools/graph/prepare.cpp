#include "prepare.h"

#include <algorithm>
#include <utility>

#include "fold_batch_norm.h"
#include "op.h"
#include "passes.h"

namespace ckpt::graph {
namespace {

/// What has no values of its own, where there is no checkpoint.
Binding own_values(const Graph& graph) {
  Binding binding;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter) continue;
    if (value.bound)
      ++binding.bound;
    else
      binding.missing.push_back({.parameter = value.name, .reason = "has no values in the file"});
  }
  return binding;
}

// What two steps say is said once.
void add_new(Refusals& all, const Refusal& refusal) {
  const bool again = std::ranges::any_of(
      all.list(), [&](const Refusal& earlier) { return earlier.op == refusal.op && earlier.reason == refusal.reason; });
  for (std::size_t i = 0; !again && i < refusal.nodes; ++i) all.add(refusal.op, refusal.first, refusal.reason);
}

/// Of an operator that has the batch baked in what it cannot be typed for is no other reason.
bool refuses(const Refusals& refusals, const std::string& op) {
  return std::ranges::find(refusals.list(), op, &Refusal::op) != refusals.list().end();
}

/// The first dimension of the first input.
Dim batch_of(const std::vector<Type>& inputs) {
  return inputs.empty() || inputs[0].dims.empty() ? Dim() : inputs[0].dims[0];
}

/// The inputs get the types that are asked for. Returned is what has those baked in that were recorded.
Result<Refusals> give_inputs(Graph& graph, const PrepareOptions& options) {
  const std::vector<Type> recorded = input_types(graph);
  const auto asked = wanted_inputs(graph, options.inputs);
  if (!asked) return asked.error();
  Refusals baked;
  if (*asked == recorded) return baked;
  if (!options.recorded || !verify(graph)) {
    set_inputs(graph, *asked);
    return baked;
  }
  if (batch_of(*asked) != batch_of(recorded)) baked = release_batch(graph);
  const Refusals sizes = resize_inputs(graph, *asked);
  for (const Refusal& refusal : sizes.list()) add_new(baked, refusal);
  return baked;
}

/// `baked`: what has other sizes than are asked for.
void convert(Graph& graph, int opset, const Refusals& baked, Prepared& out) {
  if (!out.refusals.empty() && !verify(graph)) return;  // the reader left out too much
  const Refusals untyped = infer_types(graph);
  if (untyped.empty() && out.refusals.empty()) fold_constants(graph);
  out.converted.emplace(opset == 0 ? convert_to_ge(graph) : convert_to_onnx(graph, opset));
  const bool said = !out.refusals.empty() || !untyped.empty();  // why some types are not known
  for (const Refusal& refusal : baked.list()) add_new(out.refusals, refusal);
  for (const Refusal& refusal : untyped.list())
    if (!refuses(baked, refusal.op)) add_new(out.refusals, refusal);
  for (const Refusal& refusal : out.converted->refusals.list())
    if (!said || refusal.reason != kUntyped) add_new(out.refusals, refusal);
}

}  // namespace

Result<Prepared> prepare(Graph& graph, const std::shared_ptr<const Checkpoint>& weights, const PrepareOptions& options,
                         Refusals read) {
  const auto baked = give_inputs(graph, options);
  if (!baked) return baked.error();

  Prepared out{.refusals = std::move(read)};
  out.binding = weights ? bind(graph, weights) : own_values(graph);
  out.has_weights = out.binding.unfit.empty() && (out.binding.missing.empty() || options.allow_missing);
  if (options.allow_missing) unbound_to_inputs(graph);
  if (options.fold_batch_norm && out.has_weights) {
    fold_batch_norms(graph);
    fold_biases(graph);
  }
  convert(graph, options.opset, *baked, out);
  return out;
}

}  // namespace ckpt::graph
