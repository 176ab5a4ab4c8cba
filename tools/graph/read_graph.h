#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "ckpt/error.h"
#include "ckpt/source.h"
#include "graph.h"

namespace ckpt::graph {

enum class GraphFormat : std::uint8_t {
  mindir,      ///< MindSpore's own, for inference
  graph_meta,  ///< of a training step, written beside checkpoints
  geir,        ///< of Ascend's graph engine
  onnx,
  text,  ///< as to_text() prints
};

/// "MindIR", "graph.meta", "GEIR", "ONNX", "text".
std::string_view name(GraphFormat format) noexcept;

struct ReadGraphOptions {
  /// A node by its full name, or a scope, whose last node counts: its results are the outputs instead of the file's own
  /// (of a graph.meta: instead of what the loss is computed from).
  std::string output = {};
  std::uint64_t max_message_bytes = std::uint64_t{256} << 20;  ///< of the graph without its payloads
  std::uint64_t max_messages = std::uint64_t{1} << 21;         ///< parts that it is made of
};

/// A network as a file has it, ready to be typed and bound.
struct GraphFile {
  GraphFormat format = GraphFormat::mindir;
  std::string producer = {};  ///< who wrote it: "MindSpore 2.10.0"; may be empty
  Graph graph = {};
  /// What cannot be understood, all over the graph. If there are any, the graph is for looking at alone.
  Refusals refusals = {};
};

/// Whether a file begins as one of these, or as something that is known to be none that can be read.
bool is_graph(const Source& file);

/// Reads a graph file; its bytes decide what it is. Payloads are not read: contents say where they are, so memory is
/// bounded by the graph alone. Parameters that the file has no bytes for stay unbound.
///
/// - MindIR: ONNX-like (0.5 to 1.0), 1.1 to 1.10, 2.x. Values that the file keeps elsewhere are looked for in its own
///   folder.
/// - graph.meta: what the outputs need of it, as inference: BatchNorm with its moving statistics, no Dropout.
/// - GEIR: under MindSpore's names.
/// - ONNX: for looking at; nodes bear ONNX's names.
/// - text: contents that are a digest there have a size, but cannot be read.
///
/// Errors: io, truncated, malformed, limit; key for an encrypted file; unsupported for what is understood to be
/// something else. What a single node is at fault for is in `refusals`.
Result<GraphFile> read_graph(const std::filesystem::path& path, const ReadGraphOptions& options = {});

/// The same of a source; `path` says where values outside of it are looked for, and where it is empty, nowhere.
Result<GraphFile> read_graph(const SourcePtr& file, const std::filesystem::path& path,
                             const ReadGraphOptions& options = {});

}  // namespace ckpt::graph
