#include "networks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "bind.h"
#include "file_bytes.h"
#include "made_up_checkpoint.h"
#include "op.h"
#include "recorded_input.h"
#include "target_graph.h"
#include "temp_dir.h"

namespace ckpt::graph {
namespace {

using test::MadeUpCheckpoint;

NetworkOptions usual(std::string_view name) {
  return {.num_classes = 1000, .heads = name == "transformer_encoder" ? std::optional<std::int64_t>(8) : std::nullopt};
}

Graph network(std::string_view name, const NetworkOptions& options, const Checkpoint* file = nullptr) {
  auto graph = make_network(name, options, file);
  if (!graph) ADD_FAILURE() << name << ": " << to_string(graph.error());
  return graph ? std::move(*graph) : Graph{};
}

std::string text_of(const Refusals& refusals) {
  std::string text;
  for (const Refusal& refusal : refusals.list())
    text += refusal.op + ": " + refusal.reason + " at " + refusal.first + "\n";
  return text;
}

// Moving statistics are not learned.
std::uint64_t learned(const Graph& graph) {
  std::uint64_t count = 0;
  for (const Value& value : graph.values) {
    if (value.kind != ValueKind::parameter || value.name.find(".moving_") != std::string::npos) continue;
    count += element_count(value.type).value_or(0);
  }
  return count;
}

class Networks : public testing::TestWithParam<std::string_view> {};

TEST_P(Networks, AreWholeGraphs) {
  const Graph graph = network(GetParam(), usual(GetParam()));
  const Status status = verify(graph);
  EXPECT_TRUE(status) << to_string(status.error());
}

TEST_P(Networks, AreTypedWithAnyBatch) {
  Graph graph = network(GetParam(), usual(GetParam()));
  const Refusals refusals = infer_types(graph);
  EXPECT_TRUE(refusals.empty()) << text_of(refusals);
  const Type& type = graph.value(graph.outputs.at(0)).type;
  EXPECT_EQ(type.dtype, DType::float32);
  EXPECT_EQ(std::ranges::count(type.dims, Dim("N")), 1) << to_string(type);
}

TEST_P(Networks, AreConverted) {
  const bool sequence = GetParam() == "transformer_encoder";
  Graph graph = network(GetParam(), usual(GetParam()));
  Dims input = graph.value(graph.inputs.at(0)).type.dims;
  std::ranges::replace(input, Dim("N"), Dim(2));
  std::ranges::replace(input, Dim("S"), Dim(5));
  NetworkOptions options = usual(GetParam());
  options.input = input;
  graph = network(GetParam(), options);
  const auto bound = graph::bind(graph, MadeUpCheckpoint().add_parameters_of(graph).make());
  EXPECT_TRUE(bound.complete());
  EXPECT_TRUE(infer_types(graph).empty());
  const Converted onnx = convert_to_onnx(graph, 17);
  EXPECT_TRUE(onnx.refusals.empty()) << text_of(onnx.refusals);
  const Converted ge = convert_to_ge(graph);
  EXPECT_TRUE(ge.refusals.empty()) << text_of(ge.refusals);
  EXPECT_EQ(graph.value(graph.outputs[0]).type.dims.size(), sequence ? 3U : 2U);
}

TEST_P(Networks, AreRecognised) {
  NetworkOptions options = usual(GetParam());
  options.num_classes = 17;
  const auto file = MadeUpCheckpoint().add_parameters_of(network(GetParam(), options)).make();
  const auto found = match_network(*file, {.heads = options.heads});
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_EQ(*found, GetParam());
}

TEST_P(Networks, AreNotMistakenForOthers) {
  const auto file =
      MadeUpCheckpoint().add_parameters_of(network(GetParam(), usual(GetParam()))).add("another.weight", {3}).make();
  const auto found = match_network(*file, {.heads = 8});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::usage);
  const std::string nearest =
      "the nearest is " + std::string(GetParam()) + ": \"another.weight\" is not in the network";
  EXPECT_NE(found.error().message.find(nearest), std::string::npos) << found.error().message;
}

// As they are behind a cell with the loss: sizes are read there, and the weights are found.
TEST_P(Networks, AreRecognisedInsideOtherCells) {
  NetworkOptions options = usual(GetParam());
  options.num_classes = 17;
  Graph inside = network(GetParam(), options);
  for (Value& value : inside.values)
    if (value.kind == ValueKind::parameter) value.name.insert(0, "network._backbone.");
  const auto file = MadeUpCheckpoint().add_parameters_of(inside).make();
  options.num_classes.reset();
  const auto found = match_network(*file, options);
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_EQ(*found, GetParam());
  Graph graph = network(GetParam(), options, file.get());
  const Binding binding = graph::bind(graph, file);
  EXPECT_TRUE(binding.complete());
  EXPECT_EQ(binding.prefix.there, "network._backbone.");
}

INSTANTIATE_TEST_SUITE_P(All, Networks, testing::ValuesIn([] {
                           std::vector<std::string_view> names;
                           for (const Network& each : networks()) names.push_back(each.name);
                           return names;
                         }()),
                         [](const auto& instance) { return std::string(instance.param); });

// The numbers that these networks are known by, for 1000 classes.
TEST(NetworkSizes, AreThePublishedOnes) {
  const std::map<std::string, std::uint64_t> published{{"mobilenetv2", 3'504'872}, {"resnet18", 11'689'512},
                                                       {"resnet34", 21'797'672},   {"resnet50", 25'557'032},
                                                       {"resnet101", 44'549'160},  {"resnet152", 60'192'808}};
  for (const auto& [name, count] : published) EXPECT_EQ(learned(network(name, usual(name))), count) << name;
  // The convolutions have no biases here: 4224 of the 138357544.
  EXPECT_EQ(learned(network("vgg16", usual("vgg16"))), 138'357'544U - 4224U);
  EXPECT_EQ(learned(network("lenet5", {.num_classes = 10})), 61'684U);
}

TEST(NetworkOptions, ShowInTheShapes) {
  const Graph graph = network("lenet5", {.num_classes = 7, .input = {Dim(4), Dim(3), Dim(32), Dim(32)}});
  const auto& values = graph.values;
  const auto fc3 = std::ranges::find(values, "fc3.weight", &Value::name);
  ASSERT_NE(fc3, values.end());
  EXPECT_EQ(to_string(fc3->type), "Float32 [7, 84]");
  EXPECT_EQ(to_string(graph.value(graph.inputs[0]).type), "Float32 [4, 3, 32, 32]");
}

TEST(NetworkOptions, ComeFromTheCheckpoint) {
  const auto file = MadeUpCheckpoint().add("conv1.weight", {6, 3, 5, 5}).add("fc3.weight", {7, 84}).make();
  Graph graph = network("lenet5", {}, file.get());
  EXPECT_TRUE(infer_types(graph).empty());
  EXPECT_EQ(to_string(graph.value(graph.inputs[0]).type), "Float32 [N, 3, 32, 32]");
  EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "Float32 [N, 7]");
}

TEST(NetworkOptions, ThatMakeNoNetworkAreRefused) {
  for (const auto& [name, options, message] :
       {std::tuple<std::string_view, NetworkOptions, std::string>{"resnet5", {}, "did you mean resnet50?"},
        {"lenet5", {.input = {Dim(1), Dim(32)}}, "its input has 4 dimensions, not 2"},
        {"resnet50", {.pad_mode = "valid"}, "pad_mode is \"same\" or \"pad\""},
        {"transformer_encoder", {}, "the number of heads must be given"},
        {"transformer_encoder", {.heads = 7}, "7 heads do not divide a width of 512"}}) {
    const auto graph = make_network(name, options);
    ASSERT_FALSE(graph) << name;
    EXPECT_NE(graph.error().message.find(message), std::string::npos) << graph.error().message;
  }
}

TEST(MatchNetwork, SaysWhatATransformerLacks) {
  const auto file =
      MadeUpCheckpoint().add_parameters_of(network("transformer_encoder", usual("transformer_encoder"))).make();
  const auto found = match_network(*file);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("number of heads"), std::string::npos);
}

