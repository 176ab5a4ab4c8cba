#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "graph.h"
#include "target_graph.h"

namespace ckpt::graph {

/// The entry of the metadata for the digest of the checkpoint that a model's weights are from.
inline constexpr const char* kDigestKey = "checkpoint_sha256";

struct OnnxOptions {
  std::string producer_version = {};
  std::map<std::string, std::string> metadata = {};  ///< metadata_props; UTF-8
  /// Values in a file of their own, MODEL.data, where one file would do, too.
  bool external_data = false;
  /// Float32 weights of two and more dims are stored as Float16, and cast when the model is loaded. Errc::mismatch for
  /// a number that Float16 does not have.
  bool half = false;
  std::uint64_t max_model_bytes = 0x7FFFFFFF;  ///< above that (protobuf's own limit) values go into MODEL.data
  unsigned permissions = 0644;                 ///< of the finished files, whatever the umask
  bool overwrite = true;                       ///< false: Errc::usage if a target exists
  bool durable = true;
  Progress progress = {};
};

/// Where the values of a model are that has them in a file of their own: MODEL.data beside it, or beside the file that
/// a link leads to.
std::filesystem::path data_path_of(const std::filesystem::path& model);

/// Writes the converted graph as an ONNX model of IR version 8. Values are streamed: what is in memory is the graph,
/// and at most one tensor that has to be made. The same graph and the same values give the same bytes.
///
/// The model appears complete or not at all (OutputFile). With values in MODEL.data, that file comes first; a model
/// that is there, and would be read with the new values, goes before. Names are those of the target; what ONNX cannot
/// have as a name (not UTF-8, empty, given twice) is escaped or numbered.
Status write_onnx(const std::filesystem::path& path, const Graph& graph, const Target& target,
                  const OnnxOptions& options = {});

}  // namespace ckpt::graph
