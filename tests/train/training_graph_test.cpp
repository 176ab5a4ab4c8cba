// The step of training as a graph: its parameters, its gradients against finite differences of whole networks, and what
// it says of what cannot be trained.
#include "training_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "finite_differences.h"
#include "meta_file.h"
#include "networks.h"
#include "op.h"
#include "reference.h"
#include "small_networks.h"

namespace ckpt::train {
namespace {

using graph::Graph;
using graph::Ints;
using test::Array;
using test::batch;
using test::network;
using test::parameters_of;
using test::Reference;
using test::small_resnet;

Graph training(const Graph& network, const TrainingOptions& options) {
  auto made = make_training_graph(network, options);
  EXPECT_TRUE(made) << made.error().message;
  EXPECT_TRUE(verify(*made)) << verify(*made).error().message;
  return std::move(*made);
}

TrainingOptions with_rate(std::vector<double> rate) { return {.optimizer = {.learning_rate = std::move(rate)}}; }

/// Each parameter's gradient, along a random direction: after the first step without momentum it is the moment.
void expect_gradients_of_differences(const Graph& network, Loss loss) {
  TrainingOptions options = with_rate({0.1});
  options.loss = loss;
  const Graph step = training(network, options);
  const std::vector<Array> inputs = batch(step);
  Reference trained(step);
  trained.run(inputs);

  Graph forwards = step;
  forwards.outputs = {step.outputs[0]};
  drop_unused(forwards);
  std::uint64_t seed = 1000;
  for (const std::string& name : parameters_of(forwards)) {
    if (name.find("moving_") != name.npos) continue;
    const std::vector<double>& gradient = trained.value("moments." + name).values;
    const auto direction = test::random_numbers(gradient.size(), ++seed);
    double along = 0, size = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      along += gradient[i] * direction[i];
      size += gradient[i] * gradient[i];
    }
    const double wanted = test::derivative(
        [&](double by) {
          Reference moved(forwards);
          std::vector<double>& values = moved.value(name).values;
          for (std::size_t i = 0; i < values.size(); ++i) values[i] += by * direction[i];
          return moved.run(inputs)[0].values[0];
        },
        1e-6);  // so little that hardly any ReLU or pool changes its mind
    EXPECT_GT(size, 0) << name;
    EXPECT_NEAR(along, wanted, 1e-7 * (std::sqrt(size) + 1e-3)) << name;
  }
}

TEST(TrainingGraph, GradientsOfLeNet) {
  expect_gradients_of_differences(network("lenet5", {2, 1, 32, 32}), Loss::sparse_softmax_cross_entropy);
}

TEST(TrainingGraph, GradientsOfAnMlp) {
  expect_gradients_of_differences(network("mlp", {2, 1, 28, 28}), Loss::softmax_cross_entropy);
}

TEST(TrainingGraph, GradientsOfASmallResNet) {
  expect_gradients_of_differences(small_resnet(), Loss::sparse_softmax_cross_entropy);
}

TEST(TrainingGraph, ParametersAreInTheOrderOfAFile) {
  const Graph net = small_resnet();
  TrainingOptions options = with_rate({0.1, 0.05});
  options.frozen = [](std::string_view name) { return name.starts_with("conv"); };
  const std::vector<std::string> trained{"bn0.gamma", "bn0.beta",  "bn1.gamma", "bn1.beta",  "bn2.gamma",
                                         "bn2.beta",  "bn3.gamma", "bn3.beta",  "fc.weight", "fc.bias"};
  std::vector<std::string> wanted = trained;
  for (const char* name :
       {"conv0.weight", "bn0.moving_mean", "bn0.moving_variance", "conv1.weight", "bn1.moving_mean",
        "bn1.moving_variance", "conv2.weight", "bn2.moving_mean", "bn2.moving_variance", "conv3.weight", "conv3.bias",
        "bn3.moving_mean", "bn3.moving_variance", "global_step", "momentum"}) {
    wanted.emplace_back(name);
  }
  for (const std::string& name : trained) wanted.push_back("moments." + name);
  wanted.emplace_back("learning_rate");
  EXPECT_EQ(parameters_of(training(net, options)), wanted);

  options = with_rate({0.1});
  options.optimizer.kind = Optimizer::Kind::adam;
  const std::vector<std::string> adam = parameters_of(training(network("mlp", {2, 1, 28, 28}), options));
  const std::vector<std::string> first(adam.begin(), adam.begin() + 11);
  EXPECT_EQ(first, (std::vector<std::string>{"dense_relu_sequential.0.weight", "dense_relu_sequential.0.bias",
                                             "dense_relu_sequential.2.weight", "dense_relu_sequential.2.bias",
                                             "dense_relu_sequential.4.weight", "dense_relu_sequential.4.bias",
                                             "global_step", "learning_rate", "beta1_power", "beta2_power",
                                             "moment1.dense_relu_sequential.0.weight"}));
}

TEST(TrainingGraph, FrozenParametersStayAndCostNothing) {
  const Graph net = network("lenet5", {2, 1, 32, 32});
  TrainingOptions options = with_rate({0.1});
  options.frozen = [](std::string_view name) { return name.starts_with("conv"); };
  const Graph step = training(net, options);
  for (const graph::Node& node : step.nodes) EXPECT_FALSE(node.op.starts_with("Conv2DBackprop")) << node.name;
  Reference reference(step);
  const auto before = reference.value("conv1.weight").values, head = reference.value("fc1.weight").values;
  reference.run(batch(step));
  EXPECT_EQ(reference.value("conv1.weight").values, before);
  EXPECT_NE(reference.value("fc1.weight").values, head);
}

/// A loss scale changes nothing but the last bits: decay and gradients lose it together.
TEST(TrainingGraph, ALossScaleCancelsOut) {
  const Graph net = network("mlp", {2, 1, 28, 28});
  for (const auto kind : {Optimizer::Kind::momentum, Optimizer::Kind::sgd, Optimizer::Kind::adam}) {
    TrainingOptions options = with_rate({0.01, 0.02, 0.03});
    options.optimizer.kind = kind;
    options.optimizer.weight_decay = 0.0625;
    const Graph plain = training(net, options);
    options.optimizer.loss_scale = 1024;
    const Graph scaled = training(net, options);
    Reference a(plain), b(scaled);
    for (int step = 0; step < 3; ++step) {
      EXPECT_NEAR(a.run(batch(plain))[0].values[0], b.run(batch(scaled))[0].values[0], 1e-12);
    }
    for (const std::string& name : parameters_of(plain)) {
      EXPECT_LT(test::distance(b.value(name).values, a.value(name).values).nmse, 1e-20) << name;
    }
    EXPECT_EQ(a.value("global_step").values[0], 3);
  }
}

TEST(TrainingGraph, TrainsAnMlp) {
  const Graph net = network("mlp", {2, 1, 28, 28});
  const Graph step = training(net, with_rate({0.05}));
  Reference reference(step);
  const double first = reference.run(batch(step))[0].values[0];
  double last = first;
  for (int i = 0; i < 10; ++i) last = reference.run(batch(step))[0].values[0];
  EXPECT_LT(last, first / 4);
}

/// Every classifier that is built in; none of them is run.
TEST(TrainingGraph, IsMadeOfEachBuiltInClassifier) {
  const std::vector<std::pair<const char*, Ints>> networks{{"alexnet", {2, 3, 227, 227}},
                                                           {"mobilenetv2", {2, 3, 64, 64}},
                                                           {"resnet34", {2, 3, 32, 32}},
                                                           {"resnet50", {2, 3, 32, 32}},
                                                           {"vgg16", {2, 3, 224, 224}}};
  for (const auto& [name, input] : networks) {
    auto net = graph::make_network(name, {.num_classes = 5, .input = {input.begin(), input.end()}});
    ASSERT_TRUE(net) << net.error().message;
    ASSERT_TRUE(infer_types(*net).empty()) << name;
    const Graph step = training(*net, with_rate({0.1}));
    const auto gradients = [](const std::string& parameter) { return parameter.starts_with("moments."); };
    const auto trained = static_cast<std::size_t>(std::ranges::count_if(parameters_of(step), gradients));
    const auto updates = static_cast<std::size_t>(std::ranges::count(step.nodes, "ApplyMomentum", &graph::Node::op));
    EXPECT_EQ(trained, updates) << name;
    EXPECT_GT(trained, 15U) << name;
    EXPECT_TRUE(to_meta(step)) << name;
  }
}

void expect_refused(const Graph& net, const TrainingOptions& options, const std::string& message) {
  const auto made = make_training_graph(net, options);
  ASSERT_FALSE(made) << message;
  EXPECT_EQ(made.error().message, message);
}

TEST(TrainingGraph, SaysWhatCannotBe) {
  const Graph net = network("mlp", {2, 1, 28, 28});
  expect_refused(net, with_rate({}), "no learning rate is given");
  expect_refused(net, with_rate({0.1, -1}), "a learning rate is at least 0");
  TrainingOptions frozen = with_rate({0.1});
  frozen.frozen = [](std::string_view) { return true; };
  expect_refused(net, frozen, "every parameter is frozen");
  TrainingOptions nesterov = with_rate({0.1});
  nesterov.optimizer = {.kind = Optimizer::Kind::sgd, .learning_rate = {0.1}, .dampening = 0.5, .nesterov = true};
  expect_refused(net, nesterov, "nesterov: SGD wants a momentum above 0 with it, and no dampening");
  TrainingOptions negative = with_rate({0.1});
  negative.optimizer.weight_decay = -1;
  expect_refused(net, negative, "weight-decay: must be at least 0");

  Graph open = net;
  open.value(open.outputs[0]).type.dims[0] = graph::Dim("N");
  expect_refused(open, with_rate({0.1}),
                 "the output \"" + open.value(open.outputs[0]).name +
                     "\" is Float32 [N, 4], not a number for each image and class");
}

TEST(TrainingGraph, NamesTheNodeThatHasNoGradient) {
  Graph net;
  const auto x = net.add_input("x", {.dtype = DType::float32, .dims = {2, 3}});
  const auto w = net.add_parameter("w", {.dtype = DType::float32, .dims = {4, 3}});
  const auto y = net.add_node("MatMul", "Default/fc-Dense/MatMul-op0", {x, w}, {{"transpose_b", true}}).outputs[0];
  net.outputs = {net.add_node("Erf", "Default/Erf-op1", {y}).outputs[0]};
  ASSERT_TRUE(infer_types(net).empty());
  expect_refused(net, with_rate({0.1}),
                 "Erf: no gradient (1 node, first \"Default/network-WithLossCell/_backbone-/Erf-op1\")");
}

}  // namespace
}  // namespace ckpt::train
