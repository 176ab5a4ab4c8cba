// Every gradient rule against finite differences of the reference. The function is a sum of the results with random
// weights: a plain sum would hide errors of what sums to a constant, as a normalisation does.
#include "gradients.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "finite_differences.h"
#include "op.h"
#include "ops/rules.h"
#include "reference.h"

namespace ckpt::train {
namespace {

using graph::Attr;
using graph::Attrs;
using graph::Graph;
using graph::IntLists;
using graph::Ints;
using graph::Type;
using graph::ValueId;
using test::Array;
using test::Reference;

Type f32(const Ints& sizes) { return {.dtype = DType::float32, .dims = {sizes.begin(), sizes.end()}}; }
Attr words(const char* text) { return std::string(text); }
Attr whole(std::int64_t number) { return number; }

/// What the numbers of an input are: far from where the operator has a kink.
enum class Numbers {
  usual,     ///< in [-1, 1)
  apart,     ///< no two nearer than 0.05, nor near 0 or 6
  positive,  ///< in [0.5, 2)
  labels,    ///< 0, 1, 2 …: has no gradient
  shares,    ///< of a row, which sum to 1: has no gradient
};

struct Case {
  std::string op;
  std::vector<Ints> inputs;
  Attrs attrs = {};
  std::size_t results = 1;
  Numbers first = Numbers::usual;  ///< of input 0
  Numbers other = Numbers::usual;
  std::set<std::size_t> fixed = {};  ///< inputs that have no gradient
};

std::ostream& operator<<(std::ostream& out, const Case& each) {
  out << each.op;
  for (const Ints& dims : each.inputs) {
    out << (&dims == each.inputs.data() ? " of [" : ", [");
    for (std::size_t i = 0; i < dims.size(); ++i) out << (i == 0 ? "" : ", ") << dims[i];
    out << "]";
  }
  return out;
}

Attrs window(const char* mode, std::int64_t kernel, std::int64_t stride) {
  return {{"kernel_size", Ints{kernel, kernel}}, {"strides", Ints{stride, stride}}, {"pad_mode", words(mode)}};
}

Attrs convolution(const char* mode, Ints stride, Ints dilation = {1, 1}, std::int64_t group = 1) {
  return {
      {"pad_mode", words(mode)}, {"stride", std::move(stride)}, {"dilation", std::move(dilation)}, {"group", group}};
}

std::vector<Case> elements() {
  return {
      {"Add", {{2, 3}, {2, 3}}},
      {"Add", {{2, 3, 4}, {3, 1}}},
      {"Add", {{}, {2, 1}}},
      {"AddN", {{2, 3}, {2, 3}, {2, 3}}},
      {"Cast", {{2, 3}}, {{"dtype", DType::float32}}},
      {"Div", {{2, 3}, {3}}, {}, 1, Numbers::usual, Numbers::positive},
      {"Identity", {{2, 3}}},
      {"Mul", {{2, 3}, {2, 3}}},
      {"Mul", {{4, 1, 2}, {3, 1}}},
      {"Muls", {{2, 3}}, {{"other", 0.75}}},
      {"Neg", {{2, 3}}},
      {"ReLU", {{4, 5}}, {}, 1, Numbers::apart},
      {"ReLU6", {{10, 20}}, {}, 1, Numbers::apart},
      {"RealDiv", {{3, 1}, {2, 3, 4}}, {}, 1, Numbers::usual, Numbers::positive},
      {"Sigmoid", {{2, 3}}},
      {"Square", {{2, 3}}},
      {"Sub", {{3, 1}, {2, 3, 4}}},
      {"Tanh", {{2, 3}}},
  };
}

std::vector<Case> shapes() {
  return {
      {"BroadcastTo", {{3, 1}}, {{"shape", Ints{2, 3, 4}}}},
      {"ExpandDims", {{2, 3}}, {{"axis", whole(-1)}}},
      {"Flatten", {{2, 3, 2}}},
      {"Pad", {{2, 3, 2}}, {{"paddings", IntLists{{0, 0}, {1, 2}, {3, 0}}}}},
      {"ReduceMean", {{2, 3, 4}}, {{"axis", Ints{1, -1}}, {"keep_dims", true}}},
      {"ReduceMean", {{2, 3, 4}}, {{"axis", Ints{}}}},
      {"ReduceSum", {{2, 3, 4}}, {{"axis", Ints{1}}}},
      {"ReduceSum", {{2, 3}}, {{"axis", Ints{0, 1}}, {"keep_dims", true}}},
      {"Reshape", {{2, 3, 2}}, {{"shape", Ints{-1, 4}}}},
      {"Slice", {{4, 5}}, {{"begin", Ints{1, 2}}, {"size", Ints{2, -1}}}},
      {"Squeeze", {{2, 1, 3}}, {{"axis", Ints{1}}}},
      {"Tile", {{2, 1, 3}}, {{"dims", Ints{3, 2, 2}}}},
      {"Tile", {{2}}, {{"dims", Ints{2, 3}}}},
      {"Transpose", {{2, 3, 4}}, {{"dims", Ints{2, 0, -2}}}},
  };
}

std::vector<Case> layers() {
  const Attrs padded{{"pad_mode", words("pad")}, {"pad_list", Ints{0, 1, 2, 3}}, {"stride", Ints{2, 1}}};
  const auto product = [](bool a, bool b) { return Attrs{{"transpose_a", a}, {"transpose_b", b}}; };
  return {
      {"AvgPool", {{2, 2, 6, 5}}, window("valid", 2, 2)},
      {"AvgPool", {{1, 2, 6, 5}}, window("same", 3, 2)},
      {"BatchNorm",
       {{3, 2, 2, 3}, {2}, {2}, {2}, {2}},
       {{"is_training", true}},
       5,
       Numbers::usual,
       Numbers::positive,
       {3, 4}},
      {"BatchNorm",
       {{5, 3}, {3}, {3}, {3}, {3}},
       {{"is_training", true}, {"epsilon", 0.1}},
       5,
       Numbers::usual,
       Numbers::positive,
       {3, 4}},
      {"BatchNorm",
       {{3, 2, 2, 3}, {2}, {2}, {2}, {2}},
       {{"is_training", false}},
       5,
       Numbers::usual,
       Numbers::positive,
       {3, 4}},
      {"BiasAdd", {{2, 3}, {3}}},
      {"BiasAdd", {{2, 3, 2, 2}, {3}}},
      {"Conv2D", {{2, 3, 5, 6}, {4, 3, 3, 2}}, convolution("valid", {1, 1})},
      {"Conv2D", {{2, 3, 5, 6}, {4, 3, 3, 3}}, convolution("same", {2, 2})},
      {"Conv2D", {{1, 4, 5, 4}, {6, 2, 3, 3}}, convolution("same", {1, 1}, {1, 1}, 2)},
      {"Conv2D", {{1, 2, 7, 6}, {2, 1, 3, 3}}, convolution("valid", {2, 1}, {1, 2}, 2)},
      {"Conv2D", {{2, 2, 6, 6}, {3, 2, 1, 1}}, convolution("same", {2, 2})},
      {"Conv2D", {{1, 2, 5, 4}, {3, 2, 3, 3}}, padded},
      {"MatMul", {{2, 3}, {3, 4}}, product(false, false)},
      {"MatMul", {{2, 3}, {4, 3}}, product(false, true)},
      {"MatMul", {{3, 2}, {3, 4}}, product(true, false)},
      {"MatMul", {{3, 2}, {4, 3}}, product(true, true)},
      {"MaxPool", {{2, 2, 6, 5}}, window("valid", 2, 2), 1, Numbers::apart},
      {"MaxPool", {{1, 2, 6, 6}}, window("same", 3, 2), 1, Numbers::apart},
      {"MaxPool", {{1, 1, 5, 5}}, window("valid", 3, 1), 1, Numbers::apart},
  };
}

std::vector<Case> losses() {
  return {
      {"SoftmaxCrossEntropyWithLogits", {{3, 4}, {3, 4}}, {}, 2, Numbers::usual, Numbers::shares, {1}},
      {"SparseSoftmaxCrossEntropyWithLogits", {{3, 4}, {3}}, {}, 1, Numbers::usual, Numbers::labels, {1}},
  };
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto family : {elements, shapes, layers, losses}) std::ranges::move(family(), std::back_inserter(all));
  return all;
}

Array numbers(const Ints& dims, Numbers kind, std::uint64_t seed) {
  Array array = test::zeros(dims);
  const std::size_t count = array.values.size();
  const auto columns = static_cast<std::size_t>(dims.empty() ? 1 : dims.back());
  switch (kind) {
    case Numbers::usual:
      array.values = test::random_numbers(count, seed);
      break;
    case Numbers::positive:
      array.values = test::random_numbers(count, seed, 0.5, 2);
      break;
    case Numbers::apart: {
      std::iota(array.values.begin(), array.values.end(), -0.5 * static_cast<double>(count));
      for (double& value : array.values) value = 0.0625 * value + 0.03125;
      std::mt19937_64 engine(seed);
      std::ranges::shuffle(array.values, engine);
      break;
    }
    case Numbers::labels:
      for (std::size_t i = 0; i < count; ++i) array.values[i] = static_cast<double>(i % 3);
      break;
    case Numbers::shares:
      array.values = test::random_numbers(count, seed, 0, 1);
      for (std::size_t row = 0; row < count; row += columns) {
        const auto first = array.values.begin() + static_cast<std::ptrdiff_t>(row), last = first + dims.back();
        const double sum = std::accumulate(first, last, 0.0);
        std::for_each(first, last, [&](double& value) { value /= sum; });
      }
      break;
  }
  return array;
}

/// The operator, and a number made of its first result.
struct Made {
  Graph graph = {};
  std::vector<Array> inputs = {};
  std::vector<ValueId> by = {};
  ValueId loss = graph::kAbsent;
};

Made make(const Case& each) {
  Made made;
  std::vector<ValueId> operands;
  for (std::size_t i = 0; i < each.inputs.size(); ++i) {
    const Numbers kind = i == 0 ? each.first : each.other;
    Type type = f32(each.inputs[i]);
    if (kind == Numbers::labels) type.dtype = DType::int32;
    operands.push_back(made.graph.add_input("x" + std::to_string(i), type));
    made.inputs.push_back(numbers(each.inputs[i], kind, 100 + i));
    if (!each.fixed.contains(i)) made.by.push_back(operands.back());
  }
  Graph& graph = made.graph;
  graph.add_node(each.op, "Default/op", operands, each.attrs, each.results);
  EXPECT_TRUE(canonicalise(graph.nodes[0]));
  EXPECT_TRUE(infer_types(graph).empty());
  const ValueId y = graph.nodes[0].outputs[0];
  const Type type = graph.value(y).type;
  const auto weights = test::random_numbers(*element_count(type), 7);
  const ValueId w = graph.add_constant("weights", type, graph::contents_of(DType::float32, weights));
  const ValueId product = graph.add_node("Mul", "Default/product", {y, w}).outputs[0];
  made.loss = graph.add_node("ReduceSum", "Default/sum", {product}, {{"axis", Ints{}}}).outputs[0];
  EXPECT_TRUE(infer_types(graph).empty());
  return made;
}

class Gradients : public testing::TestWithParam<Case> {};

TEST_P(Gradients, AreThoseOfFiniteDifferences) {
  Made made = make(GetParam());
  Graph forwards = made.graph;
  forwards.outputs = {made.loss};
  auto gradients = add_gradients(made.graph, made.loss, made.by);
  ASSERT_TRUE(gradients) << gradients.error().message;
  made.graph.outputs = *gradients;
  ASSERT_TRUE(verify(made.graph)) << verify(made.graph).error().message;
  const std::vector<Array> found = Reference(made.graph).run(made.inputs);

  for (std::size_t k = 0; k < made.by.size(); ++k) {
    const std::size_t input = made.by[k];
    std::vector<double> wanted;
    for (std::size_t i = 0; i < made.inputs[input].values.size(); ++i) {
      const auto moved = [&](double by) {
        std::vector<Array> inputs = made.inputs;
        inputs[input].values[i] += by;
        return Reference(forwards).run(inputs)[0].values[0];
      };
      wanted.push_back(test::derivative(moved, 1e-3));
    }
    const test::Distance off = test::distance(found[k].values, wanted);
    EXPECT_LT(off.nmse, 1e-18) << "input " << input << ": " << off.text;
    EXPECT_EQ(found[k].dims, made.inputs[input].dims);
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, Gradients, testing::ValuesIn(cases()),
                         [](const auto& given) { return given.param.op + "_" + std::to_string(given.index); });

TEST(GradientRules, EachHasACase) {
  std::set<std::string, std::less<>> covered;
  for (const Case& each : cases()) covered.insert(each.op);
  for (const graph::Op& op : graph::ops()) EXPECT_EQ(op.gradient != nullptr, covered.contains(op.name)) << op.name;
}

// ---- whole graphs ----

/// x -> ReLU, twice used, and an operator that has no gradient.
Graph forked(std::string_view last) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 3}));
  const ValueId y = graph.add_node("ReLU", "Default/relu-ReLU/ReLU-op0", {x}).outputs[0];
  const ValueId z = graph.add_node(std::string(last), "Default/last", {y}).outputs[0];
  const ValueId sum = graph.add_node("Mul", "Default/Mul-op0", {y, z}).outputs[0];
  graph.outputs = {graph.add_node("ReduceSum", "Default/ReduceSum-op0", {sum}, {{"axis", Ints{}}}).outputs[0]};
  EXPECT_TRUE(infer_types(graph).empty());
  return graph;
}

