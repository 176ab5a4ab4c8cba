// MindIR. The three dialects become one on the way: files before 1.1 are ONNX models in whose place a ModelProto of
// MindIR is made; attributes of 1.x and 2.x become Literals (mindir_literal.h).
#include <algorithm>
#include <cerrno>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "anf.h"
#include "ckpt/text.h"
#include "external_data.h"
#include "mind_ir.pb.h"
#include "mindir_literal.h"
#include "normalise.h"
#include "onnx.pb.h"
#include "readers.h"

namespace ckpt::graph {
namespace {

using mind_ir::AttributeProto;
using mind_ir::GraphProto;
using mind_ir::ModelProto;
using mind_ir::NodeProto;
using mind_ir::PrimitiveProto;
using mind_ir::TensorProto;
using Is = FieldRule::Is;

constexpr FieldRule kTensorFields[] = {{9, Is::payload}};
constexpr MessageRule kTensorRule{kTensorFields};
extern const MessageRule kAttributeRule;
constexpr FieldRule kAttributeFields[] = {{6, Is::message, &kTensorRule},
                                          {7, Is::left_out},
                                          {12, Is::message, &kTensorRule},
                                          {13, Is::left_out},
                                          {17, Is::message, &kAttributeRule},
                                          {18, Is::left_out},
                                          {20, Is::left_out}};
const MessageRule kAttributeRule{kAttributeFields};
constexpr FieldRule kNodeFields[] = {{5, Is::message, &kAttributeRule}, {8, Is::left_out}, {9, Is::left_out}};
constexpr MessageRule kNodeRule{kNodeFields};
constexpr FieldRule kValueInfoFields[] = {{2, Is::message, &kTensorRule}, {5, Is::message, &kAttributeRule}};
constexpr MessageRule kValueInfoRule{kValueInfoFields};
constexpr FieldRule kGraphFields[] = {{1, Is::message, &kNodeRule},
                                      {3, Is::message, &kTensorRule},
                                      {5, Is::message, &kValueInfoRule},
                                      {6, Is::message, &kValueInfoRule},
                                      {8, Is::left_out},
                                      {10, Is::left_out}};
constexpr MessageRule kGraphRule{kGraphFields};
constexpr FieldRule kPrimitiveFields[] = {{3, Is::message, &kAttributeRule}};
constexpr MessageRule kPrimitiveRule{kPrimitiveFields};
constexpr FieldRule kFunctionFields[] = {{1, Is::left_out}, {3, Is::left_out}, {5, Is::left_out},
                                         {6, Is::left_out}, {8, Is::left_out}, {10, Is::left_out}};
constexpr MessageRule kFunctionRule{kFunctionFields};
constexpr FieldRule kModelFields[] = {{7, Is::message, &kGraphRule},
                                      {8, Is::message, &kFunctionRule},
                                      {9, Is::left_out},
                                      {11, Is::left_out},
                                      {12, Is::message, &kPrimitiveRule},
                                      {14, Is::left_out}};
constexpr MessageRule kModelRule{kModelFields};

/// Values are named GRAPH:VALUE.
std::string_view own_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

class MindirReader {
 public:
  MindirReader(const ModelProto& model, const Stripped& payloads, const std::filesystem::path& path,
               const StripLimits& limits)
      : model_(model), payloads_(payloads), path_(path), limits_(limits), values_read_{payloads} {}

  Result<AnfGraph> read();

 private:
  Status add_name(const std::string& name, Operand operand);
  Status add_inputs();
  Status add_parameters();
  Result<AnfValue> parameter(const TensorProto& tensor);
  Result<Contents> external(const TensorProto::ExternalData& place, const Type& type, bool& bound);
  Status add_variables();
  Status add_variables(const SourcePtr& file);
  Status add_nodes();
  Status add_constant(const NodeProto& node);
  Status add_node(const NodeProto& node);
  void set_operator(const NodeProto& node, AnfNode& out, const PrimitiveProto*& primitive) const;
  Status set_attributes(const NodeProto& node, const PrimitiveProto* primitive, AnfNode& out);
  Status set_operands(const NodeProto& node, AnfNode& out);
  Status add_outputs();

