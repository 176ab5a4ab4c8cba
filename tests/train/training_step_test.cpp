// Whole steps of training, with all that is fused and done in place, beside the reference.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "executor.h"
#include "parameters.h"
#include "reference.h"
#include "small_networks.h"
#include "training_graph.h"

namespace ckpt::train {
namespace {

using graph::Graph;
using test::Array;
using test::Reference;

void put(const Array& array, DType dtype, std::span<std::byte> to) {
  ASSERT_EQ(to.size(), array.values.size() * size_of(dtype));
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    const auto write = [&](auto value) { std::memcpy(to.data() + i * sizeof value, &value, sizeof value); };
    if (dtype == DType::float32) write(static_cast<float>(array.values[i]));
    if (dtype == DType::int32) write(static_cast<std::int32_t>(array.values[i]));
  }
}

/// `nmse`: how large the error of each parameter may be, as a part of its mean square.
void expect_steps(const Graph& network, const TrainingOptions& options, int steps, double nmse) {
  auto step = make_training_graph(network, options);
  ASSERT_TRUE(step) << to_string(step.error());
  auto parameters = Parameters::of(*step);
  ASSERT_TRUE(parameters) << to_string(parameters.error());
  auto executor = Executor::make(*step, *parameters, {.threads = 2, .sentinels = true});
  ASSERT_TRUE(executor) << to_string(executor.error());
  Reference reference(*step);
  const std::vector<Array> inputs = test::batch(*step);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    put(inputs[i], step->value(step->inputs[i]).type.dtype, executor->input(i));
  }
  for (int i = 0; i < steps; ++i) {
    const double loss = reference.run(inputs)[0].values[0];
    const auto status = executor->run();
    ASSERT_TRUE(status) << to_string(status.error());
    float own = 0;
    std::memcpy(&own, executor->output(0).data(), sizeof own);
    EXPECT_NEAR(static_cast<double>(own), loss, 1e-4 * std::abs(loss)) << "step " << i;
  }
  for (const NetParam& parameter : parameters->net_params()) {
    if (parameter.dtype != DType::float32) continue;
    const std::vector<double>& should = reference.value(parameter.name).values;
    const std::span<const float> is = parameters->floats(parameter.name);
    ASSERT_EQ(is.size(), should.size());
    double error = 0, square = 0;
    for (std::size_t j = 0; j < is.size(); ++j) {
      ASSERT_FALSE(std::isnan(is[j])) << parameter.name << " at " << j;
      error += std::pow(static_cast<double>(is[j]) - should[j], 2);
      square += should[j] * should[j];
    }
    EXPECT_LE(error, nmse * square + 1e-12) << parameter.name;
  }
}

TrainingOptions with(Optimizer optimizer, Loss loss = Loss::sparse_softmax_cross_entropy) {
  optimizer.learning_rate = {0.05, 0.04, 0.03};
  return {.loss = loss, .optimizer = std::move(optimizer)};
}

TEST(TrainingStep, OfALeNet) {
  const Graph lenet = test::network("lenet5", {3, 1, 32, 32});
  expect_steps(lenet, with({.kind = Optimizer::Kind::momentum, .weight_decay = 0.01, .loss_scale = 16}), 3, 1e-8);
}

TEST(TrainingStep, OfAMultilayerPerceptron) {
  const Graph mlp = test::network("mlp", {4, 1, 28, 28});
  expect_steps(mlp, with({.kind = Optimizer::Kind::sgd, .nesterov = true}, Loss::softmax_cross_entropy), 2, 1e-8);
}

TEST(TrainingStep, OfASmallResNet) {
  for (const auto kind : {Optimizer::Kind::momentum, Optimizer::Kind::sgd}) {
    expect_steps(test::small_resnet(), with({.kind = kind, .weight_decay = 0.001}), 3, 1e-7);
  }
}

TEST(TrainingStep, WithAdam) {
  // it divides by the size of a gradient: the first steps of a very small one are noise
  expect_steps(test::small_resnet(), with({.kind = Optimizer::Kind::adam, .epsilon = 1e-3}), 3, 1e-5);
}

}  // namespace
}  // namespace ckpt::train
