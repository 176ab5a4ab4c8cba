// What to_meta writes is read as MindSpore's own: pruned to inference, with the same network in it. What MindSpore's
// messages say of it is in tests/interop/training_graph_test.py.
#include "meta_file.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "file_bytes.h"
#include "finite_differences.h"
#include "made_up_checkpoint.h"
#include "networks.h"
#include "op.h"
#include "read_graph.h"
#include "recorded_input.h"
#include "reference.h"
#include "small_networks.h"
#include "temp_dir.h"
#include "training_graph.h"

namespace ckpt::train {
namespace {

using graph::Graph;
using test::Reference;

Graph training(const Graph& network, Optimizer optimizer) {
  auto made =
      make_training_graph(network, {.loss = optimizer.kind == Optimizer::Kind::sgd ? Loss::softmax_cross_entropy
                                                                                   : Loss::sparse_softmax_cross_entropy,
                                    .optimizer = std::move(optimizer)});
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

Graph read_back(const std::vector<std::byte>& bytes) {
  const auto file = graph::read_graph(graph::in_memory(bytes).runs.at(0).source, {});
  EXPECT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->format, graph::GraphFormat::graph_meta);
  EXPECT_TRUE(file->refusals.empty());
  Graph graph = file->graph;
  EXPECT_TRUE(verify(graph)) << verify(graph).error().message;
  return graph;
}

std::vector<std::string> ops_of(const Graph& graph) {
  std::vector<std::string> ops;
  for (const graph::Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

/// The network itself: operators, sizes, parameters, and the numbers that come out.
void expect_same_network(const Graph& network, const Optimizer& optimizer) {
  const Graph step = training(network, optimizer);
  const auto meta = to_meta(step);
  ASSERT_TRUE(meta) << meta.error().message;
  EXPECT_EQ(*meta, *to_meta(step));
  Graph read = read_back(*meta);
  const graph::Refusals refusals = infer_types(read);
  ASSERT_TRUE(refusals.empty()) << refusals.list()[0].first << ": " << refusals.list()[0].reason;
  EXPECT_EQ(ops_of(read), ops_of(network));
  EXPECT_EQ(sorted(test::parameters_of(read)), sorted(test::parameters_of(network)));
  ASSERT_EQ(read.inputs.size(), 1U);
  EXPECT_EQ(read.value(read.inputs[0]).name, "inputs0");
  EXPECT_EQ(read.value(read.outputs[0]).type, network.value(network.outputs[0]).type);

  Reference ours(network), theirs(read);
  for (const std::string& name : test::parameters_of(network)) theirs.value(name) = ours.value(name);
  const auto images = std::vector{test::batch(step)[0]};
  EXPECT_LT(test::distance(theirs.run(images)[0].values, ours.run(images)[0].values).nmse,
            1e-12);  // epsilon is Float32
}

TEST(MetaFile, LeNetWithMomentum) {
  expect_same_network(test::network("lenet5", {2, 1, 32, 32}), {.learning_rate = {0.1}, .weight_decay = 0.1});
}

TEST(MetaFile, AnMlpWithSgdAndAScheduleAndALossScale) {
  expect_same_network(
      test::network("mlp", {2, 1, 28, 28}),
      {.kind = Optimizer::Kind::sgd, .learning_rate = {0.1, 0.2}, .weight_decay = 0.1, .loss_scale = 64});
}

TEST(MetaFile, AResNetWithAdam) {
  expect_same_network(test::small_resnet(), {.kind = Optimizer::Kind::adam, .learning_rate = {0.1, 0.2}});
}

TEST(MetaFile, TellsTheBatchAndTheSizeOfTheImages) {
  auto made = graph::make_network("resnet18", {.input = {2, 3, 24, 40}});
  ASSERT_TRUE(made) << made.error().message;
  Graph network = std::move(*made);
  ASSERT_TRUE(infer_types(network).empty());
  const auto meta = to_meta(training(network, {.learning_rate = {0.1}}));
  ASSERT_TRUE(meta) << meta.error().message;
  const ckpt::test::TempDir folder;
  const auto* const text = reinterpret_cast<const char*>(meta->data());
  ckpt::test::write_file(folder / "net-graph.meta", std::string(text, meta->size()));
  const auto file = ckpt::test::MadeUpCheckpoint().add_parameters_of(network).make();
  const auto input = graph::recorded_input(folder / "net-graph.meta", "resnet18", {}, *file);
  ASSERT_TRUE(input) << to_string(input.error());
  EXPECT_EQ(**input, (graph::Dims{2, 3, 24, 40}));
}

TEST(MetaFile, NamesAnOperatorThatIsNone) {
  Graph graph;
  const auto x = graph.add_input("x", {.dtype = DType::float32, .dims = {2}});
  graph.outputs = {graph.add_node("NoSuch", "Default/NoSuch-op0", {x}).outputs[0]};
  const auto meta = to_meta(graph);
  ASSERT_FALSE(meta);
  EXPECT_EQ(meta.error().message, "NoSuch \"Default/NoSuch-op0\": not an operator that is known");
}

}  // namespace
}  // namespace ckpt::train
