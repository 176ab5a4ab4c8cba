#pragma once

#include "context.h"
#include "graph.h"
#include "train_options.h"
#include "train_setup.h"

namespace ckpt::train {

/// ckpt-train --eval: runs the network with the file's weights on the test images. Returns an exit code.
int evaluate(cli::Context& context, const TrainCommand& command, const GivenFile& given, const graph::Graph& network);

}  // namespace ckpt::train
