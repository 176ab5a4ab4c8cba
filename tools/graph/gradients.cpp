#include "gradients.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "op.h"
#include "ops/rules.h"

namespace ckpt::graph {

std::string_view scope_of(std::string_view node_name) noexcept {
  const std::size_t slash = node_name.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : node_name.substr(0, slash);
}

NodeNames::NodeNames(const Graph& graph) {
  constexpr std::string_view kMark = "-op";
  for (const Node& node : graph.nodes) {
    const std::size_t mark = node.name.rfind(kMark);
    if (mark == std::string::npos) continue;
    std::size_t number = 0;
    const char* end = node.name.data() + node.name.size();
    const auto read = std::from_chars(node.name.data() + mark + kMark.size(), end, number);
    if (read.ec != std::errc() || read.ptr != end) continue;
    std::size_t& next = next_[node.name.substr(0, mark)];
    next = std::max(next, number + 1);
  }
}

std::string NodeNames::next(std::string_view scope, std::string_view op) {
  std::string name(scope);
  if (!name.empty()) name += '/';
  name += op;
  const std::size_t number = next_[name]++;
  return name + "-op" + std::to_string(number);
}

ValueId Backward::fail(std::string why) {
  if (!error_) error_ = Error{.code = Errc::unsupported, .message = std::move(why)};
  return kAbsent;
}

ValueId Backward::add(std::string_view op, std::vector<ValueId> inputs, Attrs attrs) {
  return add_several(op, std::move(inputs), 1, std::move(attrs)).front();
}

std::vector<ValueId> Backward::add_several(std::string_view op, std::vector<ValueId> inputs, std::size_t results,
                                           Attrs attrs) {
  if (error_) return std::vector<ValueId>(results, kAbsent);
  const Node& node =
      graph_.add_node(std::string(op), names_.next(scope_, op), std::move(inputs), std::move(attrs), results);
  if (auto typed = infer_types(graph_, node); !typed) fail(node.op + ": " + typed.error().message);
  return node.outputs;
}

ValueId Backward::constant(Type type, double number) {
  const auto count = element_count(type);
  if (!count || *count > (std::uint64_t{1} << 28)) return fail("a constant that is " + to_string(type));
  Contents contents = contents_of(type.dtype, std::vector<double>(*count, number));
  const ValueId id = graph_.add_constant(names_.next(scope_, "Const"), std::move(type), std::move(contents));
  numbers_.emplace(id, number);
  return id;
}

std::optional<double> Backward::number(ValueId id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? std::nullopt : std::optional(found->second);
}

/// Goes through the network from its end.
class Autodiff {
 public:
  Autodiff(Graph& graph, ValueId of, std::span<const ValueId> by)
      : network_(graph), names_(graph), work_(graph, names_), of_(of), by_(by) {}

  Result<std::vector<ValueId>> run(double seed);

 private:
  void find_way();
  Status check_way() const;
  Status go_through(const Node& node);
  ValueId sum(ValueId id);

