#include "reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>

#include "ckpt/element.h"

namespace ckpt::train::test {

namespace {

using graph::Ints;
using graph::NodeView;

using Inputs = std::span<Array* const>;
using Arrays = std::vector<Array>;

[[noreturn]] void fail(const NodeView& node, const std::string& why) {
  throw std::runtime_error(node.node().name + " (" + node.node().op + "): " + why);
}

std::int64_t product(const Ints& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Where the element at these positions is; positions along axes of size 1 count as 0.
std::size_t place(const Ints& dims, std::span<const std::int64_t> positions) {
  std::int64_t index = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) index = index * dims[i] + (dims[i] == 1 ? 0 : positions[i]);
  return at(index);
}

/// Goes through all positions of a shape, in order.
template <class Use>
void each_position(const Ints& dims, const Use& use) {
  Ints positions(dims.size(), 0);
  for (std::int64_t left = product(dims); left > 0; --left) {
    use(std::span<const std::int64_t>(positions));
    for (std::size_t i = dims.size(); i-- > 0 && ++positions[i] == dims[i];) positions[i] = 0;
  }
}

template <class Function>
Array each_element(const Array& x, const Function& function) {
  Array y = x;
  std::ranges::transform(x.values, y.values.begin(), function);
  return y;
}

// ---- elements ----

Ints aligned(const Ints& dims, std::size_t rank) {
  Ints ones(rank - dims.size(), 1);
  ones.insert(ones.end(), dims.begin(), dims.end());
  return ones;
}

Array broadcast(const NodeView& node, const Array& a, const Array& b, double (*function)(double, double)) {
  if (a.dims == b.dims) {
    Array result = a;
    std::ranges::transform(a.values, b.values, result.values.begin(), function);
    return result;
  }
  const std::size_t rank = std::max(a.dims.size(), b.dims.size());
  const Ints left = aligned(a.dims, rank), right = aligned(b.dims, rank);
  Ints dims(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    if (left[i] != right[i] && left[i] != 1 && right[i] != 1) fail(node, "shapes that do not fit");
    dims[i] = left[i] == 1 ? right[i] : left[i];
  }
  Array result{.dims = dims};
  each_position(dims, [&](auto positions) {
    result.values.push_back(function(a.values[place(left, positions)], b.values[place(right, positions)]));
  });
  return result;
}

template <double (*function)(double, double)>
Arrays of_both(const NodeView& node, Inputs in) {
  return {broadcast(node, *in[0], *in[1], function)};
}

double plus(double a, double b) { return a + b; }
double minus(double a, double b) { return a - b; }
double times(double a, double b) { return a * b; }
double over(double a, double b) { return a / b; }

Arrays add_n(const NodeView& node, Inputs in) {
  Array sum = *in[0];
  for (std::size_t i = 1; i < in.size(); ++i) sum = broadcast(node, sum, *in[i], plus);
  return {sum};
}

Arrays times_scalar(const NodeView& node, Inputs in) {
  return {each_element(*in[0], [factor = node.number("other")](double x) { return x * factor; })};
}

Arrays relu(const NodeView&, Inputs in) {
  return {each_element(*in[0], [](double x) { return std::max(x, 0.0); })};
}

Arrays relu6(const NodeView&, Inputs in) {
  return {each_element(*in[0], [](double x) { return std::clamp(x, 0.0, 6.0); })};
}

/// Of dy and y.
Arrays relu_grad(const NodeView& node, Inputs in) {
  return {broadcast(node, *in[0], *in[1], [](double dy, double y) { return y > 0 ? dy : 0; })};
}

/// Of dy and x.
Arrays relu6_grad(const NodeView& node, Inputs in) {
  return {broadcast(node, *in[0], *in[1], [](double dy, double x) { return x > 0 && x < 6 ? dy : 0; })};
}

Arrays square(const NodeView&, Inputs in) {
  return {each_element(*in[0], [](double x) { return x * x; })};
}

Arrays sigmoid(const NodeView&, Inputs in) {
  return {each_element(*in[0], [](double x) { return 1 / (1 + std::exp(-x)); })};
}

/// Of y and dy.
Arrays sigmoid_grad(const NodeView& node, Inputs in) {
  return {broadcast(node, *in[0], *in[1], [](double y, double dy) { return dy * y * (1 - y); })};
}

Arrays tanh(const NodeView&, Inputs in) {
  return {each_element(*in[0], [](double x) { return std::tanh(x); })};
}

/// Of y and dy.
Arrays tanh_grad(const NodeView& node, Inputs in) {
  return {broadcast(node, *in[0], *in[1], [](double y, double dy) { return dy * (1 - y * y); })};
}

Arrays identity(const NodeView&, Inputs in) { return {*in[0]}; }

Arrays negate(const NodeView&, Inputs in) {
  return {each_element(*in[0], [](double x) { return -x; })};
}

Arrays cast(const NodeView& node, Inputs in) {
  const DType to = node.dtype("dtype");
  if (to == DType::boolean) return {each_element(*in[0], [](double x) { return x != 0 ? 1.0 : 0.0; })};
  const bool whole = to == DType::int32 || to == DType::int64;
  return {each_element(*in[0], [&](double x) { return whole ? std::trunc(x) : x; })};
}

// ---- shapes ----

Arrays reshape(const NodeView& node, Inputs in) {
  Array result{.dims = node.integers("shape"), .values = in[0]->values};
  const std::int64_t known = std::accumulate(result.dims.begin(), result.dims.end(), std::int64_t{1},
                                             [](auto so_far, auto dim) { return dim < 0 ? so_far : so_far * dim; });
  const auto count = static_cast<std::int64_t>(result.values.size());
  std::ranges::replace_if(
      result.dims, [](auto dim) { return dim < 0; }, known == 0 ? 0 : count / known);
  if (product(result.dims) != count) fail(node, "another number of elements");
  return {result};
}

Arrays squeeze(const NodeView& node, Inputs in) {
  const auto rank = static_cast<std::int64_t>(in[0]->dims.size());
  Array result{.values = in[0]->values};
  for (std::int64_t i = 0; i < rank; ++i) {
    const Ints& axes = node.integers("axis");
    const bool named = std::ranges::count(axes, i) + std::ranges::count(axes, i - rank) > 0;
    if (in[0]->dims[at(i)] != 1 || (!axes.empty() && !named)) result.dims.push_back(in[0]->dims[at(i)]);
  }
  return {result};
}

Arrays flatten(const NodeView&, Inputs in) {
  const auto count = static_cast<std::int64_t>(in[0]->values.size());
  const std::int64_t rows = in[0]->dims.empty() ? 1 : in[0]->dims[0];
  return {{.dims = {rows, rows == 0 ? 0 : count / rows}, .values = in[0]->values}};
}

Arrays expand_dims(const NodeView& node, Inputs in) {
  Array result = *in[0];
  std::int64_t axis = node.integer("axis");
  if (axis < 0) axis += static_cast<std::int64_t>(result.dims.size()) + 1;
  result.dims.insert(result.dims.begin() + axis, 1);
  return {result};
}

/// The element of x for each position of a result with these dims.
template <class From>
Arrays gathered(const Ints& dims, const Array& x, const From& from) {
  Array result{.dims = dims};
  each_position(dims, [&](auto positions) { result.values.push_back(x.values[from(positions)]); });
  return {result};
}

Arrays broadcast_to(const NodeView& node, Inputs in) {
  Ints dims = node.integers("shape");
  const Ints from = aligned(in[0]->dims, dims.size());
  for (std::size_t i = 0; i < dims.size(); ++i) dims[i] = dims[i] < 0 ? from[i] : dims[i];
  return gathered(dims, *in[0], [&](auto positions) { return place(from, positions); });
}

Arrays tile(const NodeView& node, Inputs in) {
  const Ints times_each = node.integers("dims");
  const Ints from = aligned(in[0]->dims, std::max(times_each.size(), in[0]->dims.size()));
  const Ints counts = aligned(times_each, from.size());
  Ints dims(from.size());
  for (std::size_t i = 0; i < dims.size(); ++i) dims[i] = from[i] * counts[i];
  return gathered(dims, *in[0], [&](auto positions) {
    Ints wrapped(positions.begin(), positions.end());
    for (std::size_t i = 0; i < wrapped.size(); ++i) wrapped[i] %= from[i];
    return place(from, wrapped);
  });
}

Arrays transpose(const NodeView& node, Inputs in) {
  Ints order = node.integers("dims");
  Ints dims(order.size());
  for (std::int64_t& axis : order) axis += axis < 0 ? static_cast<std::int64_t>(order.size()) : 0;
  for (std::size_t i = 0; i < order.size(); ++i) dims[i] = in[0]->dims[at(order[i])];
  return gathered(dims, *in[0], [&](auto positions) {
    Ints back(positions.size());
    for (std::size_t i = 0; i < order.size(); ++i) back[at(order[i])] = positions[i];
    return place(in[0]->dims, back);
  });
}

Arrays pad(const NodeView& node, Inputs in) {
  const graph::IntLists& paddings = node.int_lists("paddings");
  Ints dims = in[0]->dims;
  for (std::size_t i = 0; i < dims.size(); ++i) dims[i] += paddings[i][0] + paddings[i][1];
  Array result = zeros(dims);
  std::size_t next = 0;
  each_position(in[0]->dims, [&](auto positions) {
    Ints moved(positions.begin(), positions.end());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += paddings[i][0];
    result.values[place(dims, moved)] = in[0]->values[next++];
  });
  return {result};
}

Arrays slice(const NodeView& node, Inputs in) {
  const Ints &begin = node.integers("begin"), &size = node.integers("size");
  Ints dims = size;
  for (std::size_t i = 0; i < dims.size(); ++i) dims[i] = size[i] < 0 ? in[0]->dims[i] - begin[i] : size[i];
  return gathered(dims, *in[0], [&](auto positions) {
    Ints moved(positions.begin(), positions.end());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += begin[i];
    return place(in[0]->dims, moved);
  });
}

/// Along the first axis.
Arrays gather(const NodeView& node, Inputs in) {
  if (node.integer("axis") != 0 || node.integer("batch_dims") != 0) fail(node, "another axis than the first");
  const Ints behind(in[0]->dims.begin() + 1, in[0]->dims.end());
  const std::int64_t row = product(behind);
  Array result{.dims = in[1]->dims};
  result.dims.insert(result.dims.end(), behind.begin(), behind.end());
  for (const double index : in[1]->values) {
    if (index < 0 || index >= static_cast<double>(in[0]->dims[0])) fail(node, "an index out of range");
    const auto first = in[0]->values.begin() + static_cast<std::int64_t>(index) * row;
    result.values.insert(result.values.end(), first, first + row);
  }
  return {result};
}

/// Along the last axis.
Arrays one_hot(const NodeView& node, Inputs in) {
  if (node.integer("axis") != -1) fail(node, "another axis than the last");
  const std::int64_t depth = node.integer("depth");
  Array result{.dims = in[0]->dims};
  result.dims.push_back(depth);
  for (const double index : in[0]->values) {
    for (std::int64_t i = 0; i < depth; ++i) {
      result.values.push_back(static_cast<double>(i) == index ? in[1]->values[0] : in[2]->values[0]);
    }
  }
  return {result};
}

/// Sums over the axes, and how many elements each is of.
std::pair<Array, double> sums(const NodeView& node, const Array& x) {
  const auto rank = static_cast<std::int64_t>(x.dims.size());
  std::vector<bool> over_axis(x.dims.size(), node.integers("axis").empty());
  for (const std::int64_t axis : node.integers("axis")) over_axis[at(axis < 0 ? axis + rank : axis)] = true;
  Ints kept = x.dims, dims;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (over_axis[i]) kept[i] = 1;
    if (!over_axis[i] || node.flag("keep_dims")) dims.push_back(kept[i]);
  }
  Array result = zeros(kept);
  std::size_t next = 0;
  each_position(x.dims, [&](auto positions) { result.values[place(kept, positions)] += x.values[next++]; });
  result.dims = dims;
  return {result, static_cast<double>(x.values.size()) / static_cast<double>(result.values.size())};
}

Arrays reduce_sum(const NodeView& node, Inputs in) { return {sums(node, *in[0]).first}; }

Arrays reduce_mean(const NodeView& node, Inputs in) {
  const auto [sum, count] = sums(node, *in[0]);
  return {each_element(sum, [count = count](double x) { return x / count; })};
}

// ---- matrices ----

Arrays matmul(const NodeView& node, Inputs in) {
  const bool turn_a = node.flag("transpose_a"), turn_b = node.flag("transpose_b");
  const Array &a = *in[0], &b = *in[1];
  if (a.dims.size() != 2 || b.dims.size() != 2) fail(node, "not of two matrices");
  const std::int64_t rows = a.dims[turn_a ? 1 : 0], inner = a.dims[turn_a ? 0 : 1], columns = b.dims[turn_b ? 0 : 1];
  Array result = zeros({rows, columns});
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (std::int64_t k = 0; k < inner; ++k) {
        sum += a.values[at(turn_a ? k * rows + i : i * inner + k)] *
               b.values[at(turn_b ? j * inner + k : k * columns + j)];
      }
      result.values[at(i * columns + j)] = sum;
    }
  }
  return {result};
}

