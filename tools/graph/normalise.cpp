#include "normalise.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "ckpt/text.h"
#include "op.h"
#include "unique_names.h"

namespace ckpt::graph {
namespace {

/// What an operand turns out to be.
struct Resolved {
  enum class Is : std::uint8_t { nothing, tensor, results, literal, list, monad };

  Is is = Is::nothing;
  std::uint32_t index = 0;  // the tensor's, or first result's, value; of a list its node
  std::uint32_t count = 0;  // of results
  const Literal* literal = nullptr;
};

class Normaliser {
 public:
  Normaliser(const AnfGraph& from, Refusals& refusals) : from_(from), refusals_(refusals) {}

  Result<Graph> run();

 private:
  Status add_values();
  Resolved resolve(const Operand& operand);
  Resolved element_of(const Resolved& list, std::uint32_t index);
  std::uint32_t length_of(const Resolved& list) const;
  Resolved resolve_node(const AnfNode& node, std::uint32_t index);
  Resolved resolve_element(const AnfNode& node);
  Resolved add_operator(const AnfNode& node);
  Resolved shape_of(const AnfNode& node, const Resolved& tensor);
  bool note_sizes(const Op& op, const Argument& argument, Literal& shape);
  void ask_for_sizes(Node& out);
  void flatten(Node& out) const;
  bool add_argument(const AnfNode& node, const Argument& argument, const Resolved& operand, Node& out);
  std::optional<Literal> literal_of(const Resolved& operand);
  bool add_attribute(const AnfNode& node, const Argument& argument, const Resolved& operand, Node& out);
  bool add_tensor(const AnfNode& node, std::string_view argument, const Resolved& operand, Node& out);
  bool add_tensors(const AnfNode& node, const Argument& argument, const Resolved& operand, Node& out);
  void add_unknown(const std::vector<Resolved>& operands, Node& out);
  Resolved add_results(const AnfNode& node, Node made);
  Resolved unresolved(const AnfNode& node, std::string reason);
  ValueId constant(const Literal& literal, const Literal& tensor);
  Status add_outputs();
  /// Of `count` numbers or inputs more; false where that is too many. A tuple can be used by every node.
  bool spend(std::size_t count) { return (spent_ += count) <= kMostCopied; }

  static constexpr std::size_t kMostRefusals = 1000;
  static constexpr std::size_t kMostResults = 4096;
  static constexpr std::size_t kMostCopied = std::size_t{1} << 25;
  static constexpr std::uint32_t kMostAxes = 8;  // of a tensor whose sizes are asked for

