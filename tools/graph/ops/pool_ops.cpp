#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

/// A pool, whichever of MindSpore's operators it came from.
struct Pool {
  Ints kernel = {}, stride = {}, dilation = {};
  std::string pad_mode = "pad";
  Ints pads = {};  ///< begin and end of each axis
  bool ceil_mode = false;
  bool count_pads = false;         ///< of an average: the pads count as zeros
  std::int64_t divisor = 0;        ///< of an average: instead of the count; 0: none
  DType indices = DType::unknown;  ///< of a second result

  bool same() const noexcept { return pad_mode == "same"; }
};

using Reader = Result<Pool> (*)(const NodeView&);

/// MaxPool, AvgPool.
Result<Pool> own_form(const NodeView& node) {
  if (auto status = want_format(node, "NCHW"); !status) return status.error();
  const Ints& kernel = node.integers("kernel_size");
  return Pool{.kernel = kernel,
              .stride = node.integers("strides"),
              .dilation = Ints(kernel.size(), 1),
              .pad_mode = node.text("pad_mode")};
}

Result<Pool> argmax_form(const NodeView& node) {
  auto pool = own_form(node);
  if (pool) pool->indices = DType::int32;
  return pool;
}

/// AvgPool3D, MaxPool3D.
Result<Pool> own_3d_form(const NodeView& node) {
  if (auto status = want_format(node, "NCDHW"); !status) return status.error();
  return Pool{.kernel = node.integers("kernel_size"),
              .stride = node.integers("strides"),
              .dilation = Ints(3, 1),
              .pad_mode = node.text("pad_mode"),
              .pads = pad_list(node)};
}

Result<Pool> average_3d_form(const NodeView& node) {
  auto pool = own_3d_form(node);
  if (!pool) return pool;
  pool->ceil_mode = node.flag("ceil_mode");
  pool->count_pads = node.flag("count_include_pad");
  pool->divisor = node.integer("divisor_override");
  return pool;
}

Result<Pool> max_3d_form(const NodeView& node) {
  auto pool = own_3d_form(node);
  if (!pool) return pool;
  pool->ceil_mode = !node.is_none("ceil_mode") && node.integer("ceil_mode") != 0;
  pool->dilation = node.integers("dilation");  // which GE's has
  return pool;
}

/// One that pads both sides alike, and whose windows lie side by side where no stride is given.
Pool even_form(const NodeView& node, std::string_view stride, std::string_view pads) {
  const Ints& kernel = node.integers("kernel_size");
  return {.kernel = kernel,
          .stride = node.is_none(stride) ? kernel : node.integers(stride),
          .dilation = Ints(kernel.size(), 1),
          .pads = both_sides(node.integers(pads)),
          .ceil_mode = node.flag("ceil_mode")};
}

/// MaxPoolWithIndices and its like.
Result<Pool> indices_form(const NodeView& node) {
  Pool pool = even_form(node, "strides", "pads");
  pool.dilation = node.integers("dilation");
  pool.indices = node.dtype("argmax_type");
  return pool;
}

Result<Pool> function_form(const NodeView& node) {
  Pool pool = even_form(node, "stride", "padding");
  pool.dilation = node.integers("dilation");
  pool.indices = DType::int64;
  return pool;
}

/// AvgPool2D and its like.
Result<Pool> average_form(const NodeView& node) {
  Pool pool = even_form(node, "stride", "padding");
  pool.count_pads = node.flag("count_include_pad");
  return pool;
}

Result<Pool> average_divisor_form(const NodeView& node) {
  auto pool = average_form(node);
  if (pool && !node.is_none("divisor_override")) pool->divisor = node.integer("divisor_override");
  return pool;
}

Result<Windows> pool_windows(const NodeView& node, const Pool& pool) {
  return windows(node.type(0).dims, pool.kernel, pool.stride, pool.dilation, pool.pad_mode, pool.pads);
}

template <Reader read>
Types pool_types(const NodeView& node) {
  auto pool = read(node);
  if (!pool) return pool.error();
  auto moved = pool_windows(node, *pool);
  if (!moved) return moved.error();
  const Dims& input = node.type(0).dims;
  auto sizes = window_sizes(input, *moved, pool->same(), pool->ceil_mode);
  if (!sizes) return sizes.error();
  Type type{.dtype = node.type(0).dtype, .dims = {input[0], input[1]}};
  type.dims.insert(type.dims.end(), sizes->begin(), sizes->end());
  std::vector<Type> types{type};
  if (pool->indices != DType::unknown) types.push_back({.dtype = pool->indices, .dims = type.dims});
  return types;
}

