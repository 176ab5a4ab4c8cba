#include "rules.h"

#include <charconv>
#include <limits>

#include "ckpt/cast.h"

namespace ckpt::graph {

Error refuse(std::string reason) { return Error{.code = Errc::unsupported, .message = std::move(reason)}; }

Types same(const NodeView& node) { return std::vector<Type>{node.type(0)}; }

Types same_boolean(const NodeView& node) {
  return std::vector<Type>{{.dtype = DType::boolean, .dims = node.type(0).dims}};
}

Ints sizes_of(const Dims& dims) {
  Ints sizes;
  for (const Dim& dim : dims) sizes.push_back(dim.size);
  return sizes;
}

Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) {
    return refuse("axis " + std::to_string(axis) + " of " + std::to_string(rank) + " dimensions");
  }
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

Result<std::vector<std::size_t>> axes_of(const Ints& axes, std::size_t rank) {
  std::vector<std::size_t> positions;
  for (const std::int64_t axis : axes) {
    auto position = axis_of(axis, rank);
    if (!position) return position.error();
    positions.push_back(*position);
  }
  if (axes.empty()) {
    for (std::size_t i = 0; i < rank; ++i) positions.push_back(i);
  }
  std::ranges::sort(positions);
  if (std::ranges::adjacent_find(positions) != positions.end()) return refuse("an axis is named twice");
  return positions;
}

Result<Dim> unify(const Dim& a, const Dim& b) {
  if (a == b) return a;
  if (!a.known() && a.symbol.empty()) return b;
  if (!b.known() && b.symbol.empty()) return a;
  return refuse("dimensions " + to_string(a) + " and " + to_string(b) + " differ");
}

Result<Dims> broadcast(const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims dims = longer;
  const std::size_t ahead = longer.size() - shorter.size();
  for (std::size_t i = 0; i < shorter.size(); ++i) {
    const Dim& x = longer[ahead + i];
    const Dim& y = shorter[i];
    if (y == Dim(1)) continue;
    if (x == Dim(1)) {
      dims[ahead + i] = y;
      continue;
    }
    auto dim = unify(x, y);
    if (!dim) return dim.error();
    dims[ahead + i] = *dim;
  }
  return dims;
}

bool is_floating(DType dtype) noexcept {
  switch (dtype) {
    case DType::float16:
    case DType::bfloat16:
    case DType::float32:
    case DType::float64:
      return true;
    default:
      return false;
  }
}

DType common_dtype(DType a, DType b) {
  if (a == b) return a;
  const auto weight = [](DType dtype) {
    const int kind = dtype == DType::boolean ? 0 : is_floating(dtype) ? 2 : 1;
    return std::pair(kind, size_of(dtype));
  };
  return weight(a) < weight(b) ? b : a;
}

namespace {

/// "N*49" as N and 49.
std::pair<std::string, std::int64_t> factored(const std::string& symbol) {
  const std::size_t star = symbol.rfind('*');
  std::int64_t factor = 1;
  if (star == std::string::npos) return {symbol, factor};
  const char* end = symbol.data() + symbol.size();
  const auto [stop, error] = std::from_chars(symbol.data() + star + 1, end, factor);
  const bool number = error == std::errc() && stop == end && factor > 0;
  return number ? std::pair(symbol.substr(0, star), factor) : std::pair(symbol, std::int64_t{1});
}

}  // namespace

Result<Known> known_part(const Dims& dims) {
  Known known;
  for (const Dim& dim : dims) {
    const auto [symbol, factor] = dim.known() ? std::pair(std::string(), dim.size) : factored(dim.symbol);
    if (!dim.known()) {
      ++known.unknown;
      known.symbol = known.unknown == 1 ? symbol : std::string();
    }
    if (factor != 0 && known.product > std::numeric_limits<std::int64_t>::max() / factor) {
      return refuse("more elements than can be counted");
    }
    known.product *= factor;
  }
  return known;
}

Dim as_dim(const Known& known) {
  if (known.unknown == 0) return Dim(known.product);
  if (known.unknown > 1 || known.symbol.empty()) return {};
  return Dim(known.product == 1 ? known.symbol : known.symbol + "*" + std::to_string(known.product));
}

