#include "onnx_refresh.h"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ckpt/group.h"
#include "ckpt/source.h"
#include "containers.h"
#include "onnx_model.h"
#include "strip_payloads.h"

namespace ckpt::graph {
namespace {

constexpr StripLimits kLimits{.max_bytes = std::uint64_t{512} << 20, .max_messages = std::uint64_t{1} << 22};

// Of the initialisers of the main graph, only raw_data is a payload; values in typed fields are read as containers do.
constexpr std::array kTensorFields = {FieldRule{9, FieldRule::Is::payload, nullptr}};
constexpr MessageRule kTensor{kTensorFields};
constexpr std::array kGraphFields = {FieldRule{5, FieldRule::Is::message, &kTensor}};
constexpr MessageRule kGraph{kGraphFields};
constexpr std::array kModelFields = {FieldRule{7, FieldRule::Is::message, &kGraph}};
constexpr MessageRule kModel{kModelFields};

// Of a model without its graph, what it says of itself is left.
constexpr std::array kHeadFields = {FieldRule{7, FieldRule::Is::left_out, nullptr}};
constexpr MessageRule kHead{kHeadFields};

/// A graph that has nothing but parameters: bind() gives them values.
Graph parameters_of(const Checkpoint& model) {
  Graph graph;
  for (const TensorInfo& tensor : model.tensors())
    if (tensor.kind == Kind::tensor && tensor.fits())
      graph.add_parameter(tensor.name, {.dtype = tensor.dtype, .dims = Dims(tensor.dims.begin(), tensor.dims.end())});
  return graph;
}

/// Cells that stand before the names of all weights on one side, as where a network is bound.
Prefix prefix_of(const Checkpoint& model, const Checkpoint& weights) {
  const auto groups = classify(weights.tensors());
  std::vector<std::string_view> wanted, there;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::string& name = weights.tensors()[i].name;
    if (groups[i] != Group::weights) continue;
    if (model.find(name) != nullptr) return {};
    wanted.push_back(name);
  }
  for (const TensorInfo& tensor : model.tensors()) there.push_back(tensor.name);
  Prefix found = prefix_between(wanted, there).value_or(Prefix());
  std::swap(found.wanted, found.there);  // the network is what wants weights
  return found;
}

/// Values by the checkpoint's names, and back by the model's.
Binding bind_behind(const Prefix& prefix, Graph& values, const std::shared_ptr<const Checkpoint>& weights) {
  std::vector<std::string> names;
  for (Value& value : values.values) {
    names.push_back(value.name);
    if (value.name.starts_with(prefix.wanted)) value.name.replace(0, prefix.wanted.size(), prefix.there);
  }
  Binding binding = bind(values, weights, {.exact = true});
  binding.prefix = prefix;
  for (std::size_t i = 0; i < names.size(); ++i) values.values[i].name = std::move(names[i]);
  return binding;
}

/// Takes the initialisers out of the graph, each with what the values are now.
Status take_initializers(const Graph& values, OnnxModel& model) {
  std::map<std::string_view, const Value*> by_name;
  for (const Value& value : values.values) by_name.emplace(value.name, &value);
  onnx::GraphProto old;
  old.mutable_initializer()->Swap(model.graph.mutable_initializer());
  for (const onnx::TensorProto& tensor : old.initializer()) {
    const auto found = by_name.find(tensor.name());
    if (found == by_name.end())
      return Error{.code = Errc::unsupported,
                   .tensor = tensor.name(),
                   .message = "an initialiser of a type whose values are not understood"};
    OnnxTensor out{.contents = found->second->contents, .size = found->second->contents.size};
    out.head.set_name(tensor.name());
    out.head.set_data_type(tensor.data_type());
    *out.head.mutable_dims() = tensor.dims();
    if (tensor.has_doc_string()) out.head.set_doc_string(tensor.doc_string());
    model.initializers.push_back(std::move(out));
  }
  return {};
}

}  // namespace

struct OnnxRefresh::Impl {
  OnnxModel model = {};
};

OnnxRefresh::OnnxRefresh(std::unique_ptr<Impl> impl, Binding binding)
    : impl_(std::move(impl)), binding_(std::move(binding)) {}
OnnxRefresh::OnnxRefresh(OnnxRefresh&&) noexcept = default;
OnnxRefresh& OnnxRefresh::operator=(OnnxRefresh&&) noexcept = default;
OnnxRefresh::~OnnxRefresh() = default;

Result<OnnxRefresh> OnnxRefresh::read(const std::filesystem::path& model,
                                      const std::shared_ptr<const Checkpoint>& weights) {
  auto source = open_file(model);
  if (!source) return source.error();
  auto read = containers::read_onnx(*source, model);
  if (!read) return read.error();
  const auto old = std::make_shared<const Checkpoint>(std::move(*read));
  const auto stripped = strip_payloads(*source, kModel, kLimits);
  if (!stripped) return stripped.error();

  auto impl = std::make_unique<Impl>();
  onnx::ModelProto& all = impl->model.model;
  if (!all.ParseFromString(stripped->message)) return Error{.code = Errc::malformed, .message = "is no ONNX model"};
  impl->model.graph.Swap(all.mutable_graph());
  all.clear_graph();

  Graph values = parameters_of(*old);
  bind(values, old, {.exact = true});
  Binding binding = bind_behind(prefix_of(*old, *weights), values, weights);
  if (binding.bound == 0 && binding.unfit.empty())
    return Error{.code = Errc::mismatch, .message = "has no initialiser that is called as a weight of the checkpoint"};
  // What the model has besides (shapes, constants) stays; what the checkpoint has besides has no place in it.
  binding.missing.clear();
  for (std::string& name : binding.left_over)
    binding.missing.push_back({.parameter = std::move(name), .reason = "not in the model"});
  binding.left_over.clear();
  if (auto status = take_initializers(values, impl->model); !status) return status.error();
  return OnnxRefresh(std::move(impl), std::move(binding));
}

Status OnnxRefresh::write(const std::filesystem::path& path, const OnnxOptions& options) const {
  OnnxModel model = impl_->model;
  auto* const props = model.model.mutable_metadata_props();
  const auto drop = [&](std::string_view key) {
    for (int i = props->size(); i-- > 0;)
      if (props->Get(i).key() == key) props->DeleteSubrange(i, 1);
  };
  drop(kDigestKey);  // of the weights that it had
  for (const auto& [key, value] : options.metadata) {
    drop(key);
    auto& entry = *props->Add();
    entry.set_key(key);
    entry.set_value(value);
  }
  return write_model(path, std::move(model), options);
}

Result<std::string> recorded_digest(const std::filesystem::path& model) {
  const auto source = open_file(model);
  if (!source) return source.error();
  const auto stripped = strip_payloads(*source, kHead, kLimits);
  if (!stripped) return stripped.error();
  onnx::ModelProto head;
  if (!head.ParseFromString(stripped->message)) return Error{.code = Errc::malformed, .message = "is no ONNX model"};
  for (const onnx::StringStringEntryProto& entry : head.metadata_props())
    if (entry.key() == kDigestKey) return entry.value();
  return std::string();
}

}  // namespace ckpt::graph
