#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json.h"
#include "prepare.h"

// What `export` says of a network and of its way to the target.
namespace ckpt::cli {

struct Exported {
  std::string file = {};     ///< as it was given: the checkpoint, or the file with the network and its weights
  std::string network = {};  ///< a file, or the name of a built-in one
  bool built_in = false;
  bool refreshed = false;  ///< an ONNX model that gets the checkpoint's weights
  int opset = 17;          ///< 0: GEIR
  graph::Graph graph = {};
  std::shared_ptr<const Checkpoint> weights = {};  ///< null where the network has its own
  graph::Prepared prepared = {};
};

/// `ONNX (opset 17)`, `GEIR`.
std::string target_text(const Exported& what);

/// Everything that stands in the way, a line each, and what it comes to in the last one. Of parameters that do not bind
/// the first ones; --json has them all.
std::vector<std::string> problem_lines(const Exported& what);

/// What is no problem and is to be known: names that were found by a prefix, weights that have no place.
std::vector<std::string> notes(const Exported& what);

/// `output`: where the model was written; empty where it was not.
Json json_of(const Exported& what, const std::string& output);

}  // namespace ckpt::cli
