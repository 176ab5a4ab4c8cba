// An ONNX model as a graph to look at: its nodes keep ONNX's names, so it is not for converting.
#include <cerrno>
#include <memory>
#include <unordered_map>
#include <utility>

#include "ckpt/text.h"
#include "containers.h"
#include "external_data.h"
#include "onnx.pb.h"
#include "readers.h"
#include "unique_names.h"

namespace ckpt::graph {
namespace {

using Is = FieldRule::Is;

constexpr FieldRule kAttributeFields[] = {{5, Is::left_out}, {6, Is::left_out}, {10, Is::left_out}, {11, Is::left_out}};
constexpr MessageRule kAttributeRule{kAttributeFields};
constexpr FieldRule kNodeFields[] = {{5, Is::message, &kAttributeRule}};
constexpr MessageRule kNodeRule{kNodeFields};
constexpr FieldRule kGraphFields[] = {
    {1, Is::message, &kNodeRule}, {5, Is::left_out}, {13, Is::left_out}, {14, Is::left_out}, {15, Is::left_out}};
constexpr MessageRule kGraphRule{kGraphFields};
constexpr FieldRule kModelFields[] = {{7, Is::message, &kGraphRule}, {20, Is::left_out}, {25, Is::left_out}};
constexpr MessageRule kModelRule{kModelFields};

/// By TensorProto.DataType.
DType dtype_of(std::int32_t type) noexcept {
  constexpr DType kTypes[] = {DType::unknown,    DType::float32, DType::uint8,  DType::int8,   DType::uint16,
                              DType::int16,      DType::int32,   DType::int64,  DType::string, DType::boolean,
                              DType::float16,    DType::float64, DType::uint32, DType::uint64, DType::complex64,
                              DType::complex128, DType::bfloat16};
  return type >= 0 && static_cast<std::size_t>(type) < std::size(kTypes) ? kTypes[type] : DType::unknown;
}

Type type_of(const onnx::ValueInfoProto& value) {
  Type type{.dtype = dtype_of(value.type().tensor_type().elem_type())};
  for (const auto& dim : value.type().tensor_type().shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() >= 0) {
      type.dims.emplace_back(dim.dim_value());
    } else {
      type.dims.push_back(dim.dim_param().empty() ? Dim() : Dim(dim.dim_param()));
    }
  }
  return type;
}

Attr attr_of(const onnx::AttributeProto& from) {
  using Proto = onnx::AttributeProto;
  switch (from.type()) {
    case Proto::INT:
      return std::int64_t{from.i()};
    case Proto::FLOAT:
      return double{from.f()};
    case Proto::STRING:
      return from.s();
    case Proto::INTS:
      return Ints(from.ints().begin(), from.ints().end());
    case Proto::FLOATS:
      return Doubles(from.floats().begin(), from.floats().end());
    case Proto::STRINGS:
      return Strings(from.strings().begin(), from.strings().end());
    default:
      return None{};
  }
}

class OnnxReader {
 public:
  OnnxReader(const onnx::GraphProto& from, std::shared_ptr<const Checkpoint> weights)
      : from_(from), weights_(std::move(weights)) {}

  Result<Graph> read() {
    graph_.name = from_.name();
    for (const TensorInfo& tensor : weights_->tensors())
      if (auto status = add_parameter(tensor); !status) return status.error();
    for (const auto& input : from_.input()) {
      if (values_.contains(input.name())) continue;  // an initialiser that may be given another value
      values_.emplace(input.name(), graph_.add_input(input.name(), type_of(input)));
    }
    for (const auto& node : from_.node())
      if (auto status = add_node(node); !status) return status.error();
    for (const auto& output : from_.output()) {
      const auto found = values_.find(output.name());
      if (found == values_.end()) return malformed("the output \"" + escape(output.name()) + "\" is not there");
      Value& value = graph_.value(found->second);
      if (value.kind == ValueKind::result) value.type = type_of(output);
      graph_.outputs.push_back(found->second);
    }
    if (graph_.outputs.empty()) return malformed("the graph has no outputs");
    return std::move(graph_);
  }

