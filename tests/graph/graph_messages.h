#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>

#include "ckpt/source.h"
#include "mind_ir.pb.h"
#include "read_graph.h"
#include "wire_builder.h"

/// Graph files made message by message, right or wrong.
namespace ckpt::test {

template <class Message>
Result<graph::GraphFile> read_message(const Message& message, const std::filesystem::path& path = {},
                                      const graph::ReadGraphOptions& options = {}) {
  const std::string bytes = message.SerializeAsString();
  auto file = graph::read_graph(borrow_bytes(bytes_of(bytes)), path, options);
  // What is read later must not be: the bytes go.
  if (file)
    for (graph::Value& value : file->graph.values) {
      const auto kept = graph::bytes_of(value.contents, 1 << 20);
      if (value.bound && kept) value.contents = graph::in_memory(*kept);
    }
  return file;
}

inline std::string verdict(const Result<graph::GraphFile>& file) {
  if (!file) return std::string(name(file.error().code)) + ": " + to_string(file.error());
  std::string text;
  for (const graph::Refusal& refusal : file->refusals.list())
    text += refusal.op + " x" + std::to_string(refusal.nodes) + ": " + refusal.reason + " (" + refusal.first + ")\n";
  return text;
}

/// A MindIR of the 2.x dialect.
class Mindir {
 public:
  Mindir() {
    model.set_ir_version("1.1");
    model.set_producer_name("MindSpore");
    model.set_model_version("2.10.0");
    model.set_mind_ir_version(3);
    graph().set_name("g");
  }

  mind_ir::GraphProto& graph() { return *model.mutable_graph(); }

  Mindir& input(const std::string& name, std::initializer_list<std::int64_t> dims) {
    auto& value = *graph().add_input();
    value.set_name("g:" + name);
    set(*value.add_tensor(), dims);
    return *this;
  }

  mind_ir::TensorProto& parameter(const std::string& name, std::initializer_list<std::int64_t> dims) {
    auto& value = *graph().add_parameter();
    value.set_name("g:" + name);
    set(value, dims);
    return value;
  }

  /// With a result of the given dims.
  mind_ir::NodeProto& node(const std::string& name, const std::string& op, std::initializer_list<const char*> inputs,
                           std::initializer_list<std::int64_t> dims = {1}, int kind = 2) {
    auto& primitive = *model.add_primitives();
    primitive.set_name(op + ":" + std::to_string(model.primitives_size()));
    primitive.set_op_type(op);
    primitive.set_prim_type(static_cast<mind_ir::PrimitiveProto::PrimType>(kind));
    auto& value = *graph().add_node();
    value.set_name(name);
    value.add_output(name);
    value.set_domain("Default/" + name);
    value.set_op_type("REF::" + primitive.name());
    for (const char* input : inputs) value.add_input(input);
    auto& shape = *value.add_attribute();
    shape.set_name("shape");
    shape.set_type(mind_ir::AttributeProto::TENSORS);
    set(*shape.add_tensors(), dims);
    return value;
  }

  mind_ir::AttributeProto& attribute(const std::string& name) {
    auto& value = *model.mutable_primitives(model.primitives_size() - 1)->add_attribute();
    value.set_name(name);
    return value;
  }

  mind_ir::AttributeProto& constant(const std::string& name) {
    auto& node = *graph().add_node();
    node.set_name(name);
    node.add_output(name);
    node.set_op_type("Constant");
    auto& value = *node.add_attribute();
    value.set_name("value");
    return value;
  }

  Mindir& output(const std::string& name) {
    graph().add_output()->set_name(name);
    return *this;
  }

  static void set(mind_ir::TensorProto& tensor, std::initializer_list<std::int64_t> dims) {
    tensor.set_data_type(mind_ir::TensorProto::FLOAT);
    for (const std::int64_t dim : dims) tensor.add_dims(dim);
  }
  static void set(mind_ir::AttributeProto& value, std::int64_t number) {
    value.set_type(mind_ir::AttributeProto::INT64);
    value.set_i(number);
  }
  static void set_list(mind_ir::AttributeProto& value, std::initializer_list<std::int64_t> numbers) {
    value.set_type(mind_ir::AttributeProto::TUPLE);
    for (const std::int64_t number : numbers) {
      auto& item = *value.add_values();
      item.set_type(mind_ir::AttributeProto::INT64);
      item.add_ints(number);
    }
  }

  mind_ir::ModelProto model = {};
};

}  // namespace ckpt::test
