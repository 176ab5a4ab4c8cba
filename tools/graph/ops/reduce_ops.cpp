#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// ---- types ----

/// Without the axes, or with ones in their place. No axes: all.
Result<Dims> reduced(const Dims& input, const Ints& axes, bool keep) {
  auto positions = axes_of(axes, input.size());
  if (!positions) return positions.error();
  Dims dims;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const bool gone = std::ranges::binary_search(*positions, i);
    if (!gone) dims.push_back(input[i]);
    if (gone && keep) dims.emplace_back(1);
  }
  return dims;
}

Types reduced_type(const NodeView& node, const Ints& axes, bool keep, DType dtype) {
  auto dims = reduced(node.type(0).dims, axes, keep);
  if (!dims) return dims.error();
  return std::vector<Type>{{dtype, std::move(*dims)}};
}

/// What the operators call the same thing.
struct Reduction {
  Ints axes = {};
  bool keep = false;
  bool nothing = false;  ///< skip_mode: no axes are none, not all
};

Reduction own_form(const NodeView& node) { return {node.integers("axis"), node.flag("keep_dims")}; }

Reduction sum_form(const NodeView& node) {
  Reduction form = own_form(node);
  form.nothing = node.flag("skip_mode") && form.axes.empty();
  return form;
}

Reduction ext_form(const NodeView& node) {
  return {node.is_none("dim") ? Ints{} : node.integers("dim"), node.flag("keepdim")};
}

Reduction whole_form(const NodeView&) { return {}; }

using Reader = Reduction (*)(const NodeView&);

template <Reader read>
Types reduce_types(const NodeView& node) {
  const Reduction form = read(node);
  return form.nothing ? same(node) : reduced_type(node, form.axes, form.keep, node.type(0).dtype);
}

/// Of sums and products: integers and booleans become int64.
Types sum_types(const NodeView& node) {
  const Reduction form = ext_form(node);
  DType dtype = node.type(0).dtype;
  if (!is_floating(dtype)) dtype = DType::int64;
  if (!node.is_none("dtype")) dtype = node.dtype("dtype");
  return reduced_type(node, form.axes, form.keep, dtype);
}

Types mean_types(const NodeView& node) {
  const Reduction form = ext_form(node);
  return reduced_type(node, form.axes, form.keep, node.is_none("dtype") ? node.type(0).dtype : node.dtype("dtype"));
}

// ---- ONNX ----

template <Name kName, Reader read>
Status reduce_onnx(const NodeView& node, Target& target) {
  const Reduction form = read(node);
  Ref x = in_as(node, target, 0, node.result_type().dtype);
  const bool scalar = node.type(0).dims.empty();
  target.result(0, form.nothing || scalar ? x : reduce(target, kName.view(), x, form.axes, form.keep));
  return {};
}

/// All and any, as the least and the largest of zeros and ones.
template <Name kName>
Status truth_onnx(const NodeView& node, Target& target) {
  const Reduction form = own_form(node);
  const Ref numbers = cast(target, in(node, target, 0), DType::int32, node.type(0).dims);
  const Ref result =
      reduce(target, kName.view(), numbers, form.axes, form.keep, {DType::int32, node.result_type().dims});
  target.result(0, target.add("Cast", {result}, {{"to", onnx_dtype(DType::boolean)}}));
  return {};
}

// ---- where the largest is ----

NamedAttrs along(std::int64_t axis, bool keep) { return {{"axis", axis}, {"keepdims", std::int64_t{keep}}}; }

/// ONNX gives int64.
Ref index_of(const NodeView& node, Target& target, std::string_view op, Ref x, std::int64_t axis, bool keep,
             const Type& wanted) {
  if (node.type(0).dims.empty()) return target.scalar(0, wanted.dtype);
  const Ref index = target.add(op, {x}, along(axis, keep), {DType::int64, wanted.dims});
  return wanted.dtype == DType::int64 ? index : cast(target, index, wanted.dtype, wanted.dims);
}

Types arg_types(const NodeView& node) {
  return reduced_type(node, {node.integer("axis")}, false, node.dtype("output_type"));
}

template <Name kName>
Status arg_onnx(const NodeView& node, Target& target) {
  const Ref x = in(node, target, 0);
  target.result(0, index_of(node, target, kName.view(), x, node.integer("axis"), false, node.result_type()));
  return {};
}

