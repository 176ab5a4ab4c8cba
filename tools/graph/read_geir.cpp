// GEIR: operators of Ascend's graph engine under the names of MindSpore's, so that the rest does not differ.
#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <utility>

#include "anf.h"
#include "ckpt/text.h"
#include "ge_ir.pb.h"
#include "ge_types.h"
#include "normalise.h"
#include "readers.h"

namespace ckpt::graph {
namespace {

using Is = FieldRule::Is;

constexpr FieldRule kDescriptorFields[] = {{5, Is::left_out}};
constexpr MessageRule kDescriptorRule{kDescriptorFields};
constexpr FieldRule kTensorFields[] = {{1, Is::message, &kDescriptorRule}, {2, Is::payload}};
constexpr MessageRule kTensorRule{kTensorFields};
constexpr FieldRule kListFields[] = {{8, Is::left_out}, {9, Is::left_out}, {10, Is::left_out}, {11, Is::left_out}};
constexpr MessageRule kListRule{kListFields};
constexpr FieldRule kAttrFields[] = {{1, Is::message, &kListRule},
                                     {10, Is::left_out},
                                     {11, Is::left_out},
                                     {12, Is::message, &kTensorRule},
                                     {13, Is::left_out}};
constexpr MessageRule kAttrRule{kAttrFields};
constexpr FieldRule kEntryFields[] = {{2, Is::message, &kAttrRule}};
constexpr MessageRule kEntryRule{kEntryFields};
constexpr FieldRule kOpFields[] = {
    {10, Is::message, &kEntryRule}, {33, Is::message, &kDescriptorRule}, {34, Is::message, &kDescriptorRule}};
constexpr MessageRule kOpRule{kOpFields};
constexpr FieldRule kGraphFields[] = {{6, Is::message, &kOpRule}, {11, Is::left_out}};
constexpr MessageRule kGraphRule{kGraphFields};
constexpr FieldRule kModelFields[] = {{7, Is::message, &kGraphRule}, {11, Is::left_out}};
constexpr MessageRule kModelRule{kModelFields};

/// What an operator of GE is called here. Names that are the same in both are not listed, nor are spellings that the
/// table of operators knows.
struct Counterpart {
  std::string_view ge;
  std::string_view ms;
  std::string_view attrs = {};       // "axes=axis": GE's name and MindSpore's
  std::string_view dtype_attr = {};  // an attribute, by MindSpore's name, that is a type in GE's numbers
  std::size_t bias = 0;              // which input, if it is there, is added to the result
};

constexpr Counterpart kOps[] = {
    {"Acos", "ACos"},
    {"Adds", "Add"},
    {"ArgMaxD", "Argmax", "dimension=axis dtype=output_type", "output_type"},
    {"ArgMaxV2", "Argmax", "dtype=output_type", "output_type"},
    {"ArgMaxWithValue", "ArgMaxWithValue", "dimension=axis"},
    {"ArgMinD", "Argmin", "dimension=axis dtype=output_type", "output_type"},
    {"ArgMinWithValue", "ArgMinWithValue", "dimension=axis"},
    {"AvgPool3D", "AvgPool3D", "pads=pad_list"},
    {"AvgPoolV2", "AvgPool2D", "ksize=kernel_size strides=stride pads=padding"},
    {"BatchMatMul", "BatchMatMul", "adj_x1=transpose_a adj_x2=transpose_b"},
    {"BatchMatMulV2", "BatchMatMul", "adj_x1=transpose_a adj_x2=transpose_b"},
    {"BatchToSpaceD", "BatchToSpace"},
    {"BroadcastToD", "BroadcastTo"},
    {"Cast", "Cast", "dst_type=dtype", "dtype"},
    {"ConcatD", "Concat", "concat_dim=axis"},
    {"Conv2D", "Conv2D", "pads=pad_list strides=stride dilations=dilation groups=group", "", 2},
    {"Conv2DBackpropInputD", "Conv2DTranspose",
     "pads=pad_list strides=stride dilations=dilation groups=group input_size=input_sizes"},
    {"Conv3D", "Conv3D", "pads=pad_list strides=stride dilations=dilation groups=group", "", 2},
    {"CumprodD", "CumProd"},
    {"CumsumD", "CumSum"},
    {"DepthwiseConv2D", "DepthwiseConv2dNative", "pads=pad_list strides=stride dilations=dilation", "", 2},
    {"FastGelu", "FastGeLU"},
    {"GatherElements", "GatherD"},
    {"GatherV2", "Gather"},
    {"GatherV2D", "Gather"},
    {"Gelu", "GeLU"},
    {"HardSigmoid", "HSigmoid"},
    {"HardSwish", "HSwish"},
    {"Iou", "IOU"},
    {"L2Normalize", "L2Normalize", "eps=epsilon"},
    {"LeakyRelu", "LeakyReLUExt"},
    {"LpNorm", "LpNorm", "axes=axis keepdim=keep_dims"},
    {"LogSoftmaxV2", "LogSoftmax", "axes=axis"},
    {"MatMul", "MatMul", "transpose_x1=transpose_a transpose_x2=transpose_b", "", 2},
    {"MatMulV2", "MatMul", "transpose_x1=transpose_a transpose_x2=transpose_b", "", 2},
    {"MaxPool3D", "MaxPool3D", "padding=pad_mode pads=pad_list"},
    {"MaxPoolV3", "MaxPoolWithMask", "ksize=kernel_size"},
    {"Muls", "Muls"},
    {"PRelu", "PReLU"},
    {"Pack", "Stack"},
    {"PadD", "Pad"},
    {"ReduceAllD", "ReduceAll", "axes=axis"},
    {"ReduceAnyD", "ReduceAny", "axes=axis"},
    {"ReduceMaxD", "ReduceMax", "axes=axis"},
    {"ReduceMeanD", "ReduceMean", "axes=axis"},
    {"ReduceMinD", "ReduceMin", "axes=axis"},
    {"ReduceProdD", "ReduceProd", "axes=axis"},
    {"ReduceSumD", "ReduceSum", "axes=axis"},
    {"Relu", "ReLU"},
    {"Relu6", "ReLU6"},
    {"ResizeBilinearV2D", "ResizeBilinearV2"},
    {"ResizeNearestNeighborV2D", "ResizeNearestNeighborV2"},
    {"ReverseV2D", "ReverseV2"},
    {"ScatterNdD", "ScatterNd"},
    {"Selu", "SeLU"},
    {"SliceD", "Slice", "offsets=begin"},
    {"SoftmaxV2", "Softmax", "axes=axis"},
    {"SpaceToBatchD", "SpaceToBatch"},
    {"SplitD", "Split", "split_dim=axis num_split=output_num"},
    {"Swish", "SiLU"},
    {"TileD", "Tile", "multiples=dims"},
    {"TransposeD", "Transpose", "perm=dims"},
    {"Unpack", "Unstack"},
    {"UnsortedSegmentSumD", "UnsortedSegmentSum"},
};

/// Attributes of GE whose meaning MindSpore's operator has fixed.
struct Fixed {
  std::string_view ge;
  std::string_view attr;
  double value;
};
constexpr Fixed kFixed[] = {
    {"AvgPoolV2", "global_pooling", 0},
    {"Conv2D", "offset_x", 0},
    {"DepthwiseConv2D", "offset_x", 0},
    {"Exp", "base", -1},
    {"Exp", "scale", 1},
    {"Exp", "shift", 0},
    {"Flatten", "axis", 1},
    {"HardSigmoid", "alpha", 1.0F / 6},
    {"HardSigmoid", "beta", 0.5},
    {"MatMulV2", "offset_x", 0},
    {"MaxPoolV3", "global_pooling", 0},
    {"Reshape", "axis", 0},
    {"Reshape", "num_axes", -1},
    {"Swish", "scale", 1},
};

std::string_view renamed(std::string_view pairs, std::string_view from) {
  while (!pairs.empty()) {
    const std::string_view pair = pairs.substr(0, pairs.find(' '));
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == from) return pair.substr(equals + 1);
    pairs.remove_prefix(std::min(pair.size() + 1, pairs.size()));
  }
  return from;
}

Type type_of(const ge_ir::TensorDescriptor& from) {
  Type type{.dtype = find_ge_type(&GeType::descriptor, int{from.dtype()}).dtype};
  for (const auto dim : from.shape().dim()) type.dims.push_back(dim < 0 ? Dim() : Dim(dim));
  return type;
}

/// Nothing is known of a shape without dims but where a count says that there are none.
Recorded recorded_of(const ge_ir::TensorDescriptor& from) {
  Recorded recorded{.is = Recorded::Is::tensor};
  if (from.shape().dim_size() > 0) recorded.type = type_of(from);
  return recorded;
}

class GeirReader {
 public:
  GeirReader(const ge_ir::GraphDef& from, const Stripped& payloads) : from_(from), payloads_(payloads) {}