/// Of a tensor [batch, channels, …]: how many elements a channel has in a row.
std::int64_t behind_channels(const Ints& dims) { return product({dims.begin() + 2, dims.end()}); }

Arrays bias_add(const NodeView&, Inputs in) {
  Array result = *in[0];
  const std::int64_t channels = result.dims[1], inner = behind_channels(result.dims);
  for (std::size_t i = 0; i < result.values.size(); ++i) {
    result.values[i] += in[1]->values[at(static_cast<std::int64_t>(i) / inner % channels)];
  }
  return {result};
}

Arrays bias_add_grad(const NodeView&, Inputs in) {
  const std::int64_t channels = in[0]->dims[1], inner = behind_channels(in[0]->dims);
  Array result = zeros({channels});
  for (std::size_t i = 0; i < in[0]->values.size(); ++i) {
    result.values[at(static_cast<std::int64_t>(i) / inner % channels)] += in[0]->values[i];
  }
  return {result};
}

// ---- convolutions ----

/// How a window moves over an image: [height, width].
struct Moves {
  std::array<std::int64_t, 2> kernel, stride, dilation{1, 1}, before{};

  /// Where the window's element is in the image.
  std::int64_t in_image(std::size_t axis, std::int64_t window, std::int64_t element) const {
    return window * stride[axis] - before[axis] + element * dilation[axis];
  }
};

