#include "bind.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include "ckpt/group.h"
#include "words.h"

namespace ckpt::graph {
namespace {

// Whether a byte is of a word: what a name of the checkpoint begins behind is not (the dots between cells, the
// compiler's signs, which are not ASCII).
bool of_a_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool same_shape(const Dims& wanted, const std::vector<std::int64_t>& dims) {
  return std::ranges::equal(wanted, dims,
                            [](const Dim& want, std::int64_t dim) { return !want.known() || want.size == dim; });
}

std::string why_unfit(const Type& wanted, const TensorInfo& tensor) {
  if (tensor.kind != Kind::tensor) return "is a " + std::string(name(tensor.kind)) + " in the checkpoint";
  const Type found{.dtype = tensor.dtype, .dims = Dims(tensor.dims.begin(), tensor.dims.end())};
  if ((wanted.dtype != DType::unknown && wanted.dtype != found.dtype) || !same_shape(wanted.dims, tensor.dims)) {
    return to_string(found) + " in the checkpoint, " + to_string(wanted) + " in the graph";
  }
  return tensor.fits() ? "" : "its size in the checkpoint is not what its shape asks for";
}

Contents contents_of(const std::shared_ptr<const Checkpoint>& file, const TensorInfo& tensor) {
  Contents contents{.size = tensor.byte_size};
  if (tensor.encoding != Encoding::raw) {
    contents.make = [file, &tensor]() -> Result<std::vector<std::byte>> {
      std::vector<std::byte> bytes(tensor.byte_size);
      if (auto status = file->read(tensor, 0, bytes); !status) return status.error();
      return bytes;
    };
    return contents;
  }
  for (const Extent& extent : tensor.extents) {
    contents.runs.push_back(
        {.source = SourcePtr(file, &file->source(extent.source)), .offset = extent.offset, .size = extent.size});
  }
  return contents;
}

class Binder {
 public:
  Binder(Graph& graph, const std::shared_ptr<const Checkpoint>& file) : graph_(graph), file_(file) {
    const auto tensors = file->tensors();
    groups_ = classify(tensors);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (groups_[i] == Group::weights) weights_.push_back(tensors[i].name);
    }
  }

  Binding run();

 private:
  const TensorInfo* undecorated(const Value& value) const;
  void bind_to(Value& value, const TensorInfo& tensor);
  void miss(const Value& value, std::string reason, std::vector<Unbound>& list) const;

  Graph& graph_;
  const std::shared_ptr<const Checkpoint>& file_;
  std::vector<Group> groups_ = {};
  std::vector<std::string_view> weights_ = {};
  std::unordered_set<std::string_view> taken_ = {};
  Binding binding_ = {};
};

void Binder::bind_to(Value& value, const TensorInfo& tensor) {
  taken_.insert(tensor.name);
  if (std::string reason = why_unfit(value.type, tensor); !reason.empty()) {
    binding_.unfit.push_back({.parameter = value.name, .reason = std::move(reason)});
    return;
  }
  value.type = Type{.dtype = tensor.dtype, .dims = Dims(tensor.dims.begin(), tensor.dims.end())};
  value.contents = contents_of(file_, tensor);
  value.bound = true;
  ++binding_.bound;
}

// The longest name that the value's ends in.
const TensorInfo* Binder::undecorated(const Value& value) const {
  const std::string_view name = value.name;
  for (std::size_t at = 1; at < name.size(); ++at) {
    if (!of_a_word(name[at]) || of_a_word(name[at - 1])) continue;
    const TensorInfo* tensor = file_->find(name.substr(at));
    if (tensor && !taken_.contains(tensor->name) && why_unfit(value.type, *tensor).empty()) return tensor;
  }
  return nullptr;
}

Binding Binder::run() {
  std::vector<Value*> rest;
  for (Value& value : graph_.values) {
    if (value.kind != ValueKind::parameter) continue;
    if (const TensorInfo* tensor = file_->find(value.name)) {
      bind_to(value, *tensor);
    } else {
      rest.push_back(&value);
    }
  }
  for (Value* value : rest) {
    if (const TensorInfo* tensor = undecorated(*value)) {
      bind_to(*value, *tensor);
    } else {
      binding_.missing.push_back({.parameter = value->name, .reason = "not in the checkpoint"});
    }
  }
  std::vector<std::string_view> free;  // names
  std::unordered_set<std::string_view> seen;
  for (const std::string_view name : weights_) {
    if (taken_.contains(name) || !seen.insert(name).second) continue;
    free.push_back(name);
    binding_.left_over.emplace_back(name);
  }
  constexpr std::size_t kSuggestions = 100;  // comparing everything with everything would take its time
  if (free.size() > 10'000) free.clear();
  for (std::size_t i = 0; i < std::min(kSuggestions, binding_.missing.size()); ++i) {
    binding_.missing[i].nearest = nearest_name(binding_.missing[i].parameter, free);
  }
  return std::move(binding_);
}

}  // namespace

std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& names) {
  constexpr std::size_t kMaxName = 256;  // beyond, a typing error is not the likely reason
  if (name.size() < 2 || name.size() > kMaxName) return {};
  std::size_t most = std::clamp<std::size_t>(name.size() / 3, 1, 6);
  std::string_view best;
  for (const std::string_view candidate : names) {
    const std::size_t distance = tools::edit_distance(name, candidate, most);
    if (distance > most) continue;
    best = candidate;
    if (distance == 0) break;
    most = distance - 1;  // only a nearer one replaces it
  }
  return best;
}

Binding bind(Graph& graph, const std::shared_ptr<const Checkpoint>& file) { return Binder(graph, file).run(); }

void unbound_to_inputs(Graph& graph) {
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    Value& value = graph.values[id];
    if (value.kind != ValueKind::parameter || value.bound) continue;
    value.kind = ValueKind::input;
    graph.inputs.push_back(static_cast<ValueId>(id));
  }
}

}  // namespace ckpt::graph