  const Graph network_;  // as it was: rules look at it while the graph grows
  NodeNames names_;
  Backward work_;
  ValueId of_;
  std::span<const ValueId> by_;
  std::vector<bool> depends_ = {};                   // of a value: on one of by_
  std::vector<bool> on_way_ = {};                    // of a node: between by_ and of_
  std::vector<std::vector<ValueId>> incoming_ = {};  // of a value: gradients that its users gave it
};

Result<std::vector<ValueId>> Autodiff::run(double seed) {
  find_way();
  if (auto status = check_way(); !status) return status.error();
  incoming_.resize(network_.values.size());
  work_.scope_ = "Gradients";
  incoming_[of_].push_back(work_.constant(network_.value(of_).type, seed));
  for (std::size_t i = network_.nodes.size(); i-- > 0;) {
    if (!on_way_[i]) continue;
    if (auto status = go_through(network_.nodes[i]); !status) return status.error();
  }
  std::vector<ValueId> gradients;
  for (const ValueId id : by_) {
    gradients.push_back(sum(id));
    if (gradients.back() == kAbsent)
      return refuse("'" + network_.value(id).name + "' gets no gradient: the loss does not depend on it");
  }
  if (work_.error_) return *work_.error_;
  return gradients;
}

void Autodiff::find_way() {
  depends_.resize(network_.values.size());
  for (const ValueId id : by_) depends_[id] = true;
  for (const Node& node : network_.nodes) {
    const bool depends = std::ranges::any_of(node.inputs, [&](ValueId id) { return id != kAbsent && depends_[id]; });
    for (const ValueId id : node.outputs) depends_[id] = depends && is_floating(network_.value(id).type.dtype);
  }
  on_way_.resize(network_.nodes.size());
  std::vector<bool> needed(network_.values.size());
  needed[of_] = true;
  for (std::size_t i = network_.nodes.size(); i-- > 0;) {
    const Node& node = network_.nodes[i];
    on_way_[i] = std::ranges::any_of(node.outputs, [&](ValueId id) { return needed[id] && depends_[id]; });
    if (!on_way_[i]) continue;
    for (const ValueId id : node.inputs) {
      if (id != kAbsent) needed[id] = true;
    }
  }
}

Status Autodiff::check_way() const {
  if (element_count(network_.value(of_).type) != 1)
    return refuse("gradients are of one number, not of " + to_string(network_.value(of_).type));
  Refusals refusals;
  for (std::size_t i = 0; i < network_.nodes.size(); ++i) {
    if (!on_way_[i]) continue;
    const Node& node = network_.nodes[i];
    const Op* op = find_op(node.op);
    if (!op || !op->gradient) refusals.add(node, "no gradient");
    const auto sized = [&](ValueId id) { return id == kAbsent || element_count(network_.value(id).type); };
    if (!std::ranges::all_of(node.inputs, sized)) refusals.add(node, "sizes that are not known");
  }
  if (refusals.empty()) return {};
  std::string text;
  for (const Refusal& refusal : refusals.list()) {
    text += (text.empty() ? "" : "; ") + refusal.op + ": " + refusal.reason + " (" + std::to_string(refusal.nodes) +
            (refusal.nodes == 1 ? " node" : " nodes") + ", first \"" + refusal.first + "\")";
  }
  return refuse(std::move(text));
}

/// The gradient of a value, of those that its users gave it.
ValueId Autodiff::sum(ValueId id) {
  std::vector<ValueId>& incoming = incoming_[id];
  if (incoming.empty()) return kAbsent;
  if (incoming.size() > 1) {
    const Value& value = network_.value(id);
    const bool result = value.kind == ValueKind::result;
    const std::string_view scope = result ? scope_of(network_.nodes[value.producer].name) : std::string_view();
    work_.scope_ = scope.empty() ? std::string("Gradients") : "Gradients/" + std::string(scope);
    incoming = {work_.add("AddN", incoming)};
  }
  return incoming.front();
}

Status Autodiff::go_through(const Node& node) {
  work_.gradients_.clear();
  for (const ValueId id : node.outputs) work_.gradients_.push_back(sum(id));
  if (std::ranges::all_of(work_.gradients_, [](ValueId id) { return id == kAbsent; })) return {};
  work_.wanted_.clear();
  for (const ValueId id : node.inputs) work_.wanted_.push_back(id != kAbsent && depends_[id]);
  const std::string_view scope = scope_of(node.name);
  work_.scope_ = "Gradients/" + std::string(scope) + (scope.empty() ? "" : "/") + "Grad_" + node.op;
  auto gradients = find_op(node.op)->gradient(NodeView(network_, node), work_);
  const Error* error = gradients ? (work_.error_ ? &*work_.error_ : nullptr) : &gradients.error();
  if (error) return refuse("gradient of " + node.op + " \"" + node.name + "\": " + error->message);
  for (std::size_t i = 0; i < node.inputs.size() && i < gradients->size(); ++i) {
    if (work_.wants(i) && (*gradients)[i] != kAbsent) incoming_[node.inputs[i]].push_back((*gradients)[i]);
  }
  return {};
}

Result<std::vector<ValueId>> add_gradients(Graph& graph, ValueId of, std::span<const ValueId> by, double seed) {
  return Autodiff(graph, of, by).run(seed);
}

}  // namespace ckpt::graph