Moves moves_of(const NodeView& node, const Ints& image, const Ints& kernel, const char* stride) {
  Moves moves;
  const std::string& mode = node.text("pad_mode");
  for (std::size_t i = 0; i < 2; ++i) {
    moves.kernel[i] = kernel[i];
    moves.stride[i] = node.integers(stride)[i];
    if (node.node().attrs.contains("dilation")) moves.dilation[i] = node.integers("dilation")[i];
    if (mode == "pad") moves.before[i] = node.integers("pad_list")[2 * i];
    if (mode != "same") continue;
    const std::int64_t count = (image[i + 2] + moves.stride[i] - 1) / moves.stride[i];
    const std::int64_t wanted = (count - 1) * moves.stride[i] + (moves.kernel[i] - 1) * moves.dilation[i] + 1;
    moves.before[i] = std::max<std::int64_t>(0, wanted - image[i + 2]) / 2;
  }
  return moves;
}

/// Sizes of the result of windows.
Ints window_counts(const NodeView& node, const Ints& image, const Moves& moves) {
  Ints counts;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t size = image[i + 2], reach = (moves.kernel[i] - 1) * moves.dilation[i] + 1;
    const bool pads = node.text("pad_mode") == "pad";
    const std::int64_t room =
        size - reach + (pads ? node.integers("pad_list")[2 * i] + node.integers("pad_list")[2 * i + 1] : 0);
    counts.push_back(node.text("pad_mode") == "same" ? (size + moves.stride[i] - 1) / moves.stride[i]
                                                     : room / moves.stride[i] + 1);
  }
  return counts;
}

