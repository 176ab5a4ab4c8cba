#include "fold_batch_norm.h"

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ckpt/element.h"
#include "op.h"

namespace ckpt::graph {
namespace {

// Of a BatchNorm's inputs.
enum : std::size_t { kData, kScale, kBias, kMean, kVariance, kInputs };

constexpr std::uint64_t kMaxWeight = std::uint64_t{1} << 31;

using Make = std::function<Result<std::vector<std::byte>>()>;

Contents made(std::uint64_t size, Make make) { return {.make = std::move(make), .size = size}; }

Result<std::vector<float>> floats_of(const Contents& contents) {
  const auto bytes = bytes_of(contents, kMaxWeight);
  if (!bytes) return bytes.error();
  std::vector<float> values(bytes->size() / sizeof(float));
  std::memcpy(values.data(), bytes->data(), values.size() * sizeof(float));
  return values;
}

std::vector<std::byte> bytes_from(const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

/// What a BatchNorm does to a channel: y = factor x + offset.
struct Norm {
  Contents scale = {}, bias = {}, mean = {}, variance = {};
  double epsilon = 0;

  Result<std::vector<double>> factors() const {
    const auto s = floats_of(scale);
    if (!s) return s.error();
    const auto v = floats_of(variance);
    if (!v) return v.error();
    std::vector<double> out(s->size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = double{(*s)[i]} / std::sqrt(double{(*v)[i]} + epsilon);
    return out;
  }
};

/// Which of a layer's weights make a channel: rows of it each, one behind the other; of a transposed convolution the
/// columns, those of each group in the rows that are the group's.
struct Channels {
  std::size_t columns = 1;   ///< of a row, one a channel; 1 where rows are channels
  std::size_t rows = 1;      ///< of a group
  std::size_t elements = 1;  ///< of a row in a column

  std::size_t of(std::size_t element) const {
    const std::size_t row = element / (columns * elements);
    return row / rows * columns + element / elements % columns;
  }
};

Contents scaled(const Contents& weight, const Channels& channels, const Norm& norm) {
  return made(weight.size, [weight, channels, norm]() -> Result<std::vector<std::byte>> {
    const auto factors = norm.factors();
    if (!factors) return factors.error();
    auto values = floats_of(weight);
    if (!values) return values.error();
    for (std::size_t i = 0; i < values->size(); ++i)
      (*values)[i] = static_cast<float>(double{(*values)[i]} * (*factors)[channels.of(i)]);
    return bytes_from(*values);
  });
}

/// The bias behind the layer, whose own is `layer_bias` if it has one.
Contents shifted_bias(const std::optional<Contents>& layer_bias, const Norm& norm) {
  return made(norm.bias.size, [layer_bias, norm]() -> Result<std::vector<std::byte>> {
    const auto factors = norm.factors();
    if (!factors) return factors.error();
    auto values = floats_of(norm.bias);
    if (!values) return values.error();
    const auto mean = floats_of(norm.mean);
    if (!mean) return mean.error();
    std::vector<float> own(values->size(), 0.0F);
    if (layer_bias) {
      auto given = floats_of(*layer_bias);
      if (!given) return given.error();
      own = std::move(*given);
    }
    for (std::size_t i = 0; i < values->size(); ++i)
      (*values)[i] = static_cast<float>(double{(*values)[i]} + (double{own[i]} - double{(*mean)[i]}) * (*factors)[i]);
    return bytes_from(*values);
  });
}

bool is_convolution(const Node& node) { return node.op == "Conv2D" || node.op == "Conv3D"; }

class Folder {
 public:
  explicit Folder(Graph& graph) : graph_(graph), uses_(graph.values.size()) {
    for (const Node& node : graph.nodes)
      for (const ValueId id : node.inputs)
        if (id != kAbsent) ++uses_[id];
    for (const ValueId id : graph.outputs) ++uses_[id];
  }

  // The BiasAdd becomes the convolution, so that its result keeps name and place.
  bool fold_bias(Node& node) {
    if (node.op != "BiasAdd" || node.inputs.size() != 2) return false;
    const Node* const layer = producer(node.inputs[0]);
    if (layer == nullptr || !is_convolution(*layer) || layer->inputs.size() != 2) return false;
    if (!graph_.value(node.inputs[1]).bound || graph_.value(node.inputs[1]).type.dims.size() != 1) return false;
    node.op = layer->op;
    node.attrs = layer->attrs;
    node.inputs = {layer->inputs[0], layer->inputs[1], node.inputs[1]};
    return true;
  }

  bool fold_norm(Node& norm) {
    if (norm.op != "BatchNorm" || norm.inputs.size() < kInputs || !is_inference(norm)) return false;
    for (std::size_t i = 1; i < norm.outputs.size(); ++i)
      if (uses_[norm.outputs[i]] > 0) return false;
    const Dims scale = graph_.value(norm.inputs[kScale]).type.dims;
    const std::int64_t count = scale.size() == 1 ? scale[0].size : -1;
    if (count <= 0) return false;
    Node* layer = producer(norm.inputs[kData]);
    Node* const reshape = layer != nullptr && to_image(*layer, count) ? layer : nullptr;
    if (reshape != nullptr) layer = producer(reshape->inputs[0]);
    std::optional<ValueId> layer_bias;
    if (layer != nullptr && layer->op == "BiasAdd" && layer->inputs.size() == 2) {
      layer_bias = layer->inputs[1];
      layer = producer(layer->inputs[0]);
    }
    if (layer == nullptr || (reshape != nullptr && layer->op != "MatMul")) return false;
    const auto channels = channels_of(*layer, count);
    if (!channels) return false;
    for (std::size_t i = kScale; i < kInputs; ++i)
      if (!is_vector(norm.inputs[i], count)) return false;
    if (layer_bias && !is_vector(*layer_bias, count)) return false;
    scale_weight(norm, *layer, *channels, layer_bias);
    if (reshape != nullptr) reshape->inputs[0] = layer->outputs[0];
    norm.inputs[0] = reshape != nullptr ? reshape->outputs[0] : layer->outputs[0];
    return true;
  }

 private:
  static bool is_inference(const Node& norm) {
    const auto at = norm.attrs.find("is_training");
    return at == norm.attrs.end() || at->second == Attr(false);
  }

  /// The node that makes a value which nobody else reads; else null.
  Node* producer(ValueId id) {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::result && uses_[id] == 1 ? &graph_.nodes[value.producer] : nullptr;
  }

  /// BatchNorm of a dense layer is that of images of one pixel, which a Reshape makes of its rows.
  static bool to_image(const Node& node, std::int64_t channels) {
    const auto at = node.attrs.find("shape");
    if (node.op != "Reshape" || node.inputs.size() != 1 || at == node.attrs.end()) return false;
    const Ints* const shape = std::get_if<Ints>(&at->second);
    return shape != nullptr && shape->size() == 4 && (*shape)[1] == channels && (*shape)[2] == 1 && (*shape)[3] == 1;
  }

  /// Where in the layer's weights its channels are; empty if it is none that is folded.
  std::optional<Channels> channels_of(const Node& layer, std::int64_t channels) const {
    if (layer.inputs.size() != 2 || !is_weight(layer.inputs[1])) return std::nullopt;
    const Type& type = graph_.value(layer.inputs[1]).type;
    const auto elements = element_count(type);
    if (!elements || *elements == 0) return std::nullopt;
    const auto is = [&](const char* attr, const Attr& wanted) {
      const auto at = layer.attrs.find(attr);
      return at != layer.attrs.end() && at->second == wanted;
    };
    const bool dense = layer.op == "MatMul" && is("transpose_a", false) && is("transpose_b", true);
    if (is_convolution(layer) || dense) {
      if (type.dims[0].size != channels) return std::nullopt;
      return Channels{.elements = static_cast<std::size_t>(*elements) / static_cast<std::size_t>(channels)};
    }
    const auto at = layer.attrs.find("group");
    const auto* const groups = at == layer.attrs.end() ? nullptr : std::get_if<std::int64_t>(&at->second);
    if (layer.op != "Conv2DTranspose" || groups == nullptr || type.dims.size() != 4) return std::nullopt;
    const std::int64_t rows = type.dims[0].size;
    const std::int64_t columns = type.dims[1].size;
    if (*groups <= 0 || rows % *groups != 0 || channels % *groups != 0 || channels / *groups != columns)
      return std::nullopt;
    return Channels{.columns = static_cast<std::size_t>(columns),
                    .rows = static_cast<std::size_t>(rows / *groups),
                    .elements = static_cast<std::size_t>(*elements) / static_cast<std::size_t>(rows * columns)};
  }

  bool is_weight(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.bound && uses_[id] == 1 && value.type.dtype == DType::float32;
  }
  bool is_vector(ValueId id, std::int64_t size) const {
    return id != kAbsent && is_weight(id) && graph_.value(id).type.dims == Dims{Dim(size)};
  }

  /// Makes of the norm the bias behind the layer, and scales the layer's weights.
  void scale_weight(Node& node, const Node& layer, const Channels& channels, std::optional<ValueId> layer_bias) {
    const auto contents = [&](std::size_t i) { return graph_.value(node.inputs[i]).contents; };
    const auto at = node.attrs.find("epsilon");
    const double* const epsilon = at == node.attrs.end() ? nullptr : std::get_if<double>(&at->second);
    const Norm norm{.scale = contents(kScale),
                    .bias = contents(kBias),
                    .mean = contents(kMean),
                    .variance = contents(kVariance),
                    .epsilon = epsilon != nullptr ? *epsilon : 1e-5};
    std::optional<Contents> own_bias;
    if (layer_bias) own_bias = graph_.value(*layer_bias).contents;
    const ValueId bias = layer_bias.value_or(node.inputs[kBias]);
    Contents& weight = graph_.value(layer.inputs[1]).contents;
    weight = scaled(weight, channels, norm);
    graph_.value(bias).contents = shifted_bias(own_bias, norm);
    node.op = "BiasAdd";
    node.inputs = {node.inputs[kData], bias};
    node.attrs = {};
    node.outputs.resize(1);
    (void)canonicalise(node);  // which fills in the layout
  }

  Graph& graph_;
  std::vector<std::size_t> uses_;  // by ValueId
};

}  // namespace

std::size_t fold_batch_norms(Graph& graph) {
  Folder folder(graph);
  std::size_t folded = 0;
  for (Node& node : graph.nodes) folded += folder.fold_norm(node) ? 1 : 0;
  if (folded > 0) drop_unused(graph);
  return folded;
}

std::size_t fold_biases(Graph& graph) {
  Folder folder(graph);
  std::size_t folded = 0;
  for (Node& node : graph.nodes) folded += folder.fold_bias(node) ? 1 : 0;
  if (folded > 0) drop_unused(graph);
  return folded;
}

}  // namespace ckpt::graph
