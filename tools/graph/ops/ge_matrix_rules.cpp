#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ops/ge_steps.h"

// Norms, and products of matrices.
namespace ckpt::graph::ascend {
namespace {

// ---- norms ----

Status batch_norm(const NodeView& node, Target& target) {
  if (node.flag("is_training")) return refuse("is_training is true");
  if (auto status = want_format(node, kNchw); !status) return status;
  return emit(node, target, "BatchNorm",
              {{"epsilon", as_float(node, "epsilon")}, {"data_format", kNchw}, {"is_training", false}});
}

Status layer_norm(const NodeView& node, Target& target) {
  return emit(node, target, "LayerNorm",
              {{"begin_norm_axis", node.integer("begin_norm_axis")},
               {"begin_params_axis", node.integer("begin_params_axis")},
               {"epsilon", as_float(node, "epsilon")}});
}

Status lrn(const NodeView& node, Target& target) {
  return emit(node, target, "LRN",
              {{"depth_radius", node.integer("depth_radius")},
               {"bias", as_float(node, "bias")},
               {"alpha", as_float(node, "alpha")},
               {"beta", as_float(node, "beta")},
               {"norm_region", upper(node.text("norm_region"))}});
}

Status lp_norm(const NodeView& node, Target& target) {
  auto axes = axes_of(node.integers("axis"), node.type(0).dims.size());
  if (!axes) return axes.error();
  return emit(node, target, "LpNorm",
              {{"p", node.integer("p")},
               {"axes", as_ints(*axes)},
               {"keepdim", node.flag("keep_dims")},
               {"epsilon", as_float(node, "epsilon")}});
}

Status l2_normalize(const NodeView& node, Target& target) {
  return emit(node, target, "L2Normalize", {{"axis", node.integers("axis")}, {"eps", as_float(node, "epsilon")}});
}

Status layer_norm_ext(const NodeView& node, Target& target) {
  if (!node.has_input(1) || !node.has_input(2)) return refuse("GE's LayerNorm has a scale and a bias");
  const auto axis = static_cast<std::int64_t>(node.type(0).dims.size() - node.integers("normalized_shape").size());
  return emit(node, target, "LayerNorm",
              {{"begin_norm_axis", axis}, {"begin_params_axis", axis}, {"epsilon", as_float(node, "eps")}});
}

/// As MindSpore writes it out for the graph engine: groups of channels, each with its own mean and variance.
Status group_norm(const NodeView& node, Target& target) {
  const Type& type = node.type(0);
  const std::int64_t groups = node.integer("num_groups");
  if (!node.has_input(1) || !node.has_input(2)) return refuse("GE's rule wants a scale and a bias");
  const auto all = known_part(type.dims);
  if (!all || all->unknown > 1 || !type.dims[1].known() || (all->unknown == 1 && type.dims[0].known())) {
    return refuse("its input is " + to_string(type));
  }
  std::int64_t inside = 1;
  for (std::size_t i = 1; i < type.dims.size(); ++i) inside *= type.dims[i].size;
  const Type grouped{type.dtype, {type.dims[0], Dim(groups), Dim(inside / groups)}};
  const Type one{type.dtype, {type.dims[0], Dim(groups), Dim(1)}};
  Ints channels{type.dims[1].size};
  channels.resize(type.dims.size() - 1, 1);
  const Type column{type.dtype, Dims(channels.begin(), channels.end())};
  auto back = one_unknown(type.dims);
  if (!back) return back.error();
  auto flat = vector(target, {-1, groups, inside / groups}), shape = vector(target, *back),
       side = vector(target, channels);
  if (!flat || !shape || !side) return refuse("its input is " + to_string(type));
  const std::vector<Ref> inputs = inputs_of(node, target);
  Chain all_of(target, type), each(target, grouped), single(target, one), along(target, column);
  const NamedAttrs over{{"axes", Ints{2}}, {"keep_dims", true}};
  const Ref x = each("Reshape", {inputs[0], *flat});
  const Ref centred = each("Sub", {x, single("ReduceMeanD", {x}, over)});
  const Ref variance = single("ReduceMeanD", {each("Square", {centred})}, over);
  const Ref scale = single("Rsqrt", {single("Add", {variance, single.number(node.number("eps"))})});
  const Ref normal = all_of("Reshape", {each("Mul", {centred, scale}), *shape});
  const Ref scaled = all_of("Mul", {normal, along("Reshape", {inputs[1], *side})});
  target.result(0, target.add("Add", {scaled, along("Reshape", {inputs[2], *side})}));
  return {};
}

// ---- matrices ----

Status matmul(const NodeView& node, Target& target) {
  if (node.type(0).dims.size() != 2 || node.type(1).dims.size() != 2) return refuse("GE's MatMul is of two matrices");
  return emit(node, target, "MatMul",
              {{"transpose_x1", node.flag("transpose_a")}, {"transpose_x2", node.flag("transpose_b")}});
}

Status batch_matmul(const NodeView& node, Target& target) {
  if (node.type(0).dims.size() != node.type(1).dims.size()) return refuse("its inputs have different ranks");
  return emit(node, target, "BatchMatMul",
              {{"adj_x1", node.flag("transpose_a")}, {"adj_x2", node.flag("transpose_b")}});
}

/// All rows, in however many dimensions they are, times one matrix: more than two become two and come back.
Status rows_times(const NodeView& node, Target& target, bool turned) {
  const NamedAttrs attrs{{"transpose_x1", false}, {"transpose_x2", turned}};
  std::vector<Ref> inputs = inputs_of(node, target);
  const Type& type = node.type(0);
  if (type.dims.size() == 2) return emit_on(node, target, "MatMul", std::move(inputs), attrs);
  if (type.dims.size() < 2 || !type.dims.back().known()) return refuse("its input is " + to_string(type));
  auto back = one_unknown(node.result_type().dims);
  if (!back) return back.error();
  auto flat = vector(target, {-1, type.dims.back().size});
  auto shape = vector(target, *back);
  if (!flat || !shape) return flat ? shape.error() : flat.error();
  const auto rows = known_part(Dims(type.dims.begin(), type.dims.end() - 1));
  const Dim count = rows && rows->unknown == 0 ? Dim(rows->product) : Dim();
  inputs[0] = target.add("Reshape", {inputs[0], *flat}, {}, {.dtype = type.dtype, .dims = {count, type.dims.back()}});
  const Ref product = target.add("MatMul", std::move(inputs), attrs,
                                 {.dtype = type.dtype, .dims = {count, node.result_type().dims.back()}});
  target.result(0, target.add("Reshape", {product, *shape}, {}, node.result_type()));
  return {};
}

Status dense(const NodeView& node, Target& target) { return rows_times(node, target, true); }

Status matmul_ext(const NodeView& node, Target& target) {
  const Dims& a = node.type(0).dims;
  const Dims& b = node.type(1).dims;
  if (a.size() >= 2 && b.size() == 2) return rows_times(node, target, false);
  const bool batches = a.size() > 2 && a.size() == b.size() && std::equal(a.begin(), a.end() - 2, b.begin());
  if (!batches) return refuse("GE's products are with one matrix, or with as many as there are");
  return emit(node, target, "BatchMatMul", {{"adj_x1", false}, {"adj_x2", false}});
}

constexpr NamedGeRule kMatrixRules[] = {
    {"BatchMatMul", batch_matmul},
    {"BatchNorm", batch_norm},
    {"Dense", dense},
    {"GroupNorm", group_norm},
    {"L2Normalize", l2_normalize},
    {"LRN", lrn},
    {"LayerNorm", layer_norm},
    {"LayerNormExt", layer_norm_ext},
    {"LpNorm", lp_norm},
    {"MatMul", matmul},
    {"MatMulExt", matmul_ext},
};

}  // namespace

std::span<const NamedGeRule> matrix_rules() { return kMatrixRules; }

}  // namespace ckpt::graph::ascend
