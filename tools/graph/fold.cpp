#include <algorithm>
#include <cstring>
#include <numeric>

#include "ckpt/cast.h"
#include "ckpt/element.h"
#include "infer.h"
#include "op.h"
#include "ops/cut.h"
#include "ops/rules.h"
#include "passes.h"

namespace ckpt::graph {

namespace {

using Bytes = Result<std::vector<std::byte>>;

/// A tensor whose sizes are all known.
struct Operand {
  DType dtype = DType::unknown;
  Ints dims = {};
  Contents contents = {};

  std::size_t width() const noexcept { return size_of(dtype); }
};

std::optional<Ints> sizes_of(const Type& type) {
  const auto count = element_count(type);
  if (!count || size_of(type.dtype) == 0) return std::nullopt;
  Ints sizes;
  for (const Dim& dim : type.dims) sizes.push_back(dim.size);
  return sizes;
}

std::uint64_t count_of(const Ints& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::uint64_t{1},
                         [](std::uint64_t a, std::int64_t b) { return a * static_cast<std::uint64_t>(b); });
}

/// Steps from one element to the next along each axis, in elements.
Ints row_major(const Ints& dims) {
  Ints steps(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) steps[i - 1] = steps[i] * dims[i];
  return steps;
}

/// Elements of a tensor at regular places: what slices, transpositions and broadcasts are.
struct Places {
  Ints dims = {};
  Ints steps = {};
  std::int64_t first = 0;
};

/// The number of each element's place, in order.
template <class Use>
void for_each_place(const Places& places, Use use) {
  const std::uint64_t count = count_of(places.dims);
  Ints index(places.dims.size(), 0);
  std::int64_t at = places.first;
  for (std::uint64_t n = 0; n < count; ++n) {
    use(static_cast<std::size_t>(at));
    for (std::size_t i = index.size(); i-- > 0;) {
      at += places.steps[i];
      if (++index[i] < places.dims[i]) break;
      at -= places.steps[i] * places.dims[i];
      index[i] = 0;
    }
  }
}

Contents picked(const Operand& from, const Places& places) {
  const std::size_t width = from.width();
  const std::uint64_t size = count_of(places.dims) * width;
  const auto make = [contents = from.contents, places, width, size]() -> Bytes {
    auto bytes = bytes_of(contents, contents.size);
    if (!bytes) return bytes;
    std::vector<std::byte> out(size);
    std::byte* to = out.data();
    for_each_place(places, [&](std::size_t at) {
      std::memcpy(to, bytes->data() + at * width, width);
      to += width;
    });
    return out;
  };
  return {.make = make, .size = size};
}

Contents joined(const std::vector<Operand>& parts, std::size_t axis) {
  std::uint64_t size = 0;
  for (const Operand& part : parts) size += part.contents.size;
  const auto make = [parts, axis, size]() -> Bytes {
    std::vector<std::vector<std::byte>> bytes;
    for (const Operand& part : parts) {
      auto read = bytes_of(part.contents, part.contents.size);
      if (!read) return read;
      bytes.push_back(std::move(*read));
    }
    const Ints& dims = parts.front().dims;
    const std::uint64_t rows = count_of({dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(axis)});
    std::vector<std::byte> out;
    out.reserve(size);
    for (std::uint64_t row = 0; row < rows; ++row) {
      for (const auto& part : bytes) {
        const auto run = std::span(part).subspan(part.size() / rows * row, part.size() / rows);
        out.insert(out.end(), run.begin(), run.end());
      }
    }
    return out;
  };
  return {.make = make, .size = size};
}

Contents converted(const Operand& from, DType to) {
  const std::uint64_t size = count_of(from.dims) * size_of(to);
  const auto make = [from, to, size]() -> Bytes {
    auto bytes = bytes_of(from.contents, from.contents.size);
    if (!bytes) return bytes;
    std::vector<std::byte> out(size);
    CastCounts counts;
    ckpt::cast(from.dtype, *bytes, to, out, counts);
    return out;
  };
  return {.make = make, .size = size};
}

/// Where the elements of an operand are in a result that it is broadcast to.
Places broadcast_places(const Ints& from, const Ints& to) {
  Places places{.dims = to, .steps = Ints(to.size(), 0)};
  const Ints steps = row_major(from);
  const std::size_t ahead = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != 1) places.steps[ahead + i] = steps[i];
  }
  return places;
}

Result<Doubles> numbers_at(const Operand& operand, const Ints& dims) {
  auto bytes = bytes_of(operand.contents, operand.contents.size);
  if (!bytes) return bytes.error();
  Doubles numbers(count_of(operand.dims)), out;
  to_double(operand.dtype, *bytes, numbers);
  out.reserve(count_of(dims));
  for_each_place(broadcast_places(operand.dims, dims), [&](std::size_t at) { out.push_back(numbers[at]); });
  return out;
}

