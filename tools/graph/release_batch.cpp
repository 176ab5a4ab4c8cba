#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "infer.h"
#include "op.h"
#include "ops/rules.h"
#include "passes.h"
#include "repeated_rows.h"

namespace ckpt::graph {

namespace {

/// The network with a batch that has only a name: what it is in each value, and what the numbers of attributes were
/// that have the recorded one baked in.
class Release {
 public:
  Release(Graph& graph, std::int64_t batch) : graph_(graph), batch_(batch), symbolic_(graph), why_(graph.nodes.size()) {
    forget_results(symbolic_, false);
    for (const ValueId id : symbolic_.inputs) {
      Dims& dims = symbolic_.value(id).type.dims;
      if (!dims.empty() && dims[0] == Dim(batch)) dims[0] = Dim("batch");
    }
  }

  /// What cannot have another batch, each where it begins.
  Refusals run() {
    for (std::size_t i = 0; i < symbolic_.nodes.size();) i = go_on(i);
    Refusals refusals;
    for (std::size_t i = 0; i < symbolic_.nodes.size(); ++i) {
      keep_changes(symbolic_.nodes[i], graph_.nodes[i]);
      if (!why_[i].empty()) refusals.add(symbolic_.nodes[i], why_[i]);
    }
    add_outputs_in_doubt(refusals);
    repeat_for_batch(graph_, repeated_, batch_);
    return refusals;
  }

 private:
  static constexpr std::size_t kMostSteps = 64;  // from a node to what it is made of

  /// The node's types; then the next node, or one before that was made to follow.
  std::size_t go_on(std::size_t index) {
    Step step = infer(index);
    if (!step.open.empty() && !trial_ && tell_by_the_rest(index, step.open)) step = infer(index);
    why_[index] = trial_ && step.doubt ? std::string() : step.why;
    if (step.typed || tries_ == 0) return index + 1;
    auto from = let_source_follow(symbolic_.nodes[index]);
    if (!from) from = let_rows_follow(index);
    if (!from) return index + 1;
    spend(index - *from);
    return *from;
  }

  /// Of several 1s in a shape the batch is the only one that no node behind is at odds with. Where a node is in doubt
  /// itself, so is what is behind it.
  bool tell_by_the_rest(std::size_t index, const std::vector<std::size_t>& open) {
    std::optional<std::size_t> only;
    for (const std::size_t axis : open) {
      if (tries_ == 0) return false;
      spend(symbolic_.nodes.size());
      Release trial(*this);
      trial.trial_ = true;
      trial.told_[index] = axis;
      const bool fits = trial.fits_from(index);
      tries_ = trial.tries_;
      if (!fits) continue;
      if (only) return false;
      only = axis;
    }
    return only && told_.emplace(index, *only).second;
  }

  bool fits_from(std::size_t first) {
    for (std::size_t i = first; i < symbolic_.nodes.size();) i = go_on(i);
    return std::all_of(why_.begin() + static_cast<std::ptrdiff_t>(first), why_.end(),
                       [](const std::string& why) { return why.empty(); });
  }

  struct Step {
    bool typed = true;                   ///< false where its rule has no types for these inputs
    std::string why = {};                ///< what is in the way of another batch
    bool doubt = false;                  ///< ... which is that something is not known
    std::vector<std::size_t> open = {};  ///< numbers of a shape any of which may be the batch
  };

  /// Gives the node's results their types. What is in the way stays without, so that nodes behind say nothing of it.
  Step infer(std::size_t index) {
    Node& node = symbolic_.nodes[index];
    for (const ValueId id : node.outputs) {
      symbolic_.value(id).type = {};
      steps_.erase(id);
    }
    if (!can_infer(node)) return {};
    std::vector<std::size_t> open;
    if (!unbake(index, open))
      return {.why = "which number of its shape is the batch cannot be told" + hint(),
              .doubt = true,
              .open = std::move(open)};
    const auto types = find_op(node.op)->infer(NodeView(symbolic_, node));
    if (types) return settle(node, *types);
    return {.typed = false, .why = has_batch(node) ? "with another batch: " + types.error().message + hint() : ""};
  }

