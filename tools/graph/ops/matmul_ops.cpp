#include "table.h"

namespace ckpt::graph {

std::vector<Op> matmul_ops() {
  const auto transposing = [] {
    return std::vector<Argument>{tensor("x1"), tensor("x2"), flag("transpose_a", false, "transpose_x1 adj_x1"),
                                 flag("transpose_b", false, "transpose_x2 adj_x2")};
  };
  return {
      {.name = "Baddbmm",
       .was = "Addmm",
       .arguments = {tensor("input"), tensor("batch1"), tensor("batch2"), number("beta", 1.0), number("alpha", 1.0)}},
      {.name = "BatchMatMul", .was = "BatchMatMulExt", .arguments = transposing()},
      {.name = "Dense", .arguments = {tensor("input"), tensor("weight"), optional("bias")}},
      {.name = "MatMul", .was = "MatMulV2 Mm", .arguments = transposing()},
      {.name = "MatMulExt", .was = "Mv Dot", .arguments = {tensor("input"), tensor("other")}},
      {.name = "Outer", .arguments = {tensor("input"), tensor("vec2")}},
  };
}

}  // namespace ckpt::graph
