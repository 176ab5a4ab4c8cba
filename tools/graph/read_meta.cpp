// -graph.meta: the graph of a training step. What computes the outputs is kept of it, turned into inference; the loss,
// the gradients and the optimizer are not.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "anf.h"
#include "anf_ir.pb.h"
#include "ckpt/text.h"
#include "meta_types.h"
#include "normalise.h"
#include "readers.h"

namespace ckpt::graph {
namespace {

using anf_ir::ValueProto;
using Is = FieldRule::Is;

extern const MessageRule kValueRule;
constexpr FieldRule kTensorFields[] = {{8, Is::payload}};
constexpr MessageRule kTensorRule{kTensorFields};
constexpr FieldRule kNamedFields[] = {{2, Is::message, &kValueRule}};
constexpr MessageRule kNamedRule{kNamedFields};
constexpr FieldRule kValueFields[] = {{8, Is::message, &kTensorRule},  {9, Is::left_out},
                                      {16, Is::message, &kTensorRule}, {17, Is::left_out},
                                      {18, Is::message, &kValueRule},  {19, Is::left_out}};
const MessageRule kValueRule{kValueFields};
constexpr MessageRule kLeafRule{};
constexpr FieldRule kNodeFields[] = {
    {1, Is::message, &kLeafRule}, {5, Is::message, &kNamedRule}, {6, Is::message, &kLeafRule}};
constexpr MessageRule kNodeRule{kNodeFields};
constexpr FieldRule kParameterFields[] = {{3, Is::left_out}};
constexpr MessageRule kParameterRule{kParameterFields};
constexpr FieldRule kGraphFields[] = {
    {1, Is::message, &kNodeRule}, {3, Is::message, &kParameterRule}, {5, Is::message, &kNamedRule}};
constexpr MessageRule kGraphRule{kGraphFields};
constexpr FieldRule kModelFields[] = {{4, Is::message, &kGraphRule}, {5, Is::left_out}};
constexpr MessageRule kModelRule{kModelFields};

DType dtype_of(anf_ir::DataType type) { return find_meta_type(&MetaType::number, type).dtype; }

Type type_of(const anf_ir::TypeProto::Tensor& tensor) {
  Type type{.dtype = dtype_of(tensor.elem_type())};
  for (const auto& dim : tensor.shape().dim()) type.dims.push_back(dim.size() < 0 ? Dim() : Dim(dim.size()));
  return type;
}

Recorded recorded_of(const anf_ir::TypeProto& type) {
  if (type.has_tensor_type()) return {.is = Recorded::Is::tensor, .type = type_of(type.tensor_type())};
  if (!type.has_sequence_type()) return {.is = Recorded::Is::other};
  Recorded list{.is = Recorded::Is::list};
  for (const auto& element : type.sequence_type().elem_types()) {
    // Tuples do not have their elements' shapes; none is not that of a scalar.
    Recorded item = recorded_of(element);
    if (item.type.dims.empty()) item.type = {};
    list.items.push_back(std::move(item));
  }
  return list;
}

Literal tensor_literal(const anf_ir::TensorProto& tensor, const Stripped& payloads) {
  Literal literal{.is = Literal::Is::tensor, .type = {.dtype = dtype_of(tensor.data_type())}, .recorded = false};
  for (const auto dim : tensor.dims()) literal.type.dims.push_back(dim < 0 ? Dim() : Dim(dim));
  const auto run = payloads.payload(tensor.raw_data());
  if (!run || run->size == 0) return literal;
  if (auto contents = contents_of(*run, literal.type)) {
    literal.contents = std::move(*contents);
    literal.recorded = true;
  }
  return literal;
}

Literal literal_of(const ValueProto& value, const Stripped& payloads) {
  switch (value.dtype()) {
    case anf_ir::DT_BOOL:
      return Literal::of(value.bool_val());
    case anf_ir::DT_INT8:
    case anf_ir::DT_INT16:
    case anf_ir::DT_INT32:
    case anf_ir::DT_INT64:
      return Literal::of(std::int64_t{value.int_val()});
    case anf_ir::DT_UINT8:
    case anf_ir::DT_UINT16:
    case anf_ir::DT_UINT32:
    case anf_ir::DT_UINT64:
      return Literal::of(static_cast<std::int64_t>(value.uint_val()));
    case anf_ir::DT_FLOAT32:
      return Literal::of(double{value.float_val()});
    case anf_ir::DT_FLOAT64:
      return Literal::of(value.double_val());
    case anf_ir::DT_STRING:
      return Literal::of(value.str_val());
    case anf_ir::DT_NONE:
      return Literal{};
    case anf_ir::DT_TENSOR:
      return tensor_literal(value.tensor_val(), payloads);
    case anf_ir::DT_TYPE:
      return Literal::of(dtype_of(value.type_val().has_tensor_type() ? value.type_val().tensor_type().elem_type()
                                                                     : value.type_val().data_type()));
    case anf_ir::DT_TUPLE:
    case anf_ir::DT_LIST: {
      Literal list{.is = Literal::Is::list};
      for (const ValueProto& item : value.values()) list.items.push_back(literal_of(item, payloads));
      return list;
    }
    case anf_ir::DT_UNDEFINED:
      if (value.str_val() == "U" || value.str_val() == "IO") return Literal{.is = Literal::Is::monad};
      return Literal::other("a function");
    default:
      return Literal::other("a value of kind " + std::to_string(value.dtype()));
  }
}

constexpr std::string_view kLossScope = "_loss_fn-";

bool is_loss(const AnfNode& node) {
  static constexpr std::string_view kLosses[] = {"BCEWithLogitsLoss",
                                                 "BinaryCrossEntropy",
                                                 "CTCLoss",
                                                 "KLDivLoss",
                                                 "NLLLoss",
                                                 "SigmoidCrossEntropyWithLogits",
                                                 "SmoothL1Loss",
                                                 "SoftmaxCrossEntropyWithLogits",
                                                 "SparseSoftmaxCrossEntropyWithLogits"};
  return node.name.find(kLossScope) != node.name.npos || std::ranges::find(kLosses, node.op) != std::end(kLosses);
}

class MetaReader {
 public:
  MetaReader(const anf_ir::GraphProto& from, const Stripped& payloads) : from_(from), payloads_(payloads) {}