  Result<AnfGraph> read();

 private:
  Status add_op(const ge_ir::OpDef& op);
  Status add_tensor(const ge_ir::OpDef& op);
  Status add_input(const ge_ir::OpDef& op);
  Status add_node(const ge_ir::OpDef& op);
  void add_bias(const ge_ir::OpDef& op);
  void set_attributes(const ge_ir::OpDef& op, const Counterpart* known, AnfNode& out);
  static void complete(AnfNode& out);
  static void complete_padded_pool(AnfNode& out);
  Status connect();
  Result<std::vector<Operand>> operands_of(const ge_ir::OpDef& op);
  Status connect_node(std::uint32_t index, const ge_ir::OpDef& op, std::vector<Operand> operands);
  Result<Operand> source(std::string_view reference);
  Operand constant(Literal literal);
  Literal literal_of(const ge_ir::AttrDef& value);
  /// A value takes more memory than the byte that it may have been.
  bool take(int count) {
    const bool enough = count <= left_;
    left_ -= enough ? count : 0;
    return enough;
  }
  static Literal too_many() { return Literal::other("a list beyond the limit of values"); }

  const ge_ir::GraphDef& from_;
  const Stripped& payloads_;
  int left_ = 1 << 22;
  AnfGraph graph_ = {};
  std::unordered_map<std::string_view, Operand> ops_ = {};
  std::vector<std::pair<std::uint32_t, const ge_ir::OpDef*>> open_ = {};  // nodes without operands yet
  std::unordered_map<std::uint32_t, std::uint32_t> biased_ = {};          // a node and the sum that stands for it
};

Result<AnfGraph> GeirReader::read() {
  graph_.name = from_.name();
  for (const ge_ir::OpDef& op : from_.op()) {
    if (auto status = add_op(op); !status) {
      Error error = status.error();
      error.message = "\"" + escape(op.name()) + "\": " + error.message;
      return error;
    }
  }
  if (auto status = connect(); !status) return status.error();
  for (const std::string& output : from_.output()) {
    const auto found = source(output);
    if (!found) return found.error();
    graph_.outputs.push_back(*found);
  }
  if (!graph_.outputs.empty()) return std::move(graph_);
  return malformed("the graph has no outputs");
}

Status GeirReader::add_op(const ge_ir::OpDef& op) {
  if (ops_.contains(op.name())) return malformed("two operators have this name");
  if (op.type() == "Data") return add_input(op);
  if (op.type() == "Const" || op.type() == "Constant") return add_tensor(op);
  return add_node(op);
}

Status GeirReader::add_input(const ge_ir::OpDef& op) {
  ops_.emplace(op.name(), Operand{Operand::Is::input, static_cast<std::uint32_t>(graph_.inputs.size())});
  AnfValue input{.name = op.name()};
  if (op.output_desc_size() > 0) input.type = type_of(op.output_desc(0));
  bool batch = true;
  for (std::size_t i = 0; i < input.type.dims.size(); ++i) {
    if (!input.type.dims[i].known())
      input.type.dims[i] = Dim(batch && i == 0 && graph_.inputs.empty() ? "N" : input.name + "_" + std::to_string(i));
    batch = false;
  }
  graph_.inputs.push_back(std::move(input));
  return {};
}

/// Weights are called PARAMETER_const.
Status GeirReader::add_tensor(const ge_ir::OpDef& op) {
  constexpr std::string_view kSuffix = "_const";
  const auto value = op.attr().find("value");
  if (value == op.attr().end() || !value->second.has_t()) return malformed("a constant without a value");
  const ge_ir::TensorDef& tensor = value->second.t();
  AnfValue out{.name = op.name(), .type = type_of(tensor.desc()), .bound = true};
  const auto run = payloads_.payload(tensor.data());
  if (!run) return run.error();
  auto contents = contents_of(*run, out.type);
  if (!contents) return contents.error();
  out.contents = std::move(*contents);
  if (out.name.size() > kSuffix.size() && out.name.ends_with(kSuffix)) {
    out.name.resize(out.name.size() - kSuffix.size());
    ops_.emplace(op.name(), Operand{Operand::Is::parameter, static_cast<std::uint32_t>(graph_.parameters.size())});
    graph_.parameters.push_back(std::move(out));
    return {};
  }
  const Operand own = constant({.is = Literal::Is::tensor,
                                .name = std::move(out.name),
                                .type = std::move(out.type),
                                .contents = std::move(out.contents)});
  ops_.emplace(op.name(), own);
  return {};
}

Operand GeirReader::constant(Literal literal) {
  graph_.constants.push_back(std::move(literal));
  return {Operand::Is::constant, static_cast<std::uint32_t>(graph_.constants.size() - 1)};
}

Status GeirReader::add_node(const ge_ir::OpDef& op) {
  const auto known = std::ranges::find(kOps, op.type(), &Counterpart::ge);
  const Counterpart* ge = known == std::end(kOps) ? nullptr : &*known;
  AnfNode out{.op = ge != nullptr ? std::string(ge->ms) : op.type(), .name = op.name()};
  set_attributes(op, ge, out);
  if (op.output_desc_size() == 1) out.recorded = recorded_of(op.output_desc(0));
  if (op.output_desc_size() > 1) {
    out.recorded.is = Recorded::Is::list;
    for (const auto& output : op.output_desc()) out.recorded.items.push_back(recorded_of(output));
  }
  complete(out);
  if (op.type() == "AvgPoolV2" || op.type() == "MaxPoolV3") complete_padded_pool(out);
  for (const Fixed& fixed : kFixed) {
    const auto attr = out.attrs.find(fixed.attr);
    if (fixed.ge != op.type() || attr == out.attrs.end()) continue;
    const Literal& found = attr->second;
    const double value = found.is == Literal::Is::number ? found.number : static_cast<double>(found.integer);
    if (value != fixed.value) out.problem = "its " + std::string(fixed.attr) + " is not " + std::to_string(fixed.value);
  }
  const auto index = static_cast<std::uint32_t>(graph_.nodes.size());
  ops_.emplace(op.name(), Operand{Operand::Is::node, index});
  open_.emplace_back(index, &op);
  graph_.nodes.push_back(std::move(out));
  if (ge != nullptr && ge->bias != 0 && op.input_size() > static_cast<int>(ge->bias) &&
      !op.input(static_cast<int>(ge->bias)).empty())
    add_bias(op);
  return {};
}

/// A bias that GE keeps inside is an operator of its own here.
void GeirReader::add_bias(const ge_ir::OpDef& op) {
  const auto index = static_cast<std::uint32_t>(graph_.nodes.size() - 1);
  AnfNode bias{.op = "BiasAdd", .name = op.name() + "/bias"};
  bias.recorded = graph_.nodes[index].recorded;
  const auto format = graph_.nodes[index].attrs.find("data_format");
  if (format != graph_.nodes[index].attrs.end()) bias.attrs.insert(*format);
  biased_.emplace(index, index + 1);
  graph_.nodes.push_back(std::move(bias));
}

void GeirReader::set_attributes(const ge_ir::OpDef& op, const Counterpart* known, AnfNode& out) {
  for (const auto& [key, value] : op.attr()) {
    if (key.starts_with("_")) continue;
    const std::string name(known != nullptr ? renamed(known->attrs, key) : std::string_view(key));
    Literal literal = literal_of(value);
    if (known != nullptr && name == known->dtype_attr && literal.is == Literal::Is::integer)
      literal = Literal::of(find_ge_type(&GeType::attribute, literal.integer).dtype);
    out.attrs.insert_or_assign(name, std::move(literal));
  }
}

/// A list of numbers there, one of pairs here.
void pair_up(AnfNode& out, std::string_view name) {
  const auto pads = out.attrs.find(name);
  if (pads == out.attrs.end() || pads->second.items.size() != 4) return;
  const std::vector<Literal> flat = std::move(pads->second.items);
  const auto pair = [](const Literal& a, const Literal& b) {
    return Literal{.is = Literal::Is::list, .items = {a, b}};
  };
  pads->second.items = {pair(flat[0], flat[1]), pair(flat[2], flat[3])};
}

/// What GE assumes where nothing is said, and MindSpore does not; what MindSpore says and GE does not.
void GeirReader::complete(AnfNode& out) {
  if (out.attrs.contains("pad_list") && !out.attrs.contains("pad_mode"))
    out.attrs.insert_or_assign("pad_mode", Literal::of(std::string("pad")));
  if (out.op == "BatchNorm") {
    out.attrs.emplace("epsilon", Literal::of(1e-4));
    out.attrs.emplace("is_training", Literal::of(true));
  }
  static constexpr std::string_view kImages[] = {"AvgPool", "BatchNorm", "BiasAdd", "Conv2D", "MaxPool"};
  if (std::ranges::find(kImages, out.op) != std::end(kImages))
    out.attrs.emplace("data_format", Literal::of(std::string("NHWC")));
  if (out.op == "AvgPool3D" || out.op == "MaxPool3D" || out.op == "Conv3D")
    out.attrs.emplace("data_format", Literal::of(std::string("NDHWC")));
  if (out.op == "BatchToSpace") pair_up(out, "crops");
  if (out.op == "SpaceToBatch") pair_up(out, "paddings");
  if (out.op == "LogSoftmax" || out.op == "CumSum" || out.op == "CumProd") {
    // MindSpore has one axis.
    const auto axis = out.attrs.find("axis");
    if (axis != out.attrs.end() && axis->second.is == Literal::Is::list && axis->second.items.size() == 1)
      axis->second = Literal(axis->second.items[0]);
  }
}

/// Pads are four numbers there, and two here, for both sides each.
void GeirReader::complete_padded_pool(AnfNode& out) {
  const auto attr = [&](std::string_view name) -> const Literal& {
    static const Literal nothing;
    const auto found = out.attrs.find(name);
    return found == out.attrs.end() ? nothing : found->second;
  };
  const std::string_view pads = out.attrs.contains("padding") ? "padding" : "pads";
  const Literal& mode = attr("padding_mode");
  if (mode.is == Literal::Is::text && mode.text != "CALCULATED") out.problem = "its padding_mode is " + mode.text;
  if (attr("data_format").text != "NCHW") out.problem = "its data_format is not NCHW";
  if (const auto& items = attr(pads).items; !items.empty()) {
    const bool even = items.size() == 4 && items[0].integer == items[1].integer && items[2].integer == items[3].integer;
    if (!even) out.problem = "its pads differ from side to side";
    if (even) out.attrs[std::string(pads)] = Literal{.is = Literal::Is::list, .items = {items[0], items[2]}};
  }
  const bool exclusive = attr("exclusive").is == Literal::Is::none || attr("exclusive").integer != 0;
  if (out.op == "AvgPool2D") out.attrs.insert_or_assign("count_include_pad", Literal::of(!exclusive));
}

Status GeirReader::connect() {
  for (const auto& [index, op] : open_) {
    auto operands = operands_of(*op);
    const Status status = operands ? connect_node(index, *op, std::move(*operands)) : operands.error();
    if (status) continue;
    Error error = status.error();
    error.message = "\"" + escape(op->name()) + "\": " + error.message;
    return error;
  }
  return {};
}

Result<std::vector<Operand>> GeirReader::operands_of(const ge_ir::OpDef& op) {
  std::vector<Operand> operands;
  for (const std::string& reference : op.input()) {
    if (reference.ends_with(":-1")) continue;  // only an order
    if (reference.empty()) {
      operands.push_back(constant({}));
      continue;
    }
    auto found = source(reference);
    if (!found) return found.error();
    operands.push_back(*found);
  }
  return operands;
}

/// Gives a node its operands, in MindSpore's order and form.
Status GeirReader::connect_node(std::uint32_t index, const ge_ir::OpDef& op, std::vector<Operand> operands) {
  if (const auto biased = biased_.find(index); biased != biased_.end()) {
    const std::size_t bias = std::ranges::find(kOps, op.type(), &Counterpart::ge)->bias;
    if (operands.size() <= bias) return malformed("its bias is only an order");
    graph_.nodes[biased->second].operands = {{Operand::Is::node, index}, operands[bias]};
    operands.resize(bias);
  }
  const auto nothing = [&](const Operand& operand) {
    return operand.is == Operand::Is::constant && graph_.constants[operand.index].is == Literal::Is::none;
  };
  while (!operands.empty() && nothing(operands.back())) operands.pop_back();
  if (op.type() == "Adds" || op.type() == "Muls") {
    // The number is an attribute there, an operand here.
    const auto value = graph_.nodes[index].attrs.find("value");
    if (value != graph_.nodes[index].attrs.end()) operands.push_back(constant(value->second));
  }
  if (op.type() == "Conv2DBackpropInputD" && operands.size() == 2) std::swap(operands[0], operands[1]);
  if (op.type() == "ConcatD" || op.type() == "Pack" || op.type() == "AddN") {
    const auto tuple = static_cast<std::uint32_t>(graph_.nodes.size());
    graph_.nodes.push_back({.op = "MakeTuple", .name = op.name() + "/tuple", .operands = std::move(operands)});
    operands = {{Operand::Is::node, tuple}};
  }
  graph_.nodes[index].operands = std::move(operands);
  return {};
}

/// "OP:INDEX".
Result<Operand> GeirReader::source(std::string_view reference) {
  const std::size_t colon = reference.rfind(':');
  std::int64_t index = -1;
  if (colon != reference.npos) {
    const char* const end = reference.data() + reference.size();
    const auto [stop, error] = std::from_chars(reference.data() + colon + 1, end, index);
    if (error != std::errc() || stop != end) index = -1;
  }
  const auto found = ops_.find(reference.substr(0, std::min(colon, reference.size())));
  if (index < 0 || found == ops_.end()) return malformed("there is no \"" + escape(reference) + "\"");
  Operand operand = found->second;
  if (operand.is != Operand::Is::node) {
    if (index == 0) return operand;
    return malformed("there is no \"" + escape(reference) + "\"");
  }
  if (const auto biased = biased_.find(operand.index); biased != biased_.end()) operand.index = biased->second;
  const Recorded& recorded = graph_.nodes[operand.index].recorded;
  const std::size_t results = recorded.is == Recorded::Is::list ? recorded.items.size() : 1;
  if (static_cast<std::uint64_t>(index) >= results)
    return malformed("\"" + escape(reference) + "\" is beyond its results");
  if (recorded.is != Recorded::Is::list) return operand;
  const Operand at = constant(Literal::of(index));
  graph_.nodes.push_back({.op = "TupleGetItem", .name = std::string(reference), .operands = {operand, at}});
  return Operand{Operand::Is::node, static_cast<std::uint32_t>(graph_.nodes.size() - 1)};
}

Literal GeirReader::literal_of(const ge_ir::AttrDef& value) {
  using Value = ge_ir::AttrDef::ValueCase;
  Literal list{.is = Literal::Is::list};
  switch (value.value_case()) {
    case Value::kS:
      return Literal::of(value.s());
    case Value::kI:
      return Literal::of(std::int64_t{value.i()});
    case Value::kDt:
      return Literal::of(std::int64_t{value.dt()});
    case Value::kF:
      return Literal::of(double{value.f()});
    case Value::kB:
      return Literal::of(value.b());
    case Value::kList:
      if (!take(value.list().i_size() + value.list().f_size() + value.list().b_size() + value.list().s_size()))
        return too_many();
      for (const auto item : value.list().i()) list.items.push_back(Literal::of(std::int64_t{item}));
      for (const auto item : value.list().f()) list.items.push_back(Literal::of(double{item}));
      for (const auto item : value.list().b()) list.items.push_back(Literal::of(bool{item}));
      for (const auto& item : value.list().s()) list.items.push_back(Literal::of(item));
      return list;
    case Value::kListListInt:
      for (const auto& row : value.list_list_int().list_list_i()) {
        if (!take(row.list_i_size())) return too_many();
        Literal inner{.is = Literal::Is::list};
        for (const auto item : row.list_i()) inner.items.push_back(Literal::of(std::int64_t{item}));
        list.items.push_back(std::move(inner));
      }
      return list;
    default:
      return Literal::other("a value that is not supported");
  }
}

}  // namespace

Result<GraphFile> read_geir(const SourcePtr& file, const ReadGraphOptions& options) {
  const auto stripped = strip_payloads(file, kModelRule, limits_of(options));
  if (!stripped) return stripped.error();
  google::protobuf::Arena arena;
  auto& model = *google::protobuf::Arena::CreateMessage<ge_ir::ModelDef>(&arena);
  if (auto status = parse_stripped(*stripped, model); !status) return status.error();
  if (model.graph_size() != 1) return unsupported("a model of " + std::to_string(model.graph_size()) + " graphs");
  auto anf = GeirReader(model.graph(0), *stripped).read();
  if (!anf) return anf.error();
  if (!options.output.empty()) {
    const auto output = find_output(*anf, options.output);
    if (!output) return output.error();
    anf->outputs = {*output};
  }
  GraphFile out{.format = GraphFormat::geir};
  auto graph = normalise(*anf, out.refusals);
  if (!graph) return graph.error();
  out.graph = std::move(*graph);
  return out;
}

}  // namespace ckpt::graph
