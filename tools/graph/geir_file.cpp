#include "geir_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/output_file.h"
#include "ge_interface.h"
#include "ge_ir.pb.h"
#include "ge_types.h"
#include "unique_names.h"
#include "value_writer.h"
#include "wire_text.h"

namespace ckpt::graph {
namespace {

using Ref = Target::Ref;

constexpr std::uint64_t kMostBytes = 0x7FFFFFFF;  // what protobuf, and so GE, reads

/// The bytes of a message, the same every time: maps are sorted.
std::string serialised(const google::protobuf::MessageLite& message) {
  std::string text;
  google::protobuf::io::StringOutputStream stream(&text);
  google::protobuf::io::CodedOutputStream out(&stream);
  out.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&out);
  out.Trim();
  return text;
}

// ---- attributes ----

void set(ge_ir::AttrDef& attr, bool value) { attr.set_b(value); }
void set(ge_ir::AttrDef& attr, std::int64_t value) { attr.set_i(value); }
void set(ge_ir::AttrDef& attr, float value) { attr.set_f(value); }
void set(ge_ir::AttrDef& attr, const std::string& value) { attr.set_s(value); }
void set(ge_ir::AttrDef& attr, DType value) { attr.set_dt(find_ge_type(&GeType::dtype, value).attribute); }
void set(ge_ir::AttrDef& attr, const Ints& values) {
  attr.mutable_list()->set_val_type(ge_ir::AttrDef::ListValue::VT_LIST_INT);
  for (const std::int64_t value : values) attr.mutable_list()->add_i(value);
}
void set(ge_ir::AttrDef& attr, const std::vector<float>& values) {
  attr.mutable_list()->set_val_type(ge_ir::AttrDef::ListValue::VT_LIST_FLOAT);
  for (const float value : values) attr.mutable_list()->add_f(value);
}
void set(ge_ir::AttrDef& attr, const Strings& values) {
  attr.mutable_list()->set_val_type(ge_ir::AttrDef::ListValue::VT_LIST_STRING);
  for (const std::string& value : values) attr.mutable_list()->add_s(value);
}
void set(ge_ir::AttrDef& attr, const std::vector<bool>& values) {
  attr.mutable_list()->set_val_type(ge_ir::AttrDef::ListValue::VT_LIST_BOOL);
  for (const bool value : values) attr.mutable_list()->add_b(value);
}
void set(ge_ir::AttrDef& attr, const IntLists& lists) {
  attr.mutable_list_list_int();
  for (const Ints& list : lists) {
    auto& out = *attr.mutable_list_list_int()->add_list_list_i();
    for (const std::int64_t value : list) out.add_list_i(value);
  }
}

template <class Value>
void set(ge_ir::OpDef& op, const std::string& name, const Value& value) {
  set((*op.mutable_attr())[name], value);
}

/// A map from names to numbers, as GE's loader wants it: two lists, sorted by name.
void set_names(ge_ir::OpDef& op, const std::string& key, const std::string& values, const Strings& names) {
  std::map<std::string, std::int64_t> sorted;
  for (std::size_t i = 0; i < names.size(); ++i) sorted.emplace(names[i], static_cast<std::int64_t>(i));
  Strings keys;
  Ints numbers;
  for (const auto& [name, number] : sorted) {
    keys.push_back(name);
    numbers.push_back(number);
  }
  set(op, key, keys);
  set(op, values, numbers);
}

// ---- the model ----

/// An op as it is in the file; of a Const all but the bytes, which come last.
struct PlannedOp {
  ge_ir::OpDef head = {};
  const Contents* contents = nullptr;
  std::string value_head = {};  // from the key of the attribute on to the length of the bytes
};

struct Plan {
  ge_ir::ModelDef model = {};  // without its graph
  ge_ir::GraphDef graph = {};  // without its ops
  std::vector<PlannedOp> ops = {};
};

class Planner {
 public:
  Planner(const Graph& graph, const Target& target)
      : graph_(graph), target_(target), ends_(target.outputs().size()), constant_(target.outputs().size()) {}

