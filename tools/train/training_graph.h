#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"
#include "graph.h"

namespace ckpt::train {

enum class Loss { sparse_softmax_cross_entropy, softmax_cross_entropy };  ///< both the mean over the batch

/// MindSpore's nn.Momentum, nn.SGD and nn.Adam, with their defaults.
struct Optimizer {
  enum class Kind { momentum, sgd, adam };
  Kind kind = Kind::momentum;
  std::vector<double> learning_rate = {};  ///< one, or one a step: a schedule, as a list is in MindSpore
  double momentum = 0.9;                   ///< of Momentum and SGD
  double dampening = 0;                    ///< of SGD
  bool nesterov = false;    ///< as documented; MindSpore's CPU kernel of ApplyMomentum does not look at it
  double weight_decay = 0;  ///< of what has neither "beta" nor "gamma" in its name, as in MindSpore
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double loss_scale = 1;
};

/// Whether its numbers, but for the learning rates, are such as Float32 and their formulas take. The error is of usage,
/// and begins with what ckpt-train's option is called.
Status check_limits(const Optimizer& optimizer);

struct TrainingOptions {
  Loss loss = Loss::sparse_softmax_cross_entropy;
  Optimizer optimizer = {};
  std::function<bool(std::string_view)> frozen = {};  ///< parameters that get no gradient
};

/// One step of training as a graph: the network with BatchNorm in training, its loss, the gradients, the updates of the
/// optimizer. Inputs: images, labels. Outputs: loss, logits. Nodes that update parameters are kept although no output
/// needs them. Parameters are those of the network and of the optimizer under MindSpore's names and in the order in
/// which it saves them; those of the optimizer are bound to their initial values.
///
/// `network` is typed, with a batch that is a number, and has one input and one output, the logits. Errc::unsupported
/// for an operator that has no gradient rule, with the node's name.
Result<graph::Graph> make_training_graph(const graph::Graph& network, const TrainingOptions& options);

}  // namespace ckpt::train