  /// With the recorded batch the types must be what the source recorded.
  Step settle(const Node& node, const std::vector<Type>& types) {
    Step first;
    for (std::size_t k = 0; k < node.outputs.size() && k < types.size(); ++k) {
      const Step step = compared(types[k], graph_.value(node.outputs[k]).type);
      if (step.why.empty()) {
        symbolic_.value(node.outputs[k]).type = types[k];
        keep_step(node, node.outputs[k]);
      }
      if (first.why.empty() && has_batch(node)) first = step;
    }
    return first;
  }

  Step compared(const Type& type, const Type& was) const {
    if (was.dtype == DType::unknown || was.dims.size() != type.dims.size()) return {};
    for (std::size_t i = 0; i < was.dims.size(); ++i) {
      if (!was.dims[i].known() || recorded(type.dims[i]) == was.dims[i].size) continue;
      if (recorded(type.dims[i]) < 0) return {.why = "its size is not known for another batch", .doubt = true};
      return {.why = "is " + to_string(type) + " with another batch, but recorded as " + to_string(was)};
    }
    return {};
  }

  /// Nodes that are typed again, of which a hostile file could want any number.
  void spend(std::size_t nodes) { tries_ -= std::min(tries_, nodes + 1); }

  /// Results that are the same whatever the input, and as many as the recorded batch.
  void add_outputs_in_doubt(Refusals& refusals) const {
    const std::vector<bool> computed = dependent(graph_);
    for (const ValueId id : graph_.outputs) {
      const Value& value = graph_.value(id);
      const Dims& dims = value.type.dims;
      if (computed[id] || dims.empty() || dims[0] != Dim(batch_)) continue;
      const std::string op = value.kind == ValueKind::result ? graph_.nodes[value.producer].op : "constant";
      refusals.add(op, value.name, "whether this result has the batch of the input cannot be told" + hint());
    }
  }

  /// What was made to follow, but for inputs that stand for others.
  static void keep_changes(Node& symbolic, Node& node) {
    node.attrs = std::move(symbolic.attrs);
    const auto more = symbolic.inputs.begin() + static_cast<std::ptrdiff_t>(node.inputs.size());
    node.inputs.insert(node.inputs.end(), more, symbolic.inputs.end());
  }

  bool has_batch(ValueId id) const {
    return std::ranges::any_of(symbolic_.value(id).type.dims,
                               [&](const Dim& dim) { return !dim.known() && recorded(dim) >= 0; });
  }

  bool has_batch(const Node& node) const {
    return std::ranges::any_of(node.inputs, [&](ValueId id) { return id != kAbsent && has_batch(id); });
  }

  /// Numbers that no operand tells to be the batch, as those of a class token that is repeated for each image: where
  /// what they make does not go with the batch otherwise, they are it. Returned is the node that has them.
  std::optional<std::size_t> let_source_follow(const Node& node) {
    std::vector<ValueId> left(node.inputs.begin(), node.inputs.end());
    for (std::size_t steps = 0; !left.empty() && steps < kMostSteps; ++steps) {
      const ValueId id = left.back();
      left.pop_back();
      if (id == kAbsent || symbolic_.value(id).kind != ValueKind::result) continue;
      const Dims& dims = symbolic_.value(id).type.dims;
      if (dims.empty() || dims[0] != Dim(batch_)) continue;
      const std::uint32_t producer = symbolic_.value(id).producer;
      if (let_follow(producer)) return producer;
      const auto& more = symbolic_.nodes[producer].inputs;
      left.insert(left.end(), more.begin(), more.end());
    }
    return std::nullopt;
  }

