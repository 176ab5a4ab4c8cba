#include "anf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <deque>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "ckpt/element.h"
#include "ckpt/text.h"
#include "op.h"

namespace ckpt::graph {
namespace {

/// What a node stands for besides operators.
enum class Plumbing : std::uint8_t { none, pass_first, tuple, pick, monad, control };

Plumbing plumbing(std::string_view op) {
  struct Entry {
    std::string_view op;
    Plumbing is;
  };
  static constexpr Entry kEntries[] = {
      {"ControlDepend", Plumbing::monad}, {"Depend", Plumbing::pass_first},    {"ListGetItem", Plumbing::pick},
      {"Load", Plumbing::pass_first},     {"MakeList", Plumbing::tuple},       {"MakeTuple", Plumbing::tuple},
      {"Partial", Plumbing::control},     {"Return", Plumbing::pass_first},    {"StopGradient", Plumbing::pass_first},
      {"Switch", Plumbing::control},      {"SwitchLayer", Plumbing::control},  {"TupleGetItem", Plumbing::pick},
      {"UpdateState", Plumbing::monad},   {"control_depend", Plumbing::monad}, {"depend", Plumbing::pass_first},
      {"list_getitem", Plumbing::pick},   {"make_list", Plumbing::tuple},      {"make_tuple", Plumbing::tuple},
      {"partial", Plumbing::control},     {"return", Plumbing::pass_first},    {"stop_gradient", Plumbing::pass_first},
      {"switch", Plumbing::control},      {"switch_layer", Plumbing::control}, {"tuple_getitem", Plumbing::pick},
  };
  const auto found = std::ranges::find(kEntries, op, &Entry::op);
  return found == std::end(kEntries) ? Plumbing::none : found->is;
}

/// The operands that count: what a node's value depends on.
std::size_t needed_operands(const AnfNode& node) {
  switch (plumbing(node.op)) {
    case Plumbing::monad:
      return 0;
    case Plumbing::pass_first:
    case Plumbing::pick:
      return std::min<std::size_t>(node.operands.size(), 1);
    default:
      return node.operands.size();
  }
}

bool is_number(const Literal& literal) {
  using Is = Literal::Is;
  return literal.is == Is::boolean || literal.is == Is::integer || literal.is == Is::number;
}

double number_of(const Literal& literal) {
  return literal.is == Literal::Is::number ? literal.number : static_cast<double>(literal.integer);
}

bool all_are(const std::vector<Literal>& items, auto test) { return std::ranges::all_of(items, test); }

bool is_whole(const Literal& literal) {
  return literal.is == Literal::Is::integer || literal.is == Literal::Is::boolean;
}

Ints whole_numbers(const std::vector<Literal>& items) {
  Ints out;
  for (const Literal& item : items) out.push_back(item.integer);
  return out;
}

std::optional<Attr> list_attr(const std::vector<Literal>& items) {
  using Is = Literal::Is;
  if (all_are(items, is_whole)) return whole_numbers(items);
  if (all_are(items, is_number)) {
    Doubles out;
    for (const Literal& item : items) out.push_back(number_of(item));
    return out;
  }
  if (all_are(items, [](const Literal& item) { return item.is == Is::text; })) {
    Strings out;
    for (const Literal& item : items) out.push_back(item.text);
    return out;
  }
  const auto row = [](const Literal& item) { return item.is == Is::list && all_are(item.items, is_whole); };
  if (!all_are(items, row)) return std::nullopt;
  IntLists out;
  for (const Literal& item : items) out.push_back(whole_numbers(item.items));
  return out;
}

/// The numbers of a small tensor of at most one dim, or rows of integers.
std::optional<Attr> tensor_attr(const Literal& tensor) {
  constexpr std::uint64_t kMost = 4096;
  const auto count = element_count(tensor.type);
  const std::size_t width = size_of(tensor.type.dtype);
  if (!tensor.recorded || !count || *count > kMost || width == 0 || tensor.type.dims.size() > 2) return std::nullopt;
  const auto bytes = bytes_of(tensor.contents, kMost * 16);
  if (!bytes || bytes->size() != *count * width) return std::nullopt;
  const DType dtype = tensor.type.dtype;
  const bool whole = dtype == DType::int64 || dtype == DType::int32 || dtype == DType::boolean;
  if (!whole && tensor.type.dims.size() == 2) return std::nullopt;
  if (!whole) {
    Doubles numbers(static_cast<std::size_t>(*count));
    to_double(dtype, *bytes, numbers);
    return tensor.type.dims.empty() ? Attr(numbers[0]) : Attr(numbers);
  }
  Ints numbers;
  for (std::size_t i = 0; i < *count; ++i)
    numbers.push_back(dtype == DType::int64   ? load<std::int64_t>(*bytes, i)
                      : dtype == DType::int32 ? load<std::int32_t>(*bytes, i)
                                              : load<std::uint8_t>(*bytes, i));
  if (tensor.type.dims.size() == 2) {
    IntLists rows;
    const auto width_of_row = static_cast<std::ptrdiff_t>(tensor.type.dims[1].size);
    for (auto at = numbers.begin(); at != numbers.end(); at += width_of_row) rows.emplace_back(at, at + width_of_row);
    return rows;
  }
  if (!tensor.type.dims.empty()) return numbers;
  return dtype == DType::boolean ? Attr(numbers[0] != 0) : Attr(numbers[0]);
}

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Numbers where an operator wants a tensor: of the types that MindSpore would make of them.
std::optional<Literal> as_tensor(const Literal& literal) {
  if (literal.is == Literal::Is::tensor) return literal;
  const bool list = literal.is == Literal::Is::list;
  const std::vector<Literal> alone = list ? std::vector<Literal>{} : std::vector<Literal>{literal};
  const std::vector<Literal>& items = list ? literal.items : alone;
  if (!all_are(items, is_number)) return std::nullopt;
  const auto boolean = [](const Literal& item) { return item.is == Literal::Is::boolean; };
  const DType dtype = !items.empty() && all_are(items, boolean) ? DType::boolean
                      : all_are(items, is_whole)                ? DType::int64
                                                                : DType::float32;
  std::vector<std::byte> bytes;
  for (const Literal& item : items) {
    if (dtype == DType::boolean) put(bytes, static_cast<std::uint8_t>(item.integer != 0));
    if (dtype == DType::int64) put(bytes, item.integer);
    if (dtype == DType::float32) put(bytes, static_cast<float>(number_of(item)));
  }
  Type type{.dtype = dtype};
  if (list) type.dims.push_back(static_cast<std::int64_t>(items.size()));
  return Literal{.is = Literal::Is::tensor, .type = std::move(type), .contents = in_memory(std::move(bytes))};
}

std::string_view kind_of(const Literal& literal) {
  using Is = Literal::Is;
  switch (literal.is) {
    case Is::none:
      return "None";
    case Is::monad:
      return "a monad";
    case Is::boolean:
      return "a boolean";
    case Is::integer:
      return "an integer";
    case Is::number:
      return "a number";
    case Is::text:
      return "a text";
    case Is::dtype:
      return "a type";
    case Is::tensor:
      return literal.recorded ? "a tensor" : "a tensor whose values the file does not record";
    case Is::list:
      return "a tuple";
    default:
      return literal.text;
  }
}

/// What an operand turns out to be.
struct Thing {
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
  Thing thing(const Operand& operand);
  Thing item(const Thing& list, std::uint32_t index);
  std::uint32_t item_count(const Thing& list) const;
  Thing visit(const AnfNode& node, std::uint32_t index);
  Thing pick(const AnfNode& node);
  Thing operate(const AnfNode& node);
  Thing shape_of(const AnfNode& node, const Thing& tensor);
  void settle_shape(const AnfNode& node, const Node& out, Literal& shape) const;
  void flatten(Node& out) const;
  bool add_argument(const AnfNode& node, const Argument& argument, const Thing& operand, Node& out);
  bool add_tensor(const AnfNode& node, std::string_view argument, const Thing& operand, Node& out);
  bool add_tensors(const AnfNode& node, const Argument& argument, const Thing& operand, Node& out);
  void add_unknown(const std::vector<Thing>& operands, Node& out);
  Thing add_results(const AnfNode& node, Node made);
  Thing refuse(const AnfNode& node, std::string reason);
  ValueId constant(const Literal& literal, const Literal& tensor);
  Status add_outputs();
  /// Of `count` numbers or inputs more; false where that is too many. A tuple can be used by every node.
  bool spend(std::size_t count) { return (spent_ += count) <= kMostCopied; }

