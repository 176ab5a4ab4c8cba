#include "networks.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "bind.h"
#include "ckpt/text.h"
#include "networks/build.h"

namespace ckpt::graph {
namespace {

struct Entry {
  Network network;
  Result<Graph> (*make)(Net net);
};

// Sorted by name.
constexpr std::array kNetworks{
    Entry{{"alexnet", "AlexNet of the model zoo, both definitions (images 227 x 227, normalised)"}, make_alexnet},
    Entry{{"lenet5", "LeNet-5 of the model zoo (images 32 x 32)"}, make_lenet5},
    Entry{{"mlp", "Dense layers with ReLU between, as in MindSpore's Quick start (dense_relu_sequential)"}, make_mlp},
    Entry{{"mobilenetv2", "MobileNetV2 of the model zoo, any width multiplier"}, make_mobilenetv2},
    Entry{{"resnet101", "ResNet-101 of the model zoo"}, make_resnet101},
    Entry{{"resnet152", "ResNet-152 of the model zoo"}, make_resnet152},
    Entry{{"resnet18", "ResNet-18 of the model zoo"}, make_resnet18},
    Entry{{"resnet34", "ResNet-34 of the model zoo"}, make_resnet34},
    Entry{{"resnet50", "ResNet-50 of the model zoo"}, make_resnet50},
    Entry{{"transformer_encoder", "nn.TransformerEncoder with its defaults; heads must be given"},
          make_transformer_encoder},
    Entry{{"vgg16", "VGG-16 of the model zoo, with or without batch normalisation and biases"}, make_vgg16},
};

constexpr auto kPublic = [] {
  std::array<Network, kNetworks.size()> list{};
  std::ranges::transform(kNetworks, list.begin(), &Entry::network);
  return list;
}();

Error usage(std::string message) { return Error{.code = Errc::usage, .message = std::move(message)}; }

// Every parameter there with its shape, and nothing that the network does not know.
bool fits(Graph graph, const std::shared_ptr<const Checkpoint>& file) {
  const Binding binding = graph::bind(graph, file);
  return binding.complete() && binding.left_over.empty();
}

}  // namespace

std::span<const Network> networks() { return kPublic; }

Result<Graph> make_network(std::string_view name, const NetworkOptions& options, const Checkpoint* file) {
  const auto at = std::ranges::find(kNetworks, name, [](const Entry& entry) { return entry.network.name; });
  if (at != kNetworks.end()) return at->make(Net(name, options, file));
  std::vector<std::string_view> names;
  for (const Network& network : kPublic) names.push_back(network.name);
  std::string message = "no built-in network is called \"" + escape(name) + '"';
  if (const std::string_view near = nearest_name(name, names); !near.empty()) {
    message.append("; did you mean ").append(near).append("?");
  } else {
    for (const std::string_view known : names)
      message.append(known == names.front() ? "; there are " : ", ").append(known);
  }
  return usage(std::move(message));
}

Result<std::string_view> match_network(const Checkpoint& file, const NetworkOptions& options) {
  const std::shared_ptr<const Checkpoint> borrowed(std::shared_ptr<const Checkpoint>(), &file);
  for (const Entry& entry : kNetworks) {
    auto graph = entry.make(Net(entry.network.name, options, &file));
    if (graph && fits(std::move(*graph), borrowed)) return entry.network.name;
  }
  std::string message = "its names and shapes fit none of the built-in networks";
  if (!options.heads && file.find("layers.0.self_attn.in_proj_weight")) {
    message += "; for a Transformer encoder the number of heads must be given";
  }
  return usage(std::move(message));
}

}  // namespace ckpt::graph