/// Over a size that is not known: pads that leave room for whatever is left, if no window can begin behind the input.
Status fit_ceil_of_any(Window& window, bool counts) {
  const std::int64_t more = window.stride - 1;
  const bool inside = window.reach() >= window.stride + window.end && window.end + more < window.kernel;
  if (!inside || counts) return refuse("ceil_mode over a size that is not known");
  window.end += more;
  return {};
}

/// Makes the windows of ceil_mode ordinary ones: the pads behind grow until the last one fits. How much they grew is
/// what the caller has to know. `counts`: pads are part of an average.
Result<Ints> fit_ceil(const Dims& input, Windows& moved, bool counts) {
  Ints grown;
  for (std::size_t i = 0; i < moved.axes.size(); ++i) {
    Window& window = moved.axes[i];
    const Dim& size = input[i + 2];
    if (!size.known()) {
      if (auto status = fit_ceil_of_any(window, counts); !status) return status.error();
      grown.push_back(0);
      continue;
    }
    const std::int64_t count = window_count(size.size, window, true);
    const std::int64_t end = (count - 1) * window.stride + window.reach() - size.size - window.begin;
    grown.push_back(std::max<std::int64_t>(0, end - window.end));
    window.end = std::max(window.end, end);
  }
  return grown;
}

NamedAttrs window_attrs(const Windows& moved, bool dilated) {
  const WindowLists of = lists_of(moved);
  NamedAttrs attrs{{"kernel_shape", of.kernel}, {"strides", of.strides}};
  if (dilated) attrs.insert(attrs.begin(), {"dilations", of.dilations});
  if (moved.known) {
    attrs.push_back({"pads", of.pads});
  } else {
    attrs.insert(attrs.begin(), {"auto_pad", std::string("SAME_UPPER")});
  }
  return attrs;
}

template <Reader read>
Status max_onnx(const NodeView& node, Target& target) {
  auto pool = read(node);
  if (!pool) return pool.error();
  auto moved = pool_windows(node, *pool);
  if (!moved) return moved.error();
  if (pool->ceil_mode) {
    if (auto grown = fit_ceil(node.type(0).dims, *moved, false); !grown) return grown.error();
  }
  const bool dilated = std::ranges::any_of(pool->dilation, [](std::int64_t d) { return d != 1; });
  if (dilated && !moved->known) return refuse("pad_mode same with dilation over a size that is not known");
  target.result(0, target.add("MaxPool", {in(node, target, 0)}, window_attrs(*moved, dilated)));
  return {};
}

/// For each place of the result: the window's elements divided by those that count.
Ref corrections(Target& target, const Type& input, const Windows& moved, const Ints& grown) {
  std::vector<double> factors{1};
  Dims dims{Dim(1), Dim(1)};
  for (std::size_t i = 0; i < moved.axes.size(); ++i) {
    const Window& window = moved.axes[i];
    const std::int64_t padded = input.dims[i + 2].size + window.begin + window.end;
    const std::int64_t count = (padded - window.reach()) / window.stride + 1;
    std::vector<double> next;
    for (const double factor : factors) {
      for (std::int64_t k = 0; k < count; ++k) {
        const std::int64_t outside = k * window.stride + window.kernel - (padded - grown[i]);
        const std::int64_t counted = window.kernel - std::max<std::int64_t>(0, outside);
        next.push_back(factor * static_cast<double>(window.kernel) / static_cast<double>(counted));
      }
    }
    factors = std::move(next);
    dims.emplace_back(count);
  }
  return target.tensor({input.dtype, dims}, contents_of(input.dtype, factors));
}

