#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ckpt/checkpoint.h"
#include "ckpt/error.h"
#include "graph.h"

namespace ckpt::graph {

/// What a built-in network leaves open. What is empty comes from the shapes of a checkpoint where one is given, and is
/// the model zoo's own otherwise.
struct NetworkOptions {
  std::optional<std::int64_t> num_classes = {};
  /// The input's shape. Empty: the usual image with a batch "N".
  Dims input = {};
  /// Padding of the convolutions of a ResNet, "same" or "pad" (half the kernel on each side): a checkpoint does not
  /// tell. Empty: as in the model zoo, "same" for resnet50, 101 and 152, "pad" for resnet18 and 34.
  std::string pad_mode = {};
  /// Attention heads of a Transformer encoder. A checkpoint does not tell, so there is no default.
  std::optional<std::int64_t> heads = {};
};

/// A network that is known by name, with the parameter names of its usual MindSpore definition.
struct Network {
  std::string_view name;     ///< "resnet50"
  std::string_view summary;  ///< "ResNet-50 of the model zoo"
};

/// Sorted by name.
std::span<const Network> networks();

/// The network's graph, types not yet inferred, parameters not yet bound. Sizes that `file` shows (it may be null) are
/// taken from there; cells that all its weights are in ("network.") may stand before the names. Errc::usage for a name
/// that is none, with the nearest one, and for options that make no network.
Result<Graph> make_network(std::string_view name, const NetworkOptions& options = {}, const Checkpoint* file = nullptr);

/// The network whose parameters are exactly the checkpoint's weights, by name and shape (the optimizer's entries do not
/// count), which may have cells before them. One that needs an option is found with that option only. Errc::usage if
/// none fits, with the nearest and what differs.
Result<std::string_view> match_network(const Checkpoint& file, const NetworkOptions& options = {});

}  // namespace ckpt::graph