Types arg_ext_types(const NodeView& node) {
  if (!node.is_none("dim")) return reduced_type(node, {node.integer("dim")}, node.flag("keepdim"), DType::int64);
  return reduced_type(node, {}, node.flag("keepdim"), DType::int64);
}

/// Without a dim: the place in the flattened input.
template <Name kName>
Status arg_ext_onnx(const NodeView& node, Target& target) {
  Ref x = in(node, target, 0);
  if (!node.is_none("dim")) {
    target.result(
        0, index_of(node, target, kName.view(), x, node.integer("dim"), node.flag("keepdim"), node.result_type()));
    return {};
  }
  if (node.flag("keepdim") && node.type(0).dims.size() > 1) return refuse("keepdim without a dim");
  x = reshape(target, x, {-1}, {node.type(0).dtype, {Dim()}});
  target.result(0, target.add(kName.view(), {x}, along(0, node.flag("keepdim"))));
  return {};
}

/// Index and value, in the order of ArgMaxWithValue, or the other way round. The index is Int32 in releases before 2.x
/// and Int64 in those: as the source has it.
Types with_value_types(const NodeView& node) {
  auto value = reduced_type(node, {node.integer("axis")}, node.flag("keep_dims"), node.type(0).dtype);
  const DType index = node.result_type().dtype == DType::int64 ? DType::int64 : DType::int32;
  if (value) value->insert(value->begin(), {index, (*value)[0].dims});
  return value;
}

template <Name kArg, Name kReduce>
Status with_value_onnx(const NodeView& node, Target& target) {
  const Ref x = in(node, target, 0);
  const std::int64_t axis = node.integer("axis");
  const bool keep = node.flag("keep_dims");
  auto types = with_value_types(node);
  if (!types) return types.error();
  target.result(0, index_of(node, target, kArg.view(), x, axis, keep, (*types)[0]));
  if (node.node().outputs.size() > 1) target.result(1, reduce(target, kReduce.view(), x, {axis}, keep));
  return {};
}

Types dim_types(const NodeView& node) {
  auto value = reduced_type(node, {node.integer("dim")}, node.flag("keepdim"), node.type(0).dtype);
  if (value) value->push_back({DType::int64, (*value)[0].dims});
  return value;
}

template <Name kArg, Name kReduce>
Status dim_onnx(const NodeView& node, Target& target) {
  const Ref x = in(node, target, 0);
  const std::int64_t axis = node.integer("dim");
  const bool keep = node.flag("keepdim");
  auto types = dim_types(node);
  if (!types) return types.error();
  target.result(0, reduce(target, kReduce.view(), x, {axis}, keep));
  if (node.node().outputs.size() > 1) {
    target.result(1, index_of(node, target, kArg.view(), x, axis, keep, (*types)[1]));
  }
  return {};
}

// ---- running sums ----

Types along_types(const NodeView& node, std::string_view attribute) {
  if (auto axis = axis_of(node.integer(attribute), node.type(0).dims.size()); !axis) return axis.error();
  return same(node);
}

Types cumsum_types(const NodeView& node) { return along_types(node, "axis"); }

Ref axis_input(Target& target, std::int64_t axis) { return target.scalar(static_cast<double>(axis), DType::int64); }

Status cumsum(const NodeView& node, Target& target) {
  target.result(0, target.add("CumSum", {in(node, target, 0), axis_input(target, node.integer("axis"))},
                              {{"exclusive", std::int64_t{node.flag("exclusive")}},
                               {"reverse", std::int64_t{node.flag("reverse")}}}));
  return {};
}

/// ONNX has no product of this kind: after the step of 2^k each element is the product of 2^(k+1) of them.
Status cumprod(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  auto at = axis_of(node.integer("axis"), type.dims.size());
  if (!at) return at.error();
  const auto axis = static_cast<std::int64_t>(*at);
  const Dim& size = type.dims[*at];
  if (!size.known()) return refuse("along an axis whose size is not known");
  const bool reverse = node.flag("reverse");
  const Ref one = target.scalar(1, type.dtype);
  const auto shifted = [&](Ref x, std::int64_t by) {
    Type part = type;
    part.dims[*at] = Dim(size.size - by);
    const Ref cut = reverse ? slice(target, x, {by}, {kToTheEnd}, {axis}, {1}, part)
                            : slice(target, x, {0}, {size.size - by}, {axis}, {1}, part);
    Ints pads(2 * type.dims.size(), 0);
    pads[reverse ? type.dims.size() + *at : *at] = by;
    return target.add("Pad", {cut, target.constant(pads), one}, {}, type);
  };
  Ref x = in(node, target, 0);
  if (node.flag("exclusive") && size.size > 0) x = shifted(x, 1);
  for (std::int64_t by = 1; by < size.size; by *= 2) x = target.add("Mul", {x, shifted(x, by)}, {}, type);
  target.result(0, x);
  return {};
}