/// The shapes of a convolution: x [n, c, h, w], w [o, c / group, kh, kw], y [n, o, …]. Forwards and both gradients
/// multiply the same pairs.
struct Convolution {
  Ints x, w, y;
  std::int64_t group;
  Moves moves;

  /// Calls use(index in x, index in w, index in y) for each product of the sum.
  template <class Use>
  void each(const Use& use) const {
    each_position(y, [&](auto to) {
      const std::int64_t first_channel = to[1] / (w[0] / group) * w[1];
      each_position({w[1], w[2], w[3]}, [&](auto tap) {
        const std::int64_t row = moves.in_image(0, to[2], tap[1]), column = moves.in_image(1, to[3], tap[2]);
        if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) return;
        use(place(x, std::array{to[0], first_channel + tap[0], row, column}),
            place(w, std::array{to[1], tap[0], tap[1], tap[2]}), place(y, to));
      });
    });
  }
};

Convolution convolution(const NodeView& node, const Ints& x, const Ints& w) {
  if (x.size() != 4 || w.size() != 4) fail(node, "not of images");
  const Moves moves = moves_of(node, x, {w[2], w[3]}, "stride");
  const Ints counts = window_counts(node, x, moves);
  return {.x = x, .w = w, .y = {x[0], w[0], counts[0], counts[1]}, .group = node.integer("group"), .moves = moves};
}