double calculated(std::string_view op, double a, double b) {
  return op == "Add" ? a + b : op == "Sub" ? a - b : op == "Mul" ? a * b : a / b;
}

/// In double precision, rounded once: what float32 and narrower types give themselves.
Contents computed(const std::string& op, const Operand& a, const Operand& b, DType dtype, const Ints& dims) {
  const std::uint64_t size = count_of(dims) * size_of(dtype);
  const auto make = [op, a, b, dtype, dims, size]() -> Bytes {
    auto x = numbers_at(a, dims);
    if (!x) return x.error();
    auto y = numbers_at(b, dims);
    if (!y) return y.error();
    for (std::size_t i = 0; i < x->size(); ++i) (*x)[i] = calculated(op, (*x)[i], (*y)[i]);
    std::vector<std::byte> out(size);
    CastCounts counts;
    ckpt::cast(DType::float64, std::as_bytes(std::span(*x)), dtype, out, counts);
    return out;
  };
  return {.make = make, .size = size};
}

Places cut_places(const Ints& dims, const std::vector<Cut>& cuts) {
  Places places{.dims = dims, .steps = row_major(dims)};
  for (const Cut& cut : cuts) {
    const auto axis = static_cast<std::size_t>(cut.axis);
    const Reach reach = reach_of(dims[axis], cut);
    places.first += reach.first * places.steps[axis];
    places.steps[axis] *= cut.step;
    places.dims[axis] = reach.count;
  }
  return places;
}

/// The contents of a node's result; empty if the node is none that is folded.
class Folding {
 public:
  Folding(const Graph& graph, const Node& node) : node_(graph, node), op_(node.op) {}

  std::optional<Contents> result(std::size_t index) const {
    std::vector<Operand> operands;
    for (std::size_t i = 0; i < node_.input_count(); ++i) {
      auto operand = operand_of(i);
      if (!operand) return std::nullopt;
      operands.push_back(std::move(*operand));
    }
    const auto dims = sizes_of(node_.result_type(index));
    if (!dims || operands.empty()) return std::nullopt;
    return result(operands, *dims, index);
  }

 private:
  std::optional<Operand> operand_of(std::size_t i) const {
    if (!node_.has_input(i)) return std::nullopt;
    const Value& value = node_.input(i);
    const auto dims = sizes_of(value.type);
    if (!value.bound || !dims) return std::nullopt;
    return Operand{value.type.dtype, *dims, value.contents};
  }

  std::optional<Contents> result(const std::vector<Operand>& operands, const Ints& dims, std::size_t index) const {
    const Operand& first = operands[0];
    const DType dtype = node_.result_type(index).dtype;
    if (is_same_bytes()) return first.contents;
    if (op_ == "Cast" && can_cast(first.dtype, dtype)) return converted(first, dtype);
    if (op_ == "Transpose") return transposed(first);
    if (op_ == "Slice") return sliced(first);
    if (op_ == "StridedSlice") return strided_slice(first);
    if (op_ == "Split") return part(first, dims, index);
    if (op_ == "BroadcastTo") return picked(first, broadcast_places(first.dims, dims));
    if (op_ == "Concat" || op_ == "Stack") return together(operands, dtype);
    const bool arithmetic = op_ == "Add" || op_ == "Sub" || op_ == "Mul" || op_ == "Div" || op_ == "RealDiv";
    const bool exact = dtype == DType::float32 || dtype == DType::float16 || dtype == DType::bfloat16;
    if (arithmetic && exact && operands.size() == 2) return computed(op_, first, operands[1], dtype, dims);
    return std::nullopt;
  }

  bool is_same_bytes() const {
    return op_ == "Reshape" || op_ == "ExpandDims" || op_ == "Squeeze" || op_ == "Flatten" || op_ == "Identity";
  }

  std::optional<Contents> transposed(const Operand& operand) const {
    const Ints steps = row_major(operand.dims);
    Places places;
    for (const std::int64_t axis : node_.integers("dims")) {
      auto position = axis_of(axis, operand.dims.size());
      if (!position) return std::nullopt;
      places.dims.push_back(operand.dims[*position]);
      places.steps.push_back(steps[*position]);
    }
    return picked(operand, places);
  }

  std::optional<Contents> sliced(const Operand& operand) const {
    auto cuts = slice_cuts(node_);
    if (!cuts) return std::nullopt;
    return picked(operand, cut_places(operand.dims, *cuts));
  }

  std::optional<Contents> strided_slice(const Operand& operand) const {
    auto how = strided(node_);
    if (!how) return std::nullopt;
    return picked(operand, cut_places(operand.dims, how->cuts));
  }

