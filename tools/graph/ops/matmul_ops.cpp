#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

/// NumPy's rule of products, with either operand's last two axes exchanged before.
Result<Dims> product_dims(Dims a, Dims b, bool turn_a, bool turn_b) {
  if (a.empty() || b.empty()) return refuse("a product of a scalar");
  const bool vector_a = a.size() == 1, vector_b = b.size() == 1;
  if (vector_a) a.insert(a.begin(), Dim(1));
  if (vector_b) b.push_back(Dim(1));
  if (turn_a && !vector_a) std::swap(a[a.size() - 1], a[a.size() - 2]);
  if (turn_b && !vector_b) std::swap(b[b.size() - 1], b[b.size() - 2]);
  if (auto inner = unify(a.back(), b[b.size() - 2]); !inner) return inner.error();
  auto dims = broadcast({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
  if (!dims) return dims;
  if (!vector_a) dims->push_back(a[a.size() - 2]);
  if (!vector_b) dims->push_back(b.back());
  return dims;
}

Types product_types(const NodeView& node, bool turn_a, bool turn_b) {
  auto dims = product_dims(node.type(0).dims, node.type(1).dims, turn_a, turn_b);
  if (!dims) return dims.error();
  return std::vector<Type>{{common_dtype(node.type(0).dtype, node.type(1).dtype), std::move(*dims)}};
}

Types matmul_types(const NodeView& node) {
  return product_types(node, node.flag("transpose_a"), node.flag("transpose_b"));
}

/// With the last two axes exchanged.
Ref turned(Target& target, Ref x, Type type) {
  const std::size_t rank = type.dims.size();
  Ints order;
  for (std::size_t i = 0; i < rank; ++i) order.push_back(static_cast<std::int64_t>(i));
  std::swap(order[rank - 1], order[rank - 2]);
  std::swap(type.dims[rank - 1], type.dims[rank - 2]);
  return transpose(target, x, order, std::move(type));
}

/// Gemm where it can be, which does all at once; else steps.
Status product(const NodeView& node, Target& target, bool turn_a, bool turn_b, Ref bias) {
  const Type& result = node.result_type();
  const Dims& a = node.type(0).dims;
  const Dims& b = node.type(1).dims;
  turn_a = turn_a && a.size() > 1;
  turn_b = turn_b && b.size() > 1;
  Ref x = in_as(node, target, 0, result.dtype);
  Ref y = in_as(node, target, 1, result.dtype);
  const bool flat = a.size() == 2 && b.size() == 2 && is_floating(result.dtype);
  if (flat && (turn_a || turn_b || bias != Target::kNothing)) {
    target.result(
        0, target.add("Gemm", {x, y, bias}, {{"transA", std::int64_t{turn_a}}, {"transB", std::int64_t{turn_b}}}));
    return {};
  }
  if (turn_a) x = turned(target, x, {result.dtype, a});
  if (turn_b) y = turned(target, y, {result.dtype, b});
  Ref out = target.add("MatMul", {x, y}, {}, result);
  if (bias != Target::kNothing) out = target.add("Add", {out, bias}, {}, result);
  target.result(0, out);
  return {};
}

Status matmul(const NodeView& node, Target& target) {
  return product(node, target, node.flag("transpose_a"), node.flag("transpose_b"),
                 in_as(node, target, 2, node.result_type().dtype));
}

Types plain_types(const NodeView& node) { return product_types(node, false, false); }
Status plain(const NodeView& node, Target& target) { return product(node, target, false, false, Target::kNothing); }

/// input times the weight [out, in] turned, plus bias
Types dense_types(const NodeView& node) {
  if (node.type(1).dims.size() > 2) return refuse("weight is " + to_string(node.type(1)));
  auto types = product_types(node, false, true);
  if (!types || !node.has_input(2)) return types;
  auto dims = broadcast((*types)[0].dims, node.type(2).dims);
  if (!dims) return dims.error();
  if (dims->size() != (*types)[0].dims.size()) return refuse("bias is " + to_string(node.type(2)));
  return types;
}

Status dense(const NodeView& node, Target& target) {
  return product(node, target, false, true, in_as(node, target, 2, node.result_type().dtype));
}

/// beta * input + alpha * (batch1 @ batch2)
Types baddbmm_types(const NodeView& node) {
  auto dims = product_dims(node.type(1).dims, node.type(2).dims, false, false);
  if (!dims) return dims.error();
  dims = broadcast(*dims, node.type(0).dims);
  if (!dims) return dims.error();
  return std::vector<Type>{{node.type(0).dtype, std::move(*dims)}};
}

Status baddbmm(const NodeView& node, Target& target) {
  auto dims = product_dims(node.type(1).dims, node.type(2).dims, false, false);
  if (!dims) return dims.error();
  const Type type{node.type(0).dtype, std::move(*dims)};
  const auto times = [&](Ref x, std::string_view factor, const Type& of) {
    if (node.number(factor) == 1) return x;
    return target.add("Mul", {x, target.scalar(node.number(factor), of.dtype)}, {}, of);
  };
  const Ref product = times(target.add("MatMul", {in(node, target, 1), in(node, target, 2)}, {}, type), "alpha", type);
  const Ref input = times(in(node, target, 0), "beta", node.type(0));
  target.result(0, target.add("Add", {input, product}));
  return {};
}

Types outer_types(const NodeView& node) {
  for (std::size_t i = 0; i < 2; ++i) {
    if (auto status = want_rank(node, i, 1); !status) return status.error();
  }
  return std::vector<Type>{
      {common_dtype(node.type(0).dtype, node.type(1).dtype), {node.type(0).dims[0], node.type(1).dims[0]}}};
}

Status outer(const NodeView& node, Target& target) {
  const DType dtype = node.result_type().dtype;
  const Ref column = unsqueeze(target, in_as(node, target, 0, dtype), {1}, {dtype, {node.type(0).dims[0], Dim(1)}});
  const Ref row = unsqueeze(target, in_as(node, target, 1, dtype), {0}, {dtype, {Dim(1), node.type(1).dims[0]}});
  target.result(0, target.add("MatMul", {column, row}));
  return {};
}

}  // namespace

std::vector<Op> matmul_ops() {
  const auto transposing = [] {
    return std::vector<Argument>{tensor("x1"), tensor("x2"), flag("transpose_a", false, "transpose_x1 adj_x1"),
                                 flag("transpose_b", false, "transpose_x2 adj_x2"), optional("bias")};
  };
  return {
      {.name = "Baddbmm",
       .was = "Addmm",
       .arguments = {tensor("input"), tensor("batch1"), tensor("batch2"), number("beta", 1.0), number("alpha", 1.0)},
       .infer = baddbmm_types,
       .to_onnx = baddbmm},
      {.name = "BatchMatMul",
       .was = "BatchMatMulExt",
       .arguments = transposing(),
       .infer = matmul_types,
       .to_onnx = matmul},
      {.name = "Dense",
       .arguments = {tensor("input"), tensor("weight"), optional("bias")},
       .infer = dense_types,
       .to_onnx = dense},
      {.name = "MatMul", .was = "MatMulV2 Mm", .arguments = transposing(), .infer = matmul_types, .to_onnx = matmul},
      {.name = "MatMulExt",
       .was = "Mv Dot",
       .arguments = {tensor("input"), tensor("other")},
       .infer = plain_types,
       .to_onnx = plain},
      {.name = "Outer", .arguments = {tensor("input"), tensor("vec2")}, .infer = outer_types, .to_onnx = outer},
  };
}

}  // namespace ckpt::graph
