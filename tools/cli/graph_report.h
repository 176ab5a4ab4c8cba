#pragma once

#include <string>
#include <string_view>

#include "bind.h"
#include "graph.h"
#include "json.h"

// What `export` and `graph` say of networks.
namespace ckpt::cli {

/// `Float32 [N, 3, 224, 224]`, escaped.
std::string type_text(const graph::Type& type);

Json json_of(const graph::Value& value);  ///< name, dtype, dims: numbers, names, null
Json json_of(const graph::Refusals& refusals);
Json json_of(const graph::Binding& binding);  ///< missing and unfit ones

/// `no rule for this target (2 nodes, the first is "post/nms1")`
std::string text_of(const graph::Refusal& refusal);
/// `"conv1.weight": not in the checkpoint; the nearest name there is "conv.weight"`
std::string text_of(const graph::Unbound& parameter);

}  // namespace ckpt::cli
