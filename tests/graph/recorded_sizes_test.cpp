#include <gtest/gtest.h>

#include "input_spec.h"
#include "op.h"
#include "operator_cases.h"
#include "passes.h"
#include "prepare.h"

namespace ckpt::graph {
namespace {

using test::f32;

/// What is said where a network of one node, recorded for `recorded`, is to take `asked`; its result if nothing is.
std::string with_other_sizes(const std::string& op, Attrs attrs, const Ints& recorded, const std::string& asked,
                             std::vector<Type> more = {}) {
  Graph graph;
  std::vector<ValueId> inputs{graph.add_input("x", f32(recorded))};
  for (Type& type : more) inputs.push_back(graph.add_parameter("p" + std::to_string(inputs.size()), std::move(type)));
  graph.outputs = {graph.add_node(op, "node", inputs, std::move(attrs)).outputs[0]};
  EXPECT_TRUE(canonicalise(graph.nodes[0]));
  EXPECT_TRUE(infer_types(graph).empty());
  const auto spec = parse_input_spec(asked);
  EXPECT_TRUE(spec);
  const auto prepared = prepare(graph, nullptr, {.inputs = std::span(&*spec, 1), .recorded = true});
  EXPECT_TRUE(prepared);
  if (prepared->refusals.empty()) return to_string(graph.value(graph.outputs[0]).type);
  return prepared->refusals.list()[0].reason;
}

std::string reshaped(const Ints& shape, const Ints& recorded, const std::string& asked) {
  return with_other_sizes("Reshape", {{"shape", shape}}, recorded, asked);
}

TEST(RecordedSizes, AReshapeThatMayHoldOneIsRefused) {
  // What has two sequences in place of one, or six rows in place of four, is another network.
  EXPECT_EQ(reshaped({1, 8, 2, 4}, {1, 8, 8}, "1x16x8"), "Float32 [1, 16, 8] does not have 64 elements");
  EXPECT_EQ(reshaped({1, 8, 2, 4}, {1, 8, 8}, "Nx16x8"),
            "was recorded for Float32 [1, 8, 8]: its shape may not fit Float32 [N, 16, 8]");
  EXPECT_EQ(reshaped({1, 512}, {1, 8, 8, 8}, "4x3x16x16"),
            "was recorded for Float32 [1, 8, 8, 8]: its shape may not fit Float32 [4, 3, 16, 16]");
  EXPECT_EQ(reshaped({1, -1, 7, 8, 8}, {1, 14, 8, 8}, "1x14x16x16"),
            "was recorded for Float32 [1, 14, 8, 8]: its shape may not fit Float32 [1, 14, 16, 16]");
}

TEST(RecordedSizes, AReshapeThatTakesThemUpGoesAlong) {
  EXPECT_EQ(reshaped({1, 8, 2, 4}, {1, 8, 8}, "Nx8x8"), "Float32 [N, 8, 2, 4]");
  EXPECT_EQ(reshaped({1, -1}, {1, 3, 4}, "1x3x8"), "Float32 [1, 24]");
  EXPECT_EQ(reshaped({1, -1, 4}, {1, 6, 6, 12}, "1x10x6x12"), "Float32 [1, 180, 4]");
  EXPECT_EQ(reshaped({-1, 4, 12}, {2, 6, 6, 12}, "2x10x6x12"),
            "was recorded for Float32 [2, 6, 6, 12]: its shape may not fit Float32 [2, 10, 6, 12]");
}

TEST(RecordedSizes, SizesOfImages) {
  const auto resized = [](const std::string& asked) {
    return with_other_sizes("ResizeBilinearV2", {{"size", Ints{8, 8}}}, {1, 3, 4, 4}, asked);
  };
  EXPECT_EQ(resized("Nx3x4x4"), "Float32 [N, 3, 8, 8]");
  EXPECT_EQ(resized("1x3x6x4"), "was recorded for Float32 [1, 3, 4, 4]: its size may not fit Float32 [1, 3, 6, 4]");
}

TEST(RecordedSizes, OfATransposedConvolutionFollowWhereTheyAreTheUsual) {
  const auto transposed = [](std::int64_t size, const std::string& asked) {
    return with_other_sizes("Conv2DTranspose",
                            {{"pad_mode", std::string("same")},
                             {"kernel_size", Ints{3, 3}},
                             {"stride", Ints{2, 2}},
                             {"input_sizes", Ints{1, 5, size, size}}},
                            {1, 4, 8, 8}, asked, {f32({4, 5, 3, 3})});
  };
  EXPECT_EQ(transposed(16, "Nx4x9x8"), "Float32 [N, 5, 18, 16]");
  EXPECT_EQ(transposed(15, "Nx4x8x8"), "Float32 [N, 5, 15, 15]");
  EXPECT_EQ(transposed(15, "1x4x9x8"),
            "was recorded for Float32 [1, 4, 8, 8]: its input_sizes may not fit Float32 [1, 4, 9, 8]");
}

TEST(RecordedSizes, PlacesCountedFromTheBeginning) {
  const auto cut = [](const Ints& begin, const Ints& end, const std::string& asked) {
    return with_other_sizes("StridedSlice", {{"begin", begin}, {"end", end}, {"strides", Ints(begin.size(), 1)}},
                            {2, 8, 4}, asked);
  };
  const std::string other = "was recorded for Float32 [2, 8, 4]: its end may not fit Float32 ";
  EXPECT_EQ(cut({0, 0}, {2, 1}, "2x9x4"), "Float32 [2, 1, 4]");    // the first
  EXPECT_EQ(cut({0, -3}, {2, -1}, "2x9x4"), "Float32 [2, 2, 4]");  // from the last
  EXPECT_EQ(cut({0, 0}, {2, 7}, "2x9x4"), other + "[2, 9, 4]");
  EXPECT_EQ(cut({0, 0}, {2, 7}, "3x8x4"), "Float32 [3, 7, 4]");  // the end of the batch follows
}

// A loop over the batch picks one after the other.
TEST(RecordedSizes, OfTheBatchNothingIsPicked) {
  for (const std::int64_t place : {0, 1, -1}) {
    EXPECT_EQ(with_other_sizes("StridedSlice",
                               {{"begin", Ints{place}},
                                {"end", Ints{place + 1}},
                                {"strides", Ints{1}},
                                {"shrink_axis_mask", std::int64_t{1}}},
                               {2, 8, 4}, "3x8x4"),
              "was recorded for Float32 [2, 8, 4]: its end may not fit Float32 [3, 8, 4]");
  }
}

TEST(RecordedSizes, WhatGrowsToOneOfAnInput) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 3, 4}));
  const ValueId first =
      graph
          .add_node("StridedSlice", "first", {x}, {{"begin", Ints{0, 0}}, {"end", Ints{2, 1}}, {"strides", Ints{1, 1}}})
          .outputs[0];
  graph.outputs = {graph.add_node("BroadcastTo", "all", {first}, {{"shape", Ints{2, 3, 4}}}).outputs[0]};
  for (Node& node : graph.nodes) ASSERT_TRUE(canonicalise(node));
  ASSERT_TRUE(infer_types(graph).empty());
  Graph other = graph;
  const auto longer = parse_input_spec("2x5x4"), more = parse_input_spec("7x3x4");
  const auto refused = prepare(graph, nullptr, {.inputs = std::span(&*longer, 1), .recorded = true});
  ASSERT_TRUE(refused);
  ASSERT_EQ(refused->refusals.list().size(), 1U);
  EXPECT_EQ(refused->refusals.list()[0].reason,
            "was recorded with other sizes of an input, one of which is in its shape");
  const auto follows = prepare(other, nullptr, {.inputs = std::span(&*more, 1), .recorded = true});
  ASSERT_TRUE(follows);
  EXPECT_TRUE(follows->refusals.empty());
  EXPECT_EQ(to_string(other.value(other.outputs[0]).type), "Float32 [7, 3, 4]");
}

