#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "operator_cases.h"
#include "ops/rules.h"
#include "passes.h"
#include "repeated_rows.h"

namespace ckpt::graph {
namespace {

using test::f32;
using test::typed;

Attr words(const char* text) { return std::string(text); }

Graph one_node(const std::string& op, std::vector<Type> inputs, Attrs attrs = {}, std::size_t results = 1) {
  return test::graph_of(
      {.op = op, .inputs = std::move(inputs), .attrs = std::move(attrs), .results = std::vector<Type>(results)});
}

std::string only_reason(const Refusals& refusals) {
  return refusals.list().size() == 1 ? refusals.list()[0].reason : std::to_string(refusals.list().size()) + " reasons";
}

/// Of one node whose attributes are as a source has them.
std::string inferred(const std::string& op, std::vector<Type> inputs, Attrs attrs = {}) {
  Graph graph = one_node(op, std::move(inputs), std::move(attrs));
  if (auto status = canonicalise(graph.nodes[0]); !status) return status.error().message;
  const Refusals refusals = infer_types(graph);
  return refusals.empty() ? to_string(graph.value(graph.outputs[0]).type) : only_reason(refusals);
}

TEST(Canonical, NumbersAndWordsOfAllReleases) {
  Node old{.op = "MaxPoolWithArgmax",
           .attrs = {{"ksize", Ints{1, 2, 3, 1}}, {"padding", words("SAME")}, {"strides", Ints{1, 2, 2, 1}}}};
  ASSERT_TRUE(canonicalise(old));
  EXPECT_EQ(old.attrs.at("kernel_size"), Attr(Ints{2, 3}));
  EXPECT_EQ(old.attrs.at("pad_mode"), words("same"));
  EXPECT_EQ(old.attrs.at("format"), words("NCHW"));
  EXPECT_FALSE(old.attrs.contains("ksize"));

  Node conv{.op = "Conv2D",
            .attrs = {{"pad_mode", words("pad")},
                      {"pad", std::int64_t{1}},
                      {"stride", std::int64_t{2}},
                      {"input_names", Strings{"x", "w"}}}};
  ASSERT_TRUE(canonicalise(conv));
  EXPECT_EQ(conv.attrs.at("pad_list"), Attr(Ints{1, 1, 1, 1}));
  EXPECT_EQ(conv.attrs.at("stride"), Attr(Ints{2, 2}));
  EXPECT_EQ(conv.attrs.at("group"), Attr(std::int64_t{1}));
  EXPECT_FALSE(conv.attrs.contains("input_names"));

  Node open{.op = "Conv2D", .attrs = {{"pad_mode", words("same")}, {"pad_list", Ints{-1, -1, -1, -1}}}};
  ASSERT_TRUE(canonicalise(open));
  EXPECT_EQ(open.attrs.at("pad_list"), Attr(None{}));

  Node cast{.op = "Cast", .attrs = {{"dtype", std::int64_t{42}}}};
  ASSERT_TRUE(canonicalise(cast));
  EXPECT_EQ(cast.attrs.at("dtype"), Attr(DType::float16));

  Node renamed{.op = "TensorAdd"};
  ASSERT_TRUE(canonicalise(renamed));
  EXPECT_EQ(renamed.op, "Add");

  Node unknown{.op = "NoSuchOperator", .attrs = {{"a", true}}};
  ASSERT_TRUE(canonicalise(unknown));
  EXPECT_TRUE(unknown.attrs.contains("a"));
}

TEST(Canonical, WhatIsMissingOrOfAWrongKind) {
  Node missing{.op = "Reshape"};
  EXPECT_EQ(canonicalise(missing).error().message, "attribute shape is missing");
  Node wrong{.op = "Conv2D", .attrs = {{"group", words("two")}}};
  EXPECT_EQ(canonicalise(wrong).error().message, "attribute group is a text, not an integer");
  Node many{.op = "Conv2D", .attrs = {{"stride", Ints{1, 2, 3}}}};
  EXPECT_EQ(canonicalise(many).error().message, "attribute stride has 3 numbers where 2 are wanted");
  Node none{.op = "Conv2D", .attrs = {{"group", None{}}}};
  EXPECT_EQ(canonicalise(none).error().message, "attribute group is None, not an integer");
}

TEST(InferTypes, NamedDimensionsPassThrough) {
  const Type image{DType::float32, {Dim("N"), Dim(3), Dim("H"), Dim("W")}};
  const Type weight = f32({8, 3, 3, 3});
  EXPECT_EQ(inferred("Conv2D", {image, weight}, {{"pad_mode", words("same")}}), "Float32 [N, 8, H, W]");
  EXPECT_EQ(inferred("Conv2D", {image, weight}), "Float32 [N, 8, ?, ?]");
  EXPECT_EQ(inferred("Conv2D", {image, weight}, {{"pad_mode", words("pad")}, {"pad", std::int64_t{1}}}),
            "Float32 [N, 8, H, W]");
  EXPECT_EQ(inferred("Reshape", {f32({-1, 7, 7, 4})}, {{"shape", Ints{-1, 4}}}), "Float32 [N*49, 4]");
  EXPECT_EQ(inferred("Reshape", {{DType::float32, {Dim("N*49"), Dim(4)}}}, {{"shape", Ints{-1, 49, 4}}}),
            "Float32 [N, 49, 4]");
  EXPECT_EQ(inferred("Reshape", {f32({-1, 6})}, {{"shape", Ints{2, -1}}}), "Float32 [2, N*3]");
  EXPECT_EQ(inferred("Add", {f32({-1, 1}), f32({4})}), "Float32 [N, 4]");
  EXPECT_EQ(inferred("Add", {f32({-1}), f32({1, 1})}), "Float32 [1, N]");
}

TEST(InferTypes, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(inferred("Add", {f32({-1}), f32({4})}), "dimensions N and 4 differ");
  EXPECT_EQ(inferred("Add", {f32({3}), f32({4})}), "dimensions 3 and 4 differ");
  EXPECT_EQ(inferred("MatMul", {f32({2, 3}), f32({4, 5})}), "dimensions 3 and 4 differ");
  EXPECT_EQ(inferred("Reshape", {f32({-1, 4})}, {{"shape", Ints{32, 4}}}), "Float32 [N, 4] does not have 128 elements");
  EXPECT_EQ(inferred("Reshape", {f32({5, 4})}, {{"shape", Ints{-1, 3}}}), "its elements do not fit");
  EXPECT_EQ(inferred("Conv2D", {f32({1, 4, 5, 5}), f32({8, 3, 3, 3})}),
            "input has 4 channels where the weight wants 3");
  EXPECT_EQ(inferred("Conv2D", {f32({1, 3, 5, 5}), f32({8, 3, 3, 3})}, {{"group", std::int64_t{3}}}),
            "group=3: must divide 8");
  EXPECT_EQ(inferred("Conv2D", {f32({1, 3, 2, 2}), f32({8, 3, 3, 3})}), "a window larger than its input 2");
  EXPECT_EQ(inferred("Conv2D", {f32({1, 3, 5, 5}), f32({8, 3, 3, 3})}, {{"format", words("NHWC")}}),
            "format NHWC: only NCHW is known");
  EXPECT_EQ(inferred("Log", {f32({2})}, {{"base", 1.0}}), "base of a logarithm");
  EXPECT_EQ(inferred("Softmax", {f32({2, 3})}, {{"axis", Ints{2}}}), "axis 2 of 2 dimensions");
  EXPECT_EQ(inferred("Concat", {f32({2, 3}), f32({2, 3, 4})}), "inputs of different ranks");
  EXPECT_EQ(inferred("Transpose", {f32({2, 3})}, {{"dims", Ints{0, 0}}}), "an order that is none");
  EXPECT_EQ(inferred("Squeeze", {f32({2, 3})}, {{"axis", Ints{0}}}), "axis 0 is not 1");
  EXPECT_EQ(inferred("NoSuchOperator", {f32({2})}), "not an operator that is known");
  EXPECT_EQ(inferred("Add", {f32({2})}), "1 inputs where 2 are wanted");
}

TEST(InferTypes, WhatTheSourceRecordedMustAgree) {
  Graph graph = one_node("ReLU", {f32({2, 3})});
  graph.value(graph.outputs[0]).type = f32({2, 4});
  EXPECT_EQ(only_reason(infer_types(graph)), "result 0 is Float32 [2, 3], but recorded as Float32 [2, 4]");
  graph.value(graph.outputs[0]).type = {DType::float32, {Dim(), Dim(3)}};
  EXPECT_TRUE(infer_types(graph).empty());
  EXPECT_EQ(graph.value(graph.outputs[0]).type, f32({2, 3}));
  graph.value(graph.outputs[0]).type = typed(DType::float16, {2, 3});
  EXPECT_EQ(infer_types(graph).list().size(), 1U);
}

TEST(InferTypes, BehindWhatIsRefusedNothingIsRepeated) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 3}));
  const ValueId a = graph.add_node("NoSuchOperator", "a", {x}).outputs[0];
  const ValueId b = graph.add_node("ReLU", "b", {a}).outputs[0];
  const ValueId c = graph.add_node("NoSuchOperator", "c", {b}).outputs[0];
  graph.outputs = {c};
  const Refusals refusals = infer_types(graph);
  ASSERT_EQ(refusals.list().size(), 1U);
  EXPECT_EQ(refusals.list()[0].nodes, 2U);
  EXPECT_EQ(refusals.list()[0].first, "a");
  EXPECT_EQ(convert_to_onnx(graph, 17).refusals.list().size(), 1U);
}

