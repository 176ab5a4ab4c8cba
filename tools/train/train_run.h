#pragma once

#include "context.h"
#include "train_options.h"

namespace ckpt::train {

/// Does what the command says and returns an exit code.
int run(cli::Context& context, TrainCommand command);

}  // namespace ckpt::train
