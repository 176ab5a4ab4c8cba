#include "rules.h"
#include "spread.h"
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
  const DType index = node.recorded_dtype() == DType::int64 ? DType::int64 : DType::int32;
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
  auto count = divisor_of(node, form);
  if (!count) return count.error();
  Chain f(target, node.type(0));
  const Ref x = in(node, target, 0);
  const Ref centred = f("Sub", {x, reduce(target, "ReduceMean", x, form.axes, true)});
  const Ref sum = reduce(target, "ReduceSum", f("Mul", {centred, centred}), form.axes, form.keep, node.result_type());
  const Ref divisor = f.number(*count);
  const Ref variance = target.add("Div", {sum, divisor}, {}, node.result_type());
  target.result(0, kRoot ? target.add("Sqrt", {variance}) : variance);
  if (node.node().outputs.size() > 1) target.result(1, reduce(target, "ReduceMean", x, form.axes, form.keep));
  return {};
}

// ---- norms ----

Types lp_norm_types(const NodeView& node) {
  if (node.integer("p") < 1) return refuse("p=" + std::to_string(node.integer("p")));
  if (!is_floating(node.type(0).dtype)) return refuse("of " + to_string(node.type(0)));
  return reduced_type(node, node.integers("axis"), node.flag("keep_dims"), node.type(0).dtype);
}