TEST(AddGradients, AddsThoseOfSeveralUsersUnderMindSporesNames) {
  Graph graph = forked("Neg");
  const auto gradients = add_gradients(graph, graph.outputs[0], graph.inputs);
  ASSERT_TRUE(gradients) << gradients.error().message;
  std::vector<std::string> names;
  for (const graph::Node& node : graph.nodes) names.push_back(node.name);
  const std::vector<std::string> wanted{"Default/relu-ReLU/ReLU-op0",
                                        "Default/last",
                                        "Default/Mul-op0",
                                        "Default/ReduceSum-op0",
                                        "Gradients/Default/Grad_Mul/Mul-op0",
                                        "Gradients/Default/Grad_Mul/Mul-op1",
                                        "Gradients/Default/Grad_Neg/Neg-op0",
                                        "Gradients/Default/relu-ReLU/AddN-op0",
                                        "Gradients/Default/relu-ReLU/Grad_ReLU/ReluGrad-op0"};
  EXPECT_EQ(names, wanted);
}

TEST(AddGradients, NamesEveryOperatorThatHasNone) {
  Graph graph = forked("Erf");
  graph.outputs[0] = graph.add_node("Erfc", "Default/loss", {graph.outputs[0]}).outputs[0];
  ASSERT_TRUE(infer_types(graph).empty());
  const auto gradients = add_gradients(graph, graph.outputs[0], graph.inputs);
  ASSERT_FALSE(gradients);
  EXPECT_EQ(gradients.error().code, Errc::unsupported);
  EXPECT_EQ(gradients.error().message,
            "Erf: no gradient (1 node, first \"Default/last\"); Erfc: no gradient (1 node, first \"Default/loss\")");
}

