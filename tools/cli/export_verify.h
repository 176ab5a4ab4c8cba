#pragma once

#include "ckpt/checkpoint.h"
#include "context.h"
#include "graph.h"
#include "options.h"

namespace ckpt::cli {

/// `ckpt export FILE --verify MODEL`: whether the model's weights are those of the checkpoint, and the digest that it
/// records is the checkpoint's.
int verify_export(Context& context, const ExportCommand& options, const Checkpoint& file);

/// ... where BatchNorms were folded: whether they are the parameters of `folded`, a network whose own were.
int verify_folded(Context& context, const ExportCommand& options, const Checkpoint& file, const graph::Graph& folded);

}  // namespace ckpt::cli