  const AnfGraph& from_;
  Refusals& refusals_;
  Graph graph_ = {};
  std::vector<ValueId> parameters_ = {};
  std::vector<Resolved> resolved_ = {};  // by node
  std::unordered_map<const Literal*, ValueId> constants_ = {};
  std::deque<Literal> shapes_ = {};  // that the network asks for
  struct Asked {
    std::string_view argument;
    std::size_t place = 0;
    ValueId value = 0;
    std::size_t axis = 0;
  };
  std::vector<Asked> asked_ = {};  // of the node that is being made
  UniqueNames values_ = {};
  UniqueNames nodes_ = {};
  std::size_t spent_ = 0;
};

Result<Graph> Normaliser::run() {
  const auto order = needed_nodes(from_);
  if (!order) return order.error();
  graph_.name = from_.name;
  if (auto status = add_values(); !status) return status.error();
  resolved_.resize(from_.nodes.size());
  for (const std::uint32_t index : *order) {
    resolved_[index] = resolve_node(from_.nodes[index], index);
    if (refusals_.list().size() >= kMostRefusals) break;  // nobody reads more
    if (spent_ > kMostCopied) return Error{.code = Errc::limit, .message = "tuples that are used too often"};
  }
  if (auto status = add_outputs(); !status) return status.error();
  drop_unused(graph_);
  return std::move(graph_);
}

Status Normaliser::add_values() {
  // Parameters keep their names whatever happens: they are the checkpoint's. Others may be called anything in a file.
  for (const AnfValue& parameter : from_.parameters) {
    if (!values_.insert(parameter.name))
      return Error{.code = Errc::malformed, .message = "two parameters are called \"" + escape(parameter.name) + "\""};
    parameters_.push_back(graph_.add_parameter(parameter.name, parameter.type));
    Value& value = graph_.value(parameters_.back());
    value.contents = parameter.contents;
    value.bound = parameter.bound;
  }
  for (const AnfValue& input : from_.inputs) graph_.add_input(values_.take(input.name), input.type);
  return {};
}

Resolved Normaliser::resolve(const Operand& operand) {
  switch (operand.is) {
    case Operand::Is::node:
      return resolved_[operand.index];
    case Operand::Is::constant: {
      const Literal& literal = from_.constants[operand.index];
      if (literal.is == Literal::Is::monad) return {.is = Resolved::Is::monad};
      return {.is = Resolved::Is::literal, .literal = &literal};
    }
    case Operand::Is::input:
      return {.is = Resolved::Is::tensor, .index = graph_.inputs[operand.index]};
    default:
      return {.is = Resolved::Is::tensor, .index = parameters_[operand.index]};
  }
}

std::uint32_t Normaliser::length_of(const Resolved& list) const {
  if (list.is == Resolved::Is::results) return list.count;
  if (list.is == Resolved::Is::list) return static_cast<std::uint32_t>(from_.nodes[list.index].operands.size());
  return static_cast<std::uint32_t>(list.literal->items.size());
}

Resolved Normaliser::element_of(const Resolved& list, std::uint32_t index) {
  if (list.is == Resolved::Is::results) return {.is = Resolved::Is::tensor, .index = list.index + index};
  if (list.is == Resolved::Is::list) return resolve(from_.nodes[list.index].operands[index]);
  return {.is = Resolved::Is::literal, .literal = &list.literal->items[index]};
}

bool is_tensor(const Resolved& what) {
  return what.is == Resolved::Is::tensor ||
         (what.is == Resolved::Is::literal && what.literal->is == Literal::Is::tensor);
}

bool is_list(const Resolved& what) {
  return what.is == Resolved::Is::results || what.is == Resolved::Is::list ||
         (what.is == Resolved::Is::literal && what.literal->is == Literal::Is::list);
}

Resolved Normaliser::unresolved(const AnfNode& node, std::string reason) {
  refusals_.add(node.op, node.name, std::move(reason));
  return {};
}

Resolved Normaliser::resolve_node(const AnfNode& node, std::uint32_t index) {
  if (!node.problem.empty()) return unresolved(node, node.problem);
  switch (plumbing(node.op)) {
    case Plumbing::control:
      return unresolved(node, "control flow that depends on values");
    case Plumbing::monad:
      return {.is = Resolved::Is::monad};
    case Plumbing::pass_first:
      return node.operands.empty() ? unresolved(node, "has no operand") : resolve(node.operands[0]);
    case Plumbing::tuple:
      return {.is = Resolved::Is::list, .index = index};
    case Plumbing::element:
      return resolve_element(node);
    default:
      return add_operator(node);
  }
}

Resolved Normaliser::resolve_element(const AnfNode& node) {
  if (node.operands.size() < 2) return unresolved(node, "has no index");
  const Resolved list = resolve(node.operands[0]);
  const Resolved at = resolve(node.operands[1]);
  if (list.is == Resolved::Is::nothing) return {};
  if (at.is != Resolved::Is::literal || at.literal->is != Literal::Is::integer)
    return unresolved(node, "its index is computed when the network runs");
  std::int64_t index = at.literal->integer;
  // What was recorded as one result may be a tuple of one.
  if (list.is == Resolved::Is::tensor && index == 0) return list;
  if (!is_list(list)) return unresolved(node, "takes an element of what is no tuple");
  const std::int64_t count = length_of(list);
  if (index < 0) index += count;
  if (index < 0 || index >= count)
    return unresolved(node, "takes element " + std::to_string(index) + " of " + std::to_string(count));
  return element_of(list, static_cast<std::uint32_t>(index));
}

Resolved Normaliser::add_operator(const AnfNode& node) {
  std::vector<Resolved> operands;
  for (const Operand& operand : node.operands) {
    const Resolved found = resolve(operand);
    if (found.is == Resolved::Is::nothing) return {};  // what it needs was refused already
    if (found.is != Resolved::Is::monad) operands.push_back(found);
  }
  const bool asks = node.op == "Shape" || node.op == "TensorShape";
  if (asks && !operands.empty() && operands[0].is == Resolved::Is::tensor) return shape_of(node, operands[0]);
  asked_.clear();
  Node out{.op = node.op, .name = node.name};
  for (const auto& [name, literal] : node.attrs)
    if (auto attr = attr_of(literal)) out.attrs.insert_or_assign(name, std::move(*attr));
  const Op* op = find_op(node.op);
  if (op == nullptr) {
    add_unknown(operands, out);
    return add_results(node, std::move(out));
  }
  const auto known = static_cast<std::size_t>(std::ranges::count_if(
      op->arguments, [](const Argument& argument) { return argument.is != Argument::Is::sizes; }));
  if (operands.size() > known && (known == 0 || op->arguments.back().is != Argument::Is::tensors))
    return unresolved(node,
                      "has " + std::to_string(operands.size()) + " arguments, " + std::to_string(known) + " are known");
  std::size_t next = 0;
  for (const Argument& argument : op->arguments) {
    if (next == operands.size()) break;
    // A tensor is not what an attribute already says.
    if (!argument.is_tensor() && is_tensor(operands[next]) && node.attrs.contains(argument.name)) continue;
    if (argument.is == Argument::Is::tensors && !is_list(operands[next])) {
      // Tensors one by one: as many as there are, but for what the arguments behind them need.
      for (; next < operands.size() && operands[next].is == Resolved::Is::tensor; ++next)
        if (!add_tensor(node, argument.name, operands[next], out)) return {};
      continue;
    }
    if (!add_argument(node, argument, operands[next++], out)) return {};
  }
  ask_for_sizes(out);
  if (auto status = canonicalise(out); !status) return unresolved(node, status.error().message);
  if (out.op == "Reshape") flatten(out);
  return add_results(node, std::move(out));
}

constexpr std::string_view kOpenSize = "computed when the network runs";

/// The sizes of a tensor, as far as they are recorded. One that is not remembers whose and which it is.
Resolved Normaliser::shape_of(const AnfNode& node, const Resolved& tensor) {
  const Value& value = graph_.value(tensor.index);
  if (value.type.dtype == DType::unknown) return unresolved(node, "of a tensor whose rank is not recorded");
  if (value.type.dims.size() > kMostAxes) return unresolved(node, "of a tensor of more axes than are sensible");
  Literal shape{.is = Literal::Is::list};
  for (std::size_t i = 0; i < value.type.dims.size(); ++i) {
    const Dim& dim = value.type.dims[i];
    Literal size = dim.known() ? Literal::of(dim.size) : Literal::other(std::string(kOpenSize));
    if (!dim.known()) size.integer = static_cast<std::int64_t>(std::size_t{tensor.index} * kMostAxes + i);
    shape.items.push_back(std::move(size));
  }
  if (!spend(shape.items.size())) return unresolved(node, "too many shapes");
  shapes_.push_back(std::move(shape));
  return {.is = Resolved::Is::literal, .literal = &shapes_.back()};
}

/// Sizes of a shape that are not known are asked for when the network runs, if the operator can: noted here, until all
/// operands are there.
bool Normaliser::note_sizes(const Op& op, const Argument& argument, Literal& shape) {
  if (op.arguments.back().is != Argument::Is::sizes || shape.is != Literal::Is::list) return false;
  for (std::size_t i = 0; i < shape.items.size(); ++i) {
    Literal& size = shape.items[i];
    if (size.is != Literal::Is::other || size.text != kOpenSize) continue;
    asked_.push_back({.argument = argument.name,
                      .place = i,
                      .value = static_cast<ValueId>(size.integer / kMostAxes),
                      .axis = static_cast<std::size_t>(size.integer % kMostAxes)});
    size = Literal::of(std::int64_t{1});
  }
  return true;
}

/// Whose sizes they are becomes an input of the node.
void Normaliser::ask_for_sizes(Node& out) {
  for (const Asked& asked : asked_) {
    const auto found = std::ranges::find(out.inputs, asked.value);
    const auto input = static_cast<std::size_t>(found - out.inputs.begin());
    if (found == out.inputs.end()) out.inputs.push_back(asked.value);
    if (auto* shape = std::get_if<Ints>(&out.attrs[std::string(asked.argument)]))
      (*shape)[asked.place] = asked_size({.input = input, .axis = asked.axis});
  }
  asked_.clear();
}

/// Up to 1.x nn.Flatten is a Reshape to (batch, -1), with the batch it was compiled for. Flatten is the same for any.
void Normaliser::flatten(Node& out) const {
  const auto* shape = std::get_if<Ints>(&out.attrs["shape"]);
  if (shape == nullptr || shape->size() != 2 || out.inputs.empty()) return;
  const Type& type = graph_.value(out.inputs[0]).type;
  if (type.dims.size() < 2 || !type.dims[0].known() || type.dims[0].size != (*shape)[0]) return;
  const auto row = element_count({.dims = Dims(type.dims.begin() + 1, type.dims.end())});
  if ((*shape)[1] != -1 && (!row || *row != static_cast<std::uint64_t>((*shape)[1]))) return;
  out.op = "Flatten";
  out.attrs.clear();
}

bool Normaliser::add_argument(const AnfNode& node, const Argument& argument, const Resolved& operand, Node& out) {
  if (argument.is == Argument::Is::tensors) return add_tensors(node, argument, operand, out);
  if (argument.is_tensor()) {
    const bool none = operand.is == Resolved::Is::literal && operand.literal->is == Literal::Is::none;
    if (!none || argument.is != Argument::Is::optional_tensor) return add_tensor(node, argument.name, operand, out);
    out.inputs.push_back(kAbsent);
    return true;
  }
  return add_attribute(node, argument, operand, out);
}

/// What an operand is that is no tensor; a tuple that the compiler left in pieces is put together. Empty if any of it
/// is computed.
std::optional<Literal> Normaliser::literal_of(const Resolved& operand) {
  if (!is_list(operand))
    return operand.is == Resolved::Is::literal ? std::optional<Literal>(*operand.literal) : std::nullopt;
  if (!spend(length_of(operand))) return std::nullopt;
  Literal list{.is = Literal::Is::list};
  for (std::uint32_t i = 0; i < length_of(operand); ++i) {
    const Resolved part = element_of(operand, i);
    if (part.is != Resolved::Is::literal) return std::nullopt;
    list.items.push_back(*part.literal);
  }
  return list;
}

bool Normaliser::add_attribute(const AnfNode& node, const Argument& argument, const Resolved& operand, Node& out) {
  const auto fail = [&](std::string why) {
    unresolved(node, "argument " + std::string(argument.name) + " " + std::move(why));
    return false;
  };
  auto literal = literal_of(operand);
  if (spent_ > kMostCopied) return false;  // which is said of the whole graph
  const auto open = [](const Literal& each) { return each.text == kOpenSize; };
  const bool any_open = literal && std::ranges::any_of(literal->items, open);
  // The size of a transposed convolution's result follows from the rest.
  if (any_open && argument.name == "input_sizes") return true;
  if (const Op* op = find_op(node.op); any_open && op != nullptr) note_sizes(*op, argument, *literal);
  if (!literal || std::ranges::any_of(literal->items, open)) return fail("is computed when the network runs");
  auto attr = attr_of(*literal);
  if (!attr) return fail("is " + std::string(is_list(operand) ? "a tuple of different things" : kind_of(*literal)));
  out.attrs.insert_or_assign(std::string(argument.name), std::move(*attr));
  return true;
}

bool Normaliser::add_tensor(const AnfNode& node, std::string_view argument, const Resolved& operand, Node& out) {
  if (operand.is == Resolved::Is::tensor) {
    out.inputs.push_back(operand.index);
    return true;
  }
  if (operand.is == Resolved::Is::literal) {
    if (const auto known = constants_.find(operand.literal); known != constants_.end()) {
      out.inputs.push_back(known->second);
      return true;
    }
    const auto tensor = as_tensor(*operand.literal);
    if (tensor && tensor->recorded) {
      out.inputs.push_back(constant(*operand.literal, *tensor));
      return true;
    }
  }
  const std::string is = operand.is == Resolved::Is::literal ? std::string(kind_of(*operand.literal)) : "a tuple";
  unresolved(node, "argument " + std::string(argument) + " is " + is + (is == "a tuple" ? ", no tensor" : ""));
  return false;
}

bool Normaliser::add_tensors(const AnfNode& node, const Argument& argument, const Resolved& operand, Node& out) {
  if (!is_list(operand)) return add_tensor(node, argument.name, operand, out);
  if (!spend(length_of(operand))) return false;
  for (std::uint32_t i = 0; i < length_of(operand); ++i) {
    const Resolved part = element_of(operand, i);
    if (part.is == Resolved::Is::nothing) return false;
    if (part.is == Resolved::Is::monad) continue;
    if (!add_tensor(node, argument.name, part, out)) return false;
  }
  return true;
}

/// An operator that nobody knows, for whoever wants to see it: tensors stay inputs, the rest is numbered.
void Normaliser::add_unknown(const std::vector<Resolved>& operands, Node& out) {
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Resolved& operand = operands[i];
    if (operand.is == Resolved::Is::literal) {
      if (operand.literal->is == Literal::Is::tensor && operand.literal->recorded) {
        out.inputs.push_back(constant(*operand.literal, *operand.literal));
      } else if (auto attr = attr_of(*operand.literal)) {
        out.attrs.insert_or_assign("argument_" + std::to_string(i), std::move(*attr));
      }
      continue;
    }
    if (operand.is == Resolved::Is::tensor) out.inputs.push_back(operand.index);
    if (!is_list(operand) || !spend(length_of(operand))) continue;
    for (std::uint32_t k = 0; k < length_of(operand); ++k) {
      const Resolved part = element_of(operand, k);
      if (part.is == Resolved::Is::tensor) out.inputs.push_back(part.index);
    }
  }
}

Resolved Normaliser::add_results(const AnfNode& node, Node made) {
  const bool several = node.recorded.is == Recorded::Is::list;
  const std::size_t count = several ? node.recorded.items.size() : 1;
  if (count == 0 || count > kMostResults) return unresolved(node, "has " + std::to_string(count) + " results");
  const Node& added = graph_.add_node(std::move(made.op), nodes_.take(std::move(made.name)), std::move(made.inputs),
                                      std::move(made.attrs), count);
  for (std::size_t i = 0; i < count; ++i) {
    const Recorded& recorded = several ? node.recorded.items[i] : node.recorded;
    Value& value = graph_.value(added.outputs[i]);
    value.type = recorded.type;
    value.name = values_.take(count == 1 ? added.name : added.name + ":" + std::to_string(i));
  }
  return {.is = several ? Resolved::Is::results : Resolved::Is::tensor,
          .index = added.outputs[0],
          .count = static_cast<std::uint32_t>(count)};
}

ValueId Normaliser::constant(const Literal& literal, const Literal& tensor) {
  if (const auto known = constants_.find(&literal); known != constants_.end()) return known->second;
  std::string name = literal.name.empty() ? "constant" + std::to_string(constants_.size()) : literal.name;
  const ValueId id = graph_.add_constant(values_.take(std::move(name)), tensor.type, tensor.contents);
  constants_.emplace(&literal, id);
  return id;
}

Status Normaliser::add_outputs() {
  constexpr std::size_t kMost = 65536;
  std::vector<Resolved> left;
  for (const Operand& output : from_.outputs) left.push_back(resolve(output));
  std::ranges::reverse(left);
  while (!left.empty()) {
    const Resolved output = left.back();
    left.pop_back();
    if (output.is == Resolved::Is::tensor) graph_.outputs.push_back(output.index);
    if (output.is == Resolved::Is::literal && output.literal->is != Literal::Is::list) {
      const auto tensor = as_tensor(*output.literal);
      if (tensor && tensor->recorded) graph_.outputs.push_back(constant(*output.literal, *tensor));
    }
    if (!is_list(output)) continue;
    const std::uint32_t count = length_of(output);
    if (count + left.size() + graph_.outputs.size() > kMost)
      return Error{.code = Errc::limit, .message = "more than " + std::to_string(kMost) + " outputs"};
    for (std::uint32_t i = count; i-- > 0;) left.push_back(element_of(output, i));
  }
  if (graph_.outputs.empty() && refusals_.empty())
    return Error{.code = Errc::malformed, .message = "the graph has no outputs that are tensors"};
  return {};
}

}  // namespace

Result<Graph> normalise(const AnfGraph& from, Refusals& refusals) { return Normaliser(from, refusals).run(); }

}  // namespace ckpt::graph
