#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ckpt/manager.h"
#include "ckpt/writer.h"
#include "context.h"
#include "graph.h"
#include "parameters.h"
#include "train_options.h"
#include "train_setup.h"
#include "train_start.h"

namespace ckpt::train {

/// What a training saves: its parameters, or nothing while one of them is not finite. What is there already is better
/// then.
class FiniteParams {
 public:
  explicit FiniteParams(const Parameters& parameters) : parameters_(parameters) {}

  std::vector<Param> to_save();
  /// The parameter because of which there was nothing to save; empty where there was.
  const std::string& culprit() const noexcept { return culprit_; }

 private:
  const Parameters& parameters_;
  std::string culprit_ = {};
};

/// What saves a training by the command's policy, from `start` on. The newest file of the last run in the directory
/// continues that run under its prefix; everything else begins a run. So does an older one: what was saved after it is
/// of another training. `params` must outlive what saves.
Made<ModelCheckpoint> open_saver(cli::Context& context, const TrainCommand& command, const graph::Graph& step_graph,
                                 FiniteParams& params, std::uint64_t seed, const Start& start);

/// Whether what it saves is of the run that is resumed.
bool continues_run(const TrainCommand& command, const ModelCheckpoint& saver);

}  // namespace ckpt::train
