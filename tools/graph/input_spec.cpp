#include "input_spec.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "ckpt/text.h"
#include "usage.h"

namespace ckpt::graph {
namespace {

using tools::usage;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

Result<Dim> parse_dim(std::string_view text, std::string_view whole) {
  const auto inside = [&] { return "'" + escape(whole) + "': '" + escape(text) + "' "; };
  if (text == "?") return Dim();
  if (text.empty()) return usage("'" + escape(whole) + "': a dimension is empty");
  if (is_digit(text[0])) {
    std::int64_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (end != text.data() + text.size())
      return usage(inside() + "is neither a number nor a name (x stands between them)");
    if (error != std::errc()) return usage(inside() + "is too large");
    if (size == 0) return usage(inside() + "is no size");
    return Dim(size);
  }
  if (!is_letter(text[0]) || !std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c); }))
    return usage(inside() + "is neither a number nor a name (x stands between them)");
  return Dim(std::string(text));
}

Result<DType> parse_dtype(std::string_view text, std::string_view whole) {
  // "float32" as NumPy spells it, and "Float32" as checkpoints do.
  constexpr DType kTypes[] = {DType::boolean, DType::int8,    DType::int16,   DType::int32,  DType::int64,
                              DType::uint8,   DType::uint16,  DType::uint32,  DType::uint64, DType::float16,
                              DType::float32, DType::float64, DType::bfloat16};
  const auto lower = [](std::string_view word) {
    std::string out(word);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return out;
  };
  for (const DType dtype : kTypes)
    if (lower(name(dtype)) == lower(text)) return dtype;
  return usage("'" + escape(whole) + "': '" + escape(text) + "' is no type of an input; float32 and int32 are");
}

}  // namespace

Result<InputSpec> parse_input_spec(std::string_view text) {
  const std::string_view whole = text;
  InputSpec spec;
  // A name may have ':' and '=' in it, as ONNX's may; sizes and types have neither.
  if (const auto equals = text.rfind('='); equals != text.npos) {
    spec.input = text.substr(0, equals);
    if (spec.input.empty()) return usage("'" + escape(whole) + "': there is no name in front of '='");
    text.remove_prefix(equals + 1);
  }
  if (const auto colon = text.rfind(':'); colon != text.npos) {
    const auto dtype = parse_dtype(text.substr(colon + 1), whole);
    if (!dtype) return dtype.error();
    spec.dtype = *dtype;
    text = text.substr(0, colon);
  }
  if (text == "scalar") return spec;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t to = std::min(text.find('x', from), text.size());
    auto dim = parse_dim(text.substr(from, to - from), whole);
    if (!dim) return std::move(dim).error();
    spec.dims.push_back(std::move(*dim));
    from = to + 1;
  }
  return spec;
}

std::vector<Type> input_types(const Graph& graph) {
  std::vector<Type> types;
  for (const ValueId id : graph.inputs) types.push_back(graph.value(id).type);
  return types;
}

Result<std::vector<Type>> wanted_inputs(const Graph& graph, std::span<const InputSpec> specs) {
  std::vector<const InputSpec*> given(graph.inputs.size(), nullptr);
  for (const InputSpec& spec : specs) {
    if (spec.input.empty()) continue;
    const auto at = std::ranges::find_if(graph.inputs, [&](ValueId id) { return graph.value(id).name == spec.input; });
    if (at == graph.inputs.end()) {
      std::string names;
      for (const ValueId id : graph.inputs) names += (names.empty() ? "" : ", ") + escape(graph.value(id).name);
      return usage("no input is called '" + escape(spec.input) + "'; there is " + (names.empty() ? "none" : names));
    }
    const InputSpec*& slot = given[static_cast<std::size_t>(at - graph.inputs.begin())];
    if (slot != nullptr) return usage("input '" + escape(spec.input) + "' is given twice");
    slot = &spec;
  }
  auto next = given.begin();
  for (const InputSpec& spec : specs) {
    if (!spec.input.empty()) continue;
    next = std::find(next, given.end(), nullptr);
    if (next == given.end())
      return usage("the network has " + std::to_string(given.size()) + (given.size() == 1 ? " input" : " inputs") +
                   ", and more are described");
    *next = &spec;
  }

  std::vector<Type> types = input_types(graph);
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i] == nullptr) continue;
    const DType recorded = types[i].dtype == DType::unknown ? DType::float32 : types[i].dtype;
    types[i] = {.dtype = given[i]->dtype.value_or(recorded), .dims = given[i]->dims};
  }
  return types;
}

void set_inputs(Graph& graph, const std::vector<Type>& types) {
  bool retyped = false;
  for (std::size_t i = 0; i < types.size(); ++i) {
    Type& type = graph.value(graph.inputs[i]).type;
    retyped |= type.dtype != types[i].dtype;
    type = types[i];
  }
  forget_results(graph, retyped);
}

Status apply_input_specs(Graph& graph, std::span<const InputSpec> specs) {
  const auto types = wanted_inputs(graph, specs);
  if (!types) return types.error();
  if (*types != input_types(graph)) set_inputs(graph, *types);
  return {};
}

}  // namespace ckpt::graph