Dim quotient(const Known& all, const Known& part) {
  if (part.product <= 0 || all.product % part.product != 0) return {};
  Known left{.product = all.product / part.product};
  if (all.unknown == part.unknown && all.symbol == part.symbol && all.unknown <= 1) {
    return all.unknown == 1 && all.symbol.empty() ? Dim() : as_dim(left);
  }
  left.unknown = all.unknown;
  left.symbol = all.symbol;
  return part.unknown == 0 ? as_dim(left) : Dim();
}

Dim sum_of(const Dim& a, const Dim& b) {
  if (a.known() && b.known()) return Dim(a.size + b.size);
  if (a == Dim(0)) return b;
  if (b == Dim(0)) return a;
  if (a.known() || b.known()) return {};
  const auto [one, times] = factored(a.symbol);
  const auto [other, more] = factored(b.symbol);
  if (one.empty() || one != other || times > std::numeric_limits<std::int64_t>::max() - more) return {};
  return as_dim({.product = times + more, .unknown = 1, .symbol = one});
}

Result<Dim> size_at(const NodeView& node, std::int64_t number) {
  const auto which = asked_size(number);
  if (!which) {
    if (number < 0) return refuse("a shape with " + std::to_string(number));
    return Dim(number);
  }
  if (!node.has_input(which->input) || which->axis >= node.type(which->input).dims.size()) {
    return refuse("a size of an input that is not there");
  }
  return node.type(which->input).dims[which->axis];
}

Result<Ints> settled(const NodeView& node, const Ints& shape) {
  Ints numbers = shape;
  for (std::int64_t& number : numbers) {
    if (!asked_size(number)) continue;
    auto size = size_at(node, number);
    if (!size) return size.error();
    if (size->known()) number = size->size;
  }
  return numbers;
}

bool asks(const Ints& shape) {
  return std::ranges::any_of(shape, [](std::int64_t number) { return asked_size(number).has_value(); });
}

Status want_rank(const NodeView& node, std::size_t input, std::size_t rank) {
  if (node.type(input).dims.size() == rank) return {};
  return refuse("input " + std::to_string(input) + " is " + to_string(node.type(input)) + ", not of " +
                std::to_string(rank) + " dimensions");
}

Status want_format(const NodeView& node, std::string_view format) {
  if (node.text("format") == format) return {};
  return refuse("format " + node.text("format") + ": only " + std::string(format) + " is known");
}

namespace {

Status check_window(const Window& window) {
  constexpr std::int64_t kMax = std::int64_t{1} << 31;
  const auto small = [](std::int64_t value, std::int64_t least) { return value >= least && value < kMax; };
  const bool fits = small(window.kernel, 1) && small(window.stride, 1) && small(window.dilation, 1) &&
                    small(window.begin, 0) && small(window.end, 0);
  if (!fits) return refuse("a window whose numbers make no sense");
  return {};
}

/// Pads so that there are ceil(size / stride) windows; the odd one behind.
void pad_same(const Dim& size, Window& window, bool& known) {
  std::int64_t need = window.reach() - 1;  // of stride 1, whatever the size
  if (window.stride != 1) {
    if (!size.known()) {
      known = false;
      return;
    }
    const std::int64_t count = (size.size + window.stride - 1) / window.stride;
    need = std::max<std::int64_t>(0, (count - 1) * window.stride + window.reach() - size.size);
  }
  window.begin = need / 2;
  window.end = need - need / 2;
}

}  // namespace

Ints both_sides(const Ints& padding) {
  Ints pads;
  for (const std::int64_t pad : padding) pads.insert(pads.end(), 2, pad);
  return pads;
}

Result<Windows> windows(const Dims& input, const Ints& kernel, const Ints& stride, const Ints& dilation,
                        const std::string& pad_mode, const Ints& pad_list) {
  const std::size_t axes = kernel.size();
  if (input.size() != axes + 2 || stride.size() != axes || dilation.size() != axes) {
    return refuse("a window of " + std::to_string(axes) + " axes over " + std::to_string(input.size()) + " dimensions");
  }
  const bool explicit_pads = pad_mode == "pad";
  if (!explicit_pads && pad_mode != "valid" && pad_mode != "same") return refuse("pad_mode " + pad_mode);
  if (explicit_pads && pad_list.size() != 2 * axes) return refuse("pad_mode pad without pads");
  Windows result;
  for (std::size_t i = 0; i < axes; ++i) {
    Window window{.kernel = kernel[i], .stride = stride[i], .dilation = dilation[i]};
    if (explicit_pads) {
      window.begin = pad_list[2 * i];
      window.end = pad_list[2 * i + 1];
    }
    if (auto status = check_window(window); !status) return status.error();
    if (pad_mode == "same") pad_same(input[i + 2], window, result.known);
    result.axes.push_back(window);
  }
  return result;
}