  bool let_follow(std::uint32_t index) {
    Node& node = symbolic_.nodes[index];
    const bool repeated = node.op == "BroadcastTo" || node.op == "Tile";
    if (!repeated && node.op != "FillV2" && node.op != "Zeros" && node.op != "Ones") return false;
    auto& numbers = std::get<Ints>(node.attrs[node.op == "Tile" ? "dims" : "shape"]);
    if (numbers.empty() || numbers[0] != batch_) return false;
    // A 1 repeats nothing: what has one row there may have one for each example.
    if (batch_ == 1 && repeated && symbolic_.value(node.inputs[0]).type.dims.size() == numbers.size()) return false;
    numbers[0] = asked_size({.input = node.inputs.size(), .axis = 0});
    node.inputs.push_back(symbolic_.inputs.front());
    return true;
  }

  /// Rows that are the same for all examples, and as many as the recorded batch. A node that has no types with as many,
  /// though all else goes with the batch, but has with rows for each example, cannot be meant otherwise. Returned is
  /// the first node that gets them.
  std::optional<std::size_t> let_rows_follow(std::size_t index) {
    const std::vector<std::size_t> nodes = made_of(index);
    const std::vector<RowsUse> uses = uses_of_rows(nodes);
    for (const RowsUse& use : uses)
      if (fit(nodes, {use})) return use.node;
    for (const auto& together : at_once(index, uses))
      if (fit(nodes, together)) return together.back().node;
    return std::nullopt;
  }

  /// Several that may have rows together, the first node's last: inputs of the node itself, along one axis; one value.
  std::vector<std::vector<RowsUse>> at_once(std::size_t index, const std::vector<RowsUse>& uses) const {
    std::map<std::pair<ValueId, std::size_t>, std::vector<RowsUse>> groups;
    for (const RowsUse& use : uses) {
      if (use.node == index) groups[{kAbsent, use.axis}].push_back(use);
      groups[{symbolic_.nodes[use.node].inputs[use.input], use.axis}].push_back(use);
    }
    std::vector<std::vector<RowsUse>> several;
    for (auto& [key, group] : groups)
      if (group.size() > 1) several.push_back(std::move(group));
    return several;
  }

  /// A node and those that its inputs are made of which do not go with the batch, in their order.
  std::vector<std::size_t> made_of(std::size_t index) const {
    std::set<std::size_t> found{index};
    std::vector<std::size_t> left{index};
    while (!left.empty()) {
      const Node& node = symbolic_.nodes[left.back()];
      left.pop_back();
      for (const ValueId id : node.inputs) {
        if (id == kAbsent || symbolic_.value(id).kind != ValueKind::result || has_batch(id)) continue;
        const std::size_t producer = symbolic_.value(id).producer;
        if (found.size() < kMostSteps && found.insert(producer).second) left.push_back(producer);
      }
    }
    return {found.begin(), found.end()};
  }

  /// Of the last of these nodes first.
  std::vector<RowsUse> uses_of_rows(const std::vector<std::size_t>& nodes) {
    std::vector<RowsUse> uses;
    for (std::size_t n = nodes.size(); n-- > 0;) {
      const auto& inputs = symbolic_.nodes[nodes[n]].inputs;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::size_t rank = inputs[i] == kAbsent ? 0 : symbolic_.value(inputs[i]).type.dims.size();
        for (std::size_t axis = 0; axis < rank && uses.size() < kMostSteps; ++axis)
          if (has_rows(inputs[i], axis)) uses.push_back({.node = nodes[n], .input = i, .axis = axis});
      }
    }
    return uses;
  }

  /// A constant of one row may be what is counted for each example (the 0 of `arange(1)`), or made of the batch's size.
  /// A parameter is neither; but of a batch above 1 it has rows of its own.
  bool has_rows(ValueId id, std::size_t axis) {
    const Value& value = symbolic_.value(id);
    const Dim& dim = value.type.dims[axis];
    if (batch_ == 1) return value.kind == ValueKind::parameter && dim == Dim(1);
    if (value.kind != ValueKind::constant || !dim.known() || dim.size % batch_ != 0) return false;
    return repeats(id, axis, dim.size / batch_);
  }