TEST(MatchNetwork, SaysByWhatTheNearestDiffers) {
  const Graph lenet = network("lenet5", {});
  const auto message = [](const std::shared_ptr<const Checkpoint>& file) {
    const auto found = match_network(*file);
    return found ? std::string(*found) : found.error().message;
  };
  const std::string none = "its names and shapes fit none of the built-in networks";
  MadeUpCheckpoint less;
  MadeUpCheckpoint half;
  for (const Value& value : lenet.values) {
    if (value.kind != ValueKind::parameter) continue;
    std::vector<std::int64_t> dims;
    for (const Dim& dim : value.type.dims) dims.push_back(dim.size);
    if (value.name != "fc3.bias") less.add(value.name, dims);
    half.add(value.name, dims, DType::float16);
  }
  EXPECT_EQ(message(less.make()), none + "; the nearest is lenet5: \"fc3.bias\": not in the checkpoint");
  EXPECT_EQ(message(half.make()),
            none +
                "; the nearest is lenet5: \"conv1.weight\": Float16 [6, 1, 5, 5] in the checkpoint, "
                "Float32 [6, 1, 5, 5] in the graph, and 7 more");
  EXPECT_EQ(message(MadeUpCheckpoint().add("conv1.weight", {6, 1, 5, 5}).make()), none);
}