  std::optional<Contents> part(const Operand& operand, const Ints& dims, std::size_t index) const {
    auto axis = axis_of(node_.integer("axis"), operand.dims.size());
    if (!axis) return std::nullopt;
    Places places{.dims = dims, .steps = row_major(operand.dims)};
    places.first = static_cast<std::int64_t>(index) * dims[*axis] * places.steps[*axis];
    return picked(operand, places);
  }

  std::optional<Contents> together(const std::vector<Operand>& operands, DType dtype) const {
    const std::size_t rank = operands[0].dims.size() + (op_ == "Stack" ? 1 : 0);
    auto axis = axis_of(node_.integer("axis"), rank);
    const bool alike = std::ranges::all_of(operands, [&](const Operand& each) { return each.dtype == dtype; });
    if (!axis || !alike) return std::nullopt;
    return joined(operands, *axis);
  }

  NodeView node_;
  std::string op_;
};

/// Whether what an operator takes there must be constant.
bool wants_constant(const Node& node, std::size_t input) {
  return (node.op == "LSTM" && input >= 1) || (node.op == "PadV3" && input == 1);
}

/// Values that lead to an input that must be constant.
std::vector<bool> wanted_constants(const Graph& graph) {
  std::vector<bool> wanted(graph.values.size(), false);
  for (std::size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    const bool all = std::ranges::any_of(node.outputs, [&](ValueId id) { return wanted[id]; });
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != kAbsent && (all || wants_constant(node, i))) wanted[node.inputs[i]] = true;
    }
  }
  return wanted;
}

/// What folding may cost. Results are kept small, or made when they are needed, from operands that may be such results
/// themselves: what a result takes to make is told before it is folded, so that no file makes work that it is not as
/// large as.
class Budget {
 public:
  explicit Budget(const Graph& graph) : work_(graph.values.size(), 0) {
    for (std::size_t id = 0; id < graph.values.size(); ++id) {
      if (graph.values[id].bound) left_ += 8 * (work_[id] = graph.values[id].contents.size);
    }
  }

  /// Whether a node may be folded into `size` bytes. What grows stays a node, unless an operator needs it constant.
  bool takes(const Node& node, std::uint64_t size, bool needed) {
    constexpr std::uint64_t kSmall = std::uint64_t{64} << 10;
    std::uint64_t operands = 0, work = size;
    for (const ValueId id : node.inputs) operands += work_[id];
    work += operands;
    if ((!needed && size > kSmall && size / 2 > operands) || work > left_) return false;
    left_ -= work;
    for (const ValueId id : node.outputs) work_[id] = work;
    return true;
  }

  /// A result that is kept costs no more than its bytes from then on.
  void kept(ValueId id, std::uint64_t size) { work_[id] = size; }

 private:
  std::vector<std::uint64_t> work_;
  std::uint64_t left_ = std::uint64_t{64} << 20;
};

bool kept_in_memory(Contents& contents) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 20;
  if (!contents.make || contents.size > kMost) return false;
  auto bytes = contents.make();
  if (bytes) contents = in_memory(std::move(*bytes));
  return bytes.has_value();
}

}  // namespace

void fold_constants(Graph& graph, std::uint64_t limit) {
  const std::vector<bool> wanted = wanted_constants(graph);
  Budget budget(graph);
  for (const Node& node : graph.nodes) {
    const bool constant = std::ranges::all_of(
        node.inputs, [&](ValueId id) { return id != kAbsent && graph.value(id).kind == ValueKind::constant; });
    const bool needed = std::ranges::any_of(node.outputs, [&](ValueId id) { return wanted[id]; });
    if (!constant && !needed) continue;
    const Op* op = find_op(node.op);
    if (!op || !check_node(*op, node)) continue;
    std::vector<Contents> results;
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      auto contents = Folding(graph, node).result(i);
      if (!contents || contents->size > limit) break;
      size += contents->size;
      results.push_back(std::move(*contents));
    }
    if (results.size() != node.outputs.size() || !budget.takes(node, size, needed)) continue;
    for (std::size_t i = 0; i < results.size(); ++i) {
      Value& value = graph.value(node.outputs[i]);
      value.kind = ValueKind::constant;
      if (kept_in_memory(results[i])) budget.kept(node.outputs[i], results[i].size);
      value.contents = std::move(results[i]);
      value.bound = true;
    }
  }
  const auto folded = [&](const Node& node) { return graph.value(node.outputs.front()).kind == ValueKind::constant; };
  if (std::erase_if(graph.nodes, folded) == 0) return;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : graph.nodes[i].outputs) graph.value(id).producer = static_cast<std::uint32_t>(i);
  }
  drop_unused(graph);
}

}  // namespace ckpt::graph
