#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "infer.h"
#include "op.h"
#include "ops/rules.h"
#include "passes.h"

namespace ckpt::graph {

namespace {

/// The network with a batch that has only a name: what it is in each value, and what the numbers of attributes were
/// that have the recorded one baked in.
class Release {
 public:
  Release(Graph& graph, std::int64_t batch) : graph_(graph), batch_(batch), symbolic_(graph) {
    forget_results(symbolic_, false);
    for (const ValueId id : symbolic_.inputs) {
      Dims& dims = symbolic_.value(id).type.dims;
      if (!dims.empty() && dims[0] == Dim(batch)) dims[0] = Dim("batch");
    }
  }

  /// What cannot have another batch, each where it begins.
  Refusals run() {
    constexpr int kMostTries = 64;
    for (int tries = 0; tries < kMostTries && !try_all(); ++tries) {
      forget_results(symbolic_, false);
    }
    return std::move(refusals_);
  }

 private:
  /// False if something was made to follow that nodes before must know of.
  bool try_all() {
    refusals_ = {};
    steps_.clear();
    for (std::size_t i = 0; i < symbolic_.nodes.size(); ++i) {
      Node& node = symbolic_.nodes[i];
      if (!can_infer(node)) continue;
      unbake(node);
      auto types = find_op(node.op)->infer(NodeView(symbolic_, node));
      graph_.nodes[i].attrs = node.attrs;
      if (types) {
        settle(i, *types);
        continue;
      }
      if (let_source_follow(node)) return false;
      if (has_batch(node)) refusals_.add(node, "with another batch: " + types.error().message);
    }
    return true;
  }

  /// With the recorded batch the types must be what the source recorded. What is not stays without a type, so that
  /// nodes behind say nothing of it.
  void settle(std::size_t index, const std::vector<Type>& types) {
    const Node& node = symbolic_.nodes[index];
    for (std::size_t k = 0; k < node.outputs.size() && k < types.size(); ++k) {
      const std::string why = contradiction(types[k], graph_.value(node.outputs[k]).type);
      if (why.empty()) {
        symbolic_.value(node.outputs[k]).type = types[k];
        keep_step(node, node.outputs[k]);
      }
      if (!why.empty() && has_batch(node)) refusals_.add(node, why);
    }
  }

  std::string contradiction(const Type& type, const Type& was) const {
    if (was.dtype == DType::unknown || was.dims.size() != type.dims.size()) return {};
    for (std::size_t i = 0; i < was.dims.size(); ++i) {
      if (!was.dims[i].known() || recorded(type.dims[i]) == was.dims[i].size) continue;
      if (recorded(type.dims[i]) < 0) return "its size is not known for another batch";
      return "is " + to_string(type) + " with another batch, but recorded as " + to_string(was);
    }
    return {};
  }

  bool has_batch(const Node& node) const {
    return std::ranges::any_of(node.inputs, [&](ValueId id) {
      return id != kAbsent && std::ranges::any_of(symbolic_.value(id).type.dims,
                                                  [&](const Dim& dim) { return !dim.known() && recorded(dim) >= 0; });
    });
  }

  /// Numbers that no operand tells to be the batch, as those of a class token that is repeated for each image: where
  /// what they make does not go with the batch otherwise, they are it.
  bool let_source_follow(const Node& node) {
    std::vector<ValueId> left(node.inputs.begin(), node.inputs.end());
    for (int steps = 0; !left.empty() && steps < 64; ++steps) {
      const ValueId id = left.back();
      left.pop_back();
      if (id == kAbsent || symbolic_.value(id).kind != ValueKind::result) continue;
      const Dims& dims = symbolic_.value(id).type.dims;
      if (dims.empty() || dims[0] != Dim(batch_)) continue;
      const std::uint32_t producer = symbolic_.value(id).producer;
      if (let_follow(producer)) return true;
      const auto& more = symbolic_.nodes[producer].inputs;
      left.insert(left.end(), more.begin(), more.end());
    }
    return false;
  }