template <Reader read>
Status average_onnx(const NodeView& node, Target& target) {
  auto pool = read(node);
  if (!pool) return pool.error();
  auto moved = pool_windows(node, *pool);
  if (!moved) return moved.error();
  const Type& input = node.type(0);
  Ints grown;
  if (pool->ceil_mode) {
    // Without pads those that ceil_mode adds do not count either way.
    const auto padded = [](const Window& window) { return window.begin > 0 || window.end > 0; };
    if (!pool->divisor && std::ranges::none_of(moved->axes, padded)) pool->count_pads = false;
    auto fitted = fit_ceil(input.dims, *moved, pool->count_pads || pool->divisor != 0);
    if (!fitted) return fitted.error();
    grown = std::move(*fitted);
  }
  if (pool->divisor != 0 && !moved->known) return refuse("divisor_override over a size that is not known");
  const bool uneven = std::ranges::any_of(grown, [](std::int64_t g) { return g > 0; });
  const bool whole_windows = pool->count_pads || pool->divisor != 0;
  NamedAttrs attrs = window_attrs(*moved, false);
  attrs.insert(attrs.begin(), {"count_include_pad", std::int64_t{whole_windows}});
  const Ref average = target.add("AveragePool", {in(node, target, 0)}, std::move(attrs), node.result_type());
  Ref result = average;
  if (pool->divisor != 0) {
    double factor = 1.0 / static_cast<double>(pool->divisor);
    for (const std::int64_t k : pool->kernel) factor *= static_cast<double>(k);
    result = target.add("Mul", {average, target.scalar(factor, input.dtype)});
  } else if (uneven && pool->count_pads) {
    result = target.add("Mul", {average, corrections(target, input, *moved, grown)});
  }
  target.result(0, result);
  return {};
}

// ---- adaptive ----

/// Sizes asked for, one an axis; -1 is the input's.
Result<Ints> adaptive_sizes(const NodeView& node) {
  const Dims& input = node.type(0).dims;
  const std::string& op = node.node().op;
  const std::size_t axes = op.ends_with("1D") ? 1 : op.ends_with("3D") ? 3 : 2;
  if (input.size() != axes + 2) return refuse("input is " + to_string(node.type(0)));
  Ints sizes = node.integers("output_size");
  if (sizes.size() == 1) sizes.resize(axes, sizes[0]);
  if (sizes.size() != axes) return refuse("output_size has " + std::to_string(sizes.size()) + " numbers");
  for (std::size_t i = 0; i < axes; ++i) {
    if (sizes[i] < 0 && input[i + 2].known()) sizes[i] = input[i + 2].size;
    if (sizes[i] <= 0) return refuse("output_size " + std::to_string(sizes[i]));
  }
  return sizes;
}

Types adaptive_types(const NodeView& node) {
  auto sizes = adaptive_sizes(node);
  if (!sizes) return sizes.error();
  Type type = node.type(0);
  for (std::size_t i = 0; i < sizes->size(); ++i) type.dims[i + 2] = Dim((*sizes)[i]);
  return std::vector<Type>{type, {.dtype = DType::int64, .dims = type.dims}};
}

/// The window of an adaptive pool, if all are of one size and side by side.
std::optional<Windows> even_windows(const Dims& input, const Ints& sizes) {
  Windows moved;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const Dim& size = input[i + 2];
    if (!size.known() || size.size % sizes[i] != 0) return std::nullopt;
    const std::int64_t window = size.size / sizes[i];
    moved.axes.push_back({.kernel = window, .stride = window});
  }
  return moved;
}

bool all_ones(const Ints& sizes) {
  return std::ranges::all_of(sizes, [](std::int64_t size) { return size == 1; });
}

constexpr std::int64_t kMaxMatrix = std::int64_t{1} << 20;  // elements: a thousand pixels to a thousand

/// A matrix that averages `size` values to `count`: rows are windows from floor(i*size/count) to the ceiling of the
/// next.
Ref averaging_matrix(Target& target, DType dtype, std::int64_t size, std::int64_t count, bool transposed) {
  std::vector<double> matrix(static_cast<std::size_t>(size * count), 0.0);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t first = i * size / count;
    const std::int64_t last = ((i + 1) * size + count - 1) / count;
    for (std::int64_t k = first; k < last; ++k) {
      const std::int64_t at = transposed ? k * count + i : i * size + k;
      matrix[static_cast<std::size_t>(at)] = 1.0 / static_cast<double>(last - first);
    }
  }
  const Dims dims = transposed ? Dims{Dim(size), Dim(count)} : Dims{Dim(count), Dim(size)};
  return target.tensor({dtype, dims}, contents_of(dtype, matrix));
}

