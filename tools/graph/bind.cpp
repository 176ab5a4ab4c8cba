#include "bind.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include "ckpt/group.h"
#include "ckpt/text.h"

namespace ckpt::graph {
namespace {

// MindSpore's passes put signs before the names of what they copy, none of which is ASCII.
std::string_view without_signs(std::string_view name) {
  const auto first = std::ranges::find_if(name, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return name.substr(static_cast<std::size_t>(first - name.begin()));
}

// Cells end in a dot. Behind it is the name that others know.
bool ends_in_cells(std::string_view prefix) { return prefix.ends_with('.'); }

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
  Binder(Graph& graph, const std::shared_ptr<const Checkpoint>& file, const BindOptions& options)
      : graph_(graph), file_(file), options_(options) {
    const auto tensors = file->tensors();
    const auto groups = classify(tensors);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (groups[i] == Group::weights) weights_.push_back(tensors[i].name);
    }
  }

  Binding run();

 private:
  void bind_by_name();
  void bind_without_signs();
  void bind_by_prefix();
  void bind_to(Value& value, const TensorInfo& tensor);
  void say_what_is_left();

  Graph& graph_;
  const std::shared_ptr<const Checkpoint>& file_;
  const BindOptions& options_;
  std::vector<std::string_view> weights_ = {};
  std::vector<Value*> rest_ = {};  // parameters that have no tensor yet
  std::unordered_set<std::string_view> taken_ = {};
  Binding binding_ = {};
};

void Binder::bind_to(Value& value, const TensorInfo& tensor) {
  taken_.insert(tensor.name);
  if (std::string reason = why_unfit(value.type, tensor); !reason.empty()) {
    const bool other_type = tensor.kind == Kind::tensor && tensor.dtype != value.type.dtype && tensor.fits() &&
                            same_shape(value.type.dims, tensor.dims);
    binding_.unfit.push_back({.parameter = value.name, .reason = std::move(reason), .other_type = other_type});
    return;
  }
  value.type = Type{.dtype = tensor.dtype, .dims = Dims(tensor.dims.begin(), tensor.dims.end())};
  value.contents = contents_of(file_, tensor);
  value.bound = true;
  ++binding_.bound;
}

void Binder::bind_by_name() {
  for (Value& value : graph_.values) {
    if (value.kind != ValueKind::parameter) continue;
    if (const TensorInfo* tensor = file_->find(value.name)) {
      bind_to(value, *tensor);
    } else {
      rest_.push_back(&value);
    }
  }
}

void Binder::bind_without_signs() {
  std::erase_if(rest_, [&](Value* value) {
    const std::string_view name = without_signs(value->name);
    const TensorInfo* tensor = name.size() < value->name.size() ? file_->find(name) : nullptr;
    if (!tensor || taken_.contains(tensor->name)) return false;
    bind_to(*value, *tensor);
    return true;
  });
}

// All or none: where some names are the checkpoint's, others that are not are not there.
void Binder::bind_by_prefix() {
  if (rest_.empty() || !taken_.empty()) return;
  std::vector<std::string_view> wanted;
  for (const Value* value : rest_) wanted.push_back(value->name);
  auto prefix = prefix_between(wanted, weights_);
  if (!prefix) return;
  for (Value* value : rest_) {
    const std::string name = prefix->there + value->name.substr(prefix->wanted.size());
    bind_to(*value, *file_->find(name));
  }
  rest_.clear();
  binding_.prefix = std::move(*prefix);
}

void Binder::say_what_is_left() {
  for (const Value* value : rest_) {
    binding_.missing.push_back({.parameter = value->name, .reason = "not in the checkpoint"});
  }
  std::vector<std::string_view> free;  // names
  std::unordered_set<std::string_view> seen;
  for (const std::string_view name : weights_) {
    if (taken_.contains(name) || !seen.insert(name).second) continue;
    free.push_back(name);
    binding_.left_over.emplace_back(name);
  }
  if (options_.exact) return;                // another name is none then
  constexpr std::size_t kSuggestions = 100;  // comparing everything with everything would take its time
  if (free.size() > 10'000) free.clear();
  for (std::size_t i = 0; i < std::min(kSuggestions, binding_.missing.size()); ++i) {
    binding_.missing[i].nearest = nearest_name(binding_.missing[i].parameter, free);
  }
}

Binding Binder::run() {
  bind_by_name();
  if (!options_.exact) {
    bind_without_signs();
    bind_by_prefix();
  }
  say_what_is_left();
  return std::move(binding_);
}

/// Prefixes that one of `there` suggests for the first of `wanted`.
std::vector<Prefix> suggestions(std::string_view wanted, const std::vector<std::string_view>& there,
                                const std::unordered_set<std::string_view>& known) {
  constexpr std::size_t kMost = 64;  // of a name like "weight" there are as many as there are weights
  std::vector<Prefix> list;
  for (std::size_t at = 1; at < wanted.size(); ++at) {
    const bool cell = ends_in_cells(wanted.substr(0, at));
    if (cell && known.contains(wanted.substr(at))) list.push_back({.wanted = std::string(wanted.substr(0, at))});
  }
  for (const std::string_view name : there) {
    if (list.size() > kMost) return {};
    if (name.size() <= wanted.size() || !name.ends_with(wanted)) continue;
    const std::string_view before = name.substr(0, name.size() - wanted.size());
    if (ends_in_cells(before)) list.push_back({.there = std::string(before)});
  }
  return list;
}

}  // namespace

std::optional<Prefix> prefix_between(const std::vector<std::string_view>& wanted,
                                     const std::vector<std::string_view>& there) {
  if (wanted.empty()) return std::nullopt;
  const std::unordered_set<std::string_view> known(there.begin(), there.end());
  std::optional<Prefix> found;
  for (Prefix& prefix : suggestions(wanted.front(), there, known)) {
    const bool all = std::ranges::all_of(wanted, [&](std::string_view name) {
      return name.starts_with(prefix.wanted) &&
             known.contains(prefix.there + std::string(name.substr(prefix.wanted.size())));
    });
    if (!all || (found && *found == prefix)) continue;
    if (found) return std::nullopt;
    found = std::move(prefix);
  }
  return found;
}

Binding bind(Graph& graph, const std::shared_ptr<const Checkpoint>& file, const BindOptions& options) {
  return Binder(graph, file, options).run();
}

void unbound_to_inputs(Graph& graph) {
  for (std::size_t id = 0; id < graph.values.size(); ++id) {
    Value& value = graph.values[id];
    if (value.kind != ValueKind::parameter || value.bound) continue;
    value.kind = ValueKind::input;
    graph.inputs.push_back(static_cast<ValueId>(id));
  }
}

}  // namespace ckpt::graph