Result<Windows> windows(const NodeView& node, const Dims& input, const Ints& kernel) {
  return windows(input, kernel, node.integers("stride"), node.integers("dilation"), node.text("pad_mode"),
                 pad_list(node));
}

Ints pad_list(const NodeView& node) { return node.is_none("pad_list") ? Ints{} : node.integers("pad_list"); }

std::int64_t window_count(std::int64_t size, const Window& window, bool ceil_mode) {
  const std::int64_t room = size + window.begin + window.end - window.reach();
  if (room < 0) return 0;
  std::int64_t count = room / window.stride + 1;
  if (ceil_mode && room % window.stride != 0 && count * window.stride < size + window.begin) ++count;
  return count;
}

WindowLists lists_of(const Windows& windows) {
  WindowLists lists;
  for (const Window& window : windows.axes) {
    lists.kernel.push_back(window.kernel);
    lists.strides.push_back(window.stride);
    lists.dilations.push_back(window.dilation);
    lists.pads.push_back(window.begin);
  }
  for (const Window& window : windows.axes) lists.pads.push_back(window.end);
  return lists;
}

Result<Dims> window_sizes(const Dims& input, const Windows& windows, bool same, bool ceil_mode) {
  Dims dims;
  for (std::size_t i = 0; i < windows.axes.size(); ++i) {
    const Dim& size = input[i + 2];
    const Window& window = windows.axes[i];
    if (same && window.stride == 1) {
      dims.push_back(size);
    } else if (!size.known()) {
      const bool as_large = window.stride == 1 && window.begin + window.end == window.reach() - 1;
      dims.push_back(as_large ? size : Dim());
    } else {
      const std::int64_t count =
          same ? (size.size + window.stride - 1) / window.stride : window_count(size.size, window, ceil_mode);
      if (count <= 0) return refuse("a window larger than its input " + std::to_string(size.size));
      dims.emplace_back(count);
    }
  }
  return dims;
}

Ref in(const NodeView& node, Target& target, std::size_t i) {
  return node.has_input(i) ? target.of(node.node().inputs[i]) : Target::kNothing;
}

Ref in_as(const NodeView& node, Target& target, std::size_t i, DType dtype) {
  const Ref ref = in(node, target, i);
  return ref == Target::kNothing || node.type(i).dtype == dtype ? ref : cast(target, ref, dtype, node.type(i).dims);
}

std::vector<Ref> inputs_of(const NodeView& node, Target& target) {
  std::vector<Ref> inputs;
  for (std::size_t i = 0; i < node.input_count(); ++i) inputs.push_back(in(node, target, i));
  return inputs;
}

float as_float(const NodeView& node, std::string_view name) { return static_cast<float>(node.number(name)); }

std::int64_t onnx_dtype(DType dtype) noexcept {
  switch (dtype) {
    case DType::float32:
      return 1;
    case DType::uint8:
      return 2;
    case DType::int8:
      return 3;
    case DType::uint16:
      return 4;
    case DType::int16:
      return 5;
    case DType::int32:
      return 6;
    case DType::int64:
      return 7;
    case DType::boolean:
      return 9;
    case DType::float16:
      return 10;
    case DType::float64:
      return 11;
    case DType::uint32:
      return 12;
    case DType::uint64:
      return 13;
    case DType::complex64:
      return 14;
    case DType::complex128:
      return 15;
    case DType::bfloat16:
      return 16;
    default:
      return 0;
  }
}

Ref cast(Target& target, Ref x, DType dtype, const Dims& dims) {
  return target.add("Cast", {x}, {{"to", onnx_dtype(dtype)}}, {.dtype = dtype, .dims = dims});
}

Ref reshape(Target& target, Ref x, const Ints& shape, Type type) {
  return target.add("Reshape", {x, target.constant(shape)}, {}, std::move(type));
}

Ref transpose(Target& target, Ref x, const Ints& order, Type type) {
  return target.add("Transpose", {x}, {{"perm", order}}, std::move(type));
}

