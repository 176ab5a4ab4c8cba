#pragma once

#include <cstddef>
#include <memory>
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
};

struct Binding {
  std::size_t bound = 0;
  std::vector<Unbound> missing = {};        ///< not there, in the graph's order
  std::vector<Unbound> unfit = {};          ///< there, but of another type or shape
  std::vector<std::string> left_over = {};  ///< weights of the checkpoint that no parameter asked for, in file order

  bool complete() const noexcept { return missing.empty() && unfit.empty(); }
};

/// Gives each parameter of the graph the bytes of the tensor of its name: runs of the file, or a function that makes
/// them where the file has another encoding. The contents keep the checkpoint alive. The optimizer's entries are not
/// left over. A parameter that is not bound stays as it was.
///
/// Names are compared exactly first. For those a graph.meta decorates (signs of the compiler in front, the names of
/// cells around it) the longest name of the checkpoint that it ends in counts, if shape and type agree and no other
/// parameter bears it.
Binding bind(Graph& graph, const std::shared_ptr<const Checkpoint>& file);

/// Turns parameters without contents into inputs of the network, behind its own.
void unbound_to_inputs(Graph& graph);

/// Of `names` the one `name` was most likely meant to be; empty if none is near.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& names);

}  // namespace ckpt::graph
