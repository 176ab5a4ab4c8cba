#pragma once

#include <string>
#include <string_view>

#include "ckpt/error.h"
#include "graph.h"

namespace ckpt::graph {

/// A graph as text: for tests, reports of bugs and looking at.
///
///     graph "lenet5"
///     input "x": Float32[N, 1, 32, 32]
///     parameter "conv1.weight": Float32[6, 1, 5, 5] xxh3:3a7f02b1c4d5e6f7…
///     constant "axes": Int64[2] = [2, 3]
///     "conv1" = Conv2D("x", "conv1.weight") {group=1, pad_mode="valid"}: Float32[N, 6, 28, 28]
///     output "conv1"
///
/// A statement a line, values before their use; `#` starts a comment. Names are in quotes and escaped. A node has the
/// name of its only result; of several, the results are NAME:0, NAME:1 …, and their types are separated by commas.
/// Small constants are written with their values, contents of more than kMaxInline bytes as their digest.
inline constexpr std::uint64_t kMaxInline = 256;

struct TextOptions {
  /// Digests of contents; it takes reading them. Without, they are "bound".
  bool digests = true;
};

Result<std::string> to_text(const Graph& graph, const TextOptions& options = {});

/// The other way. Contents that are only a digest in the text have the right size and cannot be read, but print as they
/// were: to_text(from_text(t)) == t. Errc::malformed with "LINE:COLUMN: what is wrong".
Result<Graph> from_text(std::string_view text);

}  // namespace ckpt::graph
