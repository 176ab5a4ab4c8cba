#pragma once

#include <filesystem>

#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "graph.h"
#include "target_graph.h"

namespace ckpt::graph {

struct GeirOptions {
  unsigned permissions = 0644;  ///< of the finished file, whatever the umask
  bool overwrite = true;        ///< false: Errc::usage if the target exists
  bool durable = true;
  Progress progress = {};
};

/// Writes a graph that was converted to GE as a GEIR file: a ge.proto.ModelDef as MindSpore exports for Ascend's
/// compiler, which reads it as `--framework=1`. Weights are Consts and streamed: what is in memory is the graph, and at
/// most one tensor that has to be made. The same graph and the same values give the same bytes.
///
/// It says what GE's loader looks for, in the spelling of its first versions and in the later one. Errc::unsupported
/// for a dimension that is not known but the first of an input, a type that GE has not, or an op that lacks an
/// attribute.
Status write_geir(const std::filesystem::path& path, const Graph& graph, const Target& target,
                  const GeirOptions& options = {});

}  // namespace ckpt::graph
