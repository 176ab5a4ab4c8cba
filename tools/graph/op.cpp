#include "op.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <functional>

#include "ckpt/element.h"
#include "ops/ge_rules.h"
#include "ops/gradient_rules.h"
#include "ops/rules.h"
#include "ops/table.h"

namespace ckpt::graph {

namespace {

/// Calls `use` with each of the words that spaces separate, until it says that it has enough.
bool any_word(std::string_view words, const std::function<bool(std::string_view)>& use) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (use(words.substr(0, end))) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

std::vector<Op> make_table() {
  std::vector<Op> table;
  for (auto family : {conv_ops, pool_ops, activation_ops, norm_ops, unary_ops, binary_ops, matmul_ops, reduce_ops,
                      shape_ops, index_ops, pad_ops, resize_ops, recurrent_ops, detection_ops, scatter_ops,
                      diagonal_ops, grid_ops, gradient_ops, optimizer_ops}) {
    std::ranges::move(family(), std::back_inserter(table));
  }
  for (Op& op : table) {
    if (!op.to_ge) op.to_ge = ge_rule(op.name);
    if (!op.gradient) op.gradient = gradient_rule(op.name);
  }
  std::ranges::sort(table, {}, &Op::name);
  return table;
}

using Index = std::map<std::string_view, const Op*>;

Index make_index() {
  Index index;
  for (const Op& op : ops()) {
    index.emplace(op.name, &op);
    any_word(op.was, [&](std::string_view was) {
      index.emplace(was, &op);
      return false;
    });
  }
  return index;
}

// By the index of Attr's alternatives.
constexpr std::array kKinds = {"None",     "a boolean", "an integer", "a number",          "a text",
                               "integers", "numbers",   "texts",      "lists of integers", "a dtype"};

/// MindSpore's TypeId, as an operand of Cast has it in MindIR.
DType dtype_of_type_id(std::int64_t id) {
  switch (id) {
    case 30:
      return DType::boolean;
    case 32:
      return DType::int8;
    case 33:
      return DType::int16;
    case 34:
      return DType::int32;
    case 35:
      return DType::int64;
    case 37:
      return DType::uint8;
    case 38:
      return DType::uint16;
    case 39:
      return DType::uint32;
    case 40:
      return DType::uint64;
    case 42:
      return DType::float16;
    case 43:
      return DType::float32;
    case 44:
      return DType::float64;
    case 45:
      return DType::bfloat16;
    case 51:
      return DType::complex64;
    case 52:
      return DType::complex128;
    default:
      return DType::unknown;
  }
}

/// The word for a number of MindSpore's enumerations; empty if it is none.
std::string_view word_of(std::string_view argument, std::int64_t number) {
  struct Word {
    std::string_view argument;
    std::int64_t number;
    std::string_view word;
  };
  static constexpr Word kWords[] = {
      {"approximate", 0, "none"},
      {"approximate", 1, "tanh"},
      {"coordinate_transformation_mode", 0, "asymmetric"},
      {"coordinate_transformation_mode", 1, "align_corners"},
      {"coordinate_transformation_mode", 2, "half_pixel"},
      {"format", 0, "NCHW"},
      {"format", 1, "NHWC"},
      {"format", 14, "NCDHW"},
      {"indexing", 0, "ij"},
      {"indexing", 1, "xy"},
      {"interpolation_mode", 0, "bilinear"},
      {"interpolation_mode", 1, "nearest"},
      {"pad_mode", 0, "pad"},
      {"pad_mode", 1, "same"},
      {"pad_mode", 2, "valid"},
      {"padding_mode", 0, "zeros"},
      {"padding_mode", 1, "border"},
      {"padding_mode", 2, "reflection"},
      {"reduce", 0, "none"},
      {"reduce", 1, "add"},
      {"reduction", 0, "none"},
      {"reduction", 1, "add"},
      {"rounding_mode", 1, "trunc"},
      {"rounding_mode", 2, "floor"},
  };
  const auto found = std::ranges::find_if(
      kWords, [&](const Word& word) { return word.argument == argument && word.number == number; });
  return found == std::end(kWords) ? std::string_view{} : found->word;
}

std::optional<std::int64_t> as_integer(const Attr& attr) {
  if (const auto* value = std::get_if<std::int64_t>(&attr)) return *value;
  if (const auto* value = std::get_if<bool>(&attr)) return *value ? 1 : 0;
  if (const auto* value = std::get_if<Ints>(&attr); value && value->size() == 1) return value->front();
  return std::nullopt;
}

std::optional<Attr> as_text(const Argument& argument, const Attr& attr) {
  std::string word;
  if (const auto* value = std::get_if<std::string>(&attr)) word = *value;
  if (const auto* value = std::get_if<std::int64_t>(&attr)) word = word_of(argument.name, *value);
  if (word.empty()) return std::nullopt;
  const bool upper = argument.name == "format";
  std::ranges::transform(word, word.begin(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return static_cast<char>(upper ? std::toupper(byte) : std::tolower(byte));
  });
  if (argument.name == "pad_mode" && word == "calculated") word = "pad";  // MaxPool3D's name for it
  return word;
}

std::optional<Attr> as_whole_number(const Attr& attr) {
  if (const auto integer = as_integer(attr)) return *integer;
  const auto* const number = std::get_if<double>(&attr);
  const bool is_whole = number && *number == std::trunc(*number) && std::abs(*number) < 9e15;
  return is_whole ? std::optional<Attr>(static_cast<std::int64_t>(*number)) : std::nullopt;
}

std::optional<Attr> as_number(const Attr& attr) {
  if (const auto* value = std::get_if<Doubles>(&attr); value && value->size() == 1) return value->front();
  const auto integer = as_integer(attr);
  return integer ? std::optional<Attr>(static_cast<double>(*integer)) : std::nullopt;
}

std::optional<Attr> as_numbers(const Attr& attr) {
  if (const auto* value = std::get_if<Ints>(&attr)) return Doubles(value->begin(), value->end());
  if (const auto* value = std::get_if<double>(&attr)) return Doubles{*value};
  return std::nullopt;
}

std::optional<Attr> as_dtype(const Argument& argument, const Attr& attr) {
  DType dtype = DType::unknown;
  if (const auto* value = std::get_if<std::int64_t>(&attr)) {
    if (argument.name == "argmax_type") return *value == 3 ? DType::int32 : DType::int64;  // numbers of its own
    dtype = dtype_of_type_id(*value);
  }
  if (const auto* value = std::get_if<std::string>(&attr)) {
    std::string word = *value;
    if (!word.empty()) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
    dtype = dtype_from_name(word);
  }
  return dtype == DType::unknown ? std::nullopt : std::optional<Attr>(dtype);
}

/// The attribute in the kind that the argument wants; empty if it is none such.
std::optional<Attr> in_kind(const Argument& argument, const Attr& attr) {
  using Is = Argument::Is;
  if (std::holds_alternative<None>(attr)) {
    const bool allowed = argument.fallback && std::holds_alternative<None>(*argument.fallback);
    return allowed ? std::optional<Attr>(None{}) : std::nullopt;
  }
  if (argument.is != Is::text && attr.index() == attr_index(argument.is)) return attr;
  const auto integer = as_integer(attr);
  switch (argument.is) {
    case Is::boolean:
      return integer ? std::optional<Attr>(*integer != 0) : std::nullopt;
    case Is::integer:
      return as_whole_number(attr);
    case Is::number:
      return as_number(attr);
    case Is::text:
      return as_text(argument, attr);
    case Is::integers:
      return integer ? std::optional<Attr>(Ints{*integer}) : std::nullopt;
    case Is::numbers:
      return as_numbers(attr);
    case Is::int_lists:
      return attr == Attr(Ints{}) ? std::optional<Attr>(IntLists{}) : std::nullopt;
    case Is::dtype:
      return as_dtype(argument, attr);
    default:
      return std::nullopt;
  }
}

std::string_view wanted(const Argument& argument) {
  return argument.is == Argument::Is::text ? "a text that is known" : kKinds[attr_index(argument.is)];
}

/// One number an axis, of those MindSpore has for batch and channels too.
Status per_axis_numbers(const Argument& argument, const Node& node, Ints& values) {
  const std::size_t axes = argument.numbers;
  if (values.size() == axes) return {};
  if (values.size() == 1) {
    values.resize(axes, values[0]);
    return {};
  }
  const bool channels_last = node.op == "MaxPoolWithArgmax";
  const std::int64_t none = argument.name == "output_padding" ? 0 : 1;  // what batch and channels have
  if (values.size() == axes + 2 && values.front() == none && (channels_last ? values.back() : values[1]) == none) {
    values.erase(values.begin());
    values.erase(channels_last ? values.end() - 1 : values.begin());
    return {};
  }
  if (values.size() * 2 == axes) {  // pads of which each is for both sides
    Ints both;
    for (const std::int64_t value : values) both.insert(both.end(), 2, value);
    values = std::move(both);
    return {};
  }
  return refuse("attribute " + std::string(argument.name) + " has " + std::to_string(values.size()) +
                " numbers where " + std::to_string(axes) + " are wanted");
}

/// The attribute under one of the argument's names, taken out of the node.
std::optional<Attr> take(Node& node, const Argument& argument) {
  const auto get = [&](std::string_view name) -> std::optional<Attr> {
    const auto found = node.attrs.find(name);
    return found == node.attrs.end() ? std::nullopt : std::optional<Attr>(found->second);
  };
  if (auto attr = get(argument.name)) return attr;
  std::optional<Attr> attr;
  any_word(argument.was, [&](std::string_view was) {
    attr = get(was);
    return attr.has_value();
  });
  return attr;
}

Status canonical_argument(Node& node, const Argument& argument, Attrs& attrs) {
  auto attr = take(node, argument);
  if (!attr) {
    if (!argument.fallback) return refuse("attribute " + std::string(argument.name) + " is missing");
    attrs.emplace(argument.name, *argument.fallback);
    return {};
  }
  auto value = in_kind(argument, *attr);
  if (!value) {
    return refuse("attribute " + std::string(argument.name) + " is " + kKinds[attr->index()] + ", not " +
                  std::string(wanted(argument)));
  }
  if (auto* list = std::get_if<Ints>(&*value); list && argument.numbers > 0) {
    if (auto status = per_axis_numbers(argument, node, *list); !status) return status;
  }
  attrs.emplace(argument.name, std::move(*value));
  return {};
}

/// pad_list where it says what pad_mode does not: explicit pads.
void canonical_pads(Attrs& attrs) {
  const auto mode = attrs.find("pad_mode");
  const auto pads = attrs.find("pad_list");
  if (mode == attrs.end() || pads == attrs.end()) return;
  const auto* list = std::get_if<Ints>(&pads->second);
  if (!list) return;
  const bool unknown = std::ranges::any_of(*list, [](std::int64_t pad) { return pad < 0; });
  if (unknown || mode->second != Attr(std::string("pad"))) pads->second = None{};
}

const Argument* find_argument(std::string_view op, std::string_view name) {
  const Op* found = find_op(op);
  if (!found) return nullptr;
  const auto place = std::ranges::find(found->arguments, name, &Argument::name);
  return place == found->arguments.end() ? nullptr : &*place;
}

constexpr std::int64_t kAsked = std::int64_t{1} << 16;  // far from the numbers that shapes have otherwise
constexpr std::int64_t kMostAxes = 16, kMostInputs = 1 << 12;

}  // namespace

std::size_t attr_index(Argument::Is is) {
  switch (is) {
    case Argument::Is::boolean:
      return Attr(false).index();
    case Argument::Is::integer:
      return Attr(std::int64_t{0}).index();
    case Argument::Is::number:
      return Attr(0.0).index();
    case Argument::Is::text:
      return Attr(std::string()).index();
    case Argument::Is::integers:
      return Attr(Ints()).index();
    case Argument::Is::numbers:
      return Attr(Doubles()).index();
    case Argument::Is::int_lists:
      return Attr(IntLists()).index();
    default:
      return Attr(DType::unknown).index();
  }
}

std::int64_t asked_size(AskedSize which) {
  return -(kAsked + static_cast<std::int64_t>(which.input) * kMostAxes + static_cast<std::int64_t>(which.axis));
}

std::optional<AskedSize> asked_size(std::int64_t number) {
  if (number > -kAsked || number <= -kAsked - kMostAxes * kMostInputs) return std::nullopt;
  const std::int64_t code = -number - kAsked;
  return AskedSize{static_cast<std::size_t>(code / kMostAxes), static_cast<std::size_t>(code % kMostAxes)};
}

std::span<const Op> ops() {
  static const std::vector<Op> table = make_table();
  return table;
}

const Op* find_op(std::string_view name) {
  static const Index index = make_index();
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

std::span<const std::size_t> changed_operands(const Node& node) {
  const Op* op = find_op(node.op);
  if (!op) return {};
  if (!op->changes_if.empty()) {
    const auto found = node.attrs.find(op->changes_if);
    const bool* flag = found == node.attrs.end() ? nullptr : std::get_if<bool>(&found->second);
    if (!flag || !*flag) return {};
  }
  return op->changes;
}

Status canonicalise(Node& node) {
  const Op* op = find_op(node.op);
  if (!op) return {};
  Attrs attrs;
  for (const Argument& argument : op->arguments) {
    if (argument.is_tensor()) continue;
    if (auto status = canonical_argument(node, argument, attrs); !status) return status;
  }
  canonical_pads(attrs);
  node.attrs = std::move(attrs);
  node.op = op->name;
  return {};
}

const Attr& NodeView::attr(std::string_view name) const {
  static const Attr nothing = None{};
  if (const auto found = node_.attrs.find(name); found != node_.attrs.end()) return found->second;
  const Argument* argument = find_argument(node_.op, name);
  return argument && argument->fallback ? *argument->fallback : nothing;
}

std::optional<NodeView> NodeView::maker(std::size_t i) const {
  if (!has_input(i) || input(i).kind != ValueKind::result) return std::nullopt;
  return NodeView(graph_, graph_.nodes[input(i).producer]);
}

bool NodeView::flag(std::string_view name) const { return std::get<bool>(attr(name)); }
std::int64_t NodeView::integer(std::string_view name) const { return std::get<std::int64_t>(attr(name)); }
double NodeView::number(std::string_view name) const { return std::get<double>(attr(name)); }
const std::string& NodeView::text(std::string_view name) const { return std::get<std::string>(attr(name)); }
const Ints& NodeView::integers(std::string_view name) const { return std::get<Ints>(attr(name)); }
const Doubles& NodeView::numbers(std::string_view name) const { return std::get<Doubles>(attr(name)); }
const IntLists& NodeView::int_lists(std::string_view name) const { return std::get<IntLists>(attr(name)); }
DType NodeView::dtype(std::string_view name) const { return std::get<DType>(attr(name)); }
bool NodeView::is_none(std::string_view name) const { return std::holds_alternative<None>(attr(name)); }

namespace {

/// The numbers of a value that is there without running the network.
std::optional<Doubles> numbers_of(const Value& value) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
  if (!value.bound || value.kind == ValueKind::result || size_of(value.type.dtype) == 0) return std::nullopt;
  auto bytes = bytes_of(value.contents, kMost);
  if (!bytes) return std::nullopt;
  Doubles numbers(bytes->size() / size_of(value.type.dtype));
  to_double(value.type.dtype, *bytes, numbers);
  return numbers;
}

}  // namespace

std::optional<Doubles> NodeView::constant_numbers(std::size_t i) const {
  return has_input(i) ? numbers_of(input(i)) : std::nullopt;
}

namespace {

std::string text_of(const Attr& attr);

template <class List>
std::string list_text(const List& list) {
  std::string text = "(";
  for (const auto& item : list) text += (text.size() > 1 ? ", " : "") + text_of(Attr(item));
  return text + ")";
}

/// As Python would write it.
std::string text_of(const Attr& attr) {
  if (std::holds_alternative<None>(attr)) return "None";
  if (const auto* value = std::get_if<bool>(&attr)) return *value ? "True" : "False";
  if (const auto* value = std::get_if<std::int64_t>(&attr)) return std::to_string(*value);
  if (const auto* value = std::get_if<double>(&attr)) {
    return element_text(DType::float64, std::as_bytes(std::span(value, 1)));
  }
  if (const auto* value = std::get_if<std::string>(&attr)) return *value;
  if (const auto* value = std::get_if<DType>(&attr)) return std::string(name(*value));
  if (const auto* value = std::get_if<Ints>(&attr)) return list_text(*value);
  if (const auto* value = std::get_if<Doubles>(&attr)) return list_text(*value);
  return "()";
}

std::string text_of(const Argument& argument) {
  std::string text(argument.name);
  if (argument.is == Argument::Is::optional_tensor) text += "?";
  if (argument.is == Argument::Is::tensors || argument.is == Argument::Is::sizes) text += "…";
  if (argument.fallback) text += "=" + text_of(*argument.fallback);
  return text;
}

}  // namespace

std::string operators_markdown() {
  std::string page =
      "| Operator | Also called | Arguments | ONNX | GEIR | Gradient |\n"
      "|---|---|---|---|---|---|\n";
  for (const Op& op : ops()) {
    page += "| " + std::string(op.name) + " | " + std::string(op.was) + " | ";
    std::string_view between;
    for (const Argument& argument : op.arguments) {
      page += between;
      page += text_of(argument);
      between = ", ";
    }
    page += op.to_onnx ? " | yes" : " | -";
    page += op.to_ge ? " | yes" : " | -";
    page += op.gradient ? " | yes |\n" : " | - |\n";
  }
  return page;
}

}  // namespace ckpt::graph
