#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "both.h"
#include "kernels/lanes.h"

// Every kernel against plain loops in double precision, over shapes that blocks of eight do not divide.
namespace ckpt::train::test {
namespace {

using graph::Attrs;
using graph::Ints;
using graph::ValueId;

using Numbers = SmallGraph::Numbers;

Attrs with(Attrs attrs, std::initializer_list<Attrs::value_type> more) {
  attrs.insert(more.begin(), more.end());
  return attrs;
}

Attrs nchw() { return {{"format", std::string("NCHW")}}; }

// ---- convolutions ----

struct ConvCase {
  Ints x, w, y;
  std::int64_t stride = 1, dilation = 1, group = 1;
  std::string pad_mode = "valid";
  Ints pad_list = {};

  Attrs attrs() const {
    Attrs attrs = with(nchw(), {{"kernel_size", Ints{w[2], w[3]}},
                                {"stride", Ints{stride, stride}},
                                {"dilation", Ints{dilation, dilation}},
                                {"group", group},
                                {"pad_mode", pad_mode},
                                {"input_sizes", x},
                                {"filter_sizes", w}});
    if (pad_mode == "pad") attrs.emplace("pad_list", pad_list);
    return attrs;
  }
};

std::vector<ConvCase> conv_cases() {
  return {
      {.x = {2, 3, 7, 9}, .w = {5, 3, 3, 3}, .y = {2, 5, 5, 7}},
      {.x = {3, 1, 32, 32}, .w = {6, 1, 5, 5}, .y = {3, 6, 28, 28}},
      {.x = {3, 6, 14, 14}, .w = {16, 6, 5, 5}, .y = {3, 16, 10, 10}},
      {.x = {1, 3, 16, 16}, .w = {8, 3, 7, 7}, .y = {1, 8, 8, 8}, .stride = 2, .pad_mode = "same"},
      {.x = {2, 3, 15, 17}, .w = {20, 3, 3, 3}, .y = {2, 20, 15, 17}, .pad_mode = "same"},
      {.x = {2, 2, 9, 6}, .w = {3, 2, 4, 2}, .y = {2, 3, 5, 3}, .stride = 2, .pad_mode = "same"},
      {.x = {2, 8, 9, 9}, .w = {16, 8, 3, 3}, .y = {2, 16, 5, 5}, .stride = 2, .pad_mode = "same"},
      {.x = {1, 16, 8, 8}, .w = {24, 16, 1, 1}, .y = {1, 24, 4, 4}, .stride = 2, .pad_mode = "same"},
      {.x = {2, 16, 5, 7}, .w = {8, 16, 1, 1}, .y = {2, 8, 5, 7}},
      {.x = {2, 1, 10, 11}, .w = {6, 1, 3, 3}, .y = {2, 6, 11, 10}, .pad_mode = "pad", .pad_list = {1, 2, 0, 1}},
      {.x = {2, 4, 10, 11}, .w = {6, 4, 3, 3}, .y = {2, 6, 11, 10}, .pad_mode = "pad", .pad_list = {1, 2, 0, 1}},
      {.x = {2, 8, 9, 8}, .w = {8, 8, 3, 3}, .y = {2, 8, 9, 8}, .dilation = 2, .pad_mode = "same"},
      {.x = {1, 1, 9, 8}, .w = {3, 1, 3, 3}, .y = {1, 3, 5, 4}, .dilation = 2},
      {.x = {2, 8, 6, 6}, .w = {8, 1, 3, 3}, .y = {2, 8, 6, 6}, .group = 8, .pad_mode = "same"},
      {.x = {2, 6, 7, 7},
       .w = {9, 2, 3, 3},
       .y = {2, 9, 7, 7},
       .group = 3,
       .pad_mode = "pad",
       .pad_list = {1, 1, 1, 1}},
      {.x = {3, 16, 1, 1}, .w = {8, 16, 3, 3}, .y = {3, 8, 1, 1}, .pad_mode = "same"},
      {.x = {3, 8, 2, 2}, .w = {24, 8, 3, 3}, .y = {3, 24, 1, 1}, .stride = 2, .pad_mode = "same"},
      {.x = {4, 24, 2, 2}, .w = {16, 24, 3, 3}, .y = {4, 16, 2, 2}, .pad_mode = "same"},
      {.x = {2, 1, 2, 3}, .w = {3, 1, 5, 5}, .y = {2, 3, 2, 3}, .pad_mode = "same"},
      {.x = {5, 32, 1, 1}, .w = {16, 32, 1, 1}, .y = {5, 16, 1, 1}},
      {.x = {5, 32, 1, 1}, .w = {48, 32, 3, 3}, .y = {5, 48, 1, 1}, .pad_mode = "same"},
      {.x = {3, 32, 2, 2}, .w = {16, 32, 1, 1}, .y = {3, 16, 2, 2}},
      {.x = {3, 16, 4, 3}, .w = {48, 16, 1, 1}, .y = {3, 48, 4, 3}},
      {.x = {3, 32, 2, 2}, .w = {16, 32, 1, 1}, .y = {3, 16, 1, 1}, .stride = 2, .pad_mode = "same"},
      {.x = {2, 16, 7, 5}, .w = {32, 16, 1, 1}, .y = {2, 32, 4, 3}, .stride = 2},
      {.x = {4, 16, 2, 2}, .w = {32, 16, 3, 3}, .y = {4, 32, 1, 1}, .stride = 2, .pad_mode = "same"},
      {.x = {4, 16, 2, 3}, .w = {32, 16, 2, 3}, .y = {4, 32, 1, 1}},
  };
}

std::string describe(const ConvCase& conv) {
  std::string text = "x";
  for (const std::int64_t dim : conv.x) text += " " + std::to_string(dim);
  text += ", w";
  for (const std::int64_t dim : conv.w) text += " " + std::to_string(dim);
  return text + ", stride " + std::to_string(conv.stride) + ", dilation " + std::to_string(conv.dilation) + ", group " +
         std::to_string(conv.group) + ", " + conv.pad_mode;
}

TEST(Kernels, Conv2D) {
  for (const ConvCase& conv : conv_cases()) {
    SCOPED_TRACE(describe(conv));
    SmallGraph small;
    const ValueId x = small.input(conv.x), w = small.parameter("w", conv.w);
    expect_same(small, {small.node("Conv2D", {x, w}, conv.attrs())});
  }
}

TEST(Kernels, Conv2DBackpropInput) {
  for (const ConvCase& conv : conv_cases()) {
    SCOPED_TRACE(describe(conv));
    SmallGraph small;
    const ValueId dy = small.input(conv.y), w = small.parameter("w", conv.w);
    expect_same(small, {small.node("Conv2DBackpropInput", {dy, w}, conv.attrs())});
  }
}

TEST(Kernels, Conv2DBackpropFilter) {
  for (const ConvCase& conv : conv_cases()) {
    SCOPED_TRACE(describe(conv));
    SmallGraph small;
    const ValueId dy = small.input(conv.y), x = small.input(conv.x);
    expect_same(small, {small.node("Conv2DBackpropFilter", {dy, x}, conv.attrs())});
  }
}

TEST(Kernels, Conv2DWithBiasAndReluBehindIt) {
  for (const ConvCase& conv : conv_cases()) {
    SCOPED_TRACE(describe(conv));
    SmallGraph small;
    const ValueId x = small.input(conv.x), w = small.parameter("w", conv.w), b = small.parameter("b", {conv.w[0]});
    const ValueId y = small.node("BiasAdd", {small.node("Conv2D", {x, w}, conv.attrs()), b}, nchw());
    expect_same(small, {small.node("ReLU", {y})});
  }
}

// ---- pools ----

struct PoolCase {
  Ints x, y;
  std::int64_t kernel, stride;
  std::string pad_mode;

