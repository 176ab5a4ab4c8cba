#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "graph.h"
#include "networks.h"

/// A checkpoint does not tell the size of the images; the graph that its run saved beside it does.
namespace ckpt::graph {

/// `PREFIX-graph.meta` beside `PREFIX-EPOCH_STEP.ckpt`; empty where there is none.
std::filesystem::path graph_beside(const std::filesystem::path& checkpoint);

/// The input of a built-in network as a training had it whose graph that file is, the batch too where that is told.
/// Empty where the weights are not those of the network. Errors: those of read_graph(); mismatch
/// where the graph is not that of the network with these weights, or does not tell.
Result<std::optional<Dims>> recorded_input(const std::filesystem::path& meta, std::string_view network,
                                           const NetworkOptions& options, const Checkpoint& weights);

}  // namespace ckpt::graph