Arrays conv2d(const NodeView& node, Inputs in) {
  const Convolution shapes = convolution(node, in[0]->dims, in[1]->dims);
  Array y = zeros(shapes.y);
  shapes.each([&](auto x, auto w, auto to) { y.values[to] += in[0]->values[x] * in[1]->values[w]; });
  return {y};
}

/// Of dy and w.
Arrays conv2d_input(const NodeView& node, Inputs in) {
  const Convolution shapes = convolution(node, node.integers("input_sizes"), in[1]->dims);
  if (shapes.y != in[0]->dims) fail(node, "input_sizes that do not fit");
  Array dx = zeros(shapes.x);
  shapes.each([&](auto x, auto w, auto y) { dx.values[x] += in[0]->values[y] * in[1]->values[w]; });
  return {dx};
}

/// Of dy and x.
Arrays conv2d_filter(const NodeView& node, Inputs in) {
  const Convolution shapes = convolution(node, in[1]->dims, node.integers("filter_sizes"));
  if (shapes.y != in[0]->dims) fail(node, "filter_sizes that do not fit");
  Array dw = zeros(shapes.w);
  shapes.each([&](auto x, auto w, auto y) { dw.values[w] += in[0]->values[y] * in[1]->values[x]; });
  return {dw};
}

// ---- pools ----

/// Calls use(index of the window, indices of its elements that are inside of the image, in order).
template <class Use>
Ints each_window(const NodeView& node, const Ints& x, const Use& use) {
  const Moves moves = moves_of(node, x, node.integers("kernel_size"), "strides");
  const Ints counts = window_counts(node, x, moves);
  const Ints y{x[0], x[1], counts[0], counts[1]};
  std::size_t window = 0;
  each_position(y, [&](auto to) {
    std::vector<std::size_t> inside;
    each_position({moves.kernel[0], moves.kernel[1]}, [&](auto tap) {
      const std::int64_t row = moves.in_image(0, to[2], tap[0]), column = moves.in_image(1, to[3], tap[1]);
      if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) return;
      inside.push_back(place(x, std::array{to[0], to[1], row, column}));
    });
    use(window++, inside);
  });
  return y;
}

/// The first of the largest.
std::size_t largest(const Array& x, const std::vector<std::size_t>& among) {
  return *std::ranges::max_element(among, {}, [&](std::size_t i) { return x.values[i]; });
}

Arrays max_pool(const NodeView& node, Inputs in) {
  Array y;
  y.dims = each_window(node, in[0]->dims, [&](std::size_t, const auto& inside) {
    y.values.push_back(in[0]->values[largest(*in[0], inside)]);
  });
  return {y};
}

/// Of x, y and dy.
Arrays max_pool_grad(const NodeView& node, Inputs in) {
  Array dx = zeros(in[0]->dims);
  each_window(node, dx.dims, [&](std::size_t window, const auto& inside) {
    dx.values[largest(*in[0], inside)] += in[2]->values[window];
  });
  return {dx};
}

Arrays avg_pool(const NodeView& node, Inputs in) {
  Array y;
  y.dims = each_window(node, in[0]->dims, [&](std::size_t, const auto& inside) {
    double sum = 0;
    for (const std::size_t i : inside) sum += in[0]->values[i];
    y.values.push_back(sum / static_cast<double>(inside.size()));
  });
  return {y};
}

/// Of x, y and dy.
Arrays avg_pool_grad(const NodeView& node, Inputs in) {
  Array dx = zeros(in[0]->dims);
  each_window(node, dx.dims, [&](std::size_t window, const auto& inside) {
    for (const std::size_t i : inside) dx.values[i] += in[2]->values[window] / static_cast<double>(inside.size());
  });
  return {dx};
}