 private:
  Status add_parameter(const TensorInfo& tensor) {
    Type type{.dtype = tensor.dtype, .dims = Dims(tensor.dims.begin(), tensor.dims.end())};
    if (tensor.kind != Kind::tensor || !tensor.fits()) type.dtype = DType::unknown;
    const ValueId id = graph_.add_parameter(tensor.name, type);
    values_.emplace(tensor.name, id);
    if (type.dtype == DType::unknown) return {};
    Value& value = graph_.value(id);
    value.bound = true;
    value.contents.size = tensor.byte_size;
    for (const Extent& extent : tensor.extents)
      value.contents.runs.push_back({.source = SourcePtr(weights_, &weights_->source(extent.source)),
                                     .offset = extent.offset,
                                     .size = extent.size});
    return {};
  }

  Status add_node(const onnx::NodeProto& node) {
    Node out{.op = node.op_type(), .name = node.name()};
    if (out.name.empty() && node.output_size() > 0) out.name = node.output(0);
    out.name = names_.take(std::move(out.name));
    for (const std::string& input : node.input()) {
      const auto found = values_.find(input);
      if (!input.empty() && found == values_.end())
        return malformed("node \"" + escape(out.name) + "\": its input \"" + escape(input) + "\" is not there");
      out.inputs.push_back(input.empty() ? kAbsent : found->second);
    }
    for (const auto& attribute : node.attribute()) out.attrs.insert_or_assign(attribute.name(), attr_of(attribute));
    const auto outputs = static_cast<std::size_t>(node.output_size());
    if (outputs == 0) return malformed("node \"" + escape(out.name) + "\" has no outputs");
    const Node& added =
        graph_.add_node(std::move(out.op), std::move(out.name), std::move(out.inputs), std::move(out.attrs), outputs);
    for (std::size_t i = 0; i < outputs; ++i) {
      const std::string& output = node.output(static_cast<int>(i));
      graph_.value(added.outputs[i]).name = output.empty() ? added.name + ":" + std::to_string(i) : output;
      if (!output.empty() && !values_.emplace(output, added.outputs[i]).second)
        return malformed("two values are called \"" + escape(output) + "\"");
    }
    return {};
  }

  const onnx::GraphProto& from_;
  std::shared_ptr<const Checkpoint> weights_;
  Graph graph_ = {};
  std::unordered_map<std::string, ValueId> values_ = {};
  UniqueNames names_ = {};
};

Result<Checkpoint> weights_of(const SourcePtr& file, const std::filesystem::path& path) {
  std::map<std::string, containers::ExternalPlace> places;
  if (path.empty()) return containers::read_onnx_alone(file, places);
  auto weights = containers::read_onnx(file, path);
  if (!weights && weights.error().os_error == ENOENT) return containers::read_onnx_alone(file, places);
  return weights;
}

}  // namespace

Result<GraphFile> read_onnx_model(const SourcePtr& file, const std::filesystem::path& path,
                                  const ReadGraphOptions& options) {
  auto weights = weights_of(file, path);
  if (!weights) return weights.error();
  const auto stripped = strip_payloads(file, kModelRule, limits_of(options));
  if (!stripped) return stripped.error();
  google::protobuf::Arena arena;
  auto& model = *google::protobuf::Arena::CreateMessage<onnx::ModelProto>(&arena);
  if (auto status = parse_stripped(*stripped, model); !status) return status.error();
  auto graph = OnnxReader(model.graph(), std::make_shared<const Checkpoint>(std::move(*weights))).read();
  if (!graph) return graph.error();
  GraphFile out{.format = GraphFormat::onnx, .producer = model.producer_name(), .graph = std::move(*graph)};
  if (!model.producer_version().empty()) out.producer += " " + model.producer_version();
  return out;
}

}  // namespace ckpt::graph