TEST(ConvertToOnnx, WhatWouldChangeTheMeaningIsRefused) {
  const auto reason = [](Graph graph) {
    EXPECT_TRUE(canonicalise(graph.nodes[0]));
    infer_types(graph);
    return only_reason(convert_to_onnx(graph, 17).refusals);
  };
  const Type image{DType::float32, {Dim("N"), Dim(4), Dim("H"), Dim("W")}};
  const Type c = f32({4});
  EXPECT_EQ(reason(one_node("BatchNorm", {image, c, c, c, c}, {{"is_training", true}})),
            "is_training: it computes its statistics from the batch");
  EXPECT_EQ(reason(one_node("Conv2D", {image, f32({4, 4, 3, 3})},
                            {{"pad_mode", words("same")}, {"stride", Ints{2, 2}}, {"dilation", Ints{2, 2}}})),
            "pad_mode same with dilation over a size that is not known");
  const Attrs gaps{{"kernel_size", Ints{1, 1}}, {"strides", Ints{2, 2}}, {"ceil_mode", true}};
  EXPECT_EQ(reason(one_node("MaxPoolWithArgmaxV2", {image}, gaps)), "ceil_mode over a size that is not known");
  EXPECT_EQ(reason(one_node("Muls", {typed(DType::uint8, {3})}, {{"other", -1.0}})),
            "UInt8 does not have the number -1");
  EXPECT_EQ(reason(one_node("LSTM", {f32({5, 2, 6}), f32({1, 2, 8}), f32({1, 2, 8}), f32({480, 1, 1})},
                            {{"input_size", std::int64_t{6}}, {"hidden_size", std::int64_t{8}}})),
            "weights that are not constant");
}

TEST(ConvertToOnnx, AResultThatOnnxDoesNotHaveIsRefusedWhereItIsUsed) {
  Graph graph = one_node("MaxPoolWithArgmaxV2", {f32({1, 4, 8, 8})}, {{"kernel_size", Ints{2, 2}}}, 2);
  ASSERT_TRUE(canonicalise(graph.nodes[0]));
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_EQ(only_reason(convert_to_onnx(graph, 17).refusals), "its result 1 is used");
  graph.outputs.pop_back();
  EXPECT_TRUE(convert_to_onnx(graph, 17).refusals.empty());
}

TEST(ConvertToOnnx, OutputsBearTheirNames) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2}));
  const ValueId same = graph.add_node("Identity", "same", {x}).outputs[0];
  const ValueId again = graph.add_node("Identity", "again", {same}).outputs[0];
  graph.outputs = {same, again};
  ASSERT_TRUE(infer_types(graph).empty());
  const Converted converted = convert_to_onnx(graph, 17);
  ASSERT_TRUE(converted.refusals.empty());
  EXPECT_EQ(converted.target.outputs()[converted.target.of(same)].name, "same");
  EXPECT_EQ(converted.target.outputs()[converted.target.of(again)].name, "again");
  EXPECT_EQ(converted.target.steps().size(), 2U);
}

// ---- folding ----

Doubles numbers(const Graph& graph, ValueId id) {
  Graph copy = graph;
  const Node node{.op = "Identity", .name = "probe", .inputs = {id}};
  return NodeView(copy, node).constant_numbers(0).value_or(Doubles{});
}

