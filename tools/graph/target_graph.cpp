#include "target_graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ckpt/element.h"
#include "infer.h"
#include "op.h"
#include "ops/onnx_types.h"
#include "ops/rules.h"
#include "unique_names.h"

namespace ckpt::graph {

Target::Ref Target::fresh(Output output) {
  outputs_.push_back(std::move(output));
  return static_cast<Ref>(outputs_.size() - 1);
}

Target::Ref Target::of(ValueId id) {
  if (id == kAbsent) return kNothing;
  const Value& value = graph_->value(id);
  Ref& ref = by_value_[id];
  const bool stored = value.kind == ValueKind::constant || value.kind == ValueKind::parameter;
  if (ref == kNothing && stored) {
    ref = fresh({.name = value.name,
                 .type = value.type,
                 .constant = true,
                 .parameter = value.kind == ValueKind::parameter,
                 .contents = value.contents});
  }
  return ref;
}

std::vector<Target::Ref> Target::add_many(std::string_view op, std::vector<Ref> inputs, std::size_t results,
                                          std::vector<NamedAttr> attrs) {
  Step step{.op = std::string(op), .inputs = std::move(inputs), .attrs = std::move(attrs)};
  while (!step.inputs.empty() && step.inputs.back() == kNothing) step.inputs.pop_back();
  for (std::size_t i = 0; i < results; ++i) step.outputs.push_back(fresh({}));
  steps_.push_back(std::move(step));
  return steps_.back().outputs;
}

Target::Ref Target::add(std::string_view op, std::vector<Ref> inputs, std::vector<NamedAttr> attrs, Type type) {
  const Ref ref = add_many(op, std::move(inputs), 1, std::move(attrs)).front();
  outputs_[ref].type = std::move(type);
  return ref;
}

Target::Ref Target::constant(const Ints& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return tensor({.dtype = DType::int64, .dims = {Dim(static_cast<std::int64_t>(values.size()))}},
                in_memory({bytes.begin(), bytes.end()}));
}

namespace {

/// Whether a type of integers has that number. Computing with the nearest one would be another operation.
bool has_number(DType dtype, double value) {
  if (dtype == DType::boolean) return value == 0 || value == 1;
  const std::string_view called = name(dtype);
  const bool is_signed = called.starts_with("Int"), is_unsigned = called.starts_with("UInt");
  if (!is_signed && !is_unsigned) return true;
  const int bits = static_cast<int>(8 * size_of(dtype));
  const double most = std::ldexp(1.0, is_signed ? bits - 1 : bits);
  return value == std::trunc(value) && value < most && value >= (is_signed ? -most : 0);
}

}  // namespace

Target::Ref Target::scalar(double value, DType dtype) {
  if (unfit_.empty() && !has_number(dtype, value)) {
    const std::string text = element_text(DType::float64, std::as_bytes(std::span(&value, 1)));
    unfit_ = std::string(name(dtype)) + " does not have the number " + text;
  }
  return tensor({.dtype = dtype}, contents_of(dtype, {value}));
}

Target::Ref Target::tensor(Type type, Contents contents) {
  constexpr std::uint64_t kSmall = 4096;
  if (contents.make || contents.size > kSmall) {
    return fresh({.type = std::move(type), .constant = true, .contents = std::move(contents)});
  }
  auto bytes = bytes_of(contents, kSmall);
  auto [place, added] = constants_.try_emplace({to_string(type), bytes ? *bytes : std::vector<std::byte>{}}, kNothing);
  if (added) place->second = fresh({.type = std::move(type), .constant = true, .contents = std::move(contents)});
  return place->second;
}

void Target::result(std::size_t index, Ref ref) { by_value_[node_->outputs[index]] = ref; }

Status Target::convert(const Graph& graph, const Node& node, Rule rule, std::vector<Ref>& refs) {
  auto exchange = [this, &refs, other_graph = &graph, other_node = &node]() mutable {
    std::swap(graph_, other_graph);
    std::swap(node_, other_node);
    std::swap(by_value_, refs);
  };
  exchange();
  Status status = rule(NodeView(graph, node), *this);
  exchange();
  for (const ValueId id : node.outputs) {
    if (refs[id] == kNothing) continue;
    Type& type = outputs_[refs[id]].type;
    if (type.dtype == DType::unknown) type = graph.value(id).type;
  }
  return status;
}

/// The walker: one node after the other, then names.
class Conversion {
 public:
  using Rule = Status (*Op::*)(const NodeView&, Target&);

  Conversion(const Graph& graph, int opset, Rule rule) : graph_(graph), rule_(rule), target_(graph, opset) {
    for (const Value& value : graph.values) names_.insert(value.name);
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      const Value& value = graph.value(graph.inputs[i]);
      std::string name = value.name.empty() ? names_.take("input_" + std::to_string(i)) : value.name;
      target_.by_value_[graph.inputs[i]] = target_.fresh({.name = std::move(name), .type = value.type});
    }
  }