// ---- batch normalisation ----

/// Calls use(channel, index) for each element.
template <class Use>
void each_of_channels(const Ints& dims, const Use& use) {
  const std::int64_t inner = behind_channels(dims);
  for (std::int64_t i = 0; i < product(dims); ++i) use(at(i / inner % dims[1]), at(i));
}

/// x, gamma, beta, moving mean and variance; the last two move towards the batch's. The result, two that are zeros, and
/// the mean and (biased) variance of the batch, for the gradient. The moving variance is unbiased.
Arrays batch_norm(const NodeView& node, Inputs in) {
  const Array& x = *in[0];
  const std::size_t channels = at(x.dims[1]);
  const double count = static_cast<double>(x.values.size()) / static_cast<double>(channels);
  Array mean = *in[3], variance = *in[4];
  if (node.flag("is_training")) {
    mean = variance = zeros({x.dims[1]});
    each_of_channels(x.dims, [&](auto c, auto i) { mean.values[c] += x.values[i] / count; });
    each_of_channels(x.dims, [&](auto c, auto i) {
      variance.values[c] += (x.values[i] - mean.values[c]) * (x.values[i] - mean.values[c]) / count;
    });
    const double momentum = node.number("momentum");
    for (std::size_t c = 0; c < channels; ++c) {
      const double unbiased = count > 1 ? variance.values[c] * count / (count - 1) : variance.values[c];
      in[3]->values[c] += momentum * (mean.values[c] - in[3]->values[c]);
      in[4]->values[c] += momentum * (unbiased - in[4]->values[c]);
    }
  }
  Array y = x;
  each_of_channels(x.dims, [&](auto c, auto i) {
    const double normal = (x.values[i] - mean.values[c]) / std::sqrt(variance.values[c] + node.number("epsilon"));
    y.values[i] = normal * in[1]->values[c] + in[2]->values[c];
  });
  return {y, zeros({x.dims[1]}), zeros({x.dims[1]}), mean, variance};
}

/// Of dy, x, gamma, the batch's mean and variance: dx, dgamma, dbeta.
Arrays batch_norm_grad(const NodeView& node, Inputs in) {
  const Array &dy = *in[0], &x = *in[1], &gamma = *in[2], &mean = *in[3], &variance = *in[4];
  const double count = static_cast<double>(x.values.size()) / static_cast<double>(x.dims[1]);
  const auto deviation = [&](std::size_t c) { return std::sqrt(variance.values[c] + node.number("epsilon")); };
  const auto normal = [&](std::size_t c, std::size_t i) { return (x.values[i] - mean.values[c]) / deviation(c); };
  Array dx = x, dgamma = zeros({x.dims[1]}), dbeta = zeros({x.dims[1]});
  each_of_channels(x.dims, [&](auto c, auto i) {
    dgamma.values[c] += dy.values[i] * normal(c, i);
    dbeta.values[c] += dy.values[i];
  });
  each_of_channels(x.dims, [&](auto c, auto i) {
    double own = dy.values[i];
    // with the batch's statistics, x moves them too
    if (node.flag("is_training")) own -= (dbeta.values[c] + normal(c, i) * dgamma.values[c]) / count;
    dx.values[i] = own * gamma.values[c] / deviation(c);
  });
  return {dx, dgamma, dbeta};
}

// ---- losses ----

/// Of each row.
Array log_softmax(const Array& logits) {
  Array result = logits;
  const auto columns = static_cast<std::size_t>(logits.dims[1]);
  for (std::size_t row = 0; row < logits.values.size(); row += columns) {
    const auto first = result.values.begin() + static_cast<std::ptrdiff_t>(row);
    const auto last = first + static_cast<std::ptrdiff_t>(columns);
    const double most = *std::max_element(first, last);
    double sum = 0;
    for (auto i = first; i != last; ++i) sum += std::exp(*i - most);
    for (auto i = first; i != last; ++i) *i -= most + std::log(sum);
  }
  return result;
}