ValueId constant(Graph& graph, const std::string& name, const Ints& sizes, const Doubles& values) {
  return graph.add_constant(name, f32(sizes), contents_of(DType::float32, values));
}

TEST(FoldConstants, ComputesWhatIsConstant) {
  Graph graph;
  const ValueId x = constant(graph, "x", {2, 3}, {1, 2, 3, 4, 5, 6});
  const ValueId row = constant(graph, "row", {3}, {10, 20, 30});
  const auto node = [&](const char* op, std::vector<ValueId> inputs, Attrs attrs = {}) {
    const std::string name = op + std::to_string(graph.nodes.size());
    return graph.add_node(op, name, std::move(inputs), std::move(attrs)).outputs[0];
  };
  const ValueId sum = node("Add", {x, row});
  const ValueId turned = node("Transpose", {x}, {{"dims", Ints{1, 0}}});
  const ValueId cut =
      node("StridedSlice", {x}, {{"begin", Ints{0, -1}}, {"end", Ints{2, -4}}, {"strides", Ints{1, -2}}});
  const ValueId both = node("Concat", {x, sum}, {{"axis", std::int64_t{1}}});
  const ValueId stacked = node("Stack", {row, row}, {{"axis", std::int64_t{1}}});
  const ValueId wide = node("BroadcastTo", {row}, {{"shape", Ints{2, 3}}});
  const ValueId half = node("Cast", {node("Reshape", {x}, {{"shape", Ints{3, 2}}})}, {{"dtype", DType::float16}});
  const ValueId input = graph.add_input("input", f32({3}));
  const ValueId open = node("Add", {sum, input});
  graph.outputs = {sum, turned, cut, both, stacked, wide, half, open};
  ASSERT_TRUE(infer_types(graph).empty());
  fold_constants(graph);
  ASSERT_TRUE(verify(graph)) << verify(graph).error().message;
  ASSERT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(numbers(graph, graph.outputs[0]), (Doubles{11, 22, 33, 14, 25, 36}));
  EXPECT_EQ(numbers(graph, graph.outputs[1]), (Doubles{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(numbers(graph, graph.outputs[2]), (Doubles{3, 1, 6, 4}));
  EXPECT_EQ(numbers(graph, graph.outputs[3]), (Doubles{1, 2, 3, 11, 22, 33, 4, 5, 6, 14, 25, 36}));
  EXPECT_EQ(numbers(graph, graph.outputs[4]), (Doubles{10, 10, 20, 20, 30, 30}));
  EXPECT_EQ(numbers(graph, graph.outputs[5]), (Doubles{10, 20, 30, 10, 20, 30}));
  EXPECT_EQ(numbers(graph, graph.outputs[6]), (Doubles{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(graph.value(graph.outputs[6]).type, typed(DType::float16, {3, 2}));
}

TEST(FoldConstants, ParametersStayUnlessAnOperatorWantsThem) {
  Graph graph;
  const ValueId weight = graph.add_parameter("weight", f32({2, 2}));
  graph.value(weight).contents = contents_of(DType::float32, {1, 2, 3, 4});
  graph.value(weight).bound = true;
  const ValueId x = graph.add_input("x", f32({2}));
  const ValueId turned = graph.add_node("Transpose", "turned", {weight}, {{"dims", Ints{1, 0}}}).outputs[0];
  graph.outputs = {graph.add_node("Add", "sum", {turned, x}).outputs[0]};
  ASSERT_TRUE(infer_types(graph).empty());
  fold_constants(graph);
  EXPECT_EQ(graph.nodes.size(), 2U);
}

/// The packed weights of an LSTM, as MindSpore's graphs compute them: input 1, hidden 1.
TEST(FoldConstants, WeightsOfAnLstm) {
  Graph graph;
  const auto parameter = [&](const char* name, const Ints& sizes, const Doubles& values) {
    const ValueId id = graph.add_parameter(name, f32(sizes));
    graph.value(id).contents = contents_of(DType::float32, values);
    graph.value(id).bound = true;
    return id;
  };
  const Attrs column{{"shape", Ints{-1, 1, 1}}};
  const ValueId w = graph.add_node("Reshape", "w", {parameter("weight_ih", {4, 1}, {1, 2, 3, 4})}, column).outputs[0];
  const ValueId r = graph.add_node("Reshape", "r", {parameter("weight_hh", {4, 1}, {5, 6, 7, 8})}, column).outputs[0];
  const ValueId sum =
      graph.add_node("Add", "sum", {parameter("bias_ih", {4}, {1, 1, 1, 1}), parameter("bias_hh", {4}, {1, 2, 3, 4})})
          .outputs[0];
  const ValueId b = graph.add_node("Reshape", "b", {sum}, column).outputs[0];
  const ValueId all = graph.add_node("Concat", "all", {w, r, b}, {{"axis", std::int64_t{0}}}).outputs[0];
  const ValueId x = graph.add_input("x", f32({5, -1, 1}));
  const ValueId zero = constant(graph, "zero", {1, 2, 1}, {0, 0});
  graph.outputs = graph
                      .add_node("LSTM", "lstm", {x, zero, zero, all},
                                {{"input_size", std::int64_t{1}}, {"hidden_size", std::int64_t{1}}}, 3)
                      .outputs;
  ASSERT_TRUE(infer_types(graph).empty());
  fold_constants(graph);
  ASSERT_EQ(graph.nodes.size(), 1U);
  const Converted converted = convert_to_onnx(graph, 17);
  ASSERT_TRUE(converted.refusals.empty()) << only_reason(converted.refusals);
  const Target::Step& lstm = converted.target.steps()[0];
  ASSERT_EQ(lstm.op, "LSTM");
  ASSERT_EQ(lstm.inputs.size(), 4U);  // no initial states: zeros
  const auto floats = [&](std::size_t i) {
    const Target::Output& output = converted.target.outputs()[lstm.inputs[i]];
    Graph probe;
    const ValueId id = probe.add_constant("probe", output.type, output.contents);
    return numbers(probe, id);
  };
  EXPECT_EQ(floats(1), (Doubles{1, 4, 2, 3}));  // input, output, forget, cell
  EXPECT_EQ(floats(2), (Doubles{5, 8, 6, 7}));
  EXPECT_EQ(floats(3), (Doubles{2, 5, 3, 4, 0, 0, 0, 0}));
}

// ---- another batch ----

Ints shape_of(const Graph& graph, std::size_t node) { return std::get<Ints>(graph.nodes[node].attrs.at("shape")); }

Graph reshapes(std::int64_t batch, const std::vector<Ints>& shapes, const Ints& input) {
  Graph graph;
  Ints sizes = input;
  sizes[0] = batch;
  ValueId at = graph.add_input("x", f32(sizes));
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    at = graph.add_node("Reshape", "reshape" + std::to_string(i), {at}, {{"shape", shapes[i]}}).outputs[0];
  }
  graph.outputs = {at};
  EXPECT_TRUE(infer_types(graph).empty());
  return graph;
}

/// Each node adds the one before to itself.
Graph doublings(std::size_t elements, int count) {
  Graph graph;
  ValueId value = graph.add_constant("c", f32({static_cast<std::int64_t>(elements)}),
                                     contents_of(DType::float32, Doubles(elements, 1.0)));
  for (int i = 0; i < count; ++i) {
    value = graph.add_node("Add", "double" + std::to_string(i), {value, value}).outputs[0];
  }
  graph.outputs = {value};
  EXPECT_TRUE(infer_types(graph).empty());
  return graph;
}

TEST(FoldConstants, WhatIsUsedTwiceIsMadeOnce) {
  Graph graph = doublings(2, 60);
  fold_constants(graph);
  ASSERT_TRUE(graph.nodes.empty());
  const auto bytes = bytes_of(graph.value(graph.outputs[0]).contents, 8);
  ASSERT_TRUE(bytes);
  float number = 0;
  std::memcpy(&number, bytes->data(), sizeof number);
  EXPECT_EQ(number, std::ldexp(1.0F, 60));
}

TEST(FoldConstants, WhatTakesTooMuchStaysANode) {
  Graph graph = doublings(std::size_t{1} << 19, 60);
  fold_constants(graph);
  EXPECT_GT(graph.nodes.size(), 40U);
  Graph large;
  const ValueId one = large.add_constant("one", f32({1}), contents_of(DType::float32, {1}));
  large.outputs = {large.add_node("BroadcastTo", "grown", {one}, {{"shape", Ints{2000, 2000}}}).outputs[0]};
  ASSERT_TRUE(infer_types(large).empty());
  fold_constants(large);
  EXPECT_EQ(large.nodes.size(), 1U);
}

std::string refused_by_onnx(Graph graph, int opset) {
  EXPECT_TRUE(infer_types(graph).empty());
  const Converted converted = convert_to_onnx(graph, opset);
  return converted.refusals.empty() ? "" : converted.refusals.list()[0].reason;
}

TEST(OnnxTypes, WhatOnnxDoesNotTakeIsRefused) {
  const Type bytes = typed(DType::uint8, {3});
  EXPECT_EQ(refused_by_onnx(one_node("Add", {bytes, bytes}), 13), "ONNX's Add of opset 13 takes no UInt8");
  EXPECT_EQ(refused_by_onnx(one_node("Add", {bytes, bytes}), 17), "");
  const Type numbers = typed(DType::int32, {3});
  EXPECT_EQ(refused_by_onnx(one_node("ReLU", {numbers}), 13), "ONNX's Relu of opset 13 takes no Int32");
  EXPECT_EQ(refused_by_onnx(one_node("LogicalAnd", {numbers, numbers}), 17), "");
  const Graph conv = one_node("Conv2D", {typed(DType::float16, {1, 1, 4, 4}), f32({1, 1, 2, 2})});
  EXPECT_EQ(refused_by_onnx(conv, 17), "ONNX's Conv takes values of one type, not Float16 and Float32");
}

/// Rules trust what inference found right, whatever types a file has recorded.
TEST(Conversion, WhatInferenceRefusedIsLeftOut) {
  Graph graph = one_node("GroupNorm", {f32({2, 4, 5, 6}), f32({4}), f32({4})}, {{"num_groups", std::int64_t{-1}}});
  graph.value(graph.outputs[0]).type = f32({2, 4, 5, 6});
  EXPECT_EQ(infer_types(graph).list().size(), 1U);
  for (const Converted& converted : {convert_to_onnx(graph, 17), convert_to_ge(graph)}) {
    ASSERT_EQ(converted.refusals.list().size(), 1U);
    EXPECT_EQ(converted.refusals.list()[0].reason, "the types of its inputs and results are not known");
    EXPECT_TRUE(converted.target.steps().empty());
  }
}

/// MindSpore's LSTM has five results, of which two are for the gradient: of them nothing is known for another batch.
TEST(Conversion, TypesOfWhatNobodyUsesDoNotCount) {
  const Type state = f32({1, -1, 8});
  Graph graph = test::graph_of({.op = "LSTM",
                                .inputs = {f32({5, -1, 6}), state, state, f32({4 * 8 * (6 + 8 + 1), 1, 1})},
                                .attrs = {{"input_size", std::int64_t{6}}, {"hidden_size", std::int64_t{8}}},
                                .results = std::vector<Type>(5),
                                .constants_from = 3});
  graph.outputs.resize(1);
  ASSERT_TRUE(canonicalise(graph.nodes[0]));
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_TRUE(convert_to_onnx(graph, 17).refusals.empty());
  graph.value(graph.inputs[1]).type = f32({1, 3, 8});
  const Converted other = convert_to_onnx(graph, 17);
  ASSERT_EQ(other.refusals.list().size(), 1U);
  EXPECT_EQ(other.refusals.list()[0].reason, "its state is Float32 [1, 3, 8], of another batch");
}

TEST(InferTypes, ANumberThatIsNoneIsRefused) {
  const Type c = f32({4});
  for (const double epsilon : {std::nan(""), HUGE_VAL, -1.0}) {
    Graph graph = one_node("BatchNorm", {f32({2, 4}), c, c, c, c}, {{"epsilon", epsilon}});
    const Refusals refusals = infer_types(graph);
    ASSERT_EQ(refusals.list().size(), 1U);
    EXPECT_EQ(refusals.list()[0].reason, "attribute epsilon is out of range");
  }
}

TEST(InferTypes, ChannelsOfATransposedConvolutionAreTheWeights) {
  EXPECT_EQ(inferred("Conv2DTranspose", {f32({1, 5, 8, 8}), f32({4, 3, 3, 3})}, {{"kernel_size", Ints{3, 3}}}),
            "input has 5 channels where the weight wants 4");
}

TEST(ReleaseBatch, ShapesFollowTheInput) {
  for (const std::int64_t batch : {1, 2, 32}) {
    Graph graph = reshapes(batch, {{batch, -1}, {batch * 49, 4}, {batch, 49, 4}, {batch, 7, 7, 2, 2}}, {0, 7, 7, 4});
    EXPECT_TRUE(release_batch(graph).empty()) << batch;
    EXPECT_EQ(shape_of(graph, 0), (Ints{-1, 196})) << batch;
    EXPECT_EQ(shape_of(graph, 1), (Ints{-1, 4})) << batch;
    EXPECT_EQ(shape_of(graph, 2), (Ints{-1, 49, 4})) << batch;
    EXPECT_EQ(shape_of(graph, 3), (Ints{-1, 7, 7, 2, 2})) << batch;
    EXPECT_TRUE(infer_types(graph).empty()) << batch;
  }
}

/// As another shape of an input is asked for.
void set_input(Graph& graph, ValueId input, Type type) {
  graph.value(input).type = std::move(type);
  for (Value& value : graph.values) {
    if (value.kind == ValueKind::result) value.type = {};
  }
}

TEST(ReleaseBatch, WhatIsCutOutOfTheBatchItselfIsRefused) {
  const auto reason = [](const std::string& op, Attrs attrs, std::size_t results) {
    Graph graph;
    const ValueId x = graph.add_input("x", f32({5, 6}));
    graph.outputs = graph.add_node(op, "cut", {x}, std::move(attrs), results).outputs;
    graph.outputs = {graph.add_node("ReLU", "behind", {graph.outputs[0]}).outputs[0]};
    EXPECT_TRUE(infer_types(graph).empty());
    return only_reason(release_batch(graph));
  };
  EXPECT_EQ(reason("StridedSlice", {{"begin", Ints{4}}, {"end", Ints{5}}, {"strides", Ints{1}}}, 1),
            "its size is not known for another batch");
  EXPECT_EQ(reason("Split", {{"axis", std::int64_t{0}}, {"output_num", std::int64_t{5}}}, 5),
            "its size is not known for another batch");
  EXPECT_EQ(reason("Unstack", {{"axis", std::int64_t{0}}}, 5),
            "with another batch: along an axis whose size is not known");
}

TEST(ReleaseBatch, HalvesOfTwiceTheBatchAreTheBatch) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({5, 6}));
  const ValueId both = graph.add_node("Concat", "both", {x, x}, {{"axis", std::int64_t{0}}}).outputs[0];
  const Node& halves =
      graph.add_node("Split", "halves", {both}, {{"axis", std::int64_t{0}}, {"output_num", std::int64_t{2}}}, 2);
  graph.outputs = {halves.outputs[1]};
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_TRUE(release_batch(graph).empty());
  set_input(graph, x, f32({-1, 6}));
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "Float32 [N, 6]");
}

TEST(ReleaseBatch, ATokenThatIsRepeatedForEachImageFollows) {
  for (const bool tiled : {false, true}) {
    Graph graph;
    const ValueId x = graph.add_input("x", f32({2, 3, 4}));
    const ValueId token = graph.add_parameter("token", f32({1, 1, 4}));
    const ValueId tokens =
        tiled ? graph.add_node("Tile", "tokens", {token}, {{"dims", Ints{2, 1, 1}}}).outputs[0]
              : graph.add_node("BroadcastTo", "tokens", {token}, {{"shape", Ints{2, 1, 4}}}).outputs[0];
    const ValueId early = graph.add_node("ReLU", "early", {tokens}).outputs[0];
    graph.outputs = {graph.add_node("Concat", "all", {early, x}, {{"axis", std::int64_t{1}}}).outputs[0]};
    ASSERT_TRUE(infer_types(graph).empty());
    EXPECT_TRUE(release_batch(graph).empty());
    set_input(graph, x, f32({-1, 3, 4}));
    ASSERT_TRUE(infer_types(graph).empty());
    EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "Float32 [N, 4, 4]");
    EXPECT_TRUE(convert_to_onnx(graph, 17).refusals.empty());
    EXPECT_FALSE(convert_to_ge(graph).refusals.empty()) << "-1 is the token's own size";
    set_input(graph, x, f32({2, 3, 4}));
    ASSERT_TRUE(infer_types(graph).empty());
    EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "Float32 [2, 4, 4]");
    EXPECT_TRUE(convert_to_ge(graph).refusals.empty());
  }
}

