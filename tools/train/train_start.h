#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "ckpt/run_files.h"
#include "context.h"
#include "graph.h"
#include "parameters.h"
#include "train_options.h"
#include "train_setup.h"

namespace ckpt::train {

/// Where a training begins.
struct Start {
  std::uint64_t step = 0;          ///< steps that are done already
  bool validates_first = false;    ///< the last of them ended an epoch that is yet to be validated
  bool went_on = false;            ///< the run that is resumed did, after them: what is trained now is another one
  std::vector<double> rates = {};  ///< learning rates: one, or one a step
};

/// By the file that is resumed from, if there is one. It is trouble where nothing is left to do, or its learning rates
/// do not reach so far.
Made<Start> find_start(cli::Context& context, const TrainCommand& command, const GivenFile& given,
                       std::uint64_t steps_per_epoch);

/// Initial weights, and over them what --resume or --finetune takes of the file, behind `step`. All are finite then.
std::optional<Trouble> load_weights(cli::Context& context, const TrainCommand& command, const GivenFile& given,
                                    const graph::Graph& network, std::uint64_t seed, std::uint64_t step,
                                    Parameters& parameters);

/// The name of the file that is resumed from, where it is in the directory that is saved into and is called as the
/// files of a run are.
std::optional<CheckpointName> resumed_name(const TrainCommand& command);

}  // namespace ckpt::train
