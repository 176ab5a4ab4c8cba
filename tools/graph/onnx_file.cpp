#include "onnx_file.h"

#include <utility>
#include <vector>

#include "ckpt/text.h"
#include "onnx_model.h"
#include "ops/rules.h"
#include "unique_names.h"
#include "value_writer.h"

namespace ckpt::graph {
namespace {

using Ref = Target::Ref;

constexpr int kIrVersion = 8;

Result<int> type_of(const std::string& value, DType dtype) {
  if (const auto type = static_cast<int>(onnx_dtype(dtype)); type != 0) return type;
  if (dtype == DType::unknown) return about(value, Errc::unsupported, "its type is not known");
  return about(value, Errc::unsupported, "ONNX has no type " + std::string(name(dtype)) + " before IR version 9");
}

Status set_type(onnx::ValueInfoProto& info, const std::string& value, const Type& type) {
  const auto element = type_of(value, type.dtype);
  if (!element) return element.error();
  auto& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(*element);
  auto& shape = *tensor.mutable_shape();
  for (const Dim& dim : type.dims) {
    auto& out = *shape.add_dim();
    if (dim.known())
      out.set_dim_value(dim.size);
    else if (!dim.symbol.empty())
      out.set_dim_param(is_utf8(dim.symbol) ? dim.symbol : escape(dim.symbol));
  }
  return {};
}

/// Type, dims and size of a tensor with contents. Its size is what contents say and what the dims ask for.
Result<std::uint64_t> describe(onnx::TensorProto& tensor, const std::string& name, const Type& type,
                               const Contents& contents) {
  const auto element = type_of(name, type.dtype);
  if (!element) return element.error();
  tensor.set_data_type(*element);
  TensorDesc desc{.dtype = type.dtype};
  for (const Dim& dim : type.dims) {
    desc.dims.push_back(dim.size);
    tensor.add_dims(dim.size);
  }
  const auto size = desc.expected_size();
  if (!size || *size != contents.size)
    return about(name, Errc::mismatch, std::to_string(contents.size) + " bytes are not " + to_string(type));
  return *size;
}

/// A name that ONNX can have.
std::string onnx_name(const std::string& wanted) {
  return wanted.empty() ? "_" : is_utf8(wanted) ? wanted : escape(wanted);
}

// ---- attributes ----

Status set(onnx::AttributeProto& out, std::int64_t value) {
  out.set_type(onnx::AttributeProto::INT);
  out.set_i(value);
  return {};
}
Status set(onnx::AttributeProto& out, bool value) { return set(out, std::int64_t{value}); }
Status set(onnx::AttributeProto& out, float value) {
  out.set_type(onnx::AttributeProto::FLOAT);
  out.set_f(value);
  return {};
}
Status set(onnx::AttributeProto& out, const std::string& value) {
  out.set_type(onnx::AttributeProto::STRING);
  out.set_s(is_utf8(value) ? value : escape(value));
  return {};
}
Status set(onnx::AttributeProto& out, const Ints& values) {
  out.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t value : values) out.add_ints(value);
  return {};
}
Status set(onnx::AttributeProto& out, const std::vector<float>& values) {
  out.set_type(onnx::AttributeProto::FLOATS);
  for (const float value : values) out.add_floats(value);
  return {};
}
Status set(onnx::AttributeProto& out, const Strings& values) {
  out.set_type(onnx::AttributeProto::STRINGS);
  for (const std::string& value : values) out.add_strings(is_utf8(value) ? value : escape(value));
  return {};
}
Status set(onnx::AttributeProto& out, const IntLists&) {
  return about("", Errc::unsupported, "ONNX has no lists of lists for attribute " + out.name());
}
Status set(onnx::AttributeProto& out, DType dtype) {
  const auto type = type_of("", dtype);
  return type ? set(out, std::int64_t{*type}) : type.error();
}

/// Turns a Target into a model.
class Planner {
 public:
  Planner(const Graph& graph, const Target& target, const OnnxOptions& options)
      : graph_(graph), target_(target), options_(options), names_(target.outputs().size()) {}

  Result<OnnxModel> plan() {
    describe_model();
    find_uses();
    name_values();
    if (auto status = add_inputs(); !status) return status.error();
    if (auto status = add_initializers(); !status) return status.error();
    for (const Target::Step& step : target_.steps())
      if (auto status = add_node(step); !status) return status.error();
    if (auto status = add_outputs(); !status) return status.error();
    if (auto status = add_value_infos(); !status) return status.error();
    return std::move(model_);
  }

 private:
  const Target::Output& output(Ref ref) const { return target_.outputs()[ref]; }

  void describe_model() {
    model_.model.set_ir_version(kIrVersion);
    model_.model.set_producer_name("libckpt");
    model_.model.set_producer_version(options_.producer_version);
    model_.model.add_opset_import()->set_version(target_.opset());
    model_.model.mutable_opset_import(0)->set_domain("");
    for (const auto& [key, value] : options_.metadata) {
      auto& entry = *model_.model.add_metadata_props();
      entry.set_key(key);
      entry.set_value(value);
    }
    model_.graph.set_name(graph_.name.empty() ? "graph" : onnx_name(graph_.name));
  }

