#include "fold_batch_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "op.h"
#include "small_graphs.h"

namespace ckpt::graph {
namespace {

using test::add_bound;
using test::conv_graph;

/// conv -> [BiasAdd ->] BatchNorm, whose input comes from a convolution of weights [2, 1, 3, 3].
Graph normed(bool with_bias) {
  Graph net = conv_graph();
  ValueId x = net.outputs[0];
  if (!with_bias) {
    x = net.nodes[0].outputs[0];
    net.nodes.pop_back();
  }
  const auto gamma = add_bound(net, "bn.gamma", {2}, 2.0F);
  const auto beta = add_bound(net, "bn.beta", {2}, 3.0F);
  const auto mean = add_bound(net, "bn.moving_mean", {2}, 4.0F);
  const auto variance = add_bound(net, "bn.moving_variance", {2}, 5.0F);
  net.outputs = {
      net.add_node("BatchNorm", "bn", {x, gamma, beta, mean, variance},
                   {{"is_training", false}, {"epsilon", 0.5}, {"momentum", 0.1}, {"format", std::string("NCHW")}})
          .outputs[0]};
  return net;
}

std::vector<float> values(const Graph& graph, const std::string& name) {
  for (const Value& value : graph.values) {
    if (value.name != name) continue;
    const auto bytes = bytes_of(value.contents, 1 << 20);
    if (!bytes) break;
    std::vector<float> out(bytes->size() / sizeof(float));
    std::memcpy(out.data(), bytes->data(), bytes->size());
    return out;
  }
  ADD_FAILURE() << "no values of " << name;
  return {};
}

std::string ops_of(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += node.op + " ";
  return text;
}

double factor(std::size_t channel) {
  const auto at = static_cast<double>(channel) / 64;  // as small_graphs.h makes numbers
  return (2.0 + at) / std::sqrt(5.0 + at + 0.5);
}

TEST(FoldBatchNorm, IsInTheWeightsThenAndItsBiasBehindThem) {
  Graph net = normed(false);
  const auto before = values(net, "conv.weight");
  ASSERT_EQ(fold_batch_norms(net), 1U);
  ASSERT_TRUE(verify(net));
  EXPECT_EQ(ops_of(net), "Conv2D BiasAdd ");
  EXPECT_TRUE(infer_types(net).empty());
  EXPECT_EQ(to_string(net.value(net.outputs[0]).type), "Float32 [N, 2, 8, 8]");
  EXPECT_EQ(net.value(net.outputs[0]).name, "bn");
  const auto after = values(net, "conv.weight");
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i)
    EXPECT_FLOAT_EQ(after[i], static_cast<float>(before[i] * factor(i / 9)));
  const auto bias = values(net, "bn.beta");
  for (std::size_t i = 0; i < 2; ++i) {
    const double at = static_cast<double>(i) / 64;
    EXPECT_FLOAT_EQ(bias[i], static_cast<float>(3.0 + at - (4.0 + at) * factor(i)));
  }
}

TEST(FoldBatchNorm, ABiasBeforeItIsMovedWithTheMean) {
  Graph net = normed(true);
  ASSERT_EQ(fold_batch_norms(net), 1U);
  ASSERT_TRUE(verify(net));
  EXPECT_EQ(ops_of(net), "Conv2D BiasAdd ");
  const auto bias = values(net, "conv.bias");
  for (std::size_t i = 0; i < 2; ++i) {
    const double at = static_cast<double>(i) / 64;
    EXPECT_FLOAT_EQ(bias[i], static_cast<float>(3.0 + at + (-0.5 + at - (4.0 + at)) * factor(i)));
  }
}

ValueId add_norm(Graph& net, ValueId x, std::int64_t channels) {
  std::vector<ValueId> inputs{x};
  float first = 2.0F;
  for (const char* name : {"bn.gamma", "bn.beta", "bn.moving_mean", "bn.moving_variance"})
    inputs.push_back(add_bound(net, name, {Dim(channels)}, first++));
  return net
      .add_node("BatchNorm", "bn", std::move(inputs),
                {{"is_training", false}, {"epsilon", 0.5}, {"momentum", 0.1}, {"format", std::string("NCHW")}})
      .outputs[0];
}

// nn.BatchNorm1d behind nn.Dense, as MindSpore records it.
TEST(FoldBatchNorm, OfADenseLayerIsThatOfImagesOfOnePixel) {
  Graph net{.name = "dense"};
  const auto x = net.add_input("x", {.dtype = DType::float32, .dims = {Dim("N"), 3}});
  const auto weight = add_bound(net, "fc.weight", {4, 3});
  const auto bias = add_bound(net, "fc.bias", {4}, -0.5F);
  const auto product =
      net.add_node("MatMul", "mul", {x, weight}, {{"transpose_a", false}, {"transpose_b", true}}).outputs[0];
  const auto sum = net.add_node("BiasAdd", "add", {product, bias}, {{"format", std::string("NCHW")}}).outputs[0];
  const auto image = net.add_node("Reshape", "image", {sum}, {{"shape", Ints{-1, 4, 1, 1}}}).outputs[0];
  net.outputs = {net.add_node("Reshape", "row", {add_norm(net, image, 4)}, {{"shape", Ints{-1, 4}}}).outputs[0]};

  Graph other = net;
  other.nodes[2].attrs["shape"] = Ints{-1, 4, 1, 2};  // the norm is of other channels then
  EXPECT_EQ(fold_batch_norms(other), 0U);

  const auto before = values(net, "fc.weight");
  ASSERT_EQ(fold_batch_norms(net), 1U);
  ASSERT_TRUE(verify(net));
  EXPECT_EQ(ops_of(net), "MatMul Reshape BiasAdd Reshape ");
  EXPECT_TRUE(infer_types(net).empty());
  EXPECT_EQ(to_string(net.value(net.outputs[0]).type), "Float32 [N, 4]");
  const auto after = values(net, "fc.weight");
  for (std::size_t i = 0; i < after.size(); ++i)
    EXPECT_FLOAT_EQ(after[i], static_cast<float>(before[i] * factor(i / 3)));
  const auto moved = values(net, "fc.bias");
  for (std::size_t i = 0; i < 4; ++i) {
    const double at = static_cast<double>(i) / 64;
    EXPECT_FLOAT_EQ(moved[i], static_cast<float>(3.0 + at + (-0.5 + at - (4.0 + at)) * factor(i)));
  }
}

// Weights of a transposed convolution are [inputs, outputs of a group, height, width].
TEST(FoldBatchNorm, OfATransposedConvolutionIsInTheColumns) {
  for (const std::int64_t group : {1, 2}) {
    const std::int64_t columns = 3;
    Graph net{.name = "transposed"};
    const auto x = net.add_input("x", {.dtype = DType::float32, .dims = {Dim("N"), 4, 8, 8}});
    const auto weight = add_bound(net, "up.weight", {4, Dim(columns), 2, 2});
    const auto up = net.add_node("Conv2DTranspose", "up", {x, weight},
                                 {{"kernel_size", Ints{2, 2}},
                                  {"pad_mode", std::string("valid")},
                                  {"pad_list", None{}},
                                  {"input_sizes", None{}},
                                  {"stride", Ints{2, 2}},
                                  {"dilation", Ints{1, 1}},
                                  {"group", group},
                                  {"format", std::string("NCHW")}})
                        .outputs[0];
    net.outputs = {add_norm(net, up, columns * group)};
    const auto before = values(net, "up.weight");
    ASSERT_EQ(fold_batch_norms(net), 1U);
    EXPECT_EQ(ops_of(net), "Conv2DTranspose BiasAdd ");
    EXPECT_TRUE(infer_types(net).empty());
    const auto after = values(net, "up.weight");
    for (std::size_t in = 0; in < 4; ++in) {
      for (std::size_t out = 0; out < 3; ++out) {
        const std::size_t channel = group == 1 ? out : in / 2 * 3 + out;
        for (std::size_t i = 0; i < 4; ++i) {
          const std::size_t at = (in * 3 + out) * 4 + i;
          EXPECT_FLOAT_EQ(after[at], static_cast<float>(before[at] * factor(channel)));
        }
      }
    }
  }
}

TEST(FoldBatchNorm, LeavesAloneWhatOthersUseOrWhatIsNotThere) {
  Graph shown = normed(false);
  shown.outputs.push_back(shown.nodes[0].outputs[0]);  // the convolution's own result
  EXPECT_EQ(fold_batch_norms(shown), 0U);

  Graph shared = normed(false);
  shared.outputs.push_back(shared.nodes[0].inputs[1]);  // its weights
  EXPECT_EQ(fold_batch_norms(shared), 0U);

  Graph unbound = normed(false);
  for (Value& value : unbound.values)
    if (value.name == "bn.gamma") value.bound = false;
  EXPECT_EQ(fold_batch_norms(unbound), 0U);

  Graph training = normed(false);
  training.nodes.back().attrs["is_training"] = true;
  EXPECT_EQ(fold_batch_norms(training), 0U);
  EXPECT_EQ(ops_of(training), "Conv2D BatchNorm ");
}

TEST(FoldBiases, BecomeTheConvolutionsOwn) {
  Graph net = conv_graph();
  ASSERT_EQ(fold_biases(net), 1U);
  ASSERT_TRUE(verify(net));
  EXPECT_EQ(ops_of(net), "Conv2D ");
  EXPECT_EQ(net.nodes[0].inputs.size(), 3U);
  EXPECT_TRUE(infer_types(net).empty());
  EXPECT_EQ(net.value(net.outputs[0]).name, "Default/conv/BiasAdd-op1");
  EXPECT_EQ(fold_biases(net), 0U);
}

}  // namespace
}  // namespace ckpt::graph