  Attrs attrs() const {
    return with(nchw(),
                {{"kernel_size", Ints{kernel, kernel}}, {"strides", Ints{stride, stride}}, {"pad_mode", pad_mode}});
  }
};

std::vector<PoolCase> pool_cases() {
  return {
      {{2, 6, 28, 28}, {2, 6, 14, 14}, 2, 2, "valid"}, {{1, 16, 10, 10}, {1, 16, 5, 5}, 2, 2, "valid"},
      {{2, 3, 7, 9}, {2, 3, 3, 4}, 2, 2, "valid"},     {{2, 8, 7, 9}, {2, 8, 4, 5}, 2, 2, "same"},
      {{2, 20, 16, 16}, {2, 20, 8, 8}, 3, 2, "same"},  {{1, 24, 7, 7}, {1, 24, 3, 3}, 3, 2, "valid"},
      {{2, 5, 6, 5}, {2, 5, 6, 5}, 3, 1, "same"},      {{2, 9, 6, 5}, {2, 9, 2, 2}, 2, 3, "valid"},
      {{3, 1, 4, 4}, {3, 1, 1, 1}, 4, 4, "valid"},     {{2, 16, 1, 1}, {2, 16, 1, 1}, 1, 1, "valid"},
  };
}

void expect_pools(const std::string& op) {
  for (const PoolCase& pool : pool_cases()) {
    SCOPED_TRACE(op + " " + std::to_string(pool.kernel) + "/" + std::to_string(pool.stride) + " of " +
                 std::to_string(pool.x[2]) + "x" + std::to_string(pool.x[3]) + ", " + pool.pad_mode);
    SmallGraph small;
    const ValueId x = small.input(pool.x), dy = small.input(pool.y);
    const ValueId y = small.node(op, {x}, pool.attrs());
    expect_same(small, {y, small.node(op + "Grad", {x, y, dy}, pool.attrs())});
  }
}

TEST(Kernels, MaxPool) { expect_pools("MaxPool"); }
TEST(Kernels, AvgPool) { expect_pools("AvgPool"); }

TEST(Kernels, OfEqualNumbersTheFirstIsTheLargest) {
  for (const PoolCase& pool : pool_cases()) {
    SmallGraph small;
    const ValueId x = small.input(pool.x, {.low = 0, .high = 3, .dtype = DType::int32});
    const ValueId numbers = small.node("Cast", {x}, {{"dtype", DType::float32}});
    const ValueId y = small.node("MaxPool", {numbers}, pool.attrs()), dy = small.input(pool.y);
    expect_same(small, {small.node("MaxPoolGrad", {numbers, y, dy}, pool.attrs())});
  }
}

TEST(Kernels, MaxPoolGradWithReluGradBehindIt) {
  for (const PoolCase& pool : pool_cases()) {
    SmallGraph small;
    const ValueId x = small.node("ReLU", {small.input(pool.x)}), y = small.node("MaxPool", {x}, pool.attrs());
    const ValueId dx = small.node("MaxPoolGrad", {x, y, small.input(pool.y)}, pool.attrs());
    expect_same(small, {small.node("ReluGrad", {dx, x})});
  }
}

// ---- normalisation ----

std::vector<Ints> image_sizes() {
  return {{2, 3, 5, 7}, {4, 8, 3, 3}, {1, 16, 6, 5}, {3, 20, 1, 1}, {2, 64, 8, 8}, {5, 1, 2, 1}};
}

struct NormValues {
  ValueId x, scale, offset, mean, variance;
  std::vector<ValueId> results;
};

NormValues add_norm(SmallGraph& small, ValueId x, std::int64_t channels, bool training, double momentum = 0.1) {
  NormValues norm{.x = x,
                  .scale = small.parameter("gamma", {channels}, {.low = 0.5, .high = 2}),
                  .offset = small.parameter("beta", {channels}),
                  .mean = small.parameter("mean", {channels}),
                  .variance = small.parameter("variance", {channels}, {.low = 0.5, .high = 2}),
                  .results = {}};
  norm.results = small.nodes("BatchNorm", {norm.x, norm.scale, norm.offset, norm.mean, norm.variance},
                             with(nchw(), {{"is_training", training}, {"epsilon", 1e-4}, {"momentum", momentum}}), 5);
  return norm;
}

std::vector<ValueId> add_norm_grad(SmallGraph& small, ValueId dy, const NormValues& norm, bool training) {
  return small.nodes("BatchNormGrad", {dy, norm.x, norm.scale, norm.results[3], norm.results[4], norm.results[2]},
                     with(nchw(), {{"is_training", training}, {"epsilon", 1e-4}}), 3);
}

TEST(Kernels, BatchNorm) {
  for (const Ints& dims : image_sizes()) {
    SmallGraph small;
    const NormValues norm = add_norm(small, small.input(dims, {.low = -1, .high = 3}), dims[1], true);
    expect_same(small, {norm.results[0], norm.results[3], norm.results[4]});
    SmallGraph evaluation;
    expect_same(evaluation, {add_norm(evaluation, evaluation.input(dims), dims[1], false).results[0]});
  }
}

TEST(Kernels, BatchNormGrad) {
  for (const Ints& dims : image_sizes()) {
    for (const bool training : {true, false}) {
      SmallGraph small;
      const NormValues norm = add_norm(small, small.input(dims, {.low = -1, .high = 3}), dims[1], true);
      expect_same(small, add_norm_grad(small, small.input(dims), norm, training));
    }
  }
}

TEST(Kernels, BatchNormWithReluBehindItAndTheGradientOfBoth) {
  for (const Ints& dims : image_sizes()) {
    SmallGraph small;
    const NormValues norm = add_norm(small, small.input(dims), dims[1], true);
    const ValueId y = small.node("ReLU", {norm.results[0]});
    const ValueId dy = small.node("ReluGrad", {small.input(dims), y});
    std::vector<ValueId> outputs = add_norm_grad(small, dy, norm, true);
    outputs.push_back(y);
    expect_same(small, outputs);
  }
}

// MindSpore 2.10 on a CPU: BatchNorm(is_training=True, epsilon=1e-3, momentum=0.1) of [2, 3, 2, 2], recorded.
TEST(Kernels, BatchNormKeepsTheStatisticsThatMindSporeKeeps) {
  const std::vector<double> x{1.6243454,  -0.6117564,  -0.5281718, -1.0729686,  0.86540765, -2.3015387,
                              1.7448118,  -0.7612069,  0.3190391,  -0.24937038, 1.4621079,  -2.0601406,
                              -0.3224172, -0.38405436, 1.1337694,  -1.0998913,  -0.1724282, -0.8778584,
                              0.04221375, 0.5828152,   -1.1006192, 1.1447237,   0.9015907,  0.50249434};
  SmallGraph small;
  const ValueId images = small.input({2, 3, 2, 2}, {.given = x});
  const ValueId mean = small.parameter("mean", {3}, {.given = {0.3, 0.2, -0.5}});
  const ValueId variance = small.parameter("variance", {3}, {.given = {1, 3, 0.5}});
  const auto norm = small.nodes("BatchNorm",
                                {images, small.parameter("gamma", {3}, {.given = {1, 2, 0.5}}),
                                 small.parameter("beta", {3}, {.given = {0.1, 0.2, -0.5}}), mean, variance},
                                with(nchw(), {{"is_training", true}, {"epsilon", 1e-3}, {"momentum", 0.1}}), 5);
  expect_same(small, {norm[0], norm[3], norm[4]});
  expect_parameter(small, "mean", {0.25423568, 0.1690277, -0.43850216});
  expect_parameter(small, "variance", {0.99986863, 2.853076, 0.59324676});
  expect_output(small, 0, {2.0051885, -0.38550898, -0.29614565, -0.8786077, 1.8845078, -3.5862935});
}

// ---- matrices ----

TEST(Kernels, MatMul) {
  for (const Ints& size : {Ints{3, 5, 7}, Ints{1, 1, 1}, Ints{32, 84, 10}, Ints{17, 33, 65}, Ints{1, 40, 3}}) {
    for (const bool turn_a : {false, true}) {
      for (const bool turn_b : {false, true}) {
        const Attrs attrs{{"transpose_a", turn_a}, {"transpose_b", turn_b}};
        SmallGraph small;
        const ValueId a = small.input(turn_a ? Ints{size[1], size[0]} : Ints{size[0], size[1]});
        const ValueId b = small.parameter("b", turn_b ? Ints{size[2], size[1]} : Ints{size[1], size[2]});
        const ValueId product = small.node("MatMul", {a, b}, attrs);
        const ValueId sum =
            small.node("BiasAdd", {small.node("MatMul", {a, b}, attrs), small.parameter("c", {size[2]})}, nchw());
        expect_same(small, {product, small.node("ReLU", {sum})});
      }
    }
  }
}

TEST(Kernels, Bias) {
  for (const Ints& dims : {Ints{3, 5}, Ints{32, 84}, Ints{2, 3, 4, 5}, Ints{2, 16, 3, 3}, Ints{1, 20, 1, 7}}) {
    SmallGraph small;
    const ValueId x = small.input(dims), b = small.parameter("b", {dims[1]});
    expect_same(small, {small.node("BiasAdd", {x, b}, nchw()), small.node("BiasAddGrad", {x}, nchw())});
  }
}

// ---- elements ----

TEST(Kernels, ElementsOfTwoValues) {
  const std::vector<std::pair<Ints, Ints>> shapes{{{4, 5}, {4, 5}}, {{2, 3, 4, 5}, {1, 3, 1, 1}},
                                                  {{}, {3, 2}},     {{7}, {}},
                                                  {{5, 1}, {1, 6}}, {{300, 200}, {300, 200}}};
  for (const auto& [a, b] : shapes) {
    for (const std::string op : {"Add", "Sub", "Mul", "RealDiv"}) {
      SCOPED_TRACE(op);
      SmallGraph small;
      const ValueId x = small.input(a), y = small.input(b, {.low = 0.5, .high = 2});
      const ValueId z = small.node(op, {x, y});
      expect_same(small, {z, small.node("ReLU", {small.node(op, {x, y})}), small.node("ReluGrad", {z, z})});
    }
  }
}

TEST(Kernels, SumsOfSeveralValuesAlsoWithOneTwice) {
  SmallGraph small;
  const ValueId a = small.input({3, 4}), b = small.input({3, 4});
  const ValueId c = small.node("Add", {a, b});
  const ValueId d = small.node("AddN", {c, a, c, b});
  expect_same(small, {d, small.node("AddN", {a, b}), small.node("AddN", {b})});
}

TEST(Kernels, WholeNumbers) {
  SmallGraph small;
  const Numbers whole{.low = -9, .high = 9, .dtype = DType::int32};
  const ValueId a = small.input({3, 4}, whole), b = small.input({3, 4}, whole);
  expect_same(small, {small.node("Add", {a, b}, {}, DType::int32), small.node("Mul", {a, b}, {}, DType::int32),
                      small.node("Cast", {a}, {{"dtype", DType::float32}})});
}

// ---- shapes ----

TEST(Kernels, Shapes) {
  SmallGraph small;
  const ValueId x = small.input({2, 3, 4, 5}), row = small.input({1, 5});
  expect_same(small, {small.node("Reshape", {x}, {{"shape", Ints{6, 20}}}), small.node("Flatten", {x}),
                      small.node("Pad", {x}, {{"paddings", graph::IntLists{{0, 0}, {1, 0}, {0, 2}, {1, 3}}}}),
                      small.node("Slice", {x}, {{"begin", Ints{1, 0, 2, 1}}, {"size", Ints{1, 3, 2, 3}}}),
                      small.node("BroadcastTo", {row}, {{"shape", Ints{3, 4, 5}}}),
                      small.node("Tile", {x}, {{"dims", Ints{2, 1, 3, 2}}}),
                      small.node("Tile", {row}, {{"dims", Ints{2, 3, 2}}})});
}

TEST(Kernels, Reduce) {
  for (const std::string op : {"ReduceSum", "ReduceMean"}) {
    for (const Ints& axes : {Ints{}, Ints{2, 3}, Ints{0}, Ints{-1, 1}}) {
      for (const bool keep : {false, true}) {
        SmallGraph small;
        const ValueId x = small.input({2, 3, 4, 5});
        expect_same(small, {small.node(op, {x}, {{"axis", axes}, {"keep_dims", keep}})});
      }
    }
  }
}

TEST(Kernels, TablesAndClasses) {
  SmallGraph small;
  const Numbers index{.low = 0, .high = 6, .dtype = DType::int32};
  const ValueId which = small.input({4}, index), table = small.parameter("table", {6, 3});
  const ValueId on = small.parameter("on", {}, {.given = {1}}), off = small.parameter("off", {}, {.given = {0}});
  expect_same(small,
              {small.node("Gather", {table, which}, {{"axis", std::int64_t{0}}}),
               small.node("OneHot", {which, on, off}, {{"depth", std::int64_t{6}}, {"axis", std::int64_t{-1}}})});
}

// ---- losses and optimizers ----

TEST(Kernels, Losses) {
  SmallGraph small;
  const ValueId logits = small.input({5, 7}, {.low = -4, .high = 60});
  const ValueId labels = small.input({5}, {.low = 0, .high = 7, .dtype = DType::int32});
  const ValueId wanted = small.input({5, 7}, {.low = 0, .high = 1});
  std::vector<ValueId> outputs = small.nodes("SoftmaxCrossEntropyWithLogits", {logits, wanted}, {}, 2);
  for (const bool gradient : {false, true}) {
    outputs.push_back(small.node("SparseSoftmaxCrossEntropyWithLogits", {logits, labels}, {{"is_grad", gradient}}));
  }
  expect_same(small, outputs);
}

TEST(Kernels, ALabelThatIsNoClassIsAnError) {
  SmallGraph small;
  const ValueId logits = small.input({2, 3}), labels = small.input({2}, {.given = {1, 3}, .dtype = DType::int32});
  const ValueId loss = small.node("SparseSoftmaxCrossEntropyWithLogits", {logits, labels}, {{"is_grad", false}});
  EXPECT_EQ(error_of(small, loss, {}),
            "SparseSoftmaxCrossEntropyWithLogits-op0: label 3 of image 1 where there are 3 classes");
}

ValueId number(SmallGraph& small, const std::string& name, double value) {
  return small.parameter(name, {}, {.given = {value}});
}

TEST(Kernels, Optimizers) {
  for (const Ints& dims : {Ints{3, 5}, Ints{200, 100}}) {
    for (const bool nesterov : {false, true}) {
      SmallGraph small;
      const ValueId g = small.input(dims), rate = number(small, "rate", 0.1), momentum = number(small, "momentum", 0.9);
      small.node("ApplyMomentum", {small.parameter("w1", dims), small.parameter("v1", dims), rate, g, momentum},
                 {{"use_nesterov", nesterov}, {"gradient_scale", 0.5}});
      const Attrs sgd{{"dampening", nesterov ? 0.0 : 0.2}, {"weight_decay", 0.1}, {"nesterov", nesterov}};
      small.node("SGD",
                 {small.parameter("w2", dims), g, rate, small.parameter("v2", dims), momentum,
                  small.parameter("stat", dims, {.low = 0, .high = 1})},
                 sgd);
      small.nodes(
          "Adam",
          {small.parameter("w3", dims), small.parameter("m", dims), small.parameter("v", dims, {.low = 0, .high = 1}),
           number(small, "power1", 0.81), number(small, "power2", 0.998001), rate, number(small, "beta1", 0.9),
           number(small, "beta2", 0.999), number(small, "epsilon", 1e-8), g},
          {{"use_nesterov", nesterov}}, 3);
      expect_same(small, {g});
    }
  }
}

// MindSpore 2.10 on a CPU: SGD(dampening=0.5, weight_decay=0.1) of four numbers, recorded.
TEST(Kernels, SgdIsWhatMindSporeMakesOfIt) {
  SmallGraph small;
  const ValueId g = small.input({4}, {.given = {1, -1, 0.5, 2}});
  small.node("SGD",
             {small.parameter("p", {4}, {.given = {2, -0.5, 1.7, 4}}), g, number(small, "rate", 0.1),
              small.parameter("a", {4}, {.given = {0.1, 0.3, -0.2, -0.1}}), number(small, "momentum", 0.9),
              small.parameter("s", {4}, {.given = {1.5, 0, 0.2, 0}})},
             {{"dampening", 0.5}, {"weight_decay", 0.1}, {"nesterov", false}});
  expect_same(small, {g});
  expect_parameter(small, "p", {1.88, -0.4745, 1.633, 3.889});
  expect_parameter(small, "a", {1.2, -0.25499997, 0.67, 1.11});
  expect_parameter(small, "s", {0, 0, 0, 0});
}

TEST(Kernels, Assignments) {
  SmallGraph small;
  const Numbers whole{.given = {41}, .dtype = DType::int32};
  const ValueId step = small.parameter("step", {1}, whole),
                one = small.parameter("one", {1}, {.given = {1}, .dtype = DType::int32});
  const ValueId before = small.node("Reshape", {step}, {{"shape", Ints{}}}, DType::int32);
  const ValueId after = small.node("AssignAdd", {step, one}, {}, DType::int32);
  const ValueId x = small.parameter("x", {3}), y = small.parameter("y", {3});
  small.node("Assign", {x, y});
  expect_same(small, {before, after, small.node("Add", {x, y})});
}

// ---- refusals ----

TEST(Executor, NamesAllThatItHasNoKernelFor) {
  SmallGraph small;
  const ValueId x = small.input({2, 3, 4, 4});
  ConvCase conv{.x = {2, 3, 4, 4}, .w = {2, 3, 3, 3}, .y = {}};
  Attrs attrs = conv.attrs();
  attrs["format"] = std::string("NHWC");
  const ValueId y = small.node("Conv2D", {x, small.parameter("w", conv.w)}, attrs);
  const ValueId z = small.node("LSTM", {small.node("Frobnicate", {y})});
  EXPECT_EQ(error_of(small, z, {2, 2, 2, 2}),
            "Conv2D: format NHWC (Conv2D-op0); Frobnicate: no kernel (Frobnicate-op1); LSTM: no kernel "
            "(LSTM-op2)");
}

TEST(Executor, OnlyParametersAreUpdated) {
  SmallGraph small;
  const ValueId x = small.input({1}), y = small.node("AssignAdd", {x, x});
  EXPECT_EQ(error_of(small, y, {1}), "AssignAdd: changes input1, which is no parameter (AssignAdd-op0)");
}

// As processors with AVX-512 have it, tried on all of them.
TEST(Lanes, BlocksByTheSixteenMayLieBehindTheLastChannel) {
  const Layout layout({2, 3, 5, 5}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::nChw16c);
  const auto lanes = lanes_of(layout);
  ASSERT_TRUE(lanes);
  ASSERT_EQ(lanes->blocks, 2U);
  Eighth ones;
  for (float& one : ones.at) one = 1;
  std::vector<float> numbers(4, 7);
  ones.store(numbers.data(), 1, lanes->channels);
  EXPECT_EQ(numbers, (std::vector<float>{7, 7, 7, 7}));
  EXPECT_EQ(Eighth(numbers.data(), 1, lanes->channels).at[0], 0);
  ones.store(numbers.data(), 0, lanes->channels);
  EXPECT_EQ(numbers, (std::vector<float>{1, 1, 1, 7}));
}

}  // namespace
}  // namespace ckpt::train::test