Type type_of(const Graph& graph, std::size_t output = 0) { return graph.value(graph.outputs[output]).type; }

/// What is in the way of another batch; empty: types are those of one that is open, and converted.
std::string in_the_way(Graph& graph) {
  EXPECT_TRUE(infer_types(graph).empty());
  const Refusals refusals = release_batch(graph);
  if (!refusals.empty()) return refusals.list()[0].reason;
  EXPECT_TRUE(verify(graph));
  Type open = graph.value(graph.inputs[0]).type;
  open.dims[0] = Dim("N");
  set_input(graph, graph.inputs[0], open);
  EXPECT_TRUE(infer_types(graph).empty());
  EXPECT_TRUE(convert_to_onnx(graph, 13).refusals.empty());
  return {};
}

Attrs along(std::int64_t axis) { return {{"axis", axis}}; }

/// x [2, 3] and rows beside it.
Graph beside(const Type& type, const std::vector<double>& rows) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 3}));
  const ValueId more = graph.add_constant("rows", type, contents_of(DType::float32, rows));
  graph.outputs = {graph.add_node("Concat", "all", {x, more}, along(1)).outputs[0]};
  return graph;
}

TEST(ReleaseBatch, RowsThatAreTheSameForAllExamplesFollow) {
  Graph graph = beside(f32({2, 2}), {5, 6, 5, 6});
  EXPECT_EQ(in_the_way(graph), "");
  EXPECT_EQ(to_string(type_of(graph)), "Float32 [N, 5]");
  const Node& tile = graph.nodes[0];
  EXPECT_EQ(tile.op, "Tile");
  EXPECT_EQ(to_string(graph.value(tile.inputs[0]).type), "Float32 [1, 2]");
  EXPECT_EQ(NodeView(graph, tile).constant_numbers(0), (Doubles{5, 6}));
}