/// The root of the sum of powers, but no less than epsilon.
Status lp_norm(const NodeView& node, Target& target) {
  const Ints& axes = node.integers("axis");
  const bool keep = node.flag("keep_dims");
  const auto p = static_cast<double>(node.integer("p"));
  Chain of_all(target, node.type(0)), f(target, node.result_type());
  const Ref x = in(node, target, 0);
  Ref norm = Target::kNothing;
  if (p == 1 || p == 2) {
    norm = reduce(target, p == 1 ? "ReduceL1" : "ReduceL2", x, axes, keep, node.result_type());
  } else {
    const Ref powers = of_all("Pow", {of_all("Abs", {x}), of_all.number(p)});
    norm = f("Pow", {reduce(target, "ReduceSum", powers, axes, keep, node.result_type()), f.number(1 / p)});
  }
  target.result(0, f("Max", {norm, f.number(node.number("epsilon"))}));
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

// ---- all of them in order ----

Types sorted_types(const NodeView& node, std::int64_t axis, DType index) {
  if (auto position = axis_of(axis, node.type(0).dims.size()); !position) return position.error();
  return std::vector<Type>{node.type(0), {index, node.type(0).dims}};
}

/// The k largest, or smallest, of k. Of equals the first is first on both sides.
Status sorted(const NodeView& node, Target& target, std::int64_t axis, DType index) {
  auto position = axis_of(axis, node.type(0).dims.size());
  if (!position) return position.error();
  const Type& type = node.type(0);
  const Ref x = in(node, target, 0);
  const Dim& size = type.dims[*position];
  Ref count = size.known() ? target.constant({size.size}) : Target::kNothing;
  if (!size.known()) {
    const auto at = static_cast<std::int64_t>(*position);
    const Type shape{DType::int64, {Dim(static_cast<std::int64_t>(type.dims.size()))}};
    count = slice(target, target.add("Shape", {x}, {}, shape), {at}, {at + 1}, {0}, {1}, {DType::int64, {Dim(1)}});
  }
  const std::vector<Ref> found = target.add_many(
      "TopK", {x, count}, 2,
      {{"axis", axis}, {"largest", std::int64_t{node.flag("descending")}}, {"sorted", std::int64_t{1}}});
  target.result(0, found[0]);
  if (node.node().outputs.size() < 2) return {};
  target.result(1, index == DType::int64 ? found[1] : cast(target, found[1], index));
  return {};
}

Types sort_types(const NodeView& node) { return sorted_types(node, node.integer("axis"), DType::int32); }
Types sort_ext_types(const NodeView& node) { return sorted_types(node, node.integer("dim"), DType::int64); }
Status sort(const NodeView& node, Target& target) { return sorted(node, target, node.integer("axis"), DType::int32); }
Status sort_ext(const NodeView& node, Target& target) {
  return sorted(node, target, node.integer("dim"), DType::int64);
}

// ---- arguments ----

using Arguments = std::vector<Argument>;

Arguments own_arguments() { return {tensor("x"), integers("axis", Ints{}), flag("keep_dims", false)}; }

Arguments ext_arguments() {
  return {tensor("input"), integers("dim", None{}), flag("keepdim", false), dtype("dtype", None{})};
}

Arguments spread_arguments() {
  return {tensor("input"), integers("dim", None{}), integer("correction", whole(1)), flag("keepdim", false)};
}

Arguments cumulative_arguments() {
  return {tensor("input"), integer("axis"), flag("exclusive", false), flag("reverse", false)};
}

template <Name kReduction>
Op own_op(std::string_view name) {
  return {.name = name,
          .arguments = own_arguments(),
          .infer = reduce_types<own_form>,
          .to_onnx = reduce_onnx<kReduction, own_form>};
}

template <Name kReduction>
Op whole_op(std::string_view name) {
  return {.name = name,
          .arguments = {tensor("input")},
          .infer = reduce_types<whole_form>,
          .to_onnx = reduce_onnx<kReduction, whole_form>};
}

template <Name kReduction>
Op truth_op(std::string_view name) {
  return {
      .name = name, .arguments = own_arguments(), .infer = reduce_types<own_form>, .to_onnx = truth_onnx<kReduction>};
}

template <Name kReduction>
Op sum_op(std::string_view name, Types (*types)(const NodeView&) = sum_types) {
  return {.name = name, .arguments = ext_arguments(), .infer = types, .to_onnx = reduce_onnx<kReduction, ext_form>};
}

template <bool kRoot>
Op spread_op(std::string_view name) {
  return {.name = name,
          .arguments = spread_arguments(),
          .infer = spread_types<spread_form>,
          .to_onnx = spread_onnx<spread_form, kRoot>};
}

template <Name kArg>
Op arg_op(std::string_view name) {
  return {.name = name,
          .arguments = {tensor("input"), integer("axis", whole(-1)), dtype("output_type", DType::int32)},
          .infer = arg_types,
          .to_onnx = arg_onnx<kArg>};
}

template <Name kArg>
Op arg_ext_op(std::string_view name) {
  return {.name = name,
          .arguments = {tensor("input"), integer("dim", None{}), flag("keepdim", false)},
          .infer = arg_ext_types,
          .to_onnx = arg_ext_onnx<kArg>};
}

template <Name kArg, Name kReduction>
Op with_value_op(std::string_view name) {
  return {.name = name,
          .arguments = {tensor("input"), integer("axis", whole(0)), flag("keep_dims", false)},
          .infer = with_value_types,
          .to_onnx = with_value_onnx<kArg, kReduction>};
}

template <Name kArg, Name kReduction>
Op dim_op(std::string_view name) {
  return {.name = name,
          .arguments = {tensor("input"), integer("dim"), flag("keepdim", false)},
          .infer = dim_types,
          .to_onnx = dim_onnx<kArg, kReduction>};
}

std::vector<Op> plain_reductions() {
  return {
      whole_op<"ReduceMax">("Max"),
      sum_op<"ReduceMean">("MeanExt", mean_types),
      whole_op<"ReduceMin">("Min"),
      sum_op<"ReduceProd">("ProdExt"),
      truth_op<"ReduceMin">("ReduceAll"),
      truth_op<"ReduceMax">("ReduceAny"),
      own_op<"ReduceMax">("ReduceMax"),
      own_op<"ReduceMean">("ReduceMean"),
      own_op<"ReduceMin">("ReduceMin"),
      own_op<"ReduceProd">("ReduceProd"),
      {.name = "ReduceStd",
       .arguments = {tensor("input"), integers("axis", Ints{}), flag("unbiased", true), flag("keep_dims", false)},
       .infer = spread_types<reduce_std_form>,
       .to_onnx = spread_onnx<reduce_std_form, true>},
      {.name = "ReduceSum",
       .arguments = {tensor("x"), integers("axis", Ints{}), flag("keep_dims", false), flag("skip_mode", false)},
       .infer = reduce_types<sum_form>,
       .to_onnx = reduce_onnx<"ReduceSum", sum_form>},
      {.name = "SquareSumAll",
       .arguments = {tensor("x"), tensor("y")},
       .infer = square_sum_types,
       .to_onnx = square_sum_all},
      spread_op<true>("Std"),
      spread_op<true>("StdMean"),
      sum_op<"ReduceSum">("SumExt"),
      spread_op<false>("Var"),
      spread_op<false>("VarMean"),
  };
}

std::vector<Op> places_and_orders() {
  return {
      arg_ext_op<"ArgMax">("ArgMaxExt"),
      with_value_op<"ArgMax", "ReduceMax">("ArgMaxWithValue"),
      arg_ext_op<"ArgMin">("ArgMinExt"),
      with_value_op<"ArgMin", "ReduceMin">("ArgMinWithValue"),
      arg_op<"ArgMax">("Argmax"),
      arg_op<"ArgMin">("Argmin"),
      dim_op<"ArgMax", "ReduceMax">("MaxDim"),
      dim_op<"ArgMin", "ReduceMin">("MinDim"),
      {.name = "Sort",
       .arguments = {tensor("x"), integer("axis", whole(-1)), flag("descending", false)},
       .infer = sort_types,
       .to_onnx = sort},
      {.name = "SortExt",
       .arguments = {tensor("input"), integer("dim", whole(-1)), flag("descending", false), flag("stable", false)},
       .infer = sort_ext_types,
       .to_onnx = sort_ext},
      {.name = "TopK",
       .arguments = {tensor("input"), integer("k"), flag("sorted", true)},
       .infer = topk_types,
       .to_onnx = topk},
      {.name = "TopkExt",
       .arguments = {tensor("input"), integer("k"), integer("dim", whole(-1)), flag("largest", true),
                     flag("sorted", true)},
       .infer = topk_ext_types,
       .to_onnx = topk_ext},
  };
}

}  // namespace