  bool let_follow(std::uint32_t index) {
    Node& node = symbolic_.nodes[index];
    const bool repeats = node.op == "BroadcastTo" || node.op == "Tile";
    if (!repeats && node.op != "FillV2" && node.op != "Zeros" && node.op != "Ones") return false;
    auto& numbers = std::get<Ints>(node.attrs[node.op == "Tile" ? "dims" : "shape"]);
    if (numbers.empty() || numbers[0] != batch_) return false;
    numbers[0] = asked_size({.input = node.inputs.size(), .axis = 0});
    node.inputs.push_back(symbolic_.inputs.front());
    graph_.nodes[index].attrs = node.attrs;
    graph_.nodes[index].inputs = node.inputs;
    return true;
  }

  bool can_infer(const Node& node) const {
    const Op* op = find_op(node.op);
    return op && op->infer && check_node(*op, node) && std::ranges::all_of(node.inputs, [&](ValueId id) {
             return id == kAbsent || symbolic_.value(id).type.dtype != DType::unknown;
           });
  }

  void unbake(Node& node) {
    if (node.inputs.empty() || node.inputs[0] == kAbsent) return;
    const Dims& dims = symbolic_.value(node.inputs[0]).type.dims;
    if (std::ranges::none_of(dims, [&](const Dim& dim) { return recorded(dim) >= 0 && !dim.known(); })) return;
    if (node.op == "Reshape") unbake_shape(node, dims);
    if (node.op == "BroadcastTo") follow(std::get<Ints>(node.attrs["shape"]), dims);
    if (node.op == "Slice") follow(std::get<Ints>(node.attrs["size"]), dims);
    if (node.op == "StridedSlice") unbake_ends(node, dims);
  }

  /// A dimension with the batch that was recorded; -1 if it is not known then either.
  std::int64_t recorded(const Dim& dim) const {
    if (dim.known()) return dim.size;
    const auto known = known_part({dim});
    return known && known->symbol == "batch" ? known->product * batch_ : -1;
  }

  /// One number of the shape has the batch in it: the one with those elements in which the batch is in the input. An
  /// example has the place that it had.
  void unbake_shape(Node& node, const Dims& dims) {
    auto& shape = std::get<Ints>(node.attrs["shape"]);
    if (asks(shape)) return;
    const auto given = resolved(shape, dims);
    const auto place = place_of(node.inputs[0]);
    if (!given || !place) return;
    const std::vector<std::size_t> axes = axes_of_batch(*given, *place);
    if (axes.empty()) return;
    const auto axis = chosen(axes, shape, *given, *place);
    if (!axis) {
      refusals_.add(node, "which number of its shape is the batch cannot be told, but in an export of another batch");
      return;
    }
    shape = *given;
    shape[*axis] = -1;
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

  /// Of several, as there may be if the batch was 1, it is the first that is the batch itself; the first of all where
  /// nothing is in front of the batch; or the one that the source did not give.
  std::optional<std::size_t> chosen(const std::vector<std::size_t>& axes, const Ints& shape, const Ints& given,
                                    const Place& place) const {
    if (axes.size() == 1) return axes[0];
    if (batch_ != 1) return std::nullopt;
    const auto one = std::ranges::find_if(axes, [&](std::size_t axis) { return given[axis] == 1; });
    if (one != axes.end()) return *one;
    if (axes[0] == 0 && product(given) == place.behind * place.step.value_or(1)) return 0;
    const auto open = std::ranges::find_if(axes, [&](std::size_t axis) { return shape[axis] == -1; });
    return open != axes.end() ? std::optional(*open) : std::nullopt;
  }

  /// In a dimension that is several times the batch, examples are so many apart as in the input.
  void keep_step(const Node& node, ValueId result) {
    const auto place = place_of(result);
    if (!place || place->times == 1) return;
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
  Refusals refusals_ = {};
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