TEST(AddGradients, RefusesWhatTheLossDoesNotDependOn) {
  Graph graph = forked("Neg");
  const ValueId apart = graph.add_parameter("apart", f32({3}));
  const auto gradients = add_gradients(graph, graph.outputs[0], std::vector{graph.inputs[0], apart});
  ASSERT_FALSE(gradients);
  EXPECT_EQ(gradients.error().message, "'apart' gets no gradient: the loss does not depend on it");
}

TEST(AddGradients, RefusesSizesThatAreNotKnownAndSeveralNumbers) {
  Graph graph = forked("Neg");
  const ValueId many = graph.nodes[0].outputs[0];
  EXPECT_FALSE(add_gradients(graph, many, graph.inputs));
  graph.value(graph.inputs[0]).type.dims[0] = graph::Dim("N");
  const auto gradients = add_gradients(graph, graph.outputs[0], graph.inputs);
  ASSERT_FALSE(gradients);
  EXPECT_EQ(gradients.error().message, "ReLU: sizes that are not known (1 node, first \"Default/relu-ReLU/ReLU-op0\")");
}

TEST(AddGradients, WorksOutOnlyWhatIsAskedFor) {
  Graph graph;
  const ValueId x = graph.add_input("x", f32({2, 3}));
  const ValueId w = graph.add_parameter("w", f32({4, 3}));
  const ValueId y = graph.add_node("MatMul", "Default/y", {x, w}, {{"transpose_b", true}}).outputs[0];
  const ValueId loss = graph.add_node("ReduceSum", "Default/loss", {y}, {{"axis", Ints{}}}).outputs[0];
  ASSERT_TRUE(infer_types(graph).empty());
  ASSERT_TRUE(add_gradients(graph, loss, std::vector{w}));
  EXPECT_EQ(std::ranges::count(graph.nodes, "MatMul", &graph::Node::op), 2);
}

}  // namespace
}  // namespace ckpt::train