  Result<AnfGraph> read(const std::string& output);

 private:
  Status add_name(std::string_view name, Operand operand);
  Status add_values();
  Status add_nodes();
  Status add_node(const anf_ir::NodeProto& node, std::size_t number);
  Status add_own_outputs();
  Operand add_constant(Literal literal);

  Result<Operand> logits() const;
  void to_inference(AnfNode& node);
  void batch_norm(AnfNode& node);
  void moving(AnfNode& node, std::size_t operand, std::string_view statistic);
  void dropout(AnfNode& node) const;
  void cast(AnfNode& node);
  void split_inputs(const std::vector<std::uint32_t>& needed);

  const anf_ir::GraphProto& from_;
  const Stripped& payloads_;
  AnfGraph graph_ = {};
  std::vector<std::string> numbers_ = {};  // names of nodes that have none
  std::unordered_map<std::string_view, Operand> values_ = {};
};

Result<AnfGraph> MetaReader::read(const std::string& output) {
  graph_.name = from_.name();
  if (auto status = add_values(); !status) return status.error();
  if (auto status = add_nodes(); !status) return status.error();
  if (auto status = add_own_outputs(); !status) return status.error();
  const auto found = output.empty() ? logits() : find_output(graph_, output);
  if (!found) return found.error();
  graph_.outputs = {*found};
  const auto needed = needed_nodes(graph_);
  if (!needed) return needed.error();
  for (const std::uint32_t index : *needed) to_inference(graph_.nodes[index]);
  split_inputs(*needed);
  return std::move(graph_);
}

Status MetaReader::add_name(std::string_view name, Operand operand) {
  if (values_.emplace(name, operand).second) return {};
  return malformed("two values are called \"" + escape(name) + "\"");
}

Status MetaReader::add_values() {
  for (const auto& parameter : from_.parameters()) {
    const auto index = static_cast<std::uint32_t>(graph_.parameters.size());
    if (auto status = add_name(parameter.name(), {Operand::Is::parameter, index}); !status) return status;
    graph_.parameters.push_back(
        {.name = parameter.name(), .type = recorded_of(parameter.type()).type, .contents = {}, .bound = false});
  }
  for (const auto& constant : from_.const_vals()) {
    if (auto status = add_name(constant.key(), add_constant(literal_of(constant.value(), payloads_))); !status)
      return status;
    graph_.constants.back().name = constant.key();
  }
  return {};
}

Operand MetaReader::add_constant(Literal literal) {
  graph_.constants.push_back(std::move(literal));
  return {Operand::Is::constant, static_cast<std::uint32_t>(graph_.constants.size() - 1)};
}

Status MetaReader::add_nodes() {
  numbers_.reserve(static_cast<std::size_t>(from_.node_size()));
  for (int i = 0; i < from_.node_size(); ++i) {
    // The call of a function is written as an empty node, whose number counts.
    numbers_.push_back(std::to_string(i + 1));
    const std::string& name = from_.node(i).name();
    const Operand own{Operand::Is::node, static_cast<std::uint32_t>(i)};
    if (auto status = add_name(name.empty() ? numbers_.back() : name, own); !status) return status;
  }
  for (int i = 0; i < from_.node_size(); ++i)
    if (auto status = add_node(from_.node(i), static_cast<std::size_t>(i)); !status) return status;
  return {};
}

Status MetaReader::add_node(const anf_ir::NodeProto& node, std::size_t number) {
  AnfNode out{.op = node.op_type(), .name = node.full_name()};
  if (out.name.empty()) {
    out.name = node.scope() + (node.scope().empty() ? "" : "/") + (out.op.empty() ? "call" : out.op) + "-op" +
               numbers_[number];
  }
  if (out.op.empty()) {
    out.op = "call";
    out.problem = "calls a function, which graph.meta does not record: control flow that depends on values";
  }
  out.recorded = recorded_of(node.output_type());
  for (const auto& attribute : node.attribute())
    out.attrs.insert_or_assign(attribute.name(), literal_of(attribute.value(), payloads_));
  for (const auto& input : node.input()) {
    if (input.type() == anf_ir::InputProto::CONTROL_EDGE) continue;
    const auto found = values_.find(input.name());
    if (found == values_.end())
      return malformed("node \"" + escape(out.name) + "\": its input \"" + escape(input.name()) + "\" is not there");
    out.operands.push_back(found->second);
  }
  graph_.nodes.push_back(std::move(out));
  return {};
}

Status MetaReader::add_own_outputs() {
  for (const auto& output : from_.outputs()) {
    const auto found = values_.find(output.name());
    if (found == values_.end()) return malformed("the output \"" + escape(output.name()) + "\" is not there");
    graph_.outputs.push_back(found->second);
  }
  return {};
}

/// What the loss is computed from: of the first node of the loss the first operand that comes from outside of it. The
/// graph's own output where there is no loss at all.
Result<Operand> MetaReader::logits() const {
  const auto loss = std::ranges::find_if(graph_.nodes, is_loss);
  if (loss == graph_.nodes.end()) {
    if (graph_.outputs.size() == 1) return graph_.outputs[0];
    return unsupported("no loss is found in the graph: say which node or scope the output is");
  }
  for (const Operand& operand : loss->operands)
    if (operand.is == Operand::Is::node && !is_loss(graph_.nodes[operand.index])) return operand;
  return unsupported("the loss \"" + escape(loss->name) +
                     "\" is computed from no node outside of it: say which node or scope the output is");
}

void MetaReader::to_inference(AnfNode& node) {
  if (node.op == "BatchNorm" || node.op == "FusedBatchNorm" || node.op == "FusedBatchNormEx") batch_norm(node);
  if (node.op == "Dropout" || node.op == "DropoutDoMask" || node.op == "DropoutExt" || node.op == "FuncDropoutExt" ||
      node.op == "DropoutDoMaskExt" || node.op == "Dropout2D" || node.op == "Dropout3D")
    dropout(node);
  if (node.op == "Cast") cast(node);
  static constexpr std::string_view kInputs[] = {"GetNext", "InitDataSetQueue"};
  if (std::ranges::find(kInputs, node.op) != std::end(kInputs))
    node.problem = "takes its data from a queue: train without sink mode, or export the network as MindIR";
  static constexpr std::string_view kKernels[] = {"BNTrainingReduce", "BNTrainingUpdate"};
  if (std::ranges::find(kKernels, node.op) != std::end(kKernels))
    node.problem = "BatchNorm in pieces, whose statistics are of a batch";
}

void MetaReader::batch_norm(AnfNode& node) {
  constexpr std::size_t kMean = 3, kVariance = 4, kIsTraining = 5, kOperands = 5, kResults = 5;
  if (node.operands.size() > kIsTraining && node.operands[kIsTraining].is == Operand::Is::constant &&
      graph_.constants[node.operands[kIsTraining].index].is == Literal::Is::boolean)
    node.operands[kIsTraining] = add_constant(Literal::of(false));
  node.attrs.insert_or_assign("is_training", Literal::of(false));
  if (node.operands.size() < kOperands) {
    node.problem = "BatchNorm without moving statistics";
    return;
  }
  moving(node, kMean, "moving_mean");
  moving(node, kVariance, "moving_variance");
  // FusedBatchNormEx has one more, for its gradient.
  if (node.recorded.items.size() > kResults) node.recorded.items.resize(kResults);
}

/// Where training computes a statistic anew, inference takes the parameter that belongs to gamma.
void MetaReader::moving(AnfNode& node, std::size_t operand, std::string_view statistic) {
  Operand& statistics = node.operands[operand];
  const auto loaded = [&](Operand from) {
    while (from.is == Operand::Is::node && graph_.nodes[from.index].op == "Load" &&
           !graph_.nodes[from.index].operands.empty())
      from = graph_.nodes[from.index].operands[0];
    return from;
  };
  if (loaded(statistics).is == Operand::Is::parameter) return;
  constexpr std::string_view kGamma = "gamma";
  const Operand gamma = loaded(node.operands[1]);
  if (gamma.is == Operand::Is::parameter) {
    std::string name = graph_.parameters[gamma.index].name;
    if (name.ends_with(kGamma)) {
      name.replace(name.size() - kGamma.size(), kGamma.size(), statistic);
      const auto found = values_.find(name);
      if (found != values_.end() && found->second.is == Operand::Is::parameter) {
        statistics = found->second;
        return;
      }
    }
  }
  node.problem = "its " + std::string(statistic) + " is not recorded";
}

/// Nothing is dropped: the value itself, in the place of (value, mask) where there were two.
void MetaReader::dropout(AnfNode& node) const {
  if (node.operands.empty()) return;
  node.operands.resize(1);
  const bool two = node.recorded.is == Recorded::Is::list;
  node.op = two ? "MakeTuple" : "Depend";
  if (two) node.operands.resize(node.recorded.items.size(), node.operands[0]);
}

/// Its target is recorded without a width; the result's type has one.
void MetaReader::cast(AnfNode& node) {
  if (node.operands.size() < 2 || node.recorded.is != Recorded::Is::tensor) return;
  const Operand target = node.operands[1];
  if (target.is != Operand::Is::constant || graph_.constants[target.index].is != Literal::Is::dtype) return;
  node.operands[1] = add_constant(Literal::of(node.recorded.type.dtype));
}

/// What is given at each step is a parameter here, too. It is told from weights by its use: newer releases load
/// weights; in older ones weights are attributes of a cell and have a dot, or a cell's own word, in their names. What
/// the outputs do not need (labels, the optimizer's) is no input.
void MetaReader::split_inputs(const std::vector<std::uint32_t>& needed) {
  std::unordered_set<std::uint32_t> used;
  std::unordered_set<std::uint32_t> weights;
  bool loads = false;
  for (const std::uint32_t index : needed) {
    const AnfNode& node = graph_.nodes[index];
    const bool load = node.op == "Load";
    loads = loads || load;
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
      if (node.operands[i].is != Operand::Is::parameter) continue;
      used.insert(node.operands[i].index);
      if (load || (node.op == "BatchNorm" && i > 0)) weights.insert(node.operands[i].index);
    }
  }
  for (const Operand& output : graph_.outputs)
    if (output.is == Operand::Is::parameter) used.insert(output.index);
  static constexpr std::string_view kWords[] = {
      "bias", "beta", "embedding_table", "gamma", "moving_mean", "moving_variance", "weight"};
  std::vector<Operand> now;
  std::vector<AnfValue> kept;
  for (std::uint32_t i = 0; i < graph_.parameters.size(); ++i) {
    AnfValue& parameter = graph_.parameters[i];
    const bool named = parameter.name.find('.') != parameter.name.npos ||
                       std::ranges::find(kWords, parameter.name) != std::end(kWords);
    const bool weight = named || (loads && weights.contains(i)) || !used.contains(i);
    std::vector<AnfValue>& list = weight ? kept : graph_.inputs;
    now.push_back({weight ? Operand::Is::parameter : Operand::Is::input, static_cast<std::uint32_t>(list.size())});
    list.push_back(std::move(parameter));
  }
  graph_.parameters = std::move(kept);
  const auto renumber = [&](Operand& operand) {
    if (operand.is == Operand::Is::parameter) operand = now[operand.index];
  };
  for (AnfNode& node : graph_.nodes) std::ranges::for_each(node.operands, renumber);
  std::ranges::for_each(graph_.outputs, renumber);
}

}  // namespace

Result<GraphFile> read_graph_meta(const SourcePtr& file, const ReadGraphOptions& options) {
  const auto stripped = strip_payloads(file, kModelRule, limits_of(options));
  if (!stripped) return stripped.error();
  google::protobuf::Arena arena;
  auto& model = *google::protobuf::Arena::CreateMessage<anf_ir::ModelProto>(&arena);
  if (auto status = parse_stripped(*stripped, model); !status) return status.error();
  auto anf = MetaReader(model.graph(), *stripped).read(options.output);
  if (!anf) return anf.error();
  GraphFile out{.format = GraphFormat::graph_meta, .producer = "MindSpore"};
  auto graph = normalise(*anf, out.refusals);
  if (!graph) return graph.error();
  out.graph = std::move(*graph);
  return out;
}

}  // namespace ckpt::graph