  /// Constants are read once.
  bool repeats(ValueId id, std::size_t axis, std::int64_t period) {
    const auto [known, fresh] = repeats_.try_emplace({id, axis, period}, false);
    if (fresh) known->second = repeats_along(symbolic_.value(id), axis, period);
    return known->second;
  }

  /// Whether these nodes have types if the uses have rows for each example; so they do then. The batch must come
  /// through: what adds up rows could have any number of them.
  bool fit(const std::vector<std::size_t>& nodes, const std::vector<RowsUse>& uses) {
    if (tries_ == 0) return false;
    spend(2 * nodes.size());
    std::vector<Node> before;
    for (const std::size_t node : nodes) before.push_back(symbolic_.nodes[node]);
    const std::size_t values = symbolic_.values.size();
    for (const RowsUse& use : uses) stand_in(use);
    bool fits = true;
    for (const std::size_t node : nodes) {
      const Step step = infer(node);
      fits = fits && step.typed && step.why.empty();
    }
    fits = fits && has_batch(symbolic_.nodes[nodes.back()].outputs[0]);
    if (fits) {
      repeated_.insert(repeated_.end(), uses.begin(), uses.end());
      return true;
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) symbolic_.nodes[nodes[i]] = std::move(before[i]);
    symbolic_.values.resize(values);
    for (const std::size_t node : nodes) infer(node);
    return false;
  }

  /// In place of an input one with rows for each example, of which nothing but the type is known.
  void stand_in(const RowsUse& use) {
    ValueId& input = symbolic_.nodes[use.node].inputs[use.input];
    const Value& value = symbolic_.value(input);
    const std::int64_t times = value.type.dims[use.axis].size / batch_;
    Type type = value.type;
    type.dims[use.axis] = as_dim({.product = times, .unknown = 1, .symbol = "batch"});
    const bool in_turn = times > 1 && !repeats(input, use.axis, 1);  // else any order of rows is the same
    input = static_cast<ValueId>(symbolic_.values.size());
    symbolic_.values.push_back({.kind = ValueKind::input, .type = std::move(type)});
    steps_.erase(input);
    if (in_turn) steps_[input] = times;
  }

  bool can_infer(const Node& node) const {
    const Op* op = find_op(node.op);
    return op && op->infer && check_node(*op, node) && std::ranges::all_of(node.inputs, [&](ValueId id) {
             return id == kAbsent || symbolic_.value(id).type.dtype != DType::unknown;
           });
  }

  /// A batch of 1 does not show.
  std::string hint() const { return batch_ == 1 ? "; record it with a batch of 2" : ""; }

  /// False where it cannot be told which number is the batch; `open` are several 1s that may be it.
  bool unbake(std::size_t index, std::vector<std::size_t>& open) {
    Node& node = symbolic_.nodes[index];
    if (node.inputs.empty() || node.inputs[0] == kAbsent || !has_batch(node.inputs[0])) return true;
    const Dims& dims = symbolic_.value(node.inputs[0]).type.dims;
    if (node.op == "Reshape") return unbake_shape(index, dims, open);
    if (node.op == "Flatten") return batch_ != 1 || !dims[0].known();  // MindSpore's word for some Reshapes
    if (node.op == "BroadcastTo") follow(std::get<Ints>(node.attrs["shape"]), dims);
    if (node.op == "Slice") follow(std::get<Ints>(node.attrs["size"]), dims);
    if (node.op == "StridedSlice") unbake_ends(node, dims);
    return true;
  }

  /// A dimension with the batch that was recorded; -1 if it is not known then either.
  std::int64_t recorded(const Dim& dim) const {
    if (dim.known()) return dim.size;
    const auto known = known_part({dim});
    return known && known->symbol == "batch" ? known->product * batch_ : -1;
  }