Types square_sum_types(const NodeView& node) {
  if (!broadcast(node.type(0).dims, node.type(1).dims)) return refuse("inputs of different shapes");
  return std::vector<Type>{{node.type(0).dtype, {}}, {node.type(1).dtype, {}}};
}

Status square_sum_all(const NodeView& node, Target& target) {
  for (const std::size_t i : {0U, 1U}) {
    const Ref x = in(node, target, i);
    target.result(i, reduce(target, "ReduceSum", target.add("Mul", {x, x}, {}, node.type(i)), {}, false));
  }
  return {};
}

Types cumsum_ext_types(const NodeView& node) {
  auto types = along_types(node, "dim");
  if (!types) return types;
  DType& dtype = (*types)[0].dtype;
  if (!is_floating(dtype)) dtype = DType::int64;
  if (!node.is_none("dtype")) dtype = node.dtype("dtype");
  return types;
}

Status cumsum_ext(const NodeView& node, Target& target) {
  const Ref x = in_as(node, target, 0, node.result_type().dtype);
  target.result(0, target.add("CumSum", {x, axis_input(target, node.integer("dim"))}));
  return {};
}

// ---- how far values are spread ----

/// With `correction` less than the count below the sum of squares.
struct Spread {
  Ints axes = {};
  bool keep = false;
  std::int64_t correction = 0;
};

Spread spread_form(const NodeView& node) {
  return {node.is_none("dim") ? Ints{} : node.integers("dim"), node.flag("keepdim"), node.integer("correction")};
}

Spread reduce_std_form(const NodeView& node) {
  return {node.integers("axis"), node.flag("keep_dims"), node.flag("unbiased") ? 1 : 0};
}

using SpreadReader = Spread (*)(const NodeView&);

template <SpreadReader read>
Types spread_types(const NodeView& node) {
  const Spread form = read(node);
  auto types = reduced_type(node, form.axes, form.keep, node.type(0).dtype);
  if (types) types->push_back((*types)[0]);
  return types;
}

/// The variance, or its root; and the mean as a second result where the operator has one.
template <SpreadReader read, bool kRoot>
Status spread_onnx(const NodeView& node, Target& target) {
  const Spread form = read(node);
  auto positions = axes_of(form.axes, node.type(0).dims.size());
  if (!positions) return positions.error();
  Dims gone;
  for (const std::size_t i : *positions) gone.push_back(node.type(0).dims[i]);
  const auto count = known_part(gone);
  if (!count || count->unknown > 0) return refuse("an axis whose size is not known");
  if (count->product <= form.correction) return refuse("a correction that leaves nothing");
  Chain f(target, node.type(0));
  const Ref x = in(node, target, 0);
  const Ref centred = f("Sub", {x, reduce(target, "ReduceMean", x, form.axes, true)});
  const Ref sum = reduce(target, "ReduceSum", f("Mul", {centred, centred}), form.axes, form.keep, node.result_type());
  const Ref divisor = f.number(static_cast<double>(count->product - form.correction));
  const Ref variance = target.add("Div", {sum, divisor}, {}, node.result_type());
  target.result(0, kRoot ? target.add("Sqrt", {variance}) : variance);
  if (node.node().outputs.size() > 1) target.result(1, reduce(target, "ReduceMean", x, form.axes, form.keep));
  return {};
}

Types log_sum_exp_types(const NodeView& node) {
  return reduced_type(node, node.integers("dim"), node.flag("keepdim"), node.type(0).dtype);
}

Status log_sum_exp(const NodeView& node, Target& target) {
  target.result(0, reduce(target, "ReduceLogSumExp", in(node, target, 0), node.integers("dim"), node.flag("keepdim")));
  return {};
}

