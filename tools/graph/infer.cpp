#include "infer.h"

#include <algorithm>
#include <cmath>

#include "op.h"
#include "ops/rules.h"

namespace ckpt::graph {

namespace {

/// How many inputs the operator takes at least, and at most.
struct Arity {
  std::size_t least = 0;
  std::size_t most = 0;
  bool open = false;  ///< no upper bound
};

Arity arity(const Op& op) {
  Arity arity;
  std::size_t tensors = 0;
  for (const Argument& argument : op.arguments) {
    if (!argument.is_tensor()) continue;
    ++tensors;
    const bool any = argument.is == Argument::Is::sizes;
    if (argument.is != Argument::Is::optional_tensor && !any) arity.least = tensors;
    arity.open = arity.open || any || argument.is == Argument::Is::tensors;
  }
  arity.most = tensors;
  return arity;
}

Status check_inputs(const Op& op, const Node& node) {
  const Arity wanted = arity(op);
  if (node.inputs.size() < wanted.least || (!wanted.open && node.inputs.size() > wanted.most)) {
    return refuse(std::to_string(node.inputs.size()) + " inputs where " + std::to_string(wanted.least) +
                  (wanted.open                  ? " or more"
                   : wanted.most > wanted.least ? " to " + std::to_string(wanted.most)
                                                : "") +
                  " are wanted");
  }
  std::size_t i = 0;
  for (const Argument& argument : op.arguments) {
    if (!argument.is_tensor()) continue;
    const bool absent = i < node.inputs.size() && node.inputs[i] == kAbsent;
    if (absent && argument.is != Argument::Is::optional_tensor) {
      return refuse("input " + std::string(argument.name) + " is missing");
    }
    ++i;
  }
  return {};
}

constexpr std::int64_t kLargest = std::int64_t{1} << 31;

/// Rules multiply what they are given: strides with windows, pads with sizes. None of these is above 2^31 in a network
/// that runs. The ends of slices are: the largest number there is means "to the end", and their rules know it.
bool in_range(const Argument& argument, const Attr& attr) {
  if (argument.name == "begin" || argument.name == "end") return true;
  const auto small = [](std::int64_t number) { return -kLargest <= number && number <= kLargest; };
  const auto all_small = [&](const Ints& numbers) { return std::ranges::all_of(numbers, small); };
  const bool added = argument.name == "epsilon" || argument.name == "eps";  // to what is divided by
  if (const auto* number = std::get_if<double>(&attr); number && added) return std::isfinite(*number) && *number >= 0;
  if (const auto* number = std::get_if<std::int64_t>(&attr)) return small(*number);
  if (const auto* numbers = std::get_if<Ints>(&attr)) return all_small(*numbers);
  if (const auto* lists = std::get_if<IntLists>(&attr)) return std::ranges::all_of(*lists, all_small);
  return true;
}

Status check_attr(const Argument& argument, const Node& node) {
  const auto found = node.attrs.find(argument.name);
  if (found == node.attrs.end()) {
    if (argument.fallback) return {};
    return refuse("attribute " + std::string(argument.name) + " is missing");
  }
  const Attr& attr = found->second;
  const bool none =
      std::holds_alternative<None>(attr) && argument.fallback && std::holds_alternative<None>(*argument.fallback);
  if (!none && attr.index() != attr_index(argument.is)) {
    return refuse("attribute " + std::string(argument.name) + " is of a wrong kind");
  }
  const auto* list = std::get_if<Ints>(&attr);
  if (list && argument.numbers > 0 && list->size() != argument.numbers) {
    return refuse("attribute " + std::string(argument.name) + " has " + std::to_string(list->size()) +
                  " numbers where " + std::to_string(argument.numbers) + " are wanted");
  }
  if (!in_range(argument, attr)) return refuse("attribute " + std::string(argument.name) + " is out of range");
  return {};
}

/// What the source recorded and what the rule says, as one; an error where they differ.
Result<Type> agree(const Type& recorded, const Type& inferred) {
  const auto differ = [&] { return refuse("is " + to_string(inferred) + ", but recorded as " + to_string(recorded)); };
  if (recorded.dtype == DType::unknown) return inferred;
  if (inferred.dtype != DType::unknown && recorded.dtype != inferred.dtype) return differ();
  if (recorded.dims.size() != inferred.dims.size()) return differ();
  Type type = recorded;
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    auto dim = unify(inferred.dims[i], recorded.dims[i]);
    if (!dim) return differ();
    type.dims[i] = *dim;
  }
  return type;
}

bool sizes_in_range(const Graph& graph, const Node& node) {
  return std::ranges::all_of(node.inputs, [&](ValueId id) {
    return id == kAbsent ||
           std::ranges::all_of(graph.value(id).type.dims, [](const Dim& dim) { return dim.size <= kLargest; });
  });
}

bool known_inputs(const Graph& graph, const Node& node) {
  return std::ranges::all_of(node.inputs,
                             [&](ValueId id) { return id == kAbsent || graph.value(id).type.dtype != DType::unknown; });
}

}  // namespace

Status check_node(const Op& op, const Node& node) {
  if (auto status = check_inputs(op, node); !status) return status;
  for (const Argument& argument : op.arguments) {
    if (argument.is_tensor()) continue;
    if (auto status = check_attr(argument, node); !status) return status;
  }
  return {};
}

Result<std::vector<Type>> infer_node(const Graph& graph, const Op& op, const Node& node) {
  if (!sizes_in_range(graph, node)) return refuse("an input has a dimension that is out of range");
  if (!op.infer) return refuse("no rule");
  auto types = op.infer(NodeView(graph, node));
  if (!types) return types;
  if (node.outputs.size() > types->size()) {
    return refuse(std::to_string(node.outputs.size()) + " results where there are " + std::to_string(types->size()));
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    auto agreed = agree(graph.value(node.outputs[i]).type, (*types)[i]);
    if (!agreed) return refuse("result " + std::to_string(i) + " " + agreed.error().message);
    (*types)[i] = std::move(*agreed);
  }
  return types;
}

Status infer_types(Graph& graph, const Node& node) {
  const Op* op = find_op(node.op);
  if (!op) return refuse("not an operator that is known");
  if (auto status = check_node(*op, node); !status) return status;
  if (!known_inputs(graph, node)) return {};  // refused where they come from
  auto types = infer_node(graph, *op, node);
  if (!types) return types.error();
  for (std::size_t i = 0; i < node.outputs.size(); ++i) graph.value(node.outputs[i]).type = std::move((*types)[i]);
  return {};
}

Refusals infer_types(Graph& graph) {
  Refusals refusals;
  for (const Node& node : graph.nodes) {
    if (auto status = infer_types(graph, node); !status) refusals.add(node, status.error().message);
  }
  return refusals;
}

}  // namespace ckpt::graph