  /// One number of the shape has the batch in it: the one with those elements in which the batch is in the input. An
  /// example has the place that it had.
  bool unbake_shape(std::size_t index, const Dims& dims, std::vector<std::size_t>& open) {
    Node& node = symbolic_.nodes[index];
    auto& shape = std::get<Ints>(node.attrs["shape"]);
    if (asks(shape)) return true;
    const auto given = resolved(shape, dims);
    const auto place = place_of(node.inputs[0]);
    if (!given || !place) return true;
    const std::vector<std::size_t> axes = axes_of_batch(*given, *place);
    if (axes.empty()) return true;
    if (batch_ == 1)
      std::ranges::copy_if(axes, std::back_inserter(open), [&](auto axis) { return (*given)[axis] == 1; });
    const auto told = told_.find(index);
    const auto axis = told != told_.end() ? std::optional(told->second) : chosen(axes, open, shape, *given, *place);
    if (!axis) return false;
    shape = *given;
    shape[*axis] = -1;
    return true;
  }

  /// Where the batch is in a value: the dimension that is so many times the batch, the elements of the dimensions
  /// behind it, and how far apart two examples are in it, if it is known what else is in it and in which order.
  struct Place {
    std::int64_t times = 1, behind = 1;
    std::optional<std::int64_t> step = {};
  };

  /// Nothing where the batch is in no dimension or in several, and where there are no elements.
  std::optional<Place> place_of(ValueId id) const {
    std::optional<Place> place;
    std::int64_t behind = 1;
    const Dims& dims = symbolic_.value(id).type.dims;
    for (std::size_t i = dims.size(); i-- > 0;) {
      const std::int64_t size = recorded(dims[i]);
      if (size <= 0 || (!dims[i].known() && place)) return std::nullopt;
      if (!dims[i].known()) place = Place{.times = size / batch_, .behind = behind};
      if (__builtin_mul_overflow(behind, size, &behind)) return std::nullopt;
    }
    if (!place) return std::nullopt;
    if (place->times == 1) place->step = 1;
    if (const auto found = steps_.find(id); found != steps_.end()) place->step = found->second;
    return place;
  }

  /// Numbers of a shape that may have the batch in them: two examples are as many elements apart as in the input, or as
  /// few as they can be.
  std::vector<std::size_t> axes_of_batch(const Ints& given, const Place& place) const {
    std::vector<std::size_t> axes;
    std::int64_t behind = 1;
    for (std::size_t i = given.size(); i-- > 0;) {
      const std::int64_t all = behind * given[i];
      const std::int64_t step = place.step.value_or(behind / std::gcd(behind, place.behind));
      const bool whole = place.times % step == 0 && place.behind * step % behind == 0;
      if (whole && all % (place.behind * step) == 0 && all / (place.behind * step) % batch_ == 0) axes.push_back(i);
      behind = all;
    }
    std::ranges::reverse(axes);
    return axes;
  }

  /// Of several, as there may be if the batch was 1, it is the only 1; the first of all where nothing is in front of
  /// the batch; or the one that the source did not give.
  std::optional<std::size_t> chosen(const std::vector<std::size_t>& axes, const std::vector<std::size_t>& ones,
                                    const Ints& shape, const Ints& given, const Place& place) const {
    if (axes.size() == 1) return axes[0];
    if (batch_ != 1 || ones.size() > 1) return std::nullopt;
    if (ones.size() == 1) return ones[0];
    if (axes[0] == 0 && product(given) == place.behind * place.step.value_or(1)) return 0;
    const auto open = std::ranges::find_if(axes, [&](std::size_t axis) { return shape[axis] == -1; });
    return open != axes.end() ? std::optional(*open) : std::nullopt;
  }