// ---- the k largest ----

Types top_types(const NodeView& node, std::int64_t axis, DType index) {
  Type type = node.type(0);
  auto position = axis_of(axis, type.dims.size());
  if (!position) return position.error();
  const Dim& dim = type.dims[*position];
  const std::int64_t k = node.integer("k");
  if (k < 0 || (dim.known() && k > dim.size)) return refuse("k=" + std::to_string(k));
  type.dims[*position] = Dim(k);
  return std::vector<Type>{type, {index, type.dims}};
}

Types topk_types(const NodeView& node) { return top_types(node, -1, DType::int32); }
Types topk_ext_types(const NodeView& node) { return top_types(node, node.integer("dim"), DType::int64); }

Status top(const NodeView& node, Target& target, std::int64_t axis, bool largest, DType index) {
  const std::vector<Ref> found = target.add_many(
      "TopK", {in(node, target, 0), target.constant({node.integer("k")})}, 2,
      {{"axis", axis}, {"largest", std::int64_t{largest}}, {"sorted", std::int64_t{node.flag("sorted")}}});
  target.result(0, found[0]);
  if (node.node().outputs.size() < 2) return {};
  target.result(1, index == DType::int64 ? found[1] : cast(target, found[1], index));
  return {};
}

Status topk(const NodeView& node, Target& target) { return top(node, target, -1, true, DType::int32); }
Status topk_ext(const NodeView& node, Target& target) {
  return top(node, target, node.integer("dim"), node.flag("largest"), DType::int64);
}

}  // namespace