/// Logits [n, classes] and labels as numbers: the mean over the rows, or with is_grad its gradient.
Arrays sparse_cross_entropy(const NodeView& node, Inputs in) {
  const Array logs = log_softmax(*in[0]);
  const std::int64_t rows = logs.dims[0], columns = logs.dims[1];
  Array loss = zeros({}), gradient = logs;
  for (double& value : gradient.values) value = std::exp(value) / static_cast<double>(rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const double label = in[1]->values[at(row)];
    if (label < 0 || label >= static_cast<double>(columns)) fail(node, "a label out of range");
    const std::size_t own = at(row * columns + static_cast<std::int64_t>(label));
    loss.values[0] -= logs.values[own] / static_cast<double>(rows);
    gradient.values[own] -= 1 / static_cast<double>(rows);
  }
  return {node.flag("is_grad") ? gradient : loss};
}

/// Logits and labels [n, classes]: the loss of each row, and its gradient.
Arrays cross_entropy(const NodeView&, Inputs in) {
  const Array logs = log_softmax(*in[0]);
  const auto columns = static_cast<std::size_t>(logs.dims[1]);
  Array loss = zeros({logs.dims[0]}), gradient = logs;
  for (std::size_t i = 0; i < logs.values.size(); ++i) {
    loss.values[i / columns] -= in[1]->values[i] * logs.values[i];
    gradient.values[i] = std::exp(logs.values[i]) - in[1]->values[i];
  }
  return {loss, gradient};
}

// ---- updates ----

Arrays assign(const NodeView&, Inputs in) {
  in[0]->values = in[1]->values;
  return {*in[0]};
}

Arrays assign_add(const NodeView& node, Inputs in) {
  *in[0] = broadcast(node, *in[0], *in[1], plus);
  return {*in[0]};
}

/// variable, accumulation, learning rate, gradient, momentum.
Arrays apply_momentum(const NodeView& node, Inputs in) {
  const double rate = in[2]->values[0], momentum = in[4]->values[0], scale = node.number("gradient_scale");
  for (std::size_t i = 0; i < in[0]->values.size(); ++i) {
    const double gradient = in[3]->values[i] * scale;
    double& moment = in[1]->values[i];
    moment = moment * momentum + gradient;
    in[0]->values[i] -= rate * (node.flag("use_nesterov") ? gradient + momentum * moment : moment);
  }
  return {*in[0]};
}

/// parameters, gradient, learning rate, accum, momentum, stat. The first step, where stat is above zero, has nothing to
/// add the gradient to, and is not dampened.
Arrays sgd(const NodeView& node, Inputs in) {
  const double rate = in[2]->values[0], momentum = in[4]->values[0];
  for (std::size_t i = 0; i < in[0]->values.size(); ++i) {
    double step = in[1]->values[i] + node.number("weight_decay") * in[0]->values[i];
    if (momentum > 0) {
      double &accum = in[3]->values[i], &stat = in[5]->values[i];
      accum = stat > 0 ? step : accum * momentum + (1 - node.number("dampening")) * step;
      stat = 0;
      step = node.flag("nesterov") ? step + momentum * accum : accum;
    }
    in[0]->values[i] -= rate * step;
  }
  return {*in[0]};
}

/// var, m, v, beta1^t, beta2^t, learning rate, beta1, beta2, epsilon, gradient.
Arrays adam(const NodeView& node, Inputs in) {
  const auto number = [&](std::size_t i) { return in[i]->values[0]; };
  const double rate = number(5) * std::sqrt(1 - number(4)) / (1 - number(3));
  for (std::size_t i = 0; i < in[0]->values.size(); ++i) {
    const double gradient = in[9]->values[i];
    double &m = in[1]->values[i], &v = in[2]->values[i];
    m += (1 - number(6)) * (gradient - m);
    v += (1 - number(7)) * (gradient * gradient - v);
    const double step = node.flag("use_nesterov") ? number(6) * m + (1 - number(6)) * gradient : m;
    in[0]->values[i] -= rate * step / (std::sqrt(v) + number(8));
  }
  return {*in[0], *in[1], *in[2]};
}

using Rule = Arrays (*)(const NodeView&, Inputs);