  Result<Plan> plan() {
    plan_.graph.set_name(graph_.name);
    for (const char* name : {"event_num", "label_num", "memory_size", "stream_num", "weight_size"}) {
      set((*plan_.model.mutable_attr())[name], std::int64_t{0});
    }
    set((*plan_.model.mutable_attr())["target_type"], std::string("MINI"));
    for (const Target::Step& step : target_.steps()) names_.insert(step.name);
    if (auto status = add_inputs(); !status) return status.error();
    if (auto status = add_constants(); !status) return status.error();
    for (const Target::Step& step : target_.steps()) {
      for (std::size_t i = 0; i < step.outputs.size(); ++i)
        ends_[step.outputs[i]] = step.name + ":" + std::to_string(i);
    }
    for (const Target::Step& step : target_.steps()) {
      if (auto status = add_step(step); !status) return status.error();
    }
    for (const ValueId id : graph_.outputs) plan_.graph.add_output(ends_[target_.of(id)]);
    return std::move(plan_);
  }

 private:
  PlannedOp& add_op(std::string name, std::string_view type) {
    PlannedOp& op = plan_.ops.emplace_back();
    op.head.set_id(static_cast<std::int64_t>(plan_.ops.size()) - 1);
    op.head.set_name(std::move(name));
    op.head.set_type(std::string(type));
    op.head.set_has_out_attr(true);
    return op;
  }

  /// A type that is not known is a step's in between: GE finds it itself.
  static Status describe(ge_ir::TensorDescriptor& desc, const std::string& value, const Type& type) {
    const auto dtype = static_cast<ge_ir::DataType>(find_ge_type(&GeType::dtype, type.dtype).descriptor);
    if (dtype == ge_ir::DT_UNDEFINED && type.dtype != DType::unknown) {
      return about(value, Errc::unsupported, "GE has no type " + std::string(name(type.dtype)));
    }
    desc.set_dtype(dtype);
    desc.mutable_shape();
    for (const Dim& dim : type.dims) desc.mutable_shape()->add_dim(dim.size);
    desc.set_layout("NCHW");
    set((*desc.mutable_attr())["origin_format"], std::string("ND"));
    set((*desc.mutable_attr())["origin_shape"], Ints{});
    desc.set_has_out_attr(true);
    desc.set_device_type("NPU");
    desc.set_real_dim_cnt(static_cast<std::int64_t>(type.dims.size()));
    return {};
  }

  /// An optional input that is not given.
  static void describe_nothing(ge_ir::TensorDescriptor& desc) {
    desc.mutable_shape();
    desc.set_layout("FORMAT_RESERVED");
    set((*desc.mutable_attr())["origin_format"], std::string("ND"));
    desc.set_has_out_attr(true);
    desc.set_device_type("NPU");
  }

  Status add_inputs() {
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
      const Value& value = graph_.value(graph_.inputs[i]);
      ge_ir::OpDef& op = add_op(names_.take(value.name), "Data").head;
      op.add_input("");
      set(op, "index", static_cast<std::int64_t>(i));
      name_ports(op, {"x"}, {"y"}, *find_ge_op("Data"));
      if (auto status = describe(*op.add_input_desc(), value.name, value.type); !status) return status;
      if (auto status = describe(*op.add_output_desc(), value.name, value.type); !status) return status;
      ends_[target_.of(graph_.inputs[i])] = op.name() + ":0";
    }
    return {};
  }

  Status add_constants() {
    for (Ref ref = 0; ref < target_.outputs().size(); ++ref) {
      const Target::Output& output = target_.outputs()[ref];
      if (!output.constant) continue;
      constant_[ref] = true;
      PlannedOp& op = add_op(names_.take(output.parameter ? output.name + "_const" : output.name), "Const");
      ge_ir::TensorDef tensor;
      if (auto status = describe(*op.head.add_output_desc(), output.name, output.type); !status) return status;
      *tensor.mutable_desc() = op.head.output_desc(0);
      name_ports(op.head, {}, {"y"}, *find_ge_op("Const"));
      op.contents = &output.contents;
      op.value_head = value_head(tensor, output.contents.size);
      ends_[ref] = op.head.name() + ":0";
    }
    return {};
  }