  using Names = std::unordered_map<std::string, std::size_t>;
  static std::string unique(Names& names, std::string name);

  static constexpr std::size_t kMostRefusals = 1000;
  static constexpr std::size_t kMostResults = 4096;
  static constexpr std::size_t kMostCopied = std::size_t{1} << 25;

  const AnfGraph& from_;
  Refusals& refusals_;
  Graph graph_ = {};
  std::vector<ValueId> parameters_ = {};
  std::vector<Thing> things_ = {};  // by node
  std::unordered_map<const Literal*, ValueId> constants_ = {};
  std::deque<Literal> shapes_ = {};  // that the network asks for
  Names values_ = {};
  Names nodes_ = {};
  std::size_t spent_ = 0;
};

Result<Graph> Normaliser::run() {
  const auto order = needed_nodes(from_);
  if (!order) return order.error();
  graph_.name = from_.name;
  if (auto status = add_values(); !status) return status.error();
  things_.resize(from_.nodes.size());
  for (const std::uint32_t index : *order) {
    things_[index] = visit(from_.nodes[index], index);
    if (refusals_.list().size() >= kMostRefusals) break;  // nobody reads more
    if (spent_ > kMostCopied) return Error{.code = Errc::limit, .message = "tuples that are used too often"};
  }
  if (auto status = add_outputs(); !status) return status.error();
  drop_unused(graph_);
  return std::move(graph_);
}

Status Normaliser::add_values() {
  // Parameters keep their names whatever happens: they are the checkpoint's.
  std::unordered_set<std::string_view> seen;
  for (const AnfValue& parameter : from_.parameters) {
    if (!seen.insert(parameter.name).second)
      return Error{.code = Errc::malformed, .message = "two parameters are called \"" + escape(parameter.name) + "\""};
    parameters_.push_back(graph_.add_parameter(unique(values_, parameter.name), parameter.type));
    Value& value = graph_.value(parameters_.back());
    value.contents = parameter.contents;
    value.bound = parameter.bound;
  }
  for (const AnfValue& input : from_.inputs) graph_.add_input(unique(values_, input.name), input.type);
  return {};
}

/// Names of a file may be anything, those of a graph are unique.
std::string Normaliser::unique(Names& names, std::string name) {
  for (;;) {
    const auto [place, fresh] = names.try_emplace(name, 1);
    if (fresh) return name;
    name += "_" + std::to_string(place->second++);
  }
}

Thing Normaliser::thing(const Operand& operand) {
  switch (operand.is) {
    case Operand::Is::node:
      return things_[operand.index];
    case Operand::Is::constant: {
      const Literal& literal = from_.constants[operand.index];
      if (literal.is == Literal::Is::monad) return {.is = Thing::Is::monad};
      return {.is = Thing::Is::literal, .literal = &literal};
    }
    case Operand::Is::input:
      return {.is = Thing::Is::tensor, .index = graph_.inputs[operand.index]};
    default:
      return {.is = Thing::Is::tensor, .index = parameters_[operand.index]};
  }
}

std::uint32_t Normaliser::item_count(const Thing& list) const {
  if (list.is == Thing::Is::results) return list.count;
  if (list.is == Thing::Is::list) return static_cast<std::uint32_t>(from_.nodes[list.index].operands.size());
  return static_cast<std::uint32_t>(list.literal->items.size());
}

Thing Normaliser::item(const Thing& list, std::uint32_t index) {
  if (list.is == Thing::Is::results) return {.is = Thing::Is::tensor, .index = list.index + index};
  if (list.is == Thing::Is::list) return thing(from_.nodes[list.index].operands[index]);
  return {.is = Thing::Is::literal, .literal = &list.literal->items[index]};
}

bool is_list(const Thing& thing) {
  return thing.is == Thing::Is::results || thing.is == Thing::Is::list ||
         (thing.is == Thing::Is::literal && thing.literal->is == Literal::Is::list);
}

Thing Normaliser::refuse(const AnfNode& node, std::string reason) {
  refusals_.add(node.op, node.name, std::move(reason));
  return {};
}

Thing Normaliser::visit(const AnfNode& node, std::uint32_t index) {
  if (!node.problem.empty()) return refuse(node, node.problem);
  switch (plumbing(node.op)) {
    case Plumbing::control:
      return refuse(node, "control flow that depends on values");
    case Plumbing::monad:
      return {.is = Thing::Is::monad};
    case Plumbing::pass_first:
      return node.operands.empty() ? refuse(node, "has no operand") : thing(node.operands[0]);
    case Plumbing::tuple:
      return {.is = Thing::Is::list, .index = index};
    case Plumbing::pick:
      return pick(node);
    default:
      return operate(node);
  }
}

Thing Normaliser::pick(const AnfNode& node) {
  if (node.operands.size() < 2) return refuse(node, "has no index");
  const Thing list = thing(node.operands[0]);
  const Thing at = thing(node.operands[1]);
  if (list.is == Thing::Is::nothing) return {};
  if (at.is != Thing::Is::literal || at.literal->is != Literal::Is::integer)
    return refuse(node, "its index is computed when the network runs");
  std::int64_t index = at.literal->integer;
  // What was recorded as one result may be a tuple of one.
  if (list.is == Thing::Is::tensor && index == 0) return list;
  if (!is_list(list)) return refuse(node, "takes an element of what is no tuple");
  const std::int64_t count = item_count(list);
  if (index < 0) index += count;
  if (index < 0 || index >= count)
    return refuse(node, "takes element " + std::to_string(index) + " of " + std::to_string(count));
  return item(list, static_cast<std::uint32_t>(index));
}

Thing Normaliser::operate(const AnfNode& node) {
  std::vector<Thing> operands;
  for (const Operand& operand : node.operands) {
    const Thing found = thing(operand);
    if (found.is == Thing::Is::nothing) return {};  // what it needs was refused already
    if (found.is != Thing::Is::monad) operands.push_back(found);
  }
  const bool asks = node.op == "Shape" || node.op == "TensorShape";
  if (asks && !operands.empty() && operands[0].is == Thing::Is::tensor) return shape_of(node, operands[0]);
  Node out{.op = node.op, .name = node.name};
  for (const auto& [name, literal] : node.attrs)
    if (auto attr = attr_of(literal)) out.attrs.insert_or_assign(name, std::move(*attr));
  const Op* op = find_op(node.op);
  if (op == nullptr) {
    add_unknown(operands, out);
    return add_results(node, std::move(out));
  }
  if (operands.size() > op->arguments.size() &&
      (op->arguments.empty() || op->arguments.back().is != Argument::Is::tensors))
    return refuse(node, "has " + std::to_string(operands.size()) + " arguments, " +
                            std::to_string(op->arguments.size()) + " are known");
  std::size_t next = 0;
  for (const Argument& argument : op->arguments) {
    if (next == operands.size()) break;
    // A tensor is not what an attribute already says.
    if (!argument.is_tensor() && operands[next].is == Thing::Is::tensor && node.attrs.contains(argument.name)) continue;
    if (argument.is == Argument::Is::tensors && !is_list(operands[next])) {
      // Tensors one by one: as many as there are, but for what the arguments behind them need.
      for (; next < operands.size() && operands[next].is == Thing::Is::tensor; ++next)
        if (!add_tensor(node, argument.name, operands[next], out)) return {};
      continue;
    }
    if (!add_argument(node, argument, operands[next++], out)) return {};
  }
  if (auto status = canonicalise(out); !status) return refuse(node, status.error().message);
  if (out.op == "Reshape") flatten(out);
  return add_results(node, std::move(out));
}

constexpr std::string_view kOpenSize = "computed when the network runs";

/// The sizes of a tensor, as far as they are recorded. One that is not remembers which it is: Reshape can do with it.
Thing Normaliser::shape_of(const AnfNode& node, const Thing& tensor) {
  const Value& value = graph_.value(tensor.index);
  if (value.type.dtype == DType::unknown) return refuse(node, "of a tensor whose rank is not recorded");
  Literal shape{.is = Literal::Is::list};
  for (std::size_t i = 0; i < value.type.dims.size(); ++i) {
    const Dim& dim = value.type.dims[i];
    Literal size = dim.known() ? Literal::of(dim.size) : Literal::other(std::string(kOpenSize));
    if (!dim.known()) size.integer = static_cast<std::int64_t>(i), size.name = value.name;
    shape.items.push_back(std::move(size));
  }
  if (!spend(shape.items.size())) return refuse(node, "too many shapes");
  shapes_.push_back(std::move(shape));
  return {.is = Thing::Is::literal, .literal = &shapes_.back()};
}

/// Sizes of a Reshape that are not known become numbers all the same: 0 for the same dimension of its input, what is
/// recorded of the result, and -1 where it is the only one.
void Normaliser::settle_shape(const AnfNode& node, const Node& out, Literal& shape) const {
  const Dims& result = node.recorded.type.dims;
  std::vector<Literal*> open;
  for (std::size_t i = 0; i < shape.items.size(); ++i) {
    Literal& size = shape.items[i];
    const bool unknown = size.is == Literal::Is::other && size.text == kOpenSize;
    if (!unknown && (size.is != Literal::Is::integer || size.integer != -1)) continue;
    const bool same = unknown && !out.inputs.empty() && out.inputs[0] != kAbsent &&
                      graph_.value(out.inputs[0]).name == size.name && size.integer == static_cast<std::int64_t>(i);
    if (same) {
      size = Literal::of(std::int64_t{0});
    } else if (result.size() == shape.items.size() && result[i].known()) {
      size = Literal::of(result[i].size);
    } else {
      open.push_back(&size);
    }
  }
  if (open.size() == 1) *open[0] = Literal::of(std::int64_t{-1});
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

bool Normaliser::add_argument(const AnfNode& node, const Argument& argument, const Thing& operand, Node& out) {
  if (argument.is == Argument::Is::tensors) return add_tensors(node, argument, operand, out);
  if (argument.is_tensor()) {
    const bool none = operand.is == Thing::Is::literal && operand.literal->is == Literal::Is::none;
    if (!none || argument.is != Argument::Is::optional_tensor) return add_tensor(node, argument.name, operand, out);
    out.inputs.push_back(kAbsent);
    return true;
  }
  const auto fail = [&](std::string why) {
    (void)refuse(node, "argument " + std::string(argument.name) + " " + std::move(why));
    return false;
  };
  const bool shape_of_another = operand.is == Thing::Is::literal && operand.literal->is == Literal::Is::list;
  if (operand.is == Thing::Is::list || shape_of_another) {
    // A tuple of constants that the compiler left in pieces, or one of which some are sizes that are not known.
    Literal list{.is = Literal::Is::list};
    if (!spend(item_count(operand))) return false;
    for (std::uint32_t i = 0; i < item_count(operand); ++i) {
      const Thing part = item(operand, i);
      if (part.is != Thing::Is::literal) return fail("is computed when the network runs");
      list.items.push_back(*part.literal);
    }
    const Op* op = find_op(node.op);
    if (op != nullptr && op->name == "Reshape") settle_shape(node, out, list);
    const bool open = std::ranges::any_of(list.items, [](const Literal& each) { return each.text == kOpenSize; });
    if (open) return fail("is computed when the network runs");
    auto attr = attr_of(list);
    if (!attr) return fail("is a tuple of different things");
    out.attrs.insert_or_assign(std::string(argument.name), std::move(*attr));
    return true;
  }
  if (operand.is != Thing::Is::literal) return fail("is computed when the network runs");
  if (!spend(operand.literal->items.size())) return false;
  auto attr = attr_of(*operand.literal);
  if (!attr) return fail("is " + std::string(kind_of(*operand.literal)));
  out.attrs.insert_or_assign(std::string(argument.name), std::move(*attr));
  return true;
}

bool Normaliser::add_tensor(const AnfNode& node, std::string_view argument, const Thing& operand, Node& out) {
  if (operand.is == Thing::Is::tensor) {
    out.inputs.push_back(operand.index);
    return true;
  }
  if (operand.is == Thing::Is::literal) {
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
  const std::string is = operand.is == Thing::Is::literal ? std::string(kind_of(*operand.literal)) : "a tuple";
  (void)refuse(node, "argument " + std::string(argument) + " is " + is + (is == "a tuple" ? ", no tensor" : ""));
  return false;
}

bool Normaliser::add_tensors(const AnfNode& node, const Argument& argument, const Thing& operand, Node& out) {
  if (!is_list(operand)) return add_tensor(node, argument.name, operand, out);
  if (!spend(item_count(operand))) return false;
  for (std::uint32_t i = 0; i < item_count(operand); ++i) {
    const Thing part = item(operand, i);
    if (part.is == Thing::Is::nothing) return false;
    if (part.is == Thing::Is::monad) continue;
    if (!add_tensor(node, argument.name, part, out)) return false;
  }
  return true;
}

/// An operator that nobody knows, for whoever wants to see it: tensors stay inputs, the rest is numbered.
void Normaliser::add_unknown(const std::vector<Thing>& operands, Node& out) {
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Thing& operand = operands[i];
    if (operand.is == Thing::Is::literal) {
      if (operand.literal->is == Literal::Is::tensor && operand.literal->recorded) {
        out.inputs.push_back(constant(*operand.literal, *operand.literal));
      } else if (auto attr = attr_of(*operand.literal)) {
        out.attrs.insert_or_assign("argument_" + std::to_string(i), std::move(*attr));
      }
      continue;
    }
    if (operand.is == Thing::Is::tensor) out.inputs.push_back(operand.index);
    if (!is_list(operand) || !spend(item_count(operand))) continue;
    for (std::uint32_t k = 0; k < item_count(operand); ++k) {
      const Thing part = item(operand, k);
      if (part.is == Thing::Is::tensor) out.inputs.push_back(part.index);
    }
  }
}

Thing Normaliser::add_results(const AnfNode& node, Node made) {
  const bool several = node.recorded.is == Recorded::Is::list;
  const std::size_t count = several ? node.recorded.items.size() : 1;
  if (count == 0 || count > kMostResults) return refuse(node, "has " + std::to_string(count) + " results");
  const Node& added = graph_.add_node(std::move(made.op), unique(nodes_, std::move(made.name)), std::move(made.inputs),
                                      std::move(made.attrs), count);
  for (std::size_t i = 0; i < count; ++i) {
    const Recorded& recorded = several ? node.recorded.items[i] : node.recorded;
    Value& value = graph_.value(added.outputs[i]);
    value.type = recorded.type;
    value.name = unique(values_, count == 1 ? added.name : added.name + ":" + std::to_string(i));
  }
  return {.is = several ? Thing::Is::results : Thing::Is::tensor,
          .index = added.outputs[0],
          .count = static_cast<std::uint32_t>(count)};
}

ValueId Normaliser::constant(const Literal& literal, const Literal& tensor) {
  if (const auto known = constants_.find(&literal); known != constants_.end()) return known->second;
  std::string name = literal.name.empty() ? "constant" + std::to_string(constants_.size()) : literal.name;
  const ValueId id = graph_.add_constant(unique(values_, std::move(name)), tensor.type, tensor.contents);
  constants_.emplace(&literal, id);
  return id;
}

Status Normaliser::add_outputs() {
  constexpr std::size_t kMost = 65536;
  std::vector<Thing> left;
  for (const Operand& output : from_.outputs) left.push_back(thing(output));
  std::ranges::reverse(left);
  while (!left.empty()) {
    const Thing output = left.back();
    left.pop_back();
    if (output.is == Thing::Is::tensor) graph_.outputs.push_back(output.index);
    if (output.is == Thing::Is::literal && output.literal->is != Literal::Is::list) {
      const auto tensor = as_tensor(*output.literal);
      if (tensor && tensor->recorded) graph_.outputs.push_back(constant(*output.literal, *tensor));
    }
    if (!is_list(output)) continue;
    const std::uint32_t count = item_count(output);
    if (count + left.size() + graph_.outputs.size() > kMost)
      return Error{.code = Errc::limit, .message = "more than " + std::to_string(kMost) + " outputs"};
    for (std::uint32_t i = count; i-- > 0;) left.push_back(item(output, i));
  }
  if (graph_.outputs.empty() && refusals_.empty())
    return Error{.code = Errc::malformed, .message = "the graph has no outputs that are tensors"};
  return {};
}

/// Depth first, without recursion: a chain may be as long as the file.
class Needed {
 public:
  explicit Needed(const AnfGraph& graph) : graph_(graph), state_(graph.nodes.size(), State::unseen) {}

  Status from(std::uint32_t root) {
    if (state_[root] != State::unseen) return {};
    state_[root] = State::open;
    stack_.push_back({.node = root});
    while (!stack_.empty())
      if (auto status = step(); !status) return status;
    return {};
  }
  std::vector<std::uint32_t> take() { return std::move(order_); }

 private:
  enum class State : std::uint8_t { unseen, open, done };
  struct Frame {
    std::uint32_t node = 0;
    std::size_t next = 0;
  };

  Status step() {
    Frame& top = stack_.back();
    const AnfNode& node = graph_.nodes[top.node];
    if (top.next == needed_operands(node)) {
      state_[top.node] = State::done;
      order_.push_back(top.node);
      stack_.pop_back();
      return {};
    }
    const Operand& operand = node.operands[top.next++];
    if (operand.is != Operand::Is::node) return {};
    State& state = state_[operand.index];
    if (state == State::open)
      return Error{.code = Errc::malformed,
                   .message = "the graph has a cycle at \"" + escape(graph_.nodes[operand.index].name) + "\""};
    if (state == State::unseen) {
      state = State::open;
      stack_.push_back({.node = operand.index});
    }
    return {};
  }

  const AnfGraph& graph_;
  std::vector<State> state_;
  std::vector<Frame> stack_ = {};
  std::vector<std::uint32_t> order_ = {};
};

bool in_file_order(const AnfGraph& graph, const std::vector<std::uint32_t>& order) {
  return std::ranges::all_of(order, [&](std::uint32_t index) {
    const AnfNode& node = graph.nodes[index];
    const auto operands = std::span(node.operands).first(needed_operands(node));
    return std::ranges::all_of(
        operands, [&](const Operand& operand) { return operand.is != Operand::Is::node || operand.index < index; });
  });
}

}  // namespace

std::optional<Attr> attr_of(const Literal& literal) {
  switch (literal.is) {
    case Literal::Is::none:
      return None{};
    case Literal::Is::boolean:
      return literal.integer != 0;
    case Literal::Is::integer:
      return literal.integer;
    case Literal::Is::number:
      return literal.number;
    case Literal::Is::text:
      return literal.text;
    case Literal::Is::dtype:
      return literal.type.dtype;
    case Literal::Is::tensor:
      return tensor_attr(literal);
    case Literal::Is::list:
      return list_attr(literal.items);
    default:
      return std::nullopt;
  }
}

Result<Operand> find_output(const AnfGraph& graph, std::string_view name_or_scope) {
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const std::string_view name = graph.nodes[i].name;
    const bool inside =
        name.starts_with(name_or_scope) && (name.size() == name_or_scope.size() || name[name_or_scope.size()] == '/');
    if (inside && plumbing(graph.nodes[i].op) != Plumbing::monad)
      return Operand{.is = Operand::Is::node, .index = static_cast<std::uint32_t>(i)};
  }
  return Error{.code = Errc::usage, .message = "no node or scope \"" + escape(name_or_scope) + "\""};
}

Result<std::vector<std::uint32_t>> needed_nodes(const AnfGraph& graph) {
  Needed needed(graph);
  for (const Operand& output : graph.outputs)
    if (output.is == Operand::Is::node)
      if (auto status = needed.from(output.index); !status) return status.error();
  auto order = needed.take();
  if (in_file_order(graph, order)) std::ranges::sort(order);
  return order;
}

Result<Graph> normalise(const AnfGraph& from, Refusals& refusals) { return Normaliser(from, refusals).run(); }

}  // namespace ckpt::graph
