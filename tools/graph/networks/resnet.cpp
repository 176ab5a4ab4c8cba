#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "networks/build.h"

// The model zoo's ResNets. The deep ones (bottlenecks) pad "same"; the shallow ones pad explicitly, in the stem by a
// node of its own in front of the pool, and normalise with two epsilons: 1e-5 in the stem and in the shortcuts, 1e-4 in
// the blocks. All of that is taken from the definitions that the published checkpoints were trained with.
namespace ckpt::graph {
namespace {

struct Variant {
  std::array<int, 4> blocks;
  bool bottleneck;
};

constexpr double kEpsilon = 1e-4;
constexpr double kShallowEpsilon = 1e-5;

class ResNet {
 public:
  ResNet(Net net, const Variant& variant) : net_(std::move(net)), variant_(variant) {
    const std::string& asked = net_.options().pad_mode;
    pad_ = asked.empty() ? !variant.bottleneck : asked == "pad";
    if (!asked.empty() && asked != "same" && asked != "pad") net_.fail("pad_mode is \"same\" or \"pad\"");
  }

  Result<Graph> make() &&;

 private:
  ValueId convolve(const Cell& at, ValueId x, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   std::int64_t stride = 1) {
    return net_.conv2d(at, x,
                       {.in = in,
                        .out = out,
                        .kernel = kernel,
                        .stride = stride,
                        .pad_mode = pad_ ? "pad" : "same",
                        .pad = pad_ ? kernel / 2 : 0});
  }
  ValueId stem(const Cell& root);
  ValueId shortcut(const Cell& at, ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride);
  ValueId bottleneck(const Cell& at, ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride);
  ValueId basic(const Cell& at, ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride);

  Net net_;
  const Variant& variant_;
  bool pad_ = false;
};

ValueId ResNet::stem(const Cell& root) {
  const std::int64_t channels = net_.dim("conv1.weight", 1, net_.channels(3));
  ValueId x = net_.input({Dim("N"), channels, 224, 224});
  x = convolve(root.in("conv1", "Conv2d"), x, channels, 64, 7, 2);
  x = net_.batch_norm2d(root.in("bn1", "BatchNorm2d"), x, 64, variant_.bottleneck ? kEpsilon : kShallowEpsilon);
  x = net_.relu(root, x);
  if (pad_) x = net_.node("Pad", root.in("pad", "Pad"), {x}, {{"paddings", IntLists{{0, 0}, {0, 0}, {1, 1}, {1, 1}}}});
  return net_.max_pool2d(root.in("maxpool", "MaxPool2d"), x, 3, 2, pad_ ? "valid" : "same");
}

ValueId ResNet::shortcut(const Cell& at, ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride) {
  if (stride == 1 && in == out) return x;
  const Cell layers = at.in("down_sample_layer", "SequentialCell");
  x = convolve(layers.in("0", "Conv2d"), x, in, out, 1, stride);
  return net_.batch_norm2d(layers.in("1", "BatchNorm2d"), x, out, variant_.bottleneck ? kEpsilon : kShallowEpsilon);
}

ValueId ResNet::bottleneck(const Cell& at, ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride) {
  const std::int64_t channels = out / 4;
  const Cell relu = at.in("relu", "ReLU");
  ValueId y = convolve(at.in("conv1", "Conv2d"), x, in, channels, 1);
  y = net_.relu(relu, net_.batch_norm2d(at.in("bn1", "BatchNorm2d"), y, channels, kEpsilon));
  y = convolve(at.in("conv2", "Conv2d"), y, channels, channels, 3, stride);
  y = net_.relu(relu, net_.batch_norm2d(at.in("bn2", "BatchNorm2d"), y, channels, kEpsilon));
  y = convolve(at.in("conv3", "Conv2d"), y, channels, out, 1);
  y = net_.batch_norm2d(at.in("bn3", "BatchNorm2d"), y, out, kEpsilon);
  return net_.relu(relu, net_.node("Add", at, {y, shortcut(at, x, in, out, stride)}));
}

ValueId ResNet::basic(const Cell& at, ValueId x, std::int64_t in, std::int64_t out, std::int64_t stride) {
  const Cell relu = at.in("relu", "ReLU");
  ValueId y = convolve(at.in("conv1", "Conv2d"), x, in, out, 3, stride);
  y = net_.relu(relu, net_.batch_norm2d(at.in("bn1d", "BatchNorm2d"), y, out, kEpsilon));
  y = convolve(at.in("conv2", "Conv2d"), y, out, out, 3);
  y = net_.batch_norm2d(at.in("bn2d", "BatchNorm2d"), y, out, kEpsilon);
  return net_.relu(relu, net_.node("Add", at, {y, shortcut(at, x, in, out, stride)}));
}

Result<Graph> ResNet::make() && {
  const Cell root;
  ValueId x = stem(root);
  std::int64_t in = 64;
  for (std::size_t stage = 0; stage < variant_.blocks.size(); ++stage) {
    const Cell layer = root.in("layer" + std::to_string(stage + 1), "SequentialCell");
    const std::int64_t out = (std::int64_t{64} << stage) * (variant_.bottleneck ? 4 : 1);
    for (int i = 0; i < variant_.blocks[stage]; ++i) {
      const std::int64_t stride = i == 0 && stage > 0 ? 2 : 1;
      const std::string index = std::to_string(i);
      x = variant_.bottleneck ? bottleneck(layer.in(index, "ResidualBlock"), x, in, out, stride)
                              : basic(layer.in(index, "ResidualBlockBase"), x, in, out, stride);
      in = out;
    }
  }
  x = net_.node("ReduceMean", root, {x}, {{"axis", Ints{2, 3}}, {"keep_dims", true}});
  x = net_.node("Flatten", root.in("flatten", "Flatten"), {x});
  x = net_.dense(root.in("end_point", "Dense"), x, in, net_.classes("end_point.weight", 1001));
  return std::move(net_).finish(x);
}

constexpr Variant k18{{2, 2, 2, 2}, false};
constexpr Variant k34{{3, 4, 6, 3}, false};
constexpr Variant k50{{3, 4, 6, 3}, true};
constexpr Variant k101{{3, 4, 23, 3}, true};
constexpr Variant k152{{3, 8, 36, 3}, true};

}  // namespace

Result<Graph> make_resnet18(Net net) { return ResNet(std::move(net), k18).make(); }
Result<Graph> make_resnet34(Net net) { return ResNet(std::move(net), k34).make(); }
Result<Graph> make_resnet50(Net net) { return ResNet(std::move(net), k50).make(); }
Result<Graph> make_resnet101(Net net) { return ResNet(std::move(net), k101).make(); }
Result<Graph> make_resnet152(Net net) { return ResNet(std::move(net), k152).make(); }

}  // namespace ckpt::graph