  // attr { key: "value" value { t { desc {…} data: … } } }, up to the bytes.
  static std::string value_head(const ge_ir::TensorDef& tensor, std::uint64_t size) {
    std::string text = serialised(tensor) + length_field(ge_ir::TensorDef::kDataFieldNumber, size);
    for (const int field : {+ge_ir::AttrDef::kTFieldNumber, 2}) text = length_field(field, text.size() + size) + text;
    text = length_field(1, 5) + "value" + text;
    return length_field(ge_ir::OpDef::kAttrFieldNumber, text.size() + size) + text;
  }

  /// What GE calls an op's inputs and outputs: in the spelling of 0.3, of 0.5 and later, and of 2022.
  static void name_ports(ge_ir::OpDef& op, const Strings& inputs, const Strings& outputs, const GeOp& registered) {
    if (!inputs.empty()) {
      set_names(op, "_input_name_idx_key", "_input_name_idx_value", inputs);
      set_names(op, "_input_name_key", "_input_name_value", inputs);
    }
    if (!outputs.empty()) set_names(op, "_output_name_key", "_output_name_value", outputs);
    Strings optional, attributes;
    const auto kinds = [&](const std::vector<GeOp::Port>& ports, const std::string& direction) {
      Strings names;
      Ints numbers;
      for (const GeOp::Port& port : ports) {
        names.emplace_back(port.name);
        numbers.push_back(port.dynamic ? 2 : port.optional ? 1 : 0);
        if (port.optional) optional.emplace_back(port.name);
      }
      if (names.empty()) return;
      set(op, "_ir_" + direction + "_key", names);
      set(op, "_ir_" + direction + "_value", numbers);
    };
    kinds(registered.inputs, "inputs");
    kinds(registered.outputs, "outputs");
    for (const GeOp::Attribute& attribute : registered.attributes) attributes.emplace_back(attribute.name);
    if (!attributes.empty()) set(op, "_ir_attr_names", attributes);
    std::ranges::sort(optional);
    if (!optional.empty()) set(op, "_opt_input", optional);
  }

  /// The names of ports, dynamic ones numbered.
  static Strings port_names(ge_ir::OpDef& op, const std::vector<GeOp::Port>& ports, std::size_t count,
                            const char* direction) {
    Strings names;
    for (const GeOp::Port& port : ports) {
      if (!port.dynamic) {
        names.emplace_back(port.name);
        continue;
      }
      for (std::size_t i = 0; i < count; ++i) names.push_back(std::string(port.name) + std::to_string(i));
      set(op, std::string("__dynamic_") + direction + "_" + std::string(port.name) + "_cnt",
          static_cast<std::int64_t>(count));
    }
    return names;
  }

  Status add_step(const Target::Step& step) {
    const GeOp* registered = find_ge_op(step.op);
    if (!registered) return about(step.name, Errc::unsupported, "GE's " + step.op + " is not known");
    ge_ir::OpDef& op = add_op(step.name, step.op).head;
    const Strings inputs = port_names(op, registered->inputs, step.inputs.size(), "input");
    const Strings outputs = port_names(op, registered->outputs, step.outputs.size(), "output");
    if (step.inputs.size() > inputs.size() || step.outputs.size() != outputs.size()) {
      return about(step.name, Errc::unsupported, "GE's " + step.op + " has not as many inputs and outputs");
    }
    name_ports(op, inputs, outputs, *registered);
    if (auto status = set_attributes(op, step, *registered); !status) return status;
    if (auto status = connect(op, step, inputs.size()); !status) return status;
    for (const Ref ref : step.outputs) {
      const Target::Output& output = target_.outputs()[ref];
      if (auto status = describe(*op.add_output_desc(), output.name, output.type); !status) return status;
    }
    return {};
  }