TEST(ReleaseBatch, RowsOfTheirOwnAreRefused) {
  const std::string differ = "with another batch: dimensions batch and 2 differ";
  Graph counted = beside(f32({2, 1}), {0, 1});
  EXPECT_EQ(in_the_way(counted), differ);
  Graph almost = beside(f32({2, 2}), {5, 6, 5, 7});
  EXPECT_EQ(in_the_way(almost), differ);
  Graph empty = beside(f32({2, 0}), {});
  EXPECT_EQ(in_the_way(empty), differ);
}

TEST(ReleaseBatch, OtherUsesOfTheSameRowsStay) {
  Graph graph = beside(f32({2, 1}), {0, 0});
  const ValueId two = graph.add_parameter("two", f32({2, 1}));
  const ValueId fixed = graph.add_node("Add", "fixed", {two, graph.nodes[0].inputs[1]}).outputs[0];
  const ValueId sum = graph.add_node("ReduceSum", "sum", {fixed}, {{"axis", Ints{0}}, {"keep_dims", true}}).outputs[0];
  ASSERT_TRUE(canonicalise(graph.nodes.back()));
  graph.outputs.push_back(graph.add_node("Add", "end", {graph.inputs[0], sum}).outputs[0]);
  EXPECT_EQ(in_the_way(graph), "");
  EXPECT_EQ(to_string(graph.value(fixed).type), "Float32 [2, 1]");
  EXPECT_EQ(to_string(type_of(graph, 1)), "Float32 [N, 3]");
}

