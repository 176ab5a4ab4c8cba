#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "networks/build.h"

namespace ckpt::graph {
namespace {

struct Stage {
  std::int64_t expand, channels, blocks, stride;
};

// nn.Conv2d, nn.BatchNorm2d and nn.ReLU6 in a cell's `features`.
ValueId conv_norm_relu6(Net& net, const Cell& at, ValueId x, const Conv& conv) {
  const Cell layers = at.in("features", "SequentialCell");
  x = net.conv2d(layers.in("0", "Conv2d"), x, conv);
  x = net.batch_norm2d(layers.in("1", "BatchNorm2d"), x, conv.out);
  return net.node("ReLU6", layers.in("2", "ReLU6"), {x});
}

ValueId inverted_residual(Net& net, const Cell& at, ValueId x, std::int64_t in, std::int64_t out, const Stage& stage,
                          std::int64_t stride) {
  const Cell layers = at.in("conv", "SequentialCell");
  const std::int64_t hidden = in * stage.expand;
  int index = 0;
  const auto next = [&](std::string_view type) { return layers.in(std::to_string(index++), type); };
  ValueId y = x;
  if (stage.expand != 1) {
    y = conv_norm_relu6(net, next("ConvBNReLU"), y, {.in = in, .out = hidden, .pad_mode = "pad"});
  }
  y = conv_norm_relu6(
      net, next("ConvBNReLU"), y,
      {.in = hidden, .out = hidden, .kernel = 3, .stride = stride, .group = hidden, .pad_mode = "pad", .pad = 1});
  y = net.conv2d(next("Conv2d"), y, {.in = hidden, .out = out});
  y = net.batch_norm2d(next("BatchNorm2d"), y, out);
  return stride == 1 && in == out ? net.node("Add", at, {x, y}) : y;
}

}  // namespace

// As the model zoo combines it from a backbone and a head that do not show in the names. The width of every layer is
// the checkpoint's, so other multipliers than 1 are found too.
Result<Graph> make_mobilenetv2(Net net) {
  constexpr std::array kStages{Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2},  Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
                               Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}};
  const Cell root;
  const Cell backbone = root.unnamed("backbone", "MobileNetV2Backbone");
  const Cell features = backbone.in("features", "SequentialCell");
  const std::int64_t channels = net.dim("features.0.features.0.weight", 1, 3);
  std::int64_t in = net.dim("features.0.features.0.weight", 0, 32);
  ValueId x = net.input({Dim("N"), channels, 224, 224});
  x = conv_norm_relu6(net, features.in("0", "ConvBNReLU"), x,
                      {.in = channels, .out = in, .kernel = 3, .stride = 2, .pad_mode = "pad", .pad = 1});
  int index = 1;
  for (const Stage& stage : kStages) {
    for (std::int64_t i = 0; i < stage.blocks; ++i, ++index) {
      const Cell at = features.in(std::to_string(index), "InvertedResidual");
      const std::string last = at.parameters + (stage.expand == 1 ? "conv.1.weight" : "conv.2.weight");
      const std::int64_t out = net.dim(last, 0, stage.channels);
      x = inverted_residual(net, at, x, in, out, stage, i == 0 ? stage.stride : 1);
      in = out;
    }
  }
  const Cell last = features.in(std::to_string(index), "ConvBNReLU");
  const std::int64_t out = net.dim(last.parameters + "features.0.weight", 0, 1280);
  x = conv_norm_relu6(net, last, x, {.in = in, .out = out, .pad_mode = "pad"});
  const Cell head = root.unnamed("head", "MobileNetV2Head");
  x = net.node("ReduceMean", head.in("head", "SequentialCell").in("0", "GlobalAvgPooling"), {x},
               {{"axis", Ints{2, 3}}, {"keep_dims", false}});
  x = net.dense(head.in("dense", "Dense"), x, out, net.classes("dense.weight", 1000));
  return std::move(net).finish(x);
}

}  // namespace ckpt::graph