  static Status set_attributes(ge_ir::OpDef& op, const Target::Step& step, const GeOp& registered) {
    for (const GeOp::Attribute& attribute : registered.attributes) {
      const auto given = std::ranges::find(step.attrs, attribute.name, &Target::NamedAttr::name);
      if (given == step.attrs.end() && !attribute.fallback) {
        return about(step.name, Errc::unsupported,
                     "attribute " + std::string(attribute.name) + " of GE's " + step.op + " is missing");
      }
      const Target::Attr& value = given == step.attrs.end() ? *attribute.fallback : given->value;
      std::visit([&](const auto& kind) { set(op, std::string(attribute.name), kind); }, value);
    }
    return {};
  }

  Status connect(ge_ir::OpDef& op, const Target::Step& step, std::size_t ports) {
    std::vector<bool> constants;
    for (std::size_t i = 0; i < ports; ++i) {
      const Ref ref = i < step.inputs.size() ? step.inputs[i] : Target::kNothing;
      if (ref == Target::kNothing) {
        if (i < step.inputs.size()) op.add_input("");
        describe_nothing(*op.add_input_desc());
        continue;
      }
      const Target::Output& output = target_.outputs()[ref];
      op.add_input(ends_[ref]);
      op.add_is_input_const(constant_[ref]);
      constants.push_back(constant_[ref]);
      if (auto status = describe(*op.add_input_desc(), output.name, output.type); !status) return status;
    }
    if (!constants.empty()) set(op, "is_input_const", constants);
    return {};
  }

  const Graph& graph_;
  const Target& target_;
  Plan plan_ = {};
  std::vector<std::string> ends_;  // of a value: "OP:INDEX"
  std::vector<bool> constant_;
  UniqueNames names_ = {};
};

// ---- writing ----

/// The ops in their final form, but for the bytes of Consts; the last step writes from these.
struct Laid {
  std::vector<std::string> heads = {};
  std::uint64_t size = 0;    // of the GraphDef
  std::uint64_t values = 0;  // of all Consts
};

Laid lay_out(const Plan& plan) {
  Laid laid{.size = serialised(plan.graph).size()};
  for (const PlannedOp& op : plan.ops) {
    std::string head = serialised(op.head);
    const std::uint64_t values = op.contents ? op.contents->size : 0;
    head += op.value_head;
    head = length_field(ge_ir::GraphDef::kOpFieldNumber, head.size() + values) + head;
    laid.size += head.size() + values;
    laid.values += values;
    laid.heads.push_back(std::move(head));
  }
  return laid;
}

Status append_model(OutputFile& file, const Plan& plan, const Laid& laid, ValueWriter& values) {
  const std::string graph = serialised(plan.graph);
  if (auto status = append_text(file, length_field(ge_ir::ModelDef::kGraphFieldNumber, laid.size) + graph); !status) {
    return status;
  }
  for (std::size_t i = 0; i < plan.ops.size(); ++i) {
    if (auto status = append_text(file, laid.heads[i]); !status) return status;
    const Contents* contents = plan.ops[i].contents;
    if (!contents) continue;
    if (auto status = values.append(file, *contents); !status) return status;
  }
  return append_text(file, serialised(plan.model));
}

}  // namespace

Status write_geir(const std::filesystem::path& path, const Graph& graph, const Target& target,
                  const GeirOptions& options) {
  auto plan = Planner(graph, target).plan();
  if (!plan) return plan.error();
  const Laid laid = lay_out(*plan);
  if (laid.size > kMostBytes - 4096) {
    return Error{.code = Errc::limit, .message = "GEIR files have at most 2 GiB, because GE reads them as one message"};
  }
  auto file = OutputFile::create(
      path, {.permissions = options.permissions, .overwrite = options.overwrite, .durable = options.durable});
  if (!file) return file.error();
  ValueWriter values(laid.values, options.progress);
  if (auto status = append_model(*file, *plan, laid, values); !status) return status;
  if (auto status = values.finish(); !status) return status;
  return file->commit();
}

}  // namespace ckpt::graph
