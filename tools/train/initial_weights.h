#pragma once

#include <cstdint>

#include "graph.h"
#include "parameters.h"

namespace ckpt::train {

/// What a network's parameters are before training, as MindSpore's cells draw them: weights of Conv2d and Dense
/// HeUniform(sqrt(5)), which is uniform within 1 / sqrt(fan in), their biases uniform within the same; of BatchNorm2d
/// gamma and the moving variance 1, beta and the moving mean 0. What is drawn for a parameter depends on its name and
/// the seed alone.
void initialise(const graph::Graph& network, std::uint64_t seed, Parameters& parameters);

}  // namespace ckpt::train