Spread spread_form(const NodeView& node) {
  return {node.is_none("dim") ? Ints{} : node.integers("dim"), node.flag("keepdim"), node.integer("correction")};
}

Spread reduce_std_form(const NodeView& node) {
  return {node.integers("axis"), node.flag("keep_dims"), node.flag("unbiased") ? 1 : 0};
}

Result<double> divisor_of(const NodeView& node, const Spread& form) {
  auto axes = axes_of(form.axes, node.type(0).dims.size());
  if (!axes) return axes.error();
  Dims gone;
  for (const std::size_t i : *axes) gone.push_back(node.type(0).dims[i]);
  const auto count = known_part(gone);
  if (!count || count->unknown > 0) return refuse("an axis whose size is not known");
  if (count->product <= form.correction) return refuse("a correction that leaves nothing");
  return static_cast<double>(count->product - form.correction);
}

std::vector<Op> reduce_ops() {
  std::vector<Op> all = plain_reductions();
  std::ranges::move(places_and_orders(), std::back_inserter(all));
  all.push_back({.name = "CumProd", .arguments = cumulative_arguments(), .infer = cumsum_types, .to_onnx = cumprod});
  all.push_back({.name = "CumSum", .arguments = cumulative_arguments(), .infer = cumsum_types, .to_onnx = cumsum});
  all.push_back({.name = "CumsumExt",
                 .arguments = {tensor("input"), integer("dim"), dtype("dtype", None{})},
                 .infer = cumsum_ext_types,
                 .to_onnx = cumsum_ext});
  all.push_back({.name = "LogSumExp",
                 .arguments = {tensor("input"), integers("dim"), flag("keepdim", false)},
                 .infer = log_sum_exp_types,
                 .to_onnx = log_sum_exp});
  all.push_back({.name = "LpNorm",
                 .arguments = {tensor("input"), integers("axis", Ints{0}), integer("p", whole(2)),
                               flag("keep_dims", false), number("epsilon", 1e-12)},
                 .infer = lp_norm_types,
                 .to_onnx = lp_norm});
  return all;
}

}  // namespace ckpt::graph
