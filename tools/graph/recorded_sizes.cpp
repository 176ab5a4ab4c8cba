#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "infer.h"
#include "input_spec.h"
#include "op.h"
#include "ops/cut.h"
#include "ops/rules.h"
#include "passes.h"

namespace ckpt::graph {

namespace {

/// The inputs that are asked for, with all sizes but the batch as they were recorded.
std::vector<Type> with_recorded_sizes(const Graph& graph, const std::vector<Type>& asked) {
  std::vector<Type> types = asked;
  const Dims& first = graph.value(graph.inputs.front()).type.dims;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const Dims& recorded = graph.value(graph.inputs[i]).type.dims;
    Dims& dims = types[i].dims;
    if (recorded.size() != dims.size()) continue;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      const bool batch = axis == 0 && !first.empty() && recorded[0] == first[0];
      if (recorded[axis].known() && !batch) dims[axis] = recorded[axis];
    }
  }
  return types;
}

/// The size of a transposed convolution that the source recorded follows from its input in all networks but those that
/// ask for another one: it need not be a number.
void drop_sizes_that_follow(Graph& graph) {
  for (Node& node : graph.nodes) {
    const Op* const op = find_op(node.op);
    const auto sizes = node.attrs.find("input_sizes");
    if (op == nullptr || sizes == node.attrs.end() || !check_node(*op, node)) continue;
    const bool typed = graph.value(node.outputs[0]).type.dtype != DType::unknown;
    const Attr recorded = std::exchange(sizes->second, None{});
    if (!typed || !infer_node(graph, *op, node)) sizes->second = recorded;
  }
}

/// Sizes of one value: as recorded, with another batch, and with all that is asked for.
struct AxisSizes {
  const Dims& recorded;
  const Dims& batch;
  const Dims& asked;

  bool comparable() const { return recorded.size() == asked.size() && batch.size() == asked.size(); }
  bool other_batch(std::size_t axis) const { return recorded[axis].known() && recorded[axis] != batch[axis]; }
  bool other_size(std::size_t axis) const { return recorded[axis].known() && batch[axis] != asked[axis]; }
};

/// A node whose input may have other sizes than were recorded.
class Resized {
 public:
  Resized(const NodeView& node, const AxisSizes& sizes, bool fixed) : node_(node), sizes_(sizes), fixed_(fixed) {
    for (std::size_t i = 0; i < sizes.asked.size(); ++i)
      if (sizes.other_size(i)) changed_.push_back(i);
  }

  /// The argument that may be a size that was recorded, or places among as many; empty if none is.
  std::string_view kept() const {
    if (const std::string_view places = kept_places(); !places.empty() || changed_.empty()) return places;
    const std::string& op = node_.node().op;
    if (op == "Reshape") return takes_up(node_.integers("shape")) ? "" : "shape";
    if (op == "BroadcastTo") return grows(node_.integers("shape")) ? "shape" : "";
    if (op == "Split") return has_changed(axis("axis")) ? "output_num" : "";
    if (op == "Unstack") return has_changed(axis("axis")) ? "num" : "";
    if (op == "SplitTensor") return has_changed(axis("dim")) ? "split_size" : "";
    if (changed_.back() < 2) return {};  // the others are of images
    if (op.starts_with("Resize")) return "size";
    if (op.starts_with("Upsample")) return node_.is_none("output_size") ? "" : "output_size";
    if (op == "Conv2DTranspose" || op == "Conv2DBackpropInput")
      return node_.is_none("input_sizes") ? "" : "input_sizes";
    return {};
  }

 private:
  std::string_view kept_places() const {
    const std::string& op = node_.node().op;
    if (op == "StridedSlice") return is_cut(strided_cuts()) ? "end" : "";
    if (op == "Slice") return is_cut(slice_cuts(node_)) ? "size" : "";
    if (op == "SliceExt") return is_cut(axis("dim"), node_.integer("start"), node_.integer("end")) ? "end" : "";
    if (op == "Narrow") return is_cut(axis("dim"), 0, node_.integer("start") + node_.integer("length")) ? "length" : "";
    if (op == "SelectExtView") return is_cut(axis("dim"), 0, node_.integer("index") + 1) ? "index" : "";
    if (!fixed_) return {};
    if (op == "Gather") return indexes(axis("axis"), 1) ? "indices" : "";
    if (op == "IndexSelect") return indexes(axis("dim"), 1) ? "index" : "";
    if (op == "GatherNd" || op.starts_with("TensorScatter")) return indexes(0, depth()) ? "indices" : "";
    if (op == "GatherD" || op == "Scatter") return indexes(0, sizes_.asked.size()) ? "index" : "";
    return {};
  }

  std::size_t axis(std::string_view argument) const { return *axis_of(node_.integer(argument), sizes_.asked.size()); }

  bool has_changed(std::size_t axis) const { return std::ranges::find(changed_, axis) != changed_.end(); }

  /// How many axes a row of indices has; all, where each element has its own.
  std::size_t depth() const {
    const Dims& indices = node_.type(1).dims;
    const bool own = node_.node().op == "TensorScatterElements" || indices.empty() || !indices.back().known();
    return own ? sizes_.asked.size() : static_cast<std::size_t>(indices.back().size);
  }

  bool indexes(std::size_t first, std::size_t count) const {
    for (std::size_t i = first; i < first + count && i < sizes_.asked.size(); ++i)
      if (sizes_.other_batch(i) || sizes_.other_size(i)) return true;
    return false;
  }