TEST(ReleaseBatch, TheZerosOfAStateFollowThroughItsProduct) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 3}));
  const ValueId zeros = graph.add_constant("zeros", f32({2, 2}), contents_of(DType::float32, {0, 0, 0, 0}));
  const ValueId weight = graph.add_parameter("weight", f32({2, 3}));
  const ValueId state = graph.add_node("MatMul", "state", {zeros, weight}).outputs[0];
  graph.outputs = {graph.add_node("Add", "sum", {x, state}).outputs[0]};
  ASSERT_TRUE(canonicalise(graph.nodes[0]));
  EXPECT_EQ(in_the_way(graph), "");
  EXPECT_EQ(to_string(graph.value(state).type), "Float32 [N, 3]");
}

TEST(ReleaseBatch, SeveralFollowTogether) {
  Graph graph = beside(f32({2, 1}), {0, 0});
  const ValueId ones = graph.add_constant("ones", f32({2, 4}), contents_of(DType::float32, std::vector<double>(8, 1)));
  graph.nodes[0].inputs.insert(graph.nodes[0].inputs.begin(), ones);
  EXPECT_EQ(in_the_way(graph), "");
  EXPECT_EQ(to_string(type_of(graph)), "Float32 [N, 8]");
}

TEST(ReleaseBatch, RowsInTurnForEachExampleFollow) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 3, 4}));
  const ValueId table = graph.add_parameter("table", f32({9, 4}));
  const ValueId ids = graph.add_constant("ids", {DType::int32, {6}}, contents_of(DType::int32, {0, 1, 2, 0, 1, 2}));
  const ValueId rows = graph.add_node("Gather", "rows", {table, ids}, along(0)).outputs[0];
  const ValueId parted = graph.add_node("Reshape", "parted", {rows}, {{"shape", Ints{2, 3, 4}}}).outputs[0];
  graph.outputs = {graph.add_node("Add", "sum", {x, parted}).outputs[0]};
  ASSERT_TRUE(canonicalise(graph.nodes[0]));
  EXPECT_EQ(in_the_way(graph), "");
  EXPECT_EQ(to_string(graph.value(rows).type), "Float32 [N*3, 4]");
  EXPECT_EQ(to_string(graph.value(parted).type), "Float32 [N, 3, 4]");
}

TEST(ReleaseBatch, WhatAddsUpRowsIsRefused) {
  Graph graph;  // as of a mean, ones over the batch: how many they are is in their numbers
  const ValueId ones = graph.add_constant("halves", f32({1, 2}), contents_of(DType::float32, {0.5, 0.5}));
  const ValueId x = graph.add_input("x", f32({2, 3}));
  graph.outputs = {graph.add_node("MatMul", "mean", {ones, x}).outputs[0]};
  ASSERT_TRUE(canonicalise(graph.nodes[0]));
  EXPECT_EQ(in_the_way(graph), "with another batch: dimensions 2 and batch differ");
}

TEST(ReleaseBatch, OfABatchOfOneOnlyParametersAreRepeated) {
  for (const bool parameter : {true, false}) {
    Graph graph;
    const ValueId x = graph.add_input("x", f32({1, 3, 4}));
    const ValueId token = parameter
                              ? graph.add_parameter("token", f32({1, 1, 4}))
                              : graph.add_constant("token", f32({1, 1, 4}), contents_of(DType::float32, {0, 0, 0, 0}));
    const ValueId early = graph.add_node("ReLU", "early", {token}).outputs[0];
    graph.outputs = {graph.add_node("Concat", "all", {early, x}, along(1)).outputs[0]};
    EXPECT_EQ(in_the_way(graph),
              parameter ? "" : "with another batch: dimensions 1 and batch differ; record it with a batch of 2");
    EXPECT_EQ(to_string(type_of(graph)), parameter ? "Float32 [N, 4, 4]" : "Float32 [1, 4, 4]");
  }
}

TEST(ReleaseBatch, OfABatchOfOneARowOfATableIsRefused) {
  for (const bool repeated : {false, true}) {
    Graph graph;  // the first one, or one for each example?
    const ValueId x = graph.add_input("x", f32({1, 4}));
    const ValueId table = graph.add_parameter("table", f32({5, 4}));
    const Attrs first{{"begin", Ints{0, 0}}, {"size", Ints{1, 4}}};
    ValueId row = graph.add_node("Slice", "row", {table}, first).outputs[0];
    if (repeated) row = graph.add_node("Tile", "twice", {row}, {{"dims", Ints{1, 2}}}).outputs[0];
    graph.outputs = {graph.add_node("Concat", "all", {row, x}, along(1)).outputs[0]};
    EXPECT_EQ(in_the_way(graph), "with another batch: dimensions 1 and batch differ; record it with a batch of 2");
  }
}

TEST(ReleaseBatch, AResultThatMayHaveTheBatchIsRefused) {
  Graph graph = beside(f32({2, 1}), {0, 0});
  graph.outputs.push_back(graph.nodes[0].inputs[1]);
  EXPECT_EQ(in_the_way(graph), "whether this result has the batch of the input cannot be told");
}

// ---- sizes that a network asks for ----

