#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"
#include "onnx.pb.h"
#include "onnx_file.h"

namespace ckpt::graph {

/// An initialiser, whose values are somewhere else.
struct OnnxTensor {
  onnx::TensorProto head = {};  ///< all but the values
  Contents contents = {};
  std::uint64_t size = 0;  ///< of the values, as they are written
  bool half = false;       ///< contents are Float32, what is written Float16
  bool external = false;   ///< in the file with the data; set by write_model
};

/// A model in parts, so that its values need not be in memory.
struct OnnxModel {
  onnx::ModelProto model = {};  ///< without its graph
  onnx::GraphProto graph = {};  ///< without its initialisers
  std::vector<OnnxTensor> initializers = {};
};

/// Puts it together in a file, or in two, as `write_onnx` promises.
Status write_model(const std::filesystem::path& path, OnnxModel model, const OnnxOptions& options);

}  // namespace ckpt::graph
