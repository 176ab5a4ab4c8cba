#include "names.h"

#include <algorithm>
#include <array>
#include <unordered_map>

namespace ckpt::containers {
namespace {

struct Pair {
  std::string_view mindspore;
  std::string_view pytorch;
};

// The parameters of BatchNorm, LayerNorm, GroupNorm, InstanceNorm.
constexpr std::array kNorm = {Pair{"gamma", "weight"}, Pair{"beta", "bias"}, Pair{"moving_mean", "running_mean"},
                              Pair{"moving_variance", "running_var"}};
constexpr std::string_view kTable = "embedding_table";
constexpr std::string_view kWeight = "weight";

/// A parameter's name, cut at its last dot: the layer it belongs to, and what it is there.
struct Split {
  std::string_view layer;  // with the dot
  std::string_view leaf;
};

Split split(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == name.npos ? Split{{}, name} : Split{name.substr(0, dot + 1), name.substr(dot + 1)};
}

class Layers {
 public:
  explicit Layers(std::span<const TensorInfo> tensors) {
    for (const TensorInfo& tensor : tensors) by_name_[tensor.name] = &tensor;
  }

  const TensorInfo* find(std::string_view layer, std::string_view leaf) const {
    std::string name(layer);
    const auto found = by_name_.find(name.append(leaf));
    return found == by_name_.end() ? nullptr : found->second;
  }

  /// Of one dim each, and alike.
  bool are_alike(std::string_view layer, std::string_view a, std::string_view b) const {
    const TensorInfo* first = find(layer, a);
    const TensorInfo* second = find(layer, b);
    return first != nullptr && second != nullptr && !first->dims.empty() && first->dims == second->dims;
  }

  bool is_mindspore_norm(std::string_view layer) const {
    return are_alike(layer, "gamma", "beta") || are_alike(layer, "moving_mean", "moving_variance");
  }

  // Weights of other layers have two dims at least; a layer norm over several dims has a bias of the same dims, where a
  // dense layer's has one.
  bool is_pytorch_norm(std::string_view layer) const {
    return are_alike(layer, "weight", "bias") || are_alike(layer, "running_mean", "running_var");
  }

  // A table and a dense layer without a bias look alike in PyTorch. Only the layer's own name tells.
  bool is_pytorch_embedding(std::string_view layer) const {
    const TensorInfo* weight = find(layer, kWeight);
    if (weight == nullptr || weight->dims.size() != 2 || find(layer, "bias") != nullptr) return false;
    std::string_view path = layer.substr(0, layer.empty() ? 0 : layer.size() - 1);
    std::string own(split(path).leaf);
    std::transform(own.begin(), own.end(), own.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return own.find("embed") != own.npos || own == "emb" || own == "wte" || own == "wpe";
  }

 private:
  std::unordered_map<std::string, const TensorInfo*> by_name_ = {};
};

std::string_view leaf_in_pytorch(const Layers& layers, const Split& name) {
  if (name.leaf == kTable) return kWeight;
  for (const Pair& pair : kNorm)
    if (name.leaf == pair.mindspore && layers.is_mindspore_norm(name.layer)) return pair.pytorch;
  return name.leaf;
}

std::string_view leaf_in_mindspore(const Layers& layers, const Split& name) {
  for (const Pair& pair : kNorm)
    if (name.leaf == pair.pytorch && layers.is_pytorch_norm(name.layer)) return pair.mindspore;
  return name.leaf == kWeight && layers.is_pytorch_embedding(name.layer) ? kTable : name.leaf;
}

}  // namespace

std::optional<NameStyle> name_style_from_text(std::string_view text) noexcept {
  if (text == "mindspore") return NameStyle::mindspore;
  if (text == "pytorch") return NameStyle::pytorch;
  return std::nullopt;
}

std::vector<std::string> renamed(std::span<const TensorInfo> tensors, NameStyle to) {
  const Layers layers(tensors);
  std::vector<std::string> names;
  names.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors) {
    const Split name = split(tensor.name);
    std::string& out = names.emplace_back(name.layer);
    out += to == NameStyle::pytorch ? leaf_in_pytorch(layers, name) : leaf_in_mindspore(layers, name);
  }
  return names;
}

}  // namespace ckpt::containers