Ref unsqueeze(Target& target, Ref x, const Ints& axes, Type type) {
  return target.add("Unsqueeze", {x, target.constant(axes)}, {}, std::move(type));
}

Ref squeeze(Target& target, Ref x, const Ints& axes, Type type) {
  return target.add("Squeeze", {x, target.constant(axes)}, {}, std::move(type));
}

Ref reduce(Target& target, std::string_view op, Ref x, const Ints& axes, bool keep, Type type) {
  const bool as_input = target.opset() >= 18 || op == "ReduceSum";
  std::vector<Ref> inputs{x};
  NamedAttrs attrs{{"keepdims", std::int64_t{keep}}};
  if (!axes.empty() && as_input) inputs.push_back(target.constant(axes));
  if (!axes.empty() && !as_input) attrs.insert(attrs.begin(), {"axes", axes});
  return target.add(op, std::move(inputs), std::move(attrs), std::move(type));
}

Ref slice(Target& target, Ref x, const Ints& starts, const Ints& ends, const Ints& axes, const Ints& steps, Type type) {
  std::vector<Ref> inputs{x, target.constant(starts), target.constant(ends), target.constant(axes)};
  if (std::ranges::any_of(steps, [](std::int64_t step) { return step != 1; })) {
    inputs.push_back(target.constant(steps));
  }
  return target.add("Slice", std::move(inputs), {}, std::move(type));
}

std::vector<Ref> split(Target& target, Ref x, std::int64_t axis, const Ints& sizes, std::size_t count) {
  std::vector<Ref> inputs{x};
  NamedAttrs attrs{{"axis", axis}};
  if (!sizes.empty()) {
    inputs.push_back(target.constant(sizes));
  } else if (target.opset() >= 18) {
    attrs.push_back({"num_outputs", static_cast<std::int64_t>(count)});
  }
  return target.add_many("Split", std::move(inputs), count, std::move(attrs));
}

Ref shape_operand(const NodeView& node, Target& target, const Ints& shape) {
  if (!asks(shape)) return target.constant(shape);
  std::vector<Ref> parts;
  Ints numbers;
  const auto flush = [&] {
    if (!numbers.empty()) parts.push_back(target.constant(numbers));
    numbers.clear();
  };
  for (const std::int64_t number : shape) {
    const auto which = asked_size(number);
    if (!which) {
      numbers.push_back(number);
      continue;
    }
    flush();
    const Dim rank(static_cast<std::int64_t>(node.type(which->input).dims.size()));
    const Ref all = target.add("Shape", {in(node, target, which->input)}, {}, {DType::int64, {rank}});
    const auto axis = static_cast<std::int64_t>(which->axis);
    parts.push_back(slice(target, all, {axis}, {axis + 1}, {0}, {1}, {DType::int64, {Dim(1)}}));
  }
  flush();
  if (parts.size() == 1) return parts.front();
  return target.add("Concat", std::move(parts), {{"axis", std::int64_t{0}}},
                    {DType::int64, {Dim(static_cast<std::int64_t>(shape.size()))}});
}

Contents contents_of(DType dtype, const std::vector<double>& values) {
  std::vector<std::byte> bytes(values.size() * size_of(dtype));
  CastCounts counts;
  ckpt::cast(DType::float64, std::as_bytes(std::span(values)), dtype, bytes, counts);
  return in_memory(std::move(bytes));
}

Ref vector_of(Target& target, DType dtype, const std::vector<double>& values) {
  return target.tensor({.dtype = dtype, .dims = {Dim(static_cast<std::int64_t>(values.size()))}},
                       contents_of(dtype, values));
}

std::optional<Ints> reshape_to(const Dims& from, const Dims& to) {
  Ints shape;
  bool open = false;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const bool kept = i < from.size() && !from[i].known() && !from[i].symbol.empty() && from[i] == to[i];
    if (to[i].known()) {
      shape.push_back(to[i].size);
    } else if (kept) {
      shape.push_back(0);
    } else if (!open) {
      open = true;
      shape.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  return shape;
}

Ints as_ints(const std::vector<std::size_t>& axes) {
  Ints ints;
  for (const std::size_t axis : axes) ints.push_back(static_cast<std::int64_t>(axis));
  return ints;
}

}  // namespace ckpt::graph
