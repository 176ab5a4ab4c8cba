#include "anf.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>

#include "ckpt/text.h"

namespace ckpt::graph {

Plumbing plumbing(std::string_view op) {
  struct Entry {
    std::string_view op;
    Plumbing is;
  };
  static constexpr Entry kEntries[] = {
      {"ControlDepend", Plumbing::monad},  {"Depend", Plumbing::pass_first},    {"ListGetItem", Plumbing::element},
      {"Load", Plumbing::pass_first},      {"MakeList", Plumbing::tuple},       {"MakeTuple", Plumbing::tuple},
      {"Partial", Plumbing::control},      {"Return", Plumbing::pass_first},    {"StopGradient", Plumbing::pass_first},
      {"Switch", Plumbing::control},       {"SwitchLayer", Plumbing::control},  {"TupleGetItem", Plumbing::element},
      {"UpdateState", Plumbing::monad},    {"control_depend", Plumbing::monad}, {"depend", Plumbing::pass_first},
      {"list_getitem", Plumbing::element}, {"make_list", Plumbing::tuple},      {"make_tuple", Plumbing::tuple},
      {"partial", Plumbing::control},      {"return", Plumbing::pass_first},    {"stop_gradient", Plumbing::pass_first},
      {"switch", Plumbing::control},       {"switch_layer", Plumbing::control}, {"tuple_getitem", Plumbing::element},
  };
  const auto found = std::ranges::find(kEntries, op, &Entry::op);
  return found == std::end(kEntries) ? Plumbing::none : found->is;
}

namespace {

/// The operands that count: what a node's value depends on.
std::size_t needed_operands(const AnfNode& node) {
  switch (plumbing(node.op)) {
    case Plumbing::monad:
      return 0;
    case Plumbing::pass_first:
    case Plumbing::element:
      return std::min<std::size_t>(node.operands.size(), 1);
    default:
      return node.operands.size();
  }
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

}  // namespace ckpt::graph
