#include "meta_file.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "anf_ir.pb.h"
#include "gradients.h"
#include "meta_types.h"
#include "op.h"
#include "ops/rules.h"

namespace ckpt::graph {
namespace {

using anf_ir::GraphProto;
using anf_ir::NodeProto;
using anf_ir::TypeProto;
using anf_ir::ValueProto;

anf_ir::DataType data_type(DType dtype) { return find_meta_type(&MetaType::dtype, dtype).number; }

/// A dimension that is not known is -1.
void set_type(TypeProto& to, const Type& type, bool with_shape = true) {
  to.set_data_type(anf_ir::DT_TENSOR);
  auto& tensor = *to.mutable_tensor_type();
  tensor.set_elem_type(data_type(type.dtype));
  if (!with_shape) return;
  for (const Dim& dim : type.dims) tensor.mutable_shape()->add_dim()->set_size(dim.size);
}

// ---- values that are not tensors ----

template <class List>
ValueProto list_of(anf_ir::DataType kind, const List& items);

ValueProto value_of(std::int64_t number) {
  ValueProto value;
  value.set_dtype(anf_ir::DT_INT64);
  value.set_int_val(number);
  return value;
}

ValueProto value_of(bool flag) {
  ValueProto value;
  value.set_dtype(anf_ir::DT_BOOL);
  value.set_bool_val(flag);
  return value;
}

ValueProto value_of(double number) {
  ValueProto value;
  value.set_dtype(anf_ir::DT_FLOAT32);
  value.set_float_val(static_cast<float>(number));
  return value;
}

ValueProto value_of(const std::string& text) {
  ValueProto value;
  value.set_dtype(anf_ir::DT_STRING);
  value.set_str_val(text);
  return value;
}

ValueProto value_of(None) {
  ValueProto value;
  value.set_dtype(anf_ir::DT_NONE);
  value.set_str_val("None");
  return value;
}

ValueProto value_of(DType dtype) {
  ValueProto value;
  value.set_dtype(anf_ir::DT_TYPE);
  value.mutable_type_val()->set_data_type(data_type(dtype));
  return value;
}

ValueProto value_of(const Ints& list) { return list_of(anf_ir::DT_TUPLE, list); }
ValueProto value_of(const Doubles& list) { return list_of(anf_ir::DT_TUPLE, list); }
ValueProto value_of(const Strings& list) { return list_of(anf_ir::DT_LIST, list); }
ValueProto value_of(const IntLists& list) { return list_of(anf_ir::DT_TUPLE, list); }

template <class List>
ValueProto list_of(anf_ir::DataType kind, const List& items) {
  ValueProto value;
  value.set_dtype(kind);
  for (const auto& item : items) *value.add_values() = value_of(item);
  return value;
}

ValueProto monad() {
  ValueProto value;
  value.set_str_val("U");
  return value;
}

/// Enumerations are numbers, but the format of a primitive that has attributes is a word.
ValueProto value_of(const Argument& argument, const Attr& attr, bool operand) {
  if (const auto* word = std::get_if<std::string>(&attr)) {
    if (argument.name == "pad_mode") return value_of(std::int64_t{*word == "pad" ? 0 : *word == "same" ? 1 : 2});
    if (argument.name == "format" && operand)
      return value_of(std::int64_t{*word == "NCHW" ? 0 : *word == "NHWC" ? 1 : 14});
  }
  return std::visit([](const auto& value) { return value_of(value); }, attr);
}

// ---- primitives ----

Ints of_image(const Ints& axes) { return {1, 1, axes[0], axes[1]}; }

/// A convolution's, as MindSpore spells them: all pads written out, some under two names.
Result<std::map<std::string, Attr>> convolution_attributes(const NodeView& node) {
  const bool filter_gradient = node.node().op == "Conv2DBackpropFilter",
             input_gradient = node.node().op == "Conv2DBackpropInput";
  Dims image = filter_gradient ? node.type(1).dims : input_gradient ? node.result_type().dims : node.type(0).dims;
  const Dims& weight = filter_gradient ? node.result_type().dims : node.type(1).dims;
  const Ints kernel{weight.at(2).size, weight.at(3).size};
  const std::string& mode = node.text("pad_mode");
  const bool explicit_pads = mode == "pad" && !node.is_none("pad_list");
  const Ints given = explicit_pads ? node.integers("pad_list") : Ints(4, 0);
  auto moved = windows(image, kernel, node.integers("stride"), node.integers("dilation"), mode, given);
  if (!moved) return moved.error();
  Ints pads;
  for (const Window& window : moved->axes) pads.insert(pads.end(), {window.begin, window.end});
  if (!moved->known) pads.assign(4, -1);
  const std::int64_t group = node.integer("group");
  return std::map<std::string, Attr>{{"dilation", of_image(node.integers("dilation"))},
                                     {"format", node.text("format")},
                                     {"group", group},
                                     {"groups", group},
                                     {"kernel_size", kernel},
                                     {"mode", std::int64_t{1}},
                                     {"out_channel", weight[0].size},
                                     {"pad", given},
                                     {"pad_list", pads},
                                     {"stride", of_image(node.integers("stride"))}};
}

class MetaWriter {
 public:
  explicit MetaWriter(const Graph& graph) : graph_(graph), names_(graph), indices_(graph.nodes.size()) {}