  /// In a dimension that is several times the batch, examples are so many apart as in the input.
  void keep_step(const Node& node, ValueId result) {
    const auto place = place_of(result);
    if (!place || place->times == 1) return;
    if (node.op == "Concat") return keep_common_step(node, result);
    const bool flat = node.op == "Reshape" || node.op == "FlattenExt";
    for (const ValueId id : node.inputs) {
      const auto before = id == kAbsent ? std::nullopt : place_of(id);
      if (!before || !before->step) continue;
      const std::int64_t stride = before->behind * *before->step;
      const std::int64_t step = flat ? stride / place->behind : *before->step;
      const bool same = flat ? stride % place->behind == 0 : before->times == place->times;
      if (same && step > 0 && place->times % step == 0) steps_[result] = step;
    }
  }

  /// Of several, one behind the other, if examples are as far apart in each.
  void keep_common_step(const Node& node, ValueId result) {
    std::set<std::int64_t> steps;
    for (const ValueId id : node.inputs) {
      const auto place = place_of(id);
      steps.insert(place ? place->step.value_or(0) : 0);
    }
    if (steps.size() == 1 && *steps.begin() > 0) steps_[result] = *steps.begin();
  }

  /// The shape with all its numbers, as recorded; nothing where there are no elements.
  std::optional<Ints> resolved(const Ints& shape, const Dims& dims) const {
    Ints before;
    for (const Dim& dim : dims) before.push_back(recorded(dim));
    Ints given = shape;
    for (std::size_t i = 0; i < given.size() && i < before.size(); ++i) {
      if (given[i] == 0) given[i] = before[i];
    }
    Ints told = given;
    std::erase(told, -1);
    const auto all = product(before);
    const auto others = product(told);
    if (!all || !others || *all % *others != 0) return std::nullopt;
    std::ranges::replace(given, std::int64_t{-1}, *all / *others);
    return product(given) == all ? std::optional(std::move(given)) : std::nullopt;
  }

  /// Of sizes above 0.
  static std::optional<std::int64_t> product(const Ints& sizes) {
    std::int64_t all = 1;
    for (const std::int64_t size : sizes) {
      if (size <= 0 || __builtin_mul_overflow(all, size, &all)) return std::nullopt;
    }
    return all;
  }

  /// -1 for the whole of a dimension that has the batch.
  void follow(Ints& sizes, const Dims& dims) const {
    if (sizes.size() != dims.size()) return;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (!dims[i].known() && recorded(dims[i]) == sizes[i]) sizes[i] = -1;
    }
  }

  void unbake_ends(Node& node, const Dims& dims) const {
    const NodeView view(symbolic_, node);
    if ((view.integer("ellipsis_mask") | view.integer("new_axis_mask")) != 0) return;
    std::int64_t mask = view.integer("end_mask");
    const Ints& ends = view.integers("end");
    for (std::size_t i = 0; i < ends.size() && i < dims.size(); ++i) {
      const bool forwards = i < view.integers("strides").size() && view.integers("strides")[i] > 0;
      if (!dims[i].known() && forwards && recorded(dims[i]) == ends[i]) mask |= std::int64_t{1} << i;
    }
    node.attrs["end_mask"] = mask;
  }

  Graph& graph_;
  std::int64_t batch_;
  Graph symbolic_;
  std::vector<std::string> why_;  ///< of each node
  std::size_t tries_ = std::size_t{1} << 20;
  bool trial_ = false;                            ///< one of several ways to tell a batch of 1
  std::map<std::size_t, std::size_t> told_ = {};  ///< which number of a node's shape is the batch
  std::vector<RowsUse> repeated_ = {};
  std::map<std::tuple<ValueId, std::size_t, std::int64_t>, bool> repeats_ = {};  ///< of constants
  std::map<ValueId, std::int64_t> steps_;  ///< of places that are several times the batch, and a step is a part of that
};

}  // namespace

Refusals release_batch(Graph& graph) {
  if (graph.inputs.empty()) return {};
  const Dims& dims = graph.value(graph.inputs.front()).type.dims;
  if (dims.empty() || !dims[0].known() || dims[0].size <= 0) return {};
  return Release(graph, dims[0].size).run();
}

}  // namespace ckpt::graph