  const ModelProto& model_;
  const Stripped& payloads_;
  const std::filesystem::path& path_;
  StripLimits limits_;
  AnfGraph graph_ = {};
  std::unordered_map<std::string_view, Operand> values_ = {};
  std::unordered_map<std::string_view, const PrimitiveProto*> primitives_ = {};
  std::unordered_set<std::string_view> functions_ = {};
  std::unordered_map<std::string, SourcePtr> files_ = {};
  ValueReading values_read_;
};

Result<AnfGraph> MindirReader::read() {
  if (!model_.has_graph()) return malformed("a MindIR without a graph");
  if (model_.has_little_endian() && !model_.little_endian()) return unsupported("values in big-endian order");
  graph_.name = model_.graph().name();
  for (const PrimitiveProto& primitive : model_.primitives()) primitives_.emplace(primitive.name(), &primitive);
  for (const GraphProto& function : model_.functions()) functions_.insert(function.name());
  if (auto status = add_inputs(); !status) return status.error();
  if (auto status = add_parameters(); !status) return status.error();
  if (auto status = add_variables(); !status) return status.error();
  if (auto status = add_nodes(); !status) return status.error();
  if (auto status = add_outputs(); !status) return status.error();
  return std::move(graph_);
}

Status MindirReader::add_name(const std::string& name, Operand operand) {
  if (values_.emplace(name, operand).second) return {};
  return malformed("two values are called \"" + escape(name) + "\"");
}

Status MindirReader::add_inputs() {
  bool batch = false;
  for (const mind_ir::ValueInfoProto& input : model_.graph().input()) {
    const auto index = static_cast<std::uint32_t>(graph_.inputs.size());
    if (auto status = add_name(input.name(), {Operand::Is::input, index}); !status) return status;
    AnfValue value{.name = std::string(own_name(input.name()))};
    if (input.tensor_size() > 1 || input.attr_info().values_size() > 0)
      return unsupported("input \"" + escape(value.name) + "\" is a tuple");
    if (input.tensor_size() == 1) value.type = type_of(input.tensor(0));
    for (std::size_t i = 0; i < value.type.dims.size(); ++i) {
      // The first open dimension of all is the batch; of the others nothing is known, not even that they are equal.
      if (value.type.dims[i].known()) continue;
      value.type.dims[i] = Dim(i == 0 && !batch ? std::string("N") : value.name + "_" + std::to_string(i));
      batch = batch || i == 0;
    }
    graph_.inputs.push_back(std::move(value));
  }
  return {};
}

Status MindirReader::add_parameters() {
  for (const TensorProto& tensor : model_.graph().parameter()) {
    const auto index = static_cast<std::uint32_t>(graph_.parameters.size());
    if (auto status = add_name(tensor.name(), {Operand::Is::parameter, index}); !status) return status;
    auto value = parameter(tensor);
    if (!value) {
      Error error = value.error();
      error.tensor = tensor.has_ref_key() ? tensor.ref_key() : std::string(own_name(tensor.name()));
      return error;
    }
    graph_.parameters.push_back(std::move(*value));
  }
  return {};
}

Result<AnfValue> MindirReader::parameter(const TensorProto& tensor) {
  AnfValue value{.name = tensor.has_ref_key() ? tensor.ref_key() : std::string(own_name(tensor.name())),
                 .type = type_of(tensor)};
  if (tensor.compression_type() != 0) return unsupported("its values are compressed");
  const auto run = payloads_.payload(tensor.raw_data());
  if (!run) return run.error();
  Result<Contents> contents = Contents{};
  if (run->size > 0) {
    contents = contents_of(*run, value.type);
    value.bound = true;
  } else if (tensor.has_external_data()) {
    contents = external(tensor.external_data(), value.type, value.bound);
  } else {
    auto numbers = numbers_of(tensor, value.type);
    if (!numbers) return numbers.error();
    value.bound = numbers->has_value();
    if (*numbers) contents = std::move(**numbers);
  }
  if (!contents) return contents.error();
  value.contents = std::move(*contents);
  return value;
}

/// A file that is not there is no error: the values may come from a checkpoint.
Result<Contents> MindirReader::external(const TensorProto::ExternalData& place, const Type& type, bool& bound) {
  SourcePtr& file = files_[place.location()];
  if (file == nullptr) {
    if (path_.empty()) return Contents{};
    auto opened = containers::open_external(path_, place.location());
    if (!opened && opened.error().os_error == ENOENT) return Contents{};
    if (!opened) return opened.error();
    file = std::move(*opened);
  }
  const auto offset = static_cast<std::uint64_t>(place.offset());
  const auto length = static_cast<std::uint64_t>(place.length());
  if (place.offset() < 0 || place.length() < 0 || offset > file->size() || length > file->size() - offset)
    return Error{.code = Errc::truncated,
                 .message = "its values are " + std::to_string(place.length()) + " bytes at byte " +
                            std::to_string(place.offset()) + " of \"" + escape(place.location()) + "\", which has " +
                            std::to_string(file->size())};
  bound = true;
  return contents_of({.source = file, .offset = offset, .size = length}, type);
}

/// 1.2 to 1.5 keep the values of a large network beside NAME_graph.mindir: NAME_variables/data_0, data_1 … are graphs
/// with nothing but parameters. Later ones say of each parameter where it is.
Status MindirReader::add_variables() {
  constexpr std::string_view kSuffix = "_graph.mindir";
  constexpr int kMostFiles = 10'000;
  const std::string name = path_.filename().string();
  const bool open = std::ranges::any_of(graph_.parameters, [](const AnfValue& value) { return !value.bound; });
  const bool elsewhere = std::ranges::any_of(model_.graph().parameter(), &TensorProto::has_external_data);
  if (!open || elsewhere || !name.ends_with(kSuffix)) return {};
  const std::string folder = name.substr(0, name.size() - kSuffix.size()) + "_variables";
  for (int i = 0; i < kMostFiles; ++i) {
    const std::string location = folder + "/data_" + std::to_string(i);
    const auto file = containers::open_external(path_, location);
    if (!file && file.error().os_error == ENOENT) return {};
    if (!file) return file.error();
    if (auto status = add_variables(*file); !status) {
      Error error = status.error();
      error.message = "\"" + escape(location) + "\": " + error.message;
      return error;
    }
  }
  return {};
}

Status MindirReader::add_variables(const SourcePtr& file) {
  const auto stripped = strip_payloads(file, kGraphRule, limits_);
  if (!stripped) return stripped.error();
  GraphProto variables;
  if (auto status = parse_stripped(*stripped, variables); !status) return status;
  for (const TensorProto& tensor : variables.parameter()) {
    const auto found = values_.find(tensor.name());
    if (found == values_.end() || found->second.is != Operand::Is::parameter) continue;
    AnfValue& value = graph_.parameters[found->second.index];
    const auto run = stripped->payload(tensor.raw_data());
    if (!run) return run.error();
    if (value.bound || run->size == 0) continue;
    auto contents = contents_of(*run, value.type);
    if (!contents) return contents.error();
    value.contents = std::move(*contents);
    value.bound = true;
  }
  return {};
}

Status MindirReader::add_nodes() {
  // Names first: nothing says that a value comes before its use.
  std::uint32_t nodes = 0;
  std::uint32_t constants = 0;
  for (const NodeProto& node : model_.graph().node()) {
    const bool constant = node.op_type() == "Constant";
    const Operand own{constant ? Operand::Is::constant : Operand::Is::node, constant ? constants++ : nodes++};
    const std::string& name = node.output_size() > 0 ? node.output(0) : node.name();
    if (node.output_size() > 1) return malformed("node \"" + escape(name) + "\" has several outputs");
    if (auto status = add_name(name, own); !status) return status;
  }
  for (const NodeProto& node : model_.graph().node()) {
    auto status = node.op_type() == "Constant" ? add_constant(node) : add_node(node);
    if (!status) {
      Error error = status.error();
      error.message = "node \"" + escape(node.name()) + "\": " + error.message;
      return error;
    }
  }
  return {};
}

Status MindirReader::add_constant(const NodeProto& node) {
  Literal literal = Literal::other("a constant without a value");
  const auto value = std::ranges::find(node.attribute(), std::string_view("value"), &AttributeProto::name);
  if (value != node.attribute().end()) {
    auto read = literal_of(*value, values_read_);
    if (!read) return read.error();
    literal = std::move(*read);
  }
  literal.name = own_name(node.name());
  graph_.constants.push_back(std::move(literal));
  return {};
}

Status MindirReader::add_node(const NodeProto& node) {
  AnfNode out{.name = node.domain().empty() ? node.name() : node.domain()};
  const PrimitiveProto* primitive = nullptr;
  set_operator(node, out, primitive);
  if (auto status = set_attributes(node, primitive, out); !status) return status;
  if (auto status = set_operands(node, out); !status) return status;
  graph_.nodes.push_back(std::move(out));
  return {};
}

void MindirReader::set_operator(const NodeProto& node, AnfNode& out, const PrimitiveProto*& primitive) const {
  std::string_view op = node.op_type();
  if (op.starts_with("S-Prim-")) op.remove_prefix(7);
  out.op = op;
  if (!op.starts_with("REF::")) return;
  op.remove_prefix(5);
  const auto found = primitives_.find(op);
  if (found != primitives_.end()) {
    primitive = found->second;
    out.op = primitive->op_type();
    return;
  }
  out.op = "call";
  out.name = node.name();
  out.problem = "calls '" + std::string(op) + "': control flow that depends on values";
}

Status MindirReader::set_attributes(const NodeProto& node, const PrimitiveProto* primitive, AnfNode& out) {
  const auto add = [&](const AttributeProto& attribute) -> Status {
    auto literal = literal_of(attribute, values_read_);
    if (!literal) return literal.error();
    out.attrs.insert_or_assign(attribute.name(), std::move(*literal));
    return {};
  };
  for (const AttributeProto& attribute : node.attribute()) {
    const bool shape = attribute.name().empty() || (attribute.name() == "shape" && attribute.ref_attr_name().empty());
    if (shape) {
      out.recorded = recorded_of(attribute);
    } else if (auto status = add(attribute); !status) {
      return status;
    }
  }
  if (primitive == nullptr) return {};
  for (const AttributeProto& attribute : primitive->attribute())
    if (auto status = add(attribute); !status) return status;
  return {};
}

Status MindirReader::set_operands(const NodeProto& node, AnfNode& out) {
  for (const std::string& input : node.input()) {
    const auto found = values_.find(input);
    if (found != values_.end()) {
      out.operands.push_back(found->second);
      continue;
    }
    if (!functions_.contains(input)) return malformed("its input \"" + escape(input) + "\" is not there");
    out.operands.push_back({Operand::Is::constant, static_cast<std::uint32_t>(graph_.constants.size())});
    graph_.constants.push_back(Literal::other("a function"));
  }
  return {};
}

Status MindirReader::add_outputs() {
  for (const mind_ir::ValueInfoProto& output : model_.graph().output()) {
    const auto found = values_.find(output.name());
    if (found == values_.end()) return malformed("the output \"" + escape(output.name()) + "\" is not there");
    graph_.outputs.push_back(found->second);
  }
  return {};
}

Result<GraphFile> finish(const ModelProto& model, const Stripped& stripped, const std::filesystem::path& path,
                         const ReadGraphOptions& options) {
  auto anf = MindirReader(model, stripped, path, limits_of(options)).read();
  if (!anf) return anf.error();
  if (!options.output.empty()) {
    auto output = find_output(*anf, options.output);
    if (!output) return output.error();
    anf->outputs = {*output};
  }
  GraphFile out{.format = GraphFormat::mindir, .producer = model.producer_name()};
  if (!model.model_version().empty()) out.producer += " " + model.model_version();
  auto graph = normalise(*anf, out.refusals);
  if (!graph) return graph.error();
  out.graph = std::move(*graph);
  return out;
}

// Releases before 1.1: the same in the messages of ONNX.

constexpr FieldRule kOnnxTensorFields[] = {{9, Is::payload}};
constexpr MessageRule kOnnxTensorRule{kOnnxTensorFields};
constexpr FieldRule kOnnxAttributeFields[] = {
    {5, Is::message, &kOnnxTensorRule}, {6, Is::left_out}, {10, Is::message, &kOnnxTensorRule}, {11, Is::left_out}};
constexpr MessageRule kOnnxAttributeRule{kOnnxAttributeFields};
constexpr FieldRule kOnnxNodeFields[] = {{5, Is::message, &kOnnxAttributeRule}};
constexpr MessageRule kOnnxNodeRule{kOnnxNodeFields};
constexpr FieldRule kOnnxGraphFields[] = {{1, Is::message, &kOnnxNodeRule}, {5, Is::message, &kOnnxTensorRule}};
constexpr MessageRule kOnnxGraphRule{kOnnxGraphFields};
constexpr FieldRule kOnnxModelFields[] = {{7, Is::message, &kOnnxGraphRule}};
constexpr MessageRule kOnnxModelRule{kOnnxModelFields};

void convert(const onnx::TensorProto& from, TensorProto& to) {
  to.set_name(from.name());
  to.set_data_type(from.data_type());  // the numbers are the same
  to.set_raw_data(from.raw_data());
  for (const auto dim : from.dims()) to.add_dims(dim);
  for (const auto value : from.float_data()) to.add_float_data(value);
  for (const auto value : from.int32_data()) to.add_int32_data(value);
  for (const auto& value : from.string_data()) to.add_string_data(value);
  for (const auto value : from.int64_data()) to.add_int64_data(value);
  for (const auto value : from.double_data()) to.add_double_data(value);
  for (const auto value : from.uint64_data()) to.add_uint64_data(value);
}

void convert(const onnx::AttributeProto& from, AttributeProto& to) {
  to.set_name(from.name());
  to.set_ref_attr_name(from.ref_attr_name());
  if (from.has_i()) to.set_i(from.i()), to.set_type(AttributeProto::INT64);
  if (from.has_f()) to.set_f(from.f()), to.set_type(AttributeProto::FLOAT);
  if (from.has_s()) to.set_s(from.s()), to.set_type(AttributeProto::STRING);
  if (from.has_t()) convert(from.t(), *to.add_tensors());
  for (const auto value : from.ints()) to.add_ints(value);
  for (const auto value : from.floats()) to.add_floats(value);
  for (const auto& value : from.strings()) to.add_strings(value);
  for (const auto& value : from.tensors()) convert(value, *to.add_tensors());
  if (from.ints_size() > 0) to.set_type(AttributeProto::INT64);
}

void convert(const onnx::ValueInfoProto& from, mind_ir::ValueInfoProto& to) {
  to.set_name(from.name());
  if (!from.type().has_tensor_type()) return;
  TensorProto& tensor = *to.add_tensor();
  tensor.set_data_type(from.type().tensor_type().elem_type());
  for (const auto& dim : from.type().tensor_type().shape().dim())
    tensor.add_dims(dim.has_dim_value() ? dim.dim_value() : -1);
}

void convert(const onnx::ModelProto& from, ModelProto& to) {
  to.set_producer_name(from.producer_name());
  to.set_model_version(from.producer_version());
  GraphProto& graph = *to.mutable_graph();
  graph.set_name(from.graph().name());
  std::unordered_set<std::string_view> parameters;
  for (const auto& tensor : from.graph().initializer()) {
    parameters.insert(tensor.name());
    convert(tensor, *graph.add_parameter());
  }
  for (const auto& input : from.graph().input())
    if (!parameters.contains(input.name())) convert(input, *graph.add_input());
  for (const auto& output : from.graph().output()) convert(output, *graph.add_output());
  for (const auto& node : from.graph().node()) {
    NodeProto& out = *graph.add_node();
    out.set_name(node.name());
    out.set_op_type(node.op_type());
    out.set_domain(node.domain());
    for (const auto& input : node.input()) out.add_input(input);
    for (const auto& output : node.output()) out.add_output(output);
    for (const auto& attribute : node.attribute()) convert(attribute, *out.add_attribute());
  }
}

}  // namespace

Result<GraphFile> read_mindir(const SourcePtr& file, const std::filesystem::path& path,
                              const ReadGraphOptions& options) {
  const auto stripped = strip_payloads(file, kModelRule, limits_of(options));
  if (!stripped) return stripped.error();
  google::protobuf::Arena arena;
  auto& model = *google::protobuf::Arena::CreateMessage<ModelProto>(&arena);
  if (auto status = parse_stripped(*stripped, model); !status) return status.error();
  return finish(model, *stripped, path, options);
}

Result<GraphFile> read_onnx_like_mindir(const SourcePtr& file, const ReadGraphOptions& options) {
  const auto stripped = strip_payloads(file, kOnnxModelRule, limits_of(options));
  if (!stripped) return stripped.error();
  google::protobuf::Arena arena;
  auto& model = *google::protobuf::Arena::CreateMessage<ModelProto>(&arena);
  {
    onnx::ModelProto from;
    if (auto status = parse_stripped(*stripped, from); !status) return status.error();
    convert(from, model);
  }
  return finish(model, *stripped, {}, options);
}

}  // namespace ckpt::graph