Type open_type(const std::vector<Dim>& dims) { return {DType::float32, dims}; }

TEST(AskedSizes, AreReadBack) {
  const auto which = asked_size(asked_size({.input = 3, .axis = 5}));
  ASSERT_TRUE(which);
  EXPECT_EQ(which->input, 3U);
  EXPECT_EQ(which->axis, 5U);
  for (const std::int64_t number : {0L, 1L, -1L, -7L, std::numeric_limits<std::int64_t>::min(), -(1L << 40)}) {
    EXPECT_FALSE(asked_size(number)) << number;
  }
}

TEST(AskedSizes, InAReshape) {
  Graph graph;
  const ValueId x = graph.add_input("x", open_type({Dim("B"), Dim("T"), 8}));
  const ValueId flat = graph.add_node("Reshape", "flat", {x}, {{"shape", Ints{-1, 8}}}).outputs[0];
  const Ints shape{asked_size({.input = 1, .axis = 0}), asked_size({.input = 1, .axis = 1}), 2, 4};
  const ValueId heads = graph.add_node("Reshape", "heads", {flat, x}, {{"shape", shape}}).outputs[0];
  const Ints back{asked_size({.input = 0, .axis = 0}), asked_size({.input = 0, .axis = 1}), 8};
  graph.outputs = {graph.add_node("Reshape", "back", {heads}, {{"shape", back}}).outputs[0]};
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_EQ(to_string(graph.value(heads).type), "Float32 [B, T, 2, 4]");
  EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "Float32 [B, T, 8]");
  const Converted converted = convert_to_onnx(graph, 17);
  ASSERT_TRUE(converted.refusals.empty());
  const auto shapes = std::ranges::count(converted.target.steps(), "Shape", &Target::Step::op);
  EXPECT_EQ(shapes, 2) << "both sizes of the first, none of the second";
}

TEST(AskedSizes, OfAnInputThatIsNotThereAreRefused) {
  Graph graph = one_node("Zeros", {});
  graph.nodes[0].attrs["shape"] = Ints{asked_size({.input = 0, .axis = 0})};
  EXPECT_EQ(only_reason(infer_types(graph)), "a size of an input that is not there");
}

TEST(ReleaseBatch, TheBatchBehindAnotherAxis) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 5, 6}));
  const ValueId turned = graph.add_node("Transpose", "t", {x}, {{"dims", Ints{1, 0, 2}}}).outputs[0];
  const ValueId flat = graph.add_node("Reshape", "flat", {turned}, {{"shape", Ints{10, 6}}}).outputs[0];
  graph.outputs = {graph.add_node("Reshape", "back", {flat}, {{"shape", Ints{5, 2, 6}}}).outputs[0]};
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_TRUE(release_batch(graph).empty());
  EXPECT_EQ(shape_of(graph, 1), (Ints{-1, 6}));
  EXPECT_EQ(shape_of(graph, 2), (Ints{5, -1, 6}));
}

TEST(ReleaseBatch, AnExampleStaysInItsPlaceWhereSizesAreAlike) {
  // Attention of a time-major sequence: as many steps as there are heads of all examples, and as wide.
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 4, 8}));
  const ValueId steps = graph.add_node("Transpose", "steps", {x}, {{"dims", Ints{1, 0, 2}}}).outputs[0];
  const ValueId heads = graph.add_node("Reshape", "heads", {steps}, {{"shape", Ints{4, 4, 4}}}).outputs[0];
  const ValueId turned = graph.add_node("Transpose", "turned", {heads}, {{"dims", Ints{1, 0, 2}}}).outputs[0];
  const ValueId parted = graph.add_node("Reshape", "parted", {turned}, {{"shape", Ints{2, 2, 4, 4}}}).outputs[0];
  const ValueId joined = graph.add_node("Reshape", "joined", {parted}, {{"shape", Ints{4, 4, 4}}}).outputs[0];
  const ValueId back = graph.add_node("Transpose", "back", {joined}, {{"dims", Ints{1, 0, 2}}}).outputs[0];
  graph.outputs = {graph.add_node("Reshape", "flat", {back}, {{"shape", Ints{8, 8}}}).outputs[0]};
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_TRUE(release_batch(graph).empty());
  EXPECT_EQ(shape_of(graph, 1), (Ints{4, -1, 4}));
  EXPECT_EQ(shape_of(graph, 3), (Ints{-1, 2, 4, 4}));
  EXPECT_EQ(shape_of(graph, 4), (Ints{-1, 4, 4}));
  EXPECT_EQ(shape_of(graph, 6), (Ints{-1, 8}));
}

TEST(ReleaseBatch, ChannelsThatAreShuffledKeepTheOrderOfExamples) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 4, 3}));
  const ValueId pairs = graph.add_node("Reshape", "pairs", {x}, {{"shape", Ints{4, 2, 3}}}).outputs[0];
  const ValueId turned = graph.add_node("Transpose", "turned", {pairs}, {{"dims", Ints{1, 0, 2}}}).outputs[0];
  graph.outputs = {graph.add_node("Reshape", "halves", {turned}, {{"shape", Ints{2, 2, 2, 3}}}).outputs[0]};
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_TRUE(release_batch(graph).empty());
  EXPECT_EQ(shape_of(graph, 2), (Ints{2, -1, 2, 3}));
}

TEST(ReleaseBatch, ABatchOfOneThatMayBeInSeveralSizesIsRefused) {
  const auto reason = [](const Ints& shape) {
    Graph graph;
    const ValueId x = graph.add_input("x", f32({1, 5, 8}));
    const ValueId steps = graph.add_node("Transpose", "steps", {x}, {{"dims", Ints{1, 0, 2}}}).outputs[0];
    graph.outputs = {graph.add_node("Reshape", "heads", {steps}, {{"shape", shape}}).outputs[0]};
    EXPECT_TRUE(infer_types(graph).empty());
    const Refusals refusals = release_batch(graph);
    return refusals.empty() ? std::string() : refusals.list()[0].reason;
  };
  EXPECT_EQ(reason({5, 2, 4}), "which number of its shape is the batch cannot be told; record it with a batch of 2");
  EXPECT_EQ(reason({5, 1, 2, 4}), "");
  EXPECT_EQ(reason({-1, 8}), "");
}

