#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/checkpoint.h"
#include "graph.h"

namespace ckpt::graph {

/// A parameter that the checkpoint has no tensor for.
struct Unbound {
  std::string parameter = {};
  std::string reason = {};   ///< "not in the checkpoint", "[16, 6, 5, 5] in the checkpoint, [16, 6, 3, 3] in the graph"
  std::string nearest = {};  ///< a name in the checkpoint that it may be meant for; mostly empty
  bool other_type = false;   ///< it is there and has the shape, but elements of another type
};

/// What stands before each name of one side, and is not in the names of the other: "network.".
struct Prefix {
  std::string wanted = {};  ///< of the parameters
  std::string there = {};   ///< of the checkpoint

  bool empty() const noexcept { return wanted.empty() && there.empty(); }
  friend bool operator==(const Prefix&, const Prefix&) = default;
};

struct Binding {
  std::size_t bound = 0;
  Prefix prefix = {};                       ///< by which all of them were found; mostly empty
  std::vector<Unbound> missing = {};        ///< not there, in the graph's order
  std::vector<Unbound> unfit = {};          ///< there, but of another type or shape
  std::vector<std::string> left_over = {};  ///< weights of the checkpoint that no parameter asked for, in file order

  bool complete() const noexcept { return missing.empty() && unfit.empty(); }
};

struct BindOptions {
  bool exact = false;  ///< names as they are, and no other
};

/// Gives each parameter of the graph the bytes of the tensor of its name: runs of the file, or a function that makes
/// them where the file has another encoding. The contents keep the checkpoint alive. The optimizer's entries are not
/// left over. A parameter that is not bound stays as it was.
///
/// Names are compared exactly first, then without the signs (not ASCII) that MindSpore's compiler puts before some.
/// Where none is the checkpoint's, one prefix of cells may stand before all of them, on either side: it must give every
/// parameter a tensor, and be the only one that does.
Binding bind(Graph& graph, const std::shared_ptr<const Checkpoint>& file, const BindOptions& options = {});

/// The one prefix by which each of `wanted` is one of `there`; empty where there is none, or more than one.
std::optional<Prefix> prefix_between(const std::vector<std::string_view>& wanted,
                                     const std::vector<std::string_view>& there);

/// Turns parameters without contents into inputs of the network, behind its own.
void unbound_to_inputs(Graph& graph);

}  // namespace ckpt::graph