const std::map<std::string, Rule, std::less<>> kRules = {
    {"Adam", adam},
    {"Add", of_both<plus>},
    {"AddN", add_n},
    {"ApplyMomentum", apply_momentum},
    {"Assign", assign},
    {"AssignAdd", assign_add},
    {"AvgPool", avg_pool},
    {"AvgPoolGrad", avg_pool_grad},
    {"BatchNorm", batch_norm},
    {"BatchNormGrad", batch_norm_grad},
    {"BiasAdd", bias_add},
    {"BiasAddGrad", bias_add_grad},
    {"BroadcastTo", broadcast_to},
    {"Cast", cast},
    {"Conv2D", conv2d},
    {"Conv2DBackpropFilter", conv2d_filter},
    {"Conv2DBackpropInput", conv2d_input},
    {"Div", of_both<over>},
    {"ExpandDims", expand_dims},
    {"Flatten", flatten},
    {"Gather", gather},
    {"Identity", identity},
    {"MatMul", matmul},
    {"MaxPool", max_pool},
    {"MaxPoolGrad", max_pool_grad},
    {"Mul", of_both<times>},
    {"Muls", times_scalar},
    {"Neg", negate},
    {"OneHot", one_hot},
    {"Pad", pad},
    {"ReLU", relu},
    {"ReLU6", relu6},
    {"ReLU6Grad", relu6_grad},
    {"RealDiv", of_both<over>},
    {"ReduceMean", reduce_mean},
    {"ReduceSum", reduce_sum},
    {"ReluGrad", relu_grad},
    {"Reshape", reshape},
    {"SGD", sgd},
    {"Sigmoid", sigmoid},
    {"SigmoidGrad", sigmoid_grad},
    {"Slice", slice},
    {"SoftmaxCrossEntropyWithLogits", cross_entropy},
    {"SparseSoftmaxCrossEntropyWithLogits", sparse_cross_entropy},
    {"Square", square},
    {"Squeeze", squeeze},
    {"Sub", of_both<minus>},
    {"Tanh", tanh},
    {"TanhGrad", tanh_grad},
    {"Tile", tile},
    {"Transpose", transpose},
};

Array array_of(const graph::Value& value) {
  Ints dims;
  for (const graph::Dim& dim : value.type.dims) {
    if (!dim.known()) throw std::runtime_error("'" + value.name + "' is " + to_string(value.type));
    dims.push_back(dim.size);
  }
  Array array = zeros(std::move(dims));
  if (!value.bound) return array;
  const auto bytes = graph::bytes_of(value.contents, std::numeric_limits<std::uint64_t>::max());
  if (!bytes) throw std::runtime_error("'" + value.name + "': " + bytes.error().message);
  to_double(value.type.dtype, *bytes, array.values);
  return array;
}

}  // namespace

Array zeros(Ints dims) {
  const std::int64_t count = product(dims);
  return {.dims = std::move(dims), .values = std::vector<double>(at(count), 0.0)};
}

std::vector<Array> run_node(const NodeView& node, std::span<Array* const> inputs) {
  const auto rule = kRules.find(node.node().op);
  if (rule == kRules.end()) fail(node, "not an operator that the reference has");
  Arrays results = rule->second(node, inputs);
  if (results.size() < node.node().outputs.size()) fail(node, "more results than there are");
  results.resize(node.node().outputs.size());
  return results;
}

Reference::Reference(const graph::Graph& graph) : graph_(graph), values_(graph.values.size()) {
  for (std::size_t id = 0; id < values_.size(); ++id) {
    const graph::Value& value = graph.values[id];
    const bool there = value.kind == graph::ValueKind::parameter || value.kind == graph::ValueKind::constant;
    if (there) values_[id] = array_of(value);
  }
}

Array& Reference::value(std::string_view name) {
  const auto found = std::ranges::find(graph_.values, name, &graph::Value::name);
  if (found == graph_.values.end()) throw std::out_of_range("no value is called '" + std::string(name) + "'");
  return values_[static_cast<std::size_t>(found - graph_.values.begin())];
}

std::vector<Array> Reference::run(const std::vector<Array>& inputs) {
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) values_[graph_.inputs[i]] = inputs.at(i);
  for (const graph::Node& node : graph_.nodes) {
    std::vector<Array*> operands;
    for (const graph::ValueId id : node.inputs) operands.push_back(id == graph::kAbsent ? nullptr : &values_[id]);
    std::vector<Array> results = run_node(NodeView(graph_, node), operands);
    for (std::size_t i = 0; i < results.size(); ++i) values_[node.outputs[i]] = std::move(results[i]);
  }
  std::vector<Array> outputs;
  for (const graph::ValueId id : graph_.outputs) outputs.push_back(values_[id]);
  return outputs;
}

}  // namespace ckpt::train::test