TEST(ReleaseBatch, WhichOfSeveralOnesIsTheBatchIsToldByTheRest) {
  const auto found = [](const Dims& scores) {
    Graph graph;
    const ValueId x = graph.add_input("x", f32({1, 8}));
    const ValueId mask = graph.add_node("Reshape", "mask", {x}, {{"shape", Ints{1, 1, 1, 8}}}).outputs[0];
    const ValueId all = graph.add_input("scores", {DType::float32, scores});
    graph.outputs = {graph.add_node("Add", "masked", {all, mask}).outputs[0]};
    EXPECT_TRUE(infer_types(graph).empty());
    const Refusals refusals = release_batch(graph);
    return refusals.empty() ? shape_of(graph, 0) : Ints{};
  };
  EXPECT_EQ(found({1, 4, 8, 8}), (Ints{-1, 1, 1, 8}));
  EXPECT_EQ(found({1, 1, 8, 8}), Ints{}) << "one head";
  EXPECT_EQ(found({8}), Ints{}) << "nothing tells";
}

TEST(ReleaseBatch, WhatIsInDoubtTellsNothing) {
  // Both Reshapes may put the batch behind a 1, and then the sum takes it.
  Graph graph;
  const ValueId x = graph.add_input("x", f32({1, 8}));
  const ValueId mask = graph.add_node("Reshape", "mask", {x}, {{"shape", Ints{1, 1, 8}}}).outputs[0];
  const ValueId pairs = graph.add_node("Reshape", "pairs", {mask}, {{"shape", Ints{1, 1, 2, 4}}}).outputs[0];
  const ValueId four = graph.add_parameter("four", f32({4, 1, 2, 4}));
  graph.outputs = {graph.add_node("Add", "sum", {pairs, four}).outputs[0]};
  EXPECT_EQ(in_the_way(graph), "which number of its shape is the batch cannot be told; record it with a batch of 2");
}

TEST(ReleaseBatch, AFlattenOfABatchOfOneMayBeAReshape) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({1, 5, 8}));
  const ValueId steps = graph.add_node("Transpose", "steps", {x}, {{"dims", Ints{1, 0, 2}}}).outputs[0];
  graph.outputs = {graph.add_node("Flatten", "rows", {steps}).outputs[0]};
  EXPECT_EQ(in_the_way(graph), "which number of its shape is the batch cannot be told; record it with a batch of 2");
}

TEST(ReleaseBatch, ManyOfOneKeepTheOrderOfExamples) {
  Graph graph;  // states of a recurrent network: [layers of all examples, width]
  const ValueId x = graph.add_input("x", f32({2, 4}));
  const ValueId states = graph.add_node("Concat", "states", {x, x, x, x}, along(0)).outputs[0];
  graph.outputs = {graph.add_node("Reshape", "parted", {states}, {{"shape", Ints{4, 2, 4}}}).outputs[0]};
  EXPECT_EQ(in_the_way(graph), "");
  EXPECT_EQ(to_string(type_of(graph)), "Float32 [4, N, 4]");
}

TEST(ReleaseBatch, SlicesAndBroadcasts) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({4, 6}));
  const ValueId a = graph.add_node("Slice", "a", {x}, {{"begin", Ints{0, 1}}, {"size", Ints{4, 2}}}).outputs[0];
  const ValueId b =
      graph.add_node("StridedSlice", "b", {a}, {{"begin", Ints{0, 0}}, {"end", Ints{4, 1}}, {"strides", Ints{1, 1}}})
          .outputs[0];
  graph.outputs = {graph.add_node("BroadcastTo", "c", {b}, {{"shape", Ints{4, 3}}}).outputs[0]};
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_TRUE(release_batch(graph).empty());
  set_input(graph, x, f32({-1, 6}));
  ASSERT_TRUE(infer_types(graph).empty());
  EXPECT_EQ(to_string(graph.value(graph.outputs[0]).type), "Float32 [N, 3]");
}

TEST(RepeatedRows, AreComparedBitForBit) {
  Graph graph;
  const auto repeats = [&](const Dims& dims, const std::vector<double>& numbers, std::size_t axis,
                           std::int64_t period) {
    const Type type{DType::float32, dims};
    return repeats_along(graph.value(graph.add_constant("c", type, contents_of(DType::float32, numbers))), axis,
                         period);
  };
  const double none = std::nan("");
  EXPECT_TRUE(repeats({2, 3}, {1, 2, 3, 1, 2, 3}, 0, 1));
  EXPECT_FALSE(repeats({2, 3}, {1, 2, 3, 1, 2, 3}, 1, 1));
  EXPECT_TRUE(repeats({2, 4}, {1, 2, 1, 2, 3, 4, 3, 4}, 1, 2));
  EXPECT_FALSE(repeats({2, 4}, {1, 2, 1, 2, 3, 4, 3, 5}, 1, 2));
  EXPECT_TRUE(repeats({2, 1}, {none, none}, 0, 1));
  EXPECT_FALSE(repeats({2, 1}, {0.0, -0.0}, 0, 1));
  EXPECT_FALSE(repeats({2, 0}, {}, 0, 1));
}

// ---- the graph itself ----

TEST(Graph, VerifyFindsWhatIsBroken) {
  Graph graph = one_node("ReLU", {f32({2})});
  EXPECT_TRUE(verify(graph));
  Graph later = graph;
  later.nodes[0].inputs[0] = later.outputs[0];
  EXPECT_FALSE(verify(later));
  Graph outside = graph;
  outside.nodes[0].inputs[0] = 99;
  EXPECT_FALSE(verify(outside));
  Graph twice = graph;
  twice.values[1].name = "x0";
  EXPECT_EQ(verify(twice).error().message, "two values are called 'x0'");
  Graph empty = graph;
  empty.outputs.clear();
  EXPECT_FALSE(verify(empty));
  Graph sized = graph;
  sized.add_constant("c", f32({3}), contents_of(DType::float32, {1, 2}));
  EXPECT_EQ(verify(sized).error().message, "'c' is Float32 [3] but has 8 bytes");
}

TEST(Graph, DropUnusedKeepsInputs) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2}));
  graph.add_input("spare", f32({2}));
  graph.add_parameter("lost", f32({2}));
  graph.add_node("ReLU", "unused", {x});
  graph.outputs = {graph.add_node("Abs", "used", {x}).outputs[0]};
  drop_unused(graph);
  ASSERT_TRUE(verify(graph));
  EXPECT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(graph.values.size(), 3U);
  EXPECT_EQ(graph.inputs.size(), 2U);
}

}  // namespace
}  // namespace ckpt::graph