  void find_uses() {
    used_.resize(target_.outputs().size());
    produced_.resize(target_.outputs().size());
    for (const Target::Step& step : target_.steps()) {
      for (const Ref ref : step.inputs)
        if (ref != Target::kNothing) used_[ref] = true;
      for (const Ref ref : step.outputs)
        if (ref != Target::kNothing) produced_[ref] = true;
    }
    for (const ValueId id : graph_.outputs) used_[target_.of(id)] = true;
  }

  // The names that users know come first, so that none of theirs is numbered.
  void name_values() {
    for (const ValueId id : graph_.inputs) give_name(target_.of(id));
    for (const ValueId id : graph_.outputs) give_name(target_.of(id));
    for (Ref ref = 0; ref < names_.size(); ++ref)
      if (output(ref).parameter && used_[ref]) give_name(ref);
    for (Ref ref = 0; ref < names_.size(); ++ref)
      if (used_[ref] || produced_[ref]) give_name(ref);
  }

  void give_name(Ref ref) {
    if (names_[ref].empty()) names_[ref] = value_names_.take(onnx_name(output(ref).name));
  }

  Status add_inputs() {
    for (const ValueId id : graph_.inputs) {
      auto& info = *model_.graph.add_input();
      info.set_name(names_[target_.of(id)]);
      if (auto status = set_type(info, info.name(), graph_.value(id).type); !status) return status;
    }
    return {};
  }

  Status add_initializers() {
    for (Ref ref = 0; ref < names_.size(); ++ref) {
      if (!output(ref).constant || !used_[ref]) continue;
      OnnxTensor tensor{.contents = output(ref).contents};
      const auto size = describe(tensor.head, output(ref).name, output(ref).type, output(ref).contents);
      if (!size) return size.error();
      tensor.size = *size;
      tensor.head.set_name(names_[ref]);
      if (options_.half && output(ref).type.dtype == DType::float32 && output(ref).type.dims.size() > 1)
        store_as_half(ref, tensor);
      model_.initializers.push_back(std::move(tensor));
    }
    return {};
  }

  void store_as_half(Ref ref, OnnxTensor& tensor) {
    tensor.half = true;
    tensor.size /= 2;
    tensor.head.set_data_type(onnx::TensorProto::FLOAT16);
    auto& cast = *model_.graph.add_node();
    cast.set_op_type("Cast");
    cast.set_name(node_names_.take(names_[ref] + "/Cast"));
    cast.add_input(names_[ref]);
    names_[ref] = value_names_.take(names_[ref] + "/Float32");
    cast.add_output(names_[ref]);
    auto& to = *cast.add_attribute();
    to.set_name("to");
    to.set_type(onnx::AttributeProto::INT);
    to.set_i(onnx::TensorProto::FLOAT);
    auto& info = *model_.graph.add_value_info();
    info.set_name(names_[ref]);
    (void)set_type(info, names_[ref], output(ref).type);
  }

  Status add_node(const Target::Step& step) {
    auto& node = *model_.graph.add_node();
    node.set_op_type(step.op);
    node.set_name(node_names_.take(onnx_name(step.name)));
    for (const Ref ref : step.inputs) node.add_input(ref == Target::kNothing ? "" : names_[ref]);
    for (const Ref ref : step.outputs) node.add_output(ref == Target::kNothing ? "" : names_[ref]);
    for (const Target::NamedAttr& attr : step.attrs) {
      auto& out = *node.add_attribute();
      out.set_name(std::string(attr.name));
      auto status = std::visit([&](const auto& value) { return set(out, value); }, attr.value);
      if (!status) return about(step.name, status.error().code, status.error().message);
    }
    return {};
  }

  Status add_outputs() {
    for (const ValueId id : graph_.outputs) {
      auto& info = *model_.graph.add_output();
      info.set_name(names_[target_.of(id)]);
      if (auto status = set_type(info, info.name(), graph_.value(id).type); !status) return status;
      produced_[target_.of(id)] = false;  // it has its type here
    }
    return {};
  }

  Status add_value_infos() {
    for (Ref ref = 0; ref < names_.size(); ++ref) {
      if (!produced_[ref] || output(ref).type.dtype == DType::unknown) continue;
      auto& info = *model_.graph.add_value_info();
      info.set_name(names_[ref]);
      if (auto status = set_type(info, names_[ref], output(ref).type); !status) return status;
    }
    return {};
  }

  const Graph& graph_;
  const Target& target_;
  const OnnxOptions& options_;
  OnnxModel model_ = {};
  UniqueNames value_names_ = {};
  UniqueNames node_names_ = {};
  std::vector<std::string> names_;  // by Ref: what steps call it
  std::vector<bool> used_ = {};
  std::vector<bool> produced_ = {};
};

}  // namespace

Status write_onnx(const std::filesystem::path& path, const Graph& graph, const Target& target,
                  const OnnxOptions& options) {
  auto model = Planner(graph, target, options).plan();
  if (!model) return model.error();
  return write_model(path, std::move(*model), options);
}

}  // namespace ckpt::graph
