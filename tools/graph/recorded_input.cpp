#include "recorded_input.h"

#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "bind.h"
#include "ckpt/run_files.h"
#include "op.h"
#include "read_graph.h"

namespace ckpt::graph {
namespace {

Error mismatch(std::string message) { return {.code = Errc::mismatch, .message = std::move(message)}; }

// How many parameters of the network the weights are; 0 where they are not all of them.
std::size_t bound_of(Graph& network, const Checkpoint& weights) {
  const std::shared_ptr<const Checkpoint> borrowed(std::shared_ptr<const Checkpoint>(), &weights);
  const Binding binding = bind(network, borrowed);
  return binding.complete() ? binding.bound : 0;
}

}  // namespace

std::filesystem::path graph_beside(const std::filesystem::path& checkpoint) {
  const auto name = checkpoint_name_from(checkpoint.filename().string());
  if (!name) return {};
  std::filesystem::path meta = checkpoint.parent_path() / (name->prefix + "-graph.meta");
  std::error_code none;
  return std::filesystem::is_regular_file(meta, none) ? meta : std::filesystem::path();
}

Result<std::optional<Dims>> recorded_input(const std::filesystem::path& meta, std::string_view network,
                                           const NetworkOptions& options, const Checkpoint& weights) {
  auto recorded = read_graph(meta);
  if (!recorded) return std::move(recorded).error();
  auto usual = make_network(network, options, &weights);
  if (!usual) return usual.error();
  NetworkOptions as_recorded = options;
  as_recorded.input = usual->value(usual->inputs.at(0)).type.dims;
  const std::size_t bound = bound_of(*usual, weights);
  if (bound == 0) return std::optional<Dims>();
  if (bound_of(recorded->graph, weights) != bound) return mismatch("is of another network");
  const auto& inputs = recorded->graph.inputs;
  const Dims there = inputs.size() == 1 ? recorded->graph.value(inputs[0]).type.dims : Dims();
  if (there.size() != as_recorded.input.size()) return mismatch("does not tell what its input is");
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (as_recorded.input[i].known() && there[i].size < 1) return mismatch("does not tell what its input is");
    if (there[i].size > 0) as_recorded.input[i] = there[i];
  }
  auto made = make_network(network, as_recorded, &weights);
  if (!made || !infer_types(*made).empty()) return mismatch("has an input that the network does not take");
  return std::optional(std::move(as_recorded.input));
}

}  // namespace ckpt::graph