  Result<std::vector<std::byte>> write();

 private:
  Status add_node(std::size_t index);
  Status add_arguments(const NodeView& node, const Op& op, NodeProto& to);
  Status add_attributes(const NodeView& node, const Op& op, NodeProto& to);
  void set_results(const NodeView& node, TypeProto& to) const;
  void order_loads(std::string_view scope);
  void add_output();

  /// A node that the graph has not: Load, TupleGetItem, Depend … Returns its name.
  std::string plumb(std::string_view op, std::string_view scope, const std::vector<std::string>& inputs,
                    TypeProto type);
  std::string append(NodeProto node);
  std::string value(ValueId id, std::string_view scope, bool by_reference);
  std::string constant(const ValueProto& value);
  std::string monad_name() { return state_.empty() ? constant(monad()) : state_; }
  void update_state(std::string_view scope, std::vector<std::string> after);

  const Graph& graph_;
  GraphProto* out_ = nullptr;
  NodeNames names_;
  std::vector<std::string> indices_;  // of the graph's nodes: their names in the file
  std::map<std::pair<std::uint32_t, std::size_t>, std::string> items_ = {};  // of nodes with several results
  std::map<ValueId, std::string> loads_ = {};
  std::vector<std::string> fresh_loads_ = {};  // since the last UpdateState
  std::map<ValueId, std::string> tensors_ = {};
  std::map<std::string, std::string> constants_ = {};  // by their bytes
  std::vector<std::string> updates_ = {};
  std::string state_ = {};
};

void add_input(NodeProto& to, const std::string& name) {
  auto& input = *to.add_input();
  input.set_name(name);
  input.set_type(anf_ir::InputProto::DATA_EDGE);
}

void add_attribute(NodeProto& to, std::string_view name, ValueProto value) {
  auto& attribute = *to.add_attribute();
  attribute.set_name(std::string(name));
  *attribute.mutable_value() = std::move(value);
}

TypeProto tensor_type(const Type& type) {
  TypeProto proto;
  set_type(proto, type);
  return proto;
}

TypeProto plain_type(anf_ir::DataType type) {
  TypeProto proto;
  proto.set_data_type(type);
  return proto;
}

std::string MetaWriter::append(NodeProto node) {
  const std::string name = std::to_string(out_->node_size() + 1);
  node.set_name(name);
  *out_->add_node() = std::move(node);
  return name;
}

std::string MetaWriter::plumb(std::string_view op, std::string_view scope, const std::vector<std::string>& inputs,
                              TypeProto type) {
  NodeProto node;
  for (const std::string& input : inputs) add_input(node, input);
  node.set_op_type(std::string(op));
  node.set_scope(std::string(scope));
  if (op == "Depend") add_attribute(node, "side_effect_propagate", value_of(std::int64_t{1}));
  *node.mutable_output_type() = std::move(type);
  node.set_full_name(names_.next(scope, op));
  return append(std::move(node));
}

std::string MetaWriter::constant(const ValueProto& value) {
  std::string& name = constants_[value.SerializeAsString()];
  if (!name.empty()) return name;
  name = "cst" + std::to_string(out_->const_vals_size() + 1);
  auto& named = *out_->add_const_vals();
  named.set_key(name);
  *named.mutable_value() = value;
  return name;
}

/// The name under which a node takes a value.
std::string MetaWriter::value(ValueId id, std::string_view scope, bool by_reference) {
  const Value& value = graph_.value(id);
  if (value.kind == ValueKind::input) return value.name;
  if (value.kind == ValueKind::parameter) {
    if (by_reference) return value.name;
    std::string& load = loads_[id];
    if (load.empty()) {
      load = plumb("Load", scope, {value.name, monad_name()}, tensor_type(value.type));
      fresh_loads_.push_back(load);
    }
    return load;
  }
  if (value.kind == ValueKind::constant) {
    std::string& name = tensors_[id];
    if (!name.empty()) return name;
    name = "cst" + std::to_string(out_->const_vals_size() + 1);
    auto& named = *out_->add_const_vals();
    named.set_key(name);
    named.mutable_value()->set_dtype(anf_ir::DT_TENSOR);
    auto& tensor = *named.mutable_value()->mutable_tensor_val();
    for (const Dim& dim : value.type.dims) tensor.add_dims(dim.size);
    tensor.set_data_type(data_type(value.type.dtype));
    return name;
  }
  const Node& producer = graph_.nodes[value.producer];
  if (producer.outputs.size() == 1) return indices_[value.producer];
  const auto i = static_cast<std::size_t>(std::ranges::find(producer.outputs, id) - producer.outputs.begin());
  std::string& item = items_[{value.producer, i}];
  if (item.empty()) {
    const std::string index = constant(value_of(static_cast<std::int64_t>(i)));
    item = plumb("TupleGetItem", scope_of(producer.name), {indices_[value.producer], index}, tensor_type(value.type));
  }
  return item;
}

void MetaWriter::update_state(std::string_view scope, std::vector<std::string> after) {
  after.insert(after.begin(), monad_name());
  state_ = plumb("UpdateState", scope, after, plain_type(anf_ir::DT_SLICE));
}

/// What was read so far was read before what comes.
void MetaWriter::order_loads(std::string_view scope) {
  if (fresh_loads_.empty()) return;
  std::string all = fresh_loads_.front();
  if (fresh_loads_.size() > 1) {
    TypeProto type = plain_type(anf_ir::DT_TUPLE);
    for (const std::string& load : fresh_loads_) {
      const auto& loaded = out_->node(std::stoi(load) - 1).output_type().tensor_type();
      auto& element = *type.mutable_sequence_type()->add_elem_types();
      element.set_data_type(anf_ir::DT_TENSOR);
      element.mutable_tensor_type()->set_elem_type(loaded.elem_type());
    }
    all = plumb("MakeTuple", scope, fresh_loads_, std::move(type));
  }
  fresh_loads_.clear();
  update_state(scope, {all});
}

Status MetaWriter::add_arguments(const NodeView& node, const Op& op, NodeProto& to) {
  const std::string_view scope = scope_of(node.node().name);
  const bool by_reference = !changed_operands(node.node()).empty();
  const auto operand = [&](std::size_t i) { return value(node.node().inputs[i], scope, by_reference); };
  std::size_t next = 0;
  for (const Argument& argument : op.arguments) {
    const bool size = argument.name == "input_sizes" || argument.name == "filter_sizes";
    if (argument.is == Argument::Is::tensors) {
      std::vector<std::string> items;
      TypeProto type = plain_type(anf_ir::DT_TUPLE);
      for (; next < node.input_count(); ++next) {
        items.push_back(operand(next));
        set_type(*type.mutable_sequence_type()->add_elem_types(), node.type(next), false);
      }
      add_input(to, plumb("MakeTuple", scope, items, std::move(type)));
    } else if (argument.is_tensor()) {
      if (node.has_input(next)) add_input(to, operand(next));
      ++next;
    } else if (!op.has_attributes || size) {
      const auto found = node.node().attrs.find(argument.name);
      const Attr attr = found != node.node().attrs.end() ? found->second : argument.fallback.value_or(None{});
      add_input(to, constant(value_of(argument, attr, true)));
    }
  }
  return {};
}

Status MetaWriter::add_attributes(const NodeView& node, const Op& op, NodeProto& to) {
  if (!op.has_attributes) return {};
  std::map<std::string, Attr> spelled;
  if (op.name.starts_with("Conv2D")) {
    auto found = convolution_attributes(node);
    if (!found) return found.error();
    spelled = std::move(*found);
  }
  if (op.name.starts_with("MaxPool")) {
    spelled.emplace("kernel_size", of_image(node.integers("kernel_size")));
    spelled.emplace("strides", of_image(node.integers("strides")));
  }
  Strings inputs;
  for (const Argument& argument : op.arguments) {
    if (argument.is_tensor() && inputs.size() < node.input_count()) inputs.emplace_back(argument.name);
    const bool size = argument.name == "input_sizes" || argument.name == "filter_sizes";
    const auto found = node.node().attrs.find(argument.name);
    if (found == node.node().attrs.end() || size || spelled.contains(std::string(argument.name))) continue;
    add_attribute(to, argument.name, value_of(argument, found->second, false));
  }
  for (const auto& [name, attr] : spelled) add_attribute(to, name, value_of(Argument{.name = name}, attr, false));
  add_attribute(to, "input_names", value_of(inputs));
  add_attribute(to, "output_names", value_of(Strings{"output"}));
  return {};
}

void MetaWriter::set_results(const NodeView& node, TypeProto& to) const {
  const std::vector<ValueId>& outputs = node.node().outputs;
  if (outputs.size() == 1) return set_type(to, node.result_type());
  to.set_data_type(anf_ir::DT_TUPLE);
  for (const ValueId id : outputs)
    set_type(*to.mutable_sequence_type()->add_elem_types(), graph_.value(id).type, false);
}

Status MetaWriter::add_node(std::size_t index) {
  const Node& node = graph_.nodes[index];
  const NodeView view(graph_, node);
  const Op* op = find_op(node.op);
  if (!op) return refuse(node.op + " \"" + node.name + "\": not an operator that is known");
  const std::string_view scope = scope_of(node.name);
  NodeProto to;
  if (auto status = add_arguments(view, *op, to); !status) return status;
  const bool changes = !changed_operands(node).empty();
  if (changes) {
    order_loads(scope);
    add_input(to, monad_name());
  }
  to.set_op_type(node.op);
  to.set_scope(std::string(scope));
  if (auto status = add_attributes(view, *op, to); !status) {
    return refuse(node.op + " \"" + node.name + "\": " + status.error().message);
  }
  if (changes) add_attribute(to, "side_effect_mem", value_of(true));
  set_results(view, *to.mutable_output_type());
  to.set_full_name(node.name);
  indices_[index] = append(std::move(to));
  if (!changes) return {};
  for (const ValueId id : node.inputs) loads_.erase(id);
  update_state(scope, {indices_[index]});
  // What changes parameters by the way is made for its results.
  if (op->changes_if.empty()) updates_.push_back(indices_[index]);
  return {};
}

/// The first output, once every parameter has changed.
void MetaWriter::add_output() {
  const ValueId id = graph_.outputs.front();
  const TypeProto type = tensor_type(graph_.value(id).type);
  std::string name = value(id, "Default", false);
  if (!updates_.empty()) {
    TypeProto all = plain_type(anf_ir::DT_TUPLE);
    std::vector<std::string> done;
    for (const std::string& update : updates_) {
      done.push_back(plumb("Depend", "Default", {constant(value_of(true)), update}, plain_type(anf_ir::DT_BOOL)));
      *all.mutable_sequence_type()->add_elem_types() = plain_type(anf_ir::DT_BOOL);
    }
    name = plumb("Depend", "Default", {name, plumb("MakeTuple", "Default", done, std::move(all))}, type);
  }
  if (!state_.empty()) name = plumb("Depend", "Default", {name, state_}, type);
  auto& output = *out_->add_outputs();
  output.set_name(name);
  *output.mutable_type() = type;
}

Result<std::vector<std::byte>> MetaWriter::write() {
  anf_ir::ModelProto model;
  model.set_ir_version(1);
  out_ = model.mutable_graph();
  out_->set_name(graph_.name);
  constant(monad());
  for (const ValueKind kind : {ValueKind::input, ValueKind::parameter}) {
    for (const Value& value : graph_.values) {
      if (value.kind != kind) continue;
      auto& parameter = *out_->add_parameters();
      parameter.set_name(value.name);
      set_type(*parameter.mutable_type(), value.type);
    }
  }
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    if (auto status = add_node(i); !status) return status.error();
  }
  add_output();
  std::string text;
  if (!model.SerializeToString(&text)) return refuse("more than protobuf can hold");
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

}  // namespace

Result<std::vector<std::byte>> to_meta(const Graph& graph) { return MetaWriter(graph).write(); }

}  // namespace ckpt::graph
