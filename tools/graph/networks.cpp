#include "networks.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bind.h"
#include "ckpt/group.h"
#include "ckpt/text.h"
#include "networks/build.h"
#include "usage.h"

namespace ckpt::graph {
namespace {

using tools::usage;

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

Error unknown(std::string_view name) {
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

/// What may stand before the names of all weights: nothing, or the cells that all are in ("network.", as behind a cell
/// with the loss).
std::vector<std::string> prefixes_of(const Checkpoint* file) {
  std::vector<std::string> prefixes{""};
  if (!file) return prefixes;
  const auto groups = classify(file->tensors());
  std::optional<std::string_view> common;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] != Group::weights) continue;
    const std::string_view name = file->tensors()[i].name;
    const auto same = common ? std::ranges::mismatch(*common, name).in1 - common->begin() : std::ssize(name);
    common = name.substr(0, static_cast<std::size_t>(same));
  }
  for (std::size_t at = 0; common && at < common->size() && prefixes.size() < 8; ++at)
    if ((*common)[at] == '.') prefixes.emplace_back(common->substr(0, at + 1));
  return prefixes;
}

/// How a checkpoint fits a network whose parameters have the prefix.
struct Fit {
  std::string_view network;
  Binding binding = {};

  std::size_t found() const {
    return binding.bound + static_cast<std::size_t>(std::ranges::count(binding.unfit, true, &Unbound::other_type));
  }
  std::size_t not_found() const { return binding.bound + binding.unfit.size() + binding.missing.size() - found(); }
  std::size_t differences() const { return binding.unfit.size() + binding.missing.size() + binding.left_over.size(); }
};

Fit fit(const Entry& entry, Graph graph, const std::string& prefix, const std::shared_ptr<const Checkpoint>& file) {
  for (Value& value : graph.values)
    if (value.kind == ValueKind::parameter) value.name.insert(0, prefix);
  return {.network = entry.network.name, .binding = bind(graph, file, {.exact = true})};
}

/// The first thing by which they differ, and how many more there are.
std::string first_difference(const Fit& fit) {
  const Binding& binding = fit.binding;
  std::string text;
  if (!binding.unfit.empty() || !binding.missing.empty()) {
    const Unbound& first = binding.unfit.empty() ? binding.missing[0] : binding.unfit[0];
    text = '"' + escape(first.parameter) + "\": " + escape(first.reason);
  } else {
    text = '"' + escape(binding.left_over[0]) + "\" is not in the network";
  }
  if (fit.differences() > 1) text += ", and " + std::to_string(fit.differences() - 1) + " more";
  return text;
}

}  // namespace

std::span<const Network> networks() { return kPublic; }

Result<Graph> make_network(std::string_view name, const NetworkOptions& options, const Checkpoint* file) {
  const auto at = std::ranges::find(kNetworks, name, [](const Entry& entry) { return entry.network.name; });
  if (at == kNetworks.end()) return unknown(name);
  for (const std::string& prefix : prefixes_of(file)) {
    auto graph = at->make(Net(name, options, file, prefix));
    const bool its = graph && file && std::ranges::any_of(graph->values, [&](const Value& value) {
                       return value.kind == ValueKind::parameter && file->find(prefix + value.name);
                     });
    if (its) return graph;
  }
  return at->make(Net(name, options, file));
}

Result<std::string_view> match_network(const Checkpoint& file, const NetworkOptions& options) {
  const std::shared_ptr<const Checkpoint> borrowed(std::shared_ptr<const Checkpoint>(), &file);
  NetworkOptions weights = options;
  weights.input.clear();  // of which no weight's shape is
  std::optional<Fit> nearest;
  for (const Entry& entry : kNetworks) {
    for (const std::string& prefix : prefixes_of(&file)) {
      auto graph = entry.make(Net(entry.network.name, weights, &file, prefix));
      if (!graph) continue;
      Fit found = fit(entry, std::move(*graph), prefix, borrowed);
      if (found.differences() == 0) return entry.network.name;
      const bool near = found.found() > 2 * found.not_found() + found.binding.left_over.size();
      if (near && (!nearest || found.found() > nearest->found())) nearest = std::move(found);
    }
  }
  std::string message = "its names and shapes fit none of the built-in networks";
  if (nearest) message.append("; the nearest is ").append(nearest->network).append(": ") += first_difference(*nearest);
  if (!options.heads && file.find("layers.0.self_attn.in_proj_weight")) {
    message += "; for a Transformer encoder the number of heads must be given";
  }
  return usage(std::move(message));
}

}  // namespace ckpt::graph