// MindSpore's own graph of a training.
TEST(RecordedInput, IsThatOfTheTraining) {
  const std::string meta = CKPT_SAMPLES "/graphs/train_lenet5/lenet5-graph.meta";
  const auto file = MadeUpCheckpoint().add_parameters_of(network("lenet5", {})).make();
  const auto input = recorded_input(meta, "lenet5", {}, *file);
  ASSERT_TRUE(input) << to_string(input.error());
  EXPECT_EQ(**input, (Dims{4, 1, 32, 32}));
}

TEST(RecordedInput, IsNoneOfAnotherNetwork) {
  const std::string meta = CKPT_SAMPLES "/graphs/train_lenet5/lenet5-graph.meta";
  for (const auto& [name, classes] : {std::pair("lenet5", 7), {"alexnet", 10}}) {
    const auto file = MadeUpCheckpoint().add_parameters_of(network(name, {.num_classes = classes})).make();
    const auto input = recorded_input(meta, name, {}, *file);
    ASSERT_FALSE(input);
    EXPECT_EQ(to_string(input.error()), "is of another network");
  }
}

TEST(RecordedInput, IsNotToldForOtherWeights) {
  const std::string meta = CKPT_SAMPLES "/graphs/train_lenet5/lenet5-graph.meta";
  const auto file = MadeUpCheckpoint().add("another.weight", {3}).make();
  const auto input = recorded_input(meta, "lenet5", {}, *file);
  ASSERT_TRUE(input) << to_string(input.error());
  EXPECT_FALSE(*input);
}

TEST(RecordedInput, IsLookedForByThePrefix) {
  const test::TempDir folder;
  test::write_file(folder / "net_1-graph.meta", "");
  std::filesystem::create_directory(folder / "other-graph.meta");
  EXPECT_EQ(graph_beside(folder / "net_1-2_32.ckpt"), folder / "net_1-graph.meta");
  for (const char* none : {"net-2_32.ckpt", "other-2_32.ckpt", "net_1.ckpt", "net_1-graph.meta"})
    EXPECT_EQ(graph_beside(folder / none), "") << none;
}

}  // namespace
}  // namespace ckpt::graph