Status adaptive_average_onnx(const NodeView& node, Target& target) {
  auto sizes = adaptive_sizes(node);
  if (!sizes) return sizes.error();
  const Type& input = node.type(0);
  Ref result = in(node, target, 0);
  if (all_ones(*sizes)) {
    target.result(0, target.add("GlobalAveragePool", {result}));
    return {};
  }
  if (const auto even = even_windows(input.dims, *sizes)) {
    target.result(0, target.add("AveragePool", {result}, window_attrs(*even, false)));
    return {};
  }
  Type type = input;
  for (std::size_t i = sizes->size(); i-- > 0;) {
    const Dim& size = input.dims[i + 2];
    if (!size.known()) return refuse("adaptive pool over a size that is not known");
    if ((*sizes)[i] < 1 || size.size < 1 || (*sizes)[i] > kMaxMatrix / size.size)
      return refuse("adaptive pool from " + std::to_string(size.size) + " to " + std::to_string((*sizes)[i]));
    const bool last = i + 1 == sizes->size();
    const Ref matrix = averaging_matrix(target, input.dtype, size.size, (*sizes)[i], last);
    // Matrices have two axes: those behind are one for a while.
    const bool deep = i + 2 < sizes->size();
    const std::int64_t behind = deep ? (*sizes)[1] * (*sizes)[2] : 0;
    if (deep)
      result = reshape(target, result, {0, 0, size.size, behind},
                       {input.dtype, {input.dims[0], input.dims[1], size, Dim(behind)}});
    type.dims[i + 2] = Dim((*sizes)[i]);
    const Type flat{input.dtype, {input.dims[0], input.dims[1], type.dims[2], Dim(behind)}};
    result = target.add("MatMul", last ? std::vector<Ref>{result, matrix} : std::vector<Ref>{matrix, result}, {},
                        deep ? flat : type);
    if (deep) result = reshape(target, result, {0, 0, (*sizes)[0], (*sizes)[1], (*sizes)[2]}, type);
  }
  target.result(0, result);
  return {};
}

/// Windows of different sizes: one after the other, along each axis.
Status uneven_max(const NodeView& node, Target& target, const Ints& sizes) {
  constexpr std::int64_t kMost = 64;
  Type type = node.type(0);
  Ref result = in(node, target, 0);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto axis = static_cast<std::int64_t>(i + 2);
    const Dim size = type.dims[i + 2];
    if (!size.known()) return refuse("adaptive pool over a size that is not known");
    if (sizes[i] > kMost || sizes[i] > size.size) {
      return refuse("adaptive pool from " + std::to_string(size.size) + " to " + std::to_string(sizes[i]));
    }
    std::vector<Ref> parts;
    for (std::int64_t k = 0; k < sizes[i]; ++k) {
      const std::int64_t first = k * size.size / sizes[i];
      const std::int64_t last = ((k + 1) * size.size + sizes[i] - 1) / sizes[i];
      type.dims[i + 2] = Dim(last - first);
      const Ref window = slice(target, result, {first}, {last}, {axis}, {1}, type);
      type.dims[i + 2] = Dim(1);
      parts.push_back(reduce(target, "ReduceMax", window, {axis}, true, type));
    }
    type.dims[i + 2] = Dim(sizes[i]);
    result = target.add("Concat", std::move(parts), {{"axis", axis}}, type);
  }
  target.result(0, result);
  return {};
}

Status adaptive_max_onnx(const NodeView& node, Target& target) {
  auto sizes = adaptive_sizes(node);
  if (!sizes) return sizes.error();
  if (all_ones(*sizes)) {
    target.result(0, target.add("GlobalMaxPool", {in(node, target, 0)}));
    return {};
  }
  const auto even = even_windows(node.type(0).dims, *sizes);
  if (!even) return uneven_max(node, target, *sizes);
  target.result(0, target.add("MaxPool", {in(node, target, 0)}, window_attrs(*even, false)));
  return {};
}

// ---- the table ----

using Arguments = std::vector<Argument>;

template <Reader kForm>
Op max_op(std::string_view name, Arguments arguments) {
  return {.name = name, .arguments = std::move(arguments), .infer = pool_types<kForm>, .to_onnx = max_onnx<kForm>};
}

template <Reader kForm>
Op average_op(std::string_view name, Arguments arguments) {
  return {.name = name, .arguments = std::move(arguments), .infer = pool_types<kForm>, .to_onnx = average_onnx<kForm>};
}