std::vector<Op> reduce_ops() {
  const auto reduce = [] {
    return std::vector<Argument>{tensor("x"), integers("axis", Ints{}), flag("keep_dims", false)};
  };
  const auto sum = [] {
    return std::vector<Argument>{tensor("x"), integers("axis", Ints{}), flag("keep_dims", false),
                                 flag("skip_mode", false)};
  };
  const auto ext = [] {
    return std::vector<Argument>{tensor("input"), integers("dim", None{}), flag("keepdim", false),
                                 dtype("dtype", None{})};
  };
  const auto along = [] { return std::vector<Argument>{tensor("input"), integer("dim"), flag("keepdim", false)}; };
  const auto with_value = [] {
    return std::vector<Argument>{tensor("input"), integer("axis", whole(0)), flag("keep_dims", false)};
  };
  const auto arg = [] {
    return std::vector<Argument>{tensor("input"), integer("axis", whole(-1)), dtype("output_type", DType::int32)};
  };
  const auto arg_ext = [] {
    return std::vector<Argument>{tensor("input"), integer("dim", None{}), flag("keepdim", false)};
  };
  const auto spread = [] {
    return std::vector<Argument>{tensor("input"), integers("dim", None{}), integer("correction", whole(1)),
                                 flag("keepdim", false)};
  };
  return {
      {.name = "ArgMaxExt", .arguments = arg_ext(), .infer = arg_ext_types, .to_onnx = arg_ext_onnx<"ArgMax">},
      {.name = "ArgMaxWithValue",
       .arguments = with_value(),
       .infer = with_value_types,
       .to_onnx = with_value_onnx<"ArgMax", "ReduceMax">},
      {.name = "ArgMinExt", .arguments = arg_ext(), .infer = arg_ext_types, .to_onnx = arg_ext_onnx<"ArgMin">},
      {.name = "ArgMinWithValue",
       .arguments = with_value(),
       .infer = with_value_types,
       .to_onnx = with_value_onnx<"ArgMin", "ReduceMin">},
      {.name = "Argmax", .arguments = arg(), .infer = arg_types, .to_onnx = arg_onnx<"ArgMax">},
      {.name = "Argmin", .arguments = arg(), .infer = arg_types, .to_onnx = arg_onnx<"ArgMin">},
      {.name = "CumProd",
       .arguments = {tensor("input"), integer("axis"), flag("exclusive", false), flag("reverse", false)},
       .infer = cumsum_types,
       .to_onnx = cumprod},
      {.name = "CumSum",
       .arguments = {tensor("input"), integer("axis"), flag("exclusive", false), flag("reverse", false)},
       .infer = cumsum_types,
       .to_onnx = cumsum},
      {.name = "CumsumExt",
       .arguments = {tensor("input"), integer("dim"), dtype("dtype", None{})},
       .infer = cumsum_ext_types,
       .to_onnx = cumsum_ext},
      {.name = "LogSumExp",
       .arguments = {tensor("input"), integers("dim"), flag("keepdim", false)},
       .infer = log_sum_exp_types,
       .to_onnx = log_sum_exp},
      {.name = "Max",
       .arguments = {tensor("input")},
       .infer = reduce_types<whole_form>,
       .to_onnx = reduce_onnx<"ReduceMax", whole_form>},
      {.name = "MaxDim", .arguments = along(), .infer = dim_types, .to_onnx = dim_onnx<"ArgMax", "ReduceMax">},
      {.name = "MeanExt", .arguments = ext(), .infer = mean_types, .to_onnx = reduce_onnx<"ReduceMean", ext_form>},
      {.name = "Min",
       .arguments = {tensor("input")},
       .infer = reduce_types<whole_form>,
       .to_onnx = reduce_onnx<"ReduceMin", whole_form>},
      {.name = "MinDim", .arguments = along(), .infer = dim_types, .to_onnx = dim_onnx<"ArgMin", "ReduceMin">},
      {.name = "ProdExt", .arguments = ext(), .infer = sum_types, .to_onnx = reduce_onnx<"ReduceProd", ext_form>},
      {.name = "ReduceAll", .arguments = reduce(), .infer = reduce_types<own_form>, .to_onnx = truth_onnx<"ReduceMin">},
      {.name = "ReduceAny", .arguments = reduce(), .infer = reduce_types<own_form>, .to_onnx = truth_onnx<"ReduceMax">},
      {.name = "ReduceMax",
       .arguments = reduce(),
       .infer = reduce_types<own_form>,
       .to_onnx = reduce_onnx<"ReduceMax", own_form>},
      {.name = "ReduceMean",
       .arguments = reduce(),
       .infer = reduce_types<own_form>,
       .to_onnx = reduce_onnx<"ReduceMean", own_form>},
      {.name = "ReduceMin",
       .arguments = reduce(),
       .infer = reduce_types<own_form>,
       .to_onnx = reduce_onnx<"ReduceMin", own_form>},
      {.name = "ReduceProd",
       .arguments = reduce(),
       .infer = reduce_types<own_form>,
       .to_onnx = reduce_onnx<"ReduceProd", own_form>},
      {.name = "ReduceStd",
       .arguments = {tensor("input"), integers("axis", Ints{}), flag("unbiased", true), flag("keep_dims", false)},
       .infer = spread_types<reduce_std_form>,
       .to_onnx = spread_onnx<reduce_std_form, true>},
      {.name = "ReduceSum",
       .arguments = sum(),
       .infer = reduce_types<sum_form>,
       .to_onnx = reduce_onnx<"ReduceSum", sum_form>},
      {.name = "SquareSumAll",
       .arguments = {tensor("x"), tensor("y")},
       .infer = square_sum_types,
       .to_onnx = square_sum_all},
      {.name = "Std",
       .arguments = spread(),
       .infer = spread_types<spread_form>,
       .to_onnx = spread_onnx<spread_form, true>},
      {.name = "StdMean",
       .arguments = spread(),
       .infer = spread_types<spread_form>,
       .to_onnx = spread_onnx<spread_form, true>},
      {.name = "SumExt", .arguments = ext(), .infer = sum_types, .to_onnx = reduce_onnx<"ReduceSum", ext_form>},
      {.name = "TopK",
       .arguments = {tensor("input"), integer("k"), flag("sorted", true)},
       .infer = topk_types,
       .to_onnx = topk},
      {.name = "TopkExt",
       .arguments = {tensor("input"), integer("k"), integer("dim", whole(-1)), flag("largest", true),
                     flag("sorted", true)},
       .infer = topk_ext_types,
       .to_onnx = topk_ext},
      {.name = "Var",
       .arguments = spread(),
       .infer = spread_types<spread_form>,
       .to_onnx = spread_onnx<spread_form, false>},
      {.name = "VarMean",
       .arguments = spread(),
       .infer = spread_types<spread_form>,
       .to_onnx = spread_onnx<spread_form, false>},
  };
}

}  // namespace ckpt::graph