TEST(RecordedSizes, AsManyResultsAsThereWere) {
  EXPECT_EQ(with_other_sizes("Unstack", {{"axis", std::int64_t{1}}}, {2, 1, 4}, "2x3x4"),
            "was recorded for Float32 [2, 1, 4]: its num may not fit Float32 [2, 3, 4]");
  EXPECT_EQ(
      with_other_sizes("SplitTensor", {{"split_size", std::int64_t{4}}, {"dim", std::int64_t{2}}}, {2, 3, 4}, "2x3x8"),
      "was recorded for Float32 [2, 3, 4]: its split_size may not fit Float32 [2, 3, 8]");
}

// A quotient of integers is one of floats where the source says so, and nothing else does.
TEST(RecordedTypes, OfResultsAreKeptWhereOnlySizesChange) {
  const auto quotient = [](const std::string& asked) {
    Graph graph;
    const ValueId x = graph.add_input("x", test::typed(DType::int32, {4, 5}));
    graph.outputs = {graph.add_node("Div", "node", {x, x}).outputs[0]};
    graph.value(graph.outputs[0]).type = f32({4, 5});
    const auto spec = parse_input_spec(asked);
    const auto prepared = prepare(graph, nullptr, {.inputs = std::span(&*spec, 1), .recorded = true});
    return prepared ? to_string(graph.value(graph.outputs[0]).type) : to_string(prepared.error());
  };
  EXPECT_EQ(quotient("Nx5"), "Float32 [N, 5]");
  EXPECT_EQ(quotient("4x6"), "Float32 [4, 6]");
  EXPECT_EQ(quotient("4x5:float64"), "Float64 [4, 5]");
}

TEST(RecordedSizes, IndicesThatAreTheSameWhateverTheInput) {
  const Type rows{DType::int32, {Dim(6), Dim(2)}};  // [:, [2, 1, 0]] of two
  EXPECT_EQ(with_other_sizes("GatherNd", {}, {2, 4, 5, 5}, "Nx4x5x5", {rows}),
            "was recorded for Float32 [2, 4, 5, 5]: its indices may not fit Float32 [N, 4, 5, 5]");
  EXPECT_EQ(with_other_sizes("GatherNd", {}, {2, 4, 5, 5}, "2x4x9x9", {rows}), "Float32 [6, 9, 9]");
  const Type columns{DType::int32, {Dim(3)}};
  EXPECT_EQ(with_other_sizes("Gather", {{"axis", std::int64_t{1}}}, {2, 4, 5}, "Nx4x5", {columns}),
            "Float32 [N, 3, 5]");
}

}  // namespace
}  // namespace ckpt::graph