  Converted run() {
    failed_.assign(graph_.nodes.size(), false);
    used_.assign(graph_.values.size(), false);
    for (const Node& node : graph_.nodes) use(node.inputs);
    use(graph_.outputs);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) convert(i);
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) finish_output(i);
    // Of a node whose inputs have no types whoever should have given them says why; here it must not pass for nothing.
    if (refusals_.empty() && untyped_) refusals_.add(*untyped_, std::string(kUntyped));
    name_constants();
    return {.target = std::move(target_), .refusals = std::move(refusals_)};
  }

 private:
  void convert(std::size_t index) {
    const Node& node = graph_.nodes[index];
    if (!has_inputs(node)) {
      failed_[index] = true;
      return;
    }
    const Op* op = find_op(node.op);
    const std::size_t first = target_.steps_.size();
    target_.node_ = &node;
    Status status = op ? check_node(*op, node) : refuse("not an operator that is known");
    if (status && !(op->*rule_)) status = refuse("no rule for this target");
    if (status && (!typed(node) || !infer_node(graph_, *op, node))) {
      // Rules trust that the types are right. Why they are not, infer_types() said.
      if (!untyped_) untyped_ = &node;
      failed_[index] = true;
      return;
    }
    if (status) status = (op->*rule_)(NodeView(graph_, node), target_);
    if (status && !target_.unfit_.empty()) status = refuse(target_.unfit_);
    target_.unfit_.clear();
    if (!status) {
      refusals_.add(node, status.error().message);
      failed_[index] = true;
      return;
    }
    name_results(node);
    for (std::size_t i = first; status && i < target_.steps_.size() && target_.opset_ > 0; ++i) {
      status = check_onnx_types(target_.steps_[i], target_.outputs_, target_.opset_);
    }
    if (!status) refusals_.add(node, status.error().message);
    name_steps(node, first);
  }

  bool typed(const Node& node) const {
    const auto known = [&](ValueId id) { return id == kAbsent || graph_.value(id).type.dtype != DType::unknown; };
    return std::ranges::all_of(node.inputs, known) &&
           std::ranges::all_of(node.outputs, [&](ValueId id) { return !used_[id] || known(id); });
  }

  void use(const std::vector<ValueId>& ids) {
    for (const ValueId id : ids) {
      if (id != kAbsent) used_[id] = true;
    }
  }

  /// Whether what the node needs was converted. What its producer's rule left out is refused in the producer's name;
  /// what failed was refused already.
  bool has_inputs(const Node& node) {
    return std::ranges::all_of(node.inputs, [&](ValueId id) { return id == kAbsent || has(id); });
  }

  bool has(ValueId id) {
    const bool is_result = graph_.value(id).kind == ValueKind::result;
    if (!is_result || target_.by_value_[id] != Target::kNothing) return true;
    const std::uint32_t producer = graph_.value(id).producer;
    if (failed_[producer]) return false;
    const Node& node = graph_.nodes[producer];
    const auto place = std::ranges::find(node.outputs, id) - node.outputs.begin();
    refusals_.add(node, "its result " + std::to_string(place) + " is used");
    failed_[producer] = true;
    return false;
  }

  /// The names and types that results have in the source; an alias of what was there before keeps the older ones.
  void name_results(const Node& node) {
    for (const ValueId id : node.outputs) {
      const Target::Ref ref = target_.by_value_[id];
      if (ref == Target::kNothing) continue;
      Target::Output& output = target_.outputs_[ref];
      if (!output.name.empty() || output.constant) continue;
      output.name = graph_.value(id).name;
      output.type = graph_.value(id).type;
    }
  }

  /// The step that makes the node's result bears its name; those before add what they do.
  void name_steps(const Node& node, std::size_t first) {
    const Target::Ref main = target_.by_value_[node.outputs.front()];
    for (std::size_t i = first; i < target_.steps_.size(); ++i) {
      Target::Step& step = target_.steps_[i];
      const bool is_main = std::ranges::find(step.outputs, main) != step.outputs.end();
      step.name = step_names_.take(is_main ? node.name : node.name + "/" + step.op);
      for (std::size_t k = 0; k < step.outputs.size(); ++k) {
        Target::Output& output = target_.outputs_[step.outputs[k]];
        if (!output.name.empty()) continue;
        output.name = names_.take(step.outputs.size() == 1 ? step.name : step.name + ":" + std::to_string(k));
      }
    }
  }

  /// Each output of the graph is a value of its own, under its own name.
  void finish_output(std::size_t index) {
    const ValueId id = graph_.outputs[index];
    if (!has(id)) return;
    const Value& value = graph_.value(id);
    if (value.kind == ValueKind::input) return;  // it stays that: who writes the file gives it another name
    const Target::Ref ref = target_.of(id);
    const bool own = target_.outputs_[ref].name == value.name && value.kind == ValueKind::result;
    if (own) return;
    const Target::Ref copy = target_.add("Identity", {ref}, {}, value.type);
    const bool free = target_.outputs_[ref].name != value.name;
    target_.outputs_[copy].name = free ? value.name : names_.take(value.name + "/output");
    target_.steps_.back().name = step_names_.take(target_.outputs_[copy].name);
    target_.by_value_[id] = copy;
  }

  void name_constants() {
    std::size_t count = 0;
    for (Target::Output& output : target_.outputs_) {
      if (output.name.empty()) output.name = names_.take("constant_" + std::to_string(count++));
    }
  }

  const Graph& graph_;
  Rule rule_;
  Target target_;
  Refusals refusals_ = {};
  std::vector<bool> failed_ = {};
  std::vector<bool> used_ = {};    // values that a node or the graph wants
  const Node* untyped_ = nullptr;  // the first whose types are not known
  UniqueNames names_ = {};
  UniqueNames step_names_ = {};
};

Converted convert_to_onnx(const Graph& graph, int opset) { return Conversion(graph, opset, &Op::to_onnx).run(); }

Converted convert_to_ge(const Graph& graph) {
  Converted out = Conversion(graph, 0, &Op::to_ge).run();
  for (const ValueId id : graph.inputs) {
    const Dims& dims = graph.value(id).type.dims;
    for (std::size_t i = 1; i < dims.size(); ++i) {
      if (dims[i].known()) continue;
      out.refusals.add("Data", graph.value(id).name,
                       "its dimension " + std::to_string(i) + " is not known, as only that of the batch may be");
    }
  }
  return out;
}

}  // namespace ckpt::graph
