#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "ckpt/error.h"
#include "ckpt/progress.h"
#include "data/image_feed.h"
#include "executor.h"
#include "graph.h"
#include "parameters.h"
#include "training_graph.h"

namespace ckpt::train {

/// How well a network does.
struct Evaluation {
  double loss = 0;  ///< the mean over the images
  double accuracy = 0;
  std::size_t images = 0;
};

/// Runs a network as it is for inference. `network` is typed, with a batch that is a number; `parameters` must outlive
/// this.
class Evaluator {
 public:
  static Result<Evaluator> make(const graph::Graph& network, Parameters& parameters, int threads);

  /// Over all images, in their order; `logits` is called with those of one image after the other.
  Result<Evaluation> run(ImageFeed& feed, const Progress& progress = {},
                         const std::function<void(std::span<const float>)>& logits = {});

 private:
  Evaluator(Executor executor, std::size_t batch) : executor_(std::move(executor)), batch_(batch) {}

  Executor executor_;
  std::size_t batch_;
};

/// A network in training: its parameters and those of the optimizer, and a step.
class Trainer {
 public:
  /// `network` as for Evaluator. Parameters are zero but for those of the optimizer.
  static Result<Trainer> make(const graph::Graph& network, const TrainingOptions& options, int threads);

  Trainer(Trainer&&) noexcept = default;
  Trainer& operator=(Trainer&&) = delete;  // the executor goes before the parameters that it keeps

  Parameters& parameters() noexcept { return *parameters_; }
  const graph::Graph& graph() const noexcept { return graph_; }  ///< of a step

  struct Step {
    double loss = 0;  ///< the mean over the batch, as the graph has it
    std::size_t right = 0;
  };
  /// Trains on a batch: images `which` of the feed, as many as the network's batch.
  Result<Step> step(ImageFeed& feed, std::span<const std::uint32_t> which);

 private:
  Trainer(graph::Graph graph, std::unique_ptr<Parameters> parameters, Executor executor)
      : graph_(std::move(graph)), parameters_(std::move(parameters)), executor_(std::move(executor)) {}
  void fill_one_hot(std::span<const std::int32_t> labels);

  graph::Graph graph_;
  std::unique_ptr<Parameters> parameters_;  // stays where it is: the executor knows it
  Executor executor_;
  std::vector<std::int32_t> labels_ = {};
};

}  // namespace ckpt::train