Op adaptive_op(std::string_view name, Status (*rule)(const NodeView&, Target&), std::string_view was = {}) {
  return {.name = name,
          .was = was,
          .arguments = {tensor("input"), integers("output_size")},
          .infer = adaptive_types,
          .to_onnx = rule};
}

}  // namespace

std::vector<Op> pool_ops() {
  const auto pool = [] {
    return Arguments{tensor("x"), per_axis("kernel_size", 2, Ints{1, 1}, "ksize"),
                     per_axis("strides", 2, Ints{1, 1}, "stride"), text("pad_mode", words("valid"), "padding"),
                     text("format", words("NCHW"), "data_format")};
  };
  const auto with_indices = [](std::size_t axes) {
    return Arguments{tensor("x"),
                     per_axis("kernel_size", axes, {}, "ksize"),
                     per_axis("strides", axes, None{}, "stride"),
                     per_axis("pads", axes, Ints(axes, 0), "pad padding"),
                     per_axis("dilation", axes, Ints(axes, 1)),
                     flag("ceil_mode", false),
                     dtype("argmax_type", DType::int64)};
  };
  const auto average = [](std::size_t axes) {
    return Arguments{tensor("input"),
                     per_axis("kernel_size", axes),
                     per_axis("stride", axes, None{}),
                     per_axis("padding", axes, Ints(axes, 0)),
                     flag("ceil_mode", false),
                     flag("count_include_pad", true),
                     integer("divisor_override", None{})};
  };
  return {
      adaptive_op("AdaptiveAvgPool1D", adaptive_average_onnx),
      adaptive_op("AdaptiveAvgPool2D", adaptive_average_onnx, "AdaptiveAvgPool2DExt"),
      adaptive_op("AdaptiveAvgPool3D", adaptive_average_onnx, "AdaptiveAvgPool3DExt"),
      adaptive_op("AdaptiveMaxPool1D", adaptive_max_onnx),
      adaptive_op("AdaptiveMaxPool2D", adaptive_max_onnx),
      average_op<own_form>("AvgPool", pool()),
      average_op<average_form>(
          "AvgPool1D", {tensor("input"), per_axis("kernel_size", 1), per_axis("stride", 1, None{}),
                        per_axis("padding", 1, Ints{0}), flag("ceil_mode", false), flag("count_include_pad", true)}),
      average_op<average_divisor_form>("AvgPool2D", average(2)),
      average_op<average_3d_form>(
          "AvgPool3D",
          {tensor("x"), per_axis("kernel_size", 3, Ints{1, 1, 1}, "ksize"),
           per_axis("strides", 3, Ints{1, 1, 1}, "stride"), text("pad_mode", words("valid")),
           per_axis("pad_list", 6, None{}, "pad"), flag("ceil_mode", false), flag("count_include_pad", true),
           integer("divisor_override", whole(0)), text("format", words("NCDHW"), "data_format")}),
      average_op<average_divisor_form>("AvgPool3DExt", average(3)),
      max_op<function_form>("FuncMaxPool2D",
                            {tensor("input"), per_axis("kernel_size", 2), per_axis("stride", 2, None{}),
                             per_axis("padding", 2, Ints{0, 0}), per_axis("dilation", 2, Ints{1, 1}),
                             flag("ceil_mode", false), flag("return_indices", false)}),
      {.name = "MaxPool",
       .arguments = pool(),
       .has_attributes = true,
       .infer = pool_types<own_form>,
       .to_onnx = max_onnx<own_form>},
      max_op<max_3d_form>("MaxPool3D",
                          {tensor("x"), per_axis("kernel_size", 3, Ints{1, 1, 1}, "ksize"),
                           per_axis("strides", 3, Ints{1, 1, 1}, "stride"), text("pad_mode", words("valid")),
                           per_axis("pad_list", 6, None{}, "pad"), integer("ceil_mode", None{}),
                           per_axis("dilation", 3, Ints{1, 1, 1}), text("format", words("NCDHW"), "data_format")}),
      max_op<indices_form>("MaxPool3DWithArgmax", with_indices(3)),
      max_op<argmax_form>("MaxPoolWithArgmax", pool()),
      max_op<indices_form>("MaxPoolWithArgmaxV2", with_indices(2)),
      max_op<indices_form>("MaxPoolWithIndices", with_indices(2)),
      max_op<indices_form>("MaxPoolWithMask", with_indices(2)),
  };
}

}  // namespace ckpt::graph
