#include "bind.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "made_up_checkpoint.h"

namespace ckpt::graph {
namespace {

using test::MadeUpCheckpoint;

Type type(Dims dims, DType dtype = DType::float32) { return {.dtype = dtype, .dims = std::move(dims)}; }

TEST(Bind, TakesTheBytesWhereTheyAre) {
  Graph graph;
  const ValueId id = graph.add_parameter("fc.weight", type({2, 3}));
  const auto file = MadeUpCheckpoint().add("fc.weight", {2, 3}).make();
  const Binding binding = graph::bind(graph, file);
  EXPECT_TRUE(binding.complete());
  EXPECT_EQ(binding.bound, 1U);
  const Contents& contents = graph.value(id).contents;
  ASSERT_EQ(contents.runs.size(), 1U);
  EXPECT_EQ(contents.runs[0].source.get(), &file->source());
  EXPECT_EQ(contents.runs[0].size, 24U);
  EXPECT_EQ(contents.size, 24U);
}

TEST(Bind, KeepsTheCheckpoint) {
  Graph graph;
  const ValueId id = graph.add_parameter("fc.weight", type({3}));
  auto file = MadeUpCheckpoint().add("fc.weight", {3}).make();
  const std::weak_ptr<const Checkpoint> watched = file;
  graph::bind(graph, file);
  file.reset();
  EXPECT_FALSE(watched.expired());
  const auto bytes = bytes_of(graph.value(id).contents, 100);
  ASSERT_TRUE(bytes);
  EXPECT_EQ((*bytes)[5], std::byte{5});
  graph = {};
  EXPECT_TRUE(watched.expired());
}

TEST(Bind, MakesWhatTheFileHasInAnotherEncoding) {
  Graph graph;
  const ValueId id = graph.add_parameter("w", type({4}, DType::bfloat16));
  const auto file = MadeUpCheckpoint().add("w", {4}, DType::bfloat16, Encoding::bf16_as_float32).make();
  EXPECT_TRUE(graph::bind(graph, file).complete());
  EXPECT_TRUE(graph.value(id).contents.runs.empty());
  const auto bytes = bytes_of(graph.value(id).contents, 100);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, (std::vector<std::byte>{std::byte{2}, std::byte{3}, std::byte{6}, std::byte{7}, std::byte{10},
                                            std::byte{11}, std::byte{14}, std::byte{15}}));
}

TEST(Bind, NamesWhatIsMissingAndTheNearest) {
  Graph graph;
  graph.add_parameter("fc1.weight", type({2, 3}));
  graph.add_parameter("nothing.like.it", type({2, 3}));
  const Binding binding = graph::bind(graph, MadeUpCheckpoint().add("fc_1.weight", {2, 3}).make());
  EXPECT_FALSE(binding.complete());
  ASSERT_EQ(binding.missing.size(), 2U);
  EXPECT_EQ(binding.missing[0].parameter, "fc1.weight");
  EXPECT_EQ(binding.missing[0].reason, "not in the checkpoint");
  EXPECT_EQ(binding.missing[0].nearest, "fc_1.weight");
  EXPECT_EQ(binding.missing[1].nearest, "");
  EXPECT_EQ(binding.left_over, std::vector<std::string>{"fc_1.weight"});
}

TEST(Bind, RefusesOtherShapesAndTypes) {
  Graph graph;
  const ValueId shape = graph.add_parameter("a", type({2, 3}));
  graph.add_parameter("b", type({2}));
  const Binding binding = graph::bind(graph, MadeUpCheckpoint().add("a", {3, 2}).add("b", {2}, DType::float16).make());
  ASSERT_EQ(binding.unfit.size(), 2U);
  EXPECT_EQ(binding.unfit[0].reason, "Float32 [3, 2] in the checkpoint, Float32 [2, 3] in the graph");
  EXPECT_EQ(binding.unfit[1].reason, "Float16 [2] in the checkpoint, Float32 [2] in the graph");
  EXPECT_FALSE(binding.unfit[0].other_type);
  EXPECT_TRUE(binding.unfit[1].other_type);
  EXPECT_FALSE(graph.value(shape).bound);
  EXPECT_TRUE(binding.left_over.empty());
}

TEST(Bind, OneDimensionIsNotTwoOfWhichOneIsOne) {
  Graph graph;
  graph.add_parameter("a", type({2, 1}));
  EXPECT_EQ(graph::bind(graph, MadeUpCheckpoint().add("a", {2}).make()).unfit.size(), 1U);
}

TEST(Bind, LeavesTheOptimizerAlone) {
  Graph graph;
  graph.add_parameter("fc.weight", type({2}));
  const auto file = MadeUpCheckpoint()
                        .add("fc.weight", {2})
                        .add("moments.fc.weight", {2})
                        .add("learning_rate", {})
                        .add("global_step", {1}, DType::int32)
                        .make();
  const Binding binding = graph::bind(graph, file);
  EXPECT_TRUE(binding.complete());
  EXPECT_TRUE(binding.left_over.empty());
}

TEST(Bind, PassesOverTheCompilersSigns) {
  Graph graph;
  const ValueId a = graph.add_parameter(
      "\xE2\x96\xB6"
      "conv1.weight",
      type({6}));
  const ValueId b = graph.add_parameter("fc.weight", type({3}));
  const ValueId c = graph.add_parameter("L-xconv1.weight", type({7}));
  const auto file = MadeUpCheckpoint().add("conv1.weight", {6}).add("fc.weight", {3}).make();
  const Binding binding = graph::bind(graph, file);
  EXPECT_TRUE(graph.value(a).bound);
  EXPECT_TRUE(graph.value(b).bound);
  EXPECT_FALSE(graph.value(c).bound);
  ASSERT_EQ(binding.missing.size(), 1U);
  EXPECT_EQ(binding.missing[0].parameter, "L-xconv1.weight");
}

// Another module's weights of the same last names and shapes are not the ones that are missing.
TEST(Bind, TakesNothingThatOnlyEndsAlike) {
  Graph graph;
  graph.add_parameter("a.weight", type({3}));
  graph.add_parameter("decoder.proj.weight", type({3}));
  const Binding binding = graph::bind(graph, MadeUpCheckpoint().add("a.weight", {3}).add("proj.weight", {3}).make());
  EXPECT_EQ(binding.bound, 1U);
  EXPECT_TRUE(binding.prefix.empty());
  ASSERT_EQ(binding.missing.size(), 1U);
  EXPECT_EQ(binding.missing[0].parameter, "decoder.proj.weight");
  EXPECT_EQ(binding.left_over, std::vector<std::string>{"proj.weight"});
}

TEST(Bind, CellsMayStandBeforeAllNames) {
  const auto file = MadeUpCheckpoint().add("conv.weight", {3}).add("fc.weight", {4}).add("fc.bias", {4}).make();
  Graph graph;
  graph.add_parameter("network._backbone.conv.weight", type({3}));
  graph.add_parameter("network._backbone.fc.weight", type({4}));
  const Binding wrapped = graph::bind(graph, file);
  EXPECT_TRUE(wrapped.complete());
  EXPECT_EQ(wrapped.prefix, (Prefix{.wanted = "network._backbone."}));
  EXPECT_EQ(wrapped.left_over, std::vector<std::string>{"fc.bias"});
  EXPECT_FALSE(graph::bind(graph, file, {.exact = true}).complete());

  Graph bare;
  bare.add_parameter("conv.weight", type({3}));
  bare.add_parameter("fc.weight", type({4}));
  const Binding found = graph::bind(bare, MadeUpCheckpoint()
                                              .add("moments.network.conv.weight", {3})
                                              .add("network.conv.weight", {3})
                                              .add("network.fc.weight", {4})
                                              .make());
  EXPECT_TRUE(found.complete());
  EXPECT_EQ(found.prefix, (Prefix{.there = "network."}));
}

TEST(Bind, CellsBeforeSomeNamesAreNone) {
  Graph graph;
  graph.add_parameter("conv.weight", type({3}));
  graph.add_parameter("fc.weight", type({4}));
  // Not all of them,
  EXPECT_EQ(graph::bind(graph, MadeUpCheckpoint().add("net.conv.weight", {3}).make()).missing.size(), 2U);
  // of two that have all neither,
  const auto two = MadeUpCheckpoint()
                       .add("student.conv.weight", {3})
                       .add("student.fc.weight", {4})
                       .add("teacher.conv.weight", {3})
                       .add("teacher.fc.weight", {4})
                       .make();
  EXPECT_EQ(graph::bind(graph, two).missing.size(), 2U);
  // and no part of a name.
  const auto part = MadeUpCheckpoint().add("preconv.weight", {3}).add("prefc.weight", {4}).make();
  EXPECT_EQ(graph::bind(graph, part).missing.size(), 2U);
}

TEST(Bind, CellsBeforeNamesDoNotMakeShapesFit) {
  Graph graph;
  graph.add_parameter("conv.weight", type({3}));
  const Binding binding = graph::bind(graph, MadeUpCheckpoint().add("net.conv.weight", {5}).make());
  ASSERT_EQ(binding.unfit.size(), 1U);
  EXPECT_EQ(binding.unfit[0].parameter, "conv.weight");
}

TEST(UnboundToInputs, AppendsThem) {
  Graph graph;
  const ValueId x = graph.add_input("x", type({Dim("N"), 3}));
  const ValueId w = graph.add_parameter("w", type({3, 3}));
  const ValueId bound = graph.add_parameter("bound", type({3}));
  graph::bind(graph, MadeUpCheckpoint().add("bound", {3}).make());
  unbound_to_inputs(graph);
  EXPECT_EQ(graph.inputs, (std::vector<ValueId>{x, w}));
  EXPECT_EQ(graph.value(w).kind, ValueKind::input);
  EXPECT_EQ(graph.value(bound).kind, ValueKind::parameter);
}

}  // namespace
}  // namespace ckpt::graph
