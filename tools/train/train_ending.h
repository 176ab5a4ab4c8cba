#pragma once

#include <cstdint>

#include "ckpt/manager.h"
#include "context.h"
#include "train_loop.h"
#include "train_options.h"
#include "train_saver.h"

namespace ckpt::train {

/// Ends the saver, and says how the training ended: the exit code. kDone where all of it is trained and saved; then the
/// best file has been said, too.
int conclude(cli::Context& context, const TrainCommand& command, const Ending& ending, ModelCheckpoint saver,
             const FiniteParams& params, std::uint64_t steps_per_epoch);

}  // namespace ckpt::train
