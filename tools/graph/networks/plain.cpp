#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "networks/build.h"

// Networks that are one row of layers.
namespace ckpt::graph {

// nn.Dense behind nn.Flatten with nn.ReLU between, in one nn.SequentialCell of this name: the network of MindSpore's
// "Quick start".
Result<Graph> make_mlp(Net net) {
  const Cell root;
  const Cell layers = root.in("dense_relu_sequential", "SequentialCell");
  const auto weight = [&](std::size_t i) { return layers.parameters + std::to_string(2 * i) + ".weight"; };
  constexpr std::array<std::int64_t, 4> kUsual{28 * 28, 512, 512, 10};
  std::int64_t width = net.dim(weight(0), 1, kUsual[0]);
  ValueId x = net.node("Flatten", root.in("flatten", "Flatten"),
                       {net.input(width == 28 * 28 ? Dims{Dim("N"), 1, 28, 28} : Dims{Dim("N"), width})});
  for (std::size_t i = 0; i == 0 || net.has(weight(i), i < 3); ++i) {
    const bool last = !net.has(weight(i + 1), i + 1 < 3);
    const std::int64_t usual = kUsual[std::min<std::size_t>(i + 1, 3)];
    const std::int64_t out = last ? net.classes(weight(i), usual) : net.dim(weight(i), 0, usual);
    if (i > 0) x = net.relu(layers.in(std::to_string(2 * i - 1), "ReLU"), x);
    x = net.dense(layers.in(std::to_string(2 * i), "Dense"), x, width, out);
    width = out;
  }
  return std::move(net).finish(x);
}

Result<Graph> make_lenet5(Net net) {
  const Cell root;
  const std::int64_t channels = net.dim("conv1.weight", 1, net.channels(1));
  ValueId x = net.input({Dim("N"), channels, 32, 32});
  const auto convolve = [&](std::string_view name, std::int64_t in, std::int64_t out) {
    x = net.conv2d(root.in(name, "Conv2d"), x, {.in = in, .out = out, .kernel = 5, .pad_mode = "valid"});
    x = net.relu(root.in("relu", "ReLU"), x);
    x = net.max_pool2d(root.in("max_pool2d", "MaxPool2d"), x, 2, 2, "valid");
  };
  convolve("conv1", channels, 6);
  convolve("conv2", 6, 16);
  x = net.node("Flatten", root.in("flatten", "Flatten"), {x});
  x = net.relu(root.in("relu", "ReLU"), net.dense(root.in("fc1", "Dense"), x, 16 * 5 * 5, 120));
  x = net.relu(root.in("relu", "ReLU"), net.dense(root.in("fc2", "Dense"), x, 120, 84));
  x = net.dense(root.in("fc3", "Dense"), x, 84, net.classes("fc3.weight", 10));
  return std::move(net).finish(x);
}

// Two definitions bear these names. That of 1.2 and later has 64 channels behind the first convolution, biases, and
// pads it; the one before has 96, no biases, and does not. A checkpoint shows which it is of. Without one it is the
// newer.
Result<Graph> make_alexnet(Net net) {
  const Cell root;
  const bool newer = net.has("conv1.bias", true);
  using Widths = std::array<std::int64_t, 5>;
  const Widths widths = newer ? Widths{64, 128, 192, 256, 256} : Widths{96, 256, 384, 384, 256};
  std::int64_t in = net.dim("conv1.weight", 1, 3);
  ValueId x = net.input({Dim("N"), in, 227, 227});
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const Conv conv{.in = in,
                    .out = widths[i],
                    .kernel = i == 0   ? 11
                              : i == 1 ? 5
                                       : 3,
                    .stride = i == 0 ? 4 : 1,
                    .pad_mode = i == 0 && !newer ? "valid" : "same",
                    .bias = newer};
    x = net.conv2d(root.in("conv" + std::to_string(i + 1), "Conv2d"), x, conv);
    x = net.relu(root.in("relu", "ReLU"), x);
    if (i < 2 || i == 4) x = net.max_pool2d(root.in("max_pool2d", "MaxPool2d"), x, 3, 2, "valid");
    in = widths[i];
  }
  x = net.node("Flatten", root.in("flatten", "Flatten"), {x});
  x = net.relu(root.in("relu", "ReLU"), net.dense(root.in("fc1", "Dense"), x, 6 * 6 * 256, 4096));
  x = net.relu(root.in("relu", "ReLU"), net.dense(root.in("fc2", "Dense"), x, 4096, 4096));
  x = net.dense(root.in("fc3", "Dense"), x, 4096, net.classes("fc3.weight", 1000));
  return std::move(net).finish(x);
}

// With batch normalisation or without, with biases or without, for images of any multiple of 32: the checkpoint tells.
// "same" and a padding of 1 are one for these kernels, so it does not matter which it was.
Result<Graph> make_vgg16(Net net) {
  constexpr std::array<std::int64_t, 18> kWidths{64, 64,  0,   128, 128, 0,   256, 256, 256,
                                                 0,  512, 512, 512, 0,   512, 512, 512, 0};  // 0: a pool
  const Cell root;
  const Cell layers = root.in("layers", "SequentialCell");
  const bool norms = net.has("layers.1.gamma", false);
  const bool biases = net.has("layers.0.bias", false);
  const std::int64_t cells = net.dim("classifier.0.weight", 1, 512 * 7 * 7) / 512;
  std::int64_t side = 1;
  while (side * side < cells) ++side;
  std::int64_t in = net.dim("layers.0.weight", 1, 3);
  ValueId x = net.input({Dim("N"), in, 32 * side, 32 * side});
  std::size_t index = 0;
  const auto next = [&](std::string_view type) { return layers.in(std::to_string(index++), type); };
  for (const std::int64_t width : kWidths) {
    if (width == 0) {
      x = net.max_pool2d(next("MaxPool2d"), x, 2, 2, "valid");
      continue;
    }
    x = net.conv2d(next("Conv2d"), x,
                   {.in = in, .out = width, .kernel = 3, .pad_mode = "pad", .pad = 1, .bias = biases});
    if (norms) x = net.batch_norm2d(next("BatchNorm2d"), x, width);
    x = net.relu(next("ReLU"), x);
    in = width;
  }
  x = net.node("Flatten", root.in("flatten", "Flatten"), {x});
  const Cell classifier = root.in("classifier", "SequentialCell");
  x = net.relu(classifier.in("1", "ReLU"), net.dense(classifier.in("0", "Dense"), x, 512 * side * side, 4096));
  x = net.relu(classifier.in("4", "ReLU"), net.dense(classifier.in("3", "Dense"), x, 4096, 4096));
  x = net.dense(classifier.in("6", "Dense"), x, 4096, net.classes("classifier.6.weight", 1000));
  return std::move(net).finish(x);
}

}  // namespace ckpt::graph