  /// -1 is what the others leave. These must be sizes that stayed: before it those of the input itself, behind it a
  /// divisor of the input's last.
  bool takes_up(const Ints& shape) const {
    const Dims& dims = sizes_.asked;
    const auto open = static_cast<std::size_t>(std::ranges::find(shape, -1) - shape.begin());
    if (open == shape.size() || open > changed_.front()) return false;
    for (std::size_t i = 0; i < open; ++i) {
      if (shape[i] != 0 && dims[i] != Dim(shape[i])) return false;
    }
    const auto behind = known_part(Dims(shape.begin() + static_cast<std::ptrdiff_t>(open) + 1, shape.end()));
    const auto last = known_part(Dims(dims.begin() + static_cast<std::ptrdiff_t>(changed_.back()) + 1, dims.end()));
    if (!behind || !last || behind->unknown + last->unknown > 0) return false;
    return behind->product > 0 && last->product % behind->product == 0;
  }

  bool grows(const Ints& shape) const {
    const std::size_t before = shape.size() - sizes_.asked.size();
    return std::ranges::any_of(changed_, [&](std::size_t axis) { return shape[before + axis] != -1; });
  }

  Result<std::vector<Cut>> strided_cuts() const {
    auto all = strided(node_);
    if (!all) return all.error();
    return std::move(all->cuts);
  }

  bool is_cut(const Result<std::vector<Cut>>& cuts) const {
    return cuts && std::ranges::any_of(*cuts, [&](const Cut& cut) {
             const auto axis = static_cast<std::size_t>(cut.axis);
             if (cut.step > 0) return is_cut(axis, cut.begin, cut.end);
             const bool whole = cut.end == -kToTheEnd && (cut.begin == -1 || cut.begin == kToTheEnd);
             return !whole && (sizes_.other_batch(axis) || has_changed(axis));
           });
  }

  /// Of a batch nothing may be cut. Elsewhere the first element, and what is counted from the last, are what they were.
  bool is_cut(std::size_t axis, std::int64_t begin, std::int64_t end) const {
    const bool open = end >= kToTheEnd;
    return (sizes_.other_batch(axis) && (begin != 0 || !open)) || (has_changed(axis) && end > 1 && !open);
  }

  const NodeView& node_;
  const AxisSizes& sizes_;
  bool fixed_;                             // the indices are the same whatever the inputs
  std::vector<std::size_t> changed_ = {};  // axes of another size, the batch aside
};

/// Sizes of inputs that are others now, the batch aside.
Ints given_up(const Graph& graph, const std::vector<Type>& asked, const std::vector<Type>& kept) {
  Ints sizes;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Dims& recorded = graph.value(graph.inputs[i]).type.dims;
    for (std::size_t axis = 0; axis < recorded.size() && recorded.size() == asked[i].dims.size(); ++axis)
      if (recorded[axis].size > 1 && kept[i].dims[axis] != asked[i].dims[axis]) sizes.push_back(recorded[axis].size);
  }
  return sizes;
}

/// Whether a node grows to one of these, from an input that does not tell, or from none.
bool grows_to(const Node& node, const Ints& sizes) {
  const bool filled = node.op == "FillV2" || node.op == "Zeros" || node.op == "Ones";
  if (!filled && node.op != "BroadcastTo" && node.op != "Tile") return false;
  const auto shape = node.attrs.find(node.op == "Tile" ? "dims" : "shape");
  const Ints* const numbers = shape == node.attrs.end() ? nullptr : std::get_if<Ints>(&shape->second);
  return numbers != nullptr && std::ranges::find_first_of(*numbers, sizes) != numbers->end();
}

/// Of each value.
std::vector<Dims> inferred_dims(Graph graph) {
  infer_types(graph);
  std::vector<Dims> dims;
  for (Value& value : graph.values) dims.push_back(std::move(value.type.dims));
  return dims;
}

}  // namespace

Refusals resize_inputs(Graph& graph, const std::vector<Type>& asked) {
  drop_sizes_that_follow(graph);
  const std::vector<Dims> recorded = inferred_dims(graph);
  const std::vector<Type> with_batch = with_recorded_sizes(graph, asked);
  const Ints old = given_up(graph, asked, with_batch);
  Graph other = graph;
  set_inputs(other, with_batch);
  const std::vector<Dims> batch = inferred_dims(std::move(other));
  set_inputs(graph, asked);
  infer_types(graph);
  const std::vector<bool> computed = dependent(graph);
  Refusals refusals;
  for (const Node& node : graph.nodes) {
    if (grows_to(node, old)) {
      refusals.add(node, "was recorded with other sizes of an input, one of which is in its shape");
      continue;
    }
    const Op* const op = find_op(node.op);
    if (op == nullptr || node.inputs.empty() || node.inputs[0] == kAbsent || !check_node(*op, node)) continue;
    const ValueId id = node.inputs[0];
    const AxisSizes sizes{recorded[id], batch[id], graph.value(id).type.dims};
    const NodeView view(graph, node);
    const bool typed = graph.value(node.outputs[0]).type.dtype != DType::unknown;
    if (!typed || !sizes.comparable()) continue;
    const bool fixed = view.has_input(1) && !computed[node.inputs[1]];
    const std::string_view kept = Resized(view, sizes, fixed).kept();
    if (!kept.empty())
      refusals.add(node, "was recorded for " + to_string({view.type(0).dtype, recorded[id]}) + ": its " +
                             std::string(kept) + " may not fit " + to_string(view.type(0)));
  }
  return refusals;
}

}  // namespace ckpt::graph
