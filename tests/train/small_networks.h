#pragma once

#include "graph.h"
#include "reference.h"

/// Networks with numbers in them, and a batch to train them with: what the tests of this folder share.
namespace ckpt::train::test {

/// One of the built-in ones, typed, with random parameters of the size that an initialisation gives.
graph::Graph network(const char* name, graph::Ints input, std::int64_t classes = 4);

/// What a ResNet is made of, for [3, 2, 12, 12] and three classes: a stem, a block with a shortcut that is a
/// convolution, one whose shortcut is none.
graph::Graph small_resnet();

/// Images and labels for a training graph.
std::vector<Array> batch(const graph::Graph& step);

std::vector<std::string> parameters_of(const graph::Graph& graph);

}  // namespace ckpt::train::test
