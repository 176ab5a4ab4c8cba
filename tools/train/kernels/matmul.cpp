#include "kernels/kernels.h"

namespace ckpt::train {
namespace {

/// A matrix that lies row-major, as one of these dimensions: itself, or turned over.
Layout matrix(const graph::Type& type, bool transposed) {
  const LayoutDims dims = dims_of(type);
  constexpr auto kFloat = dnnl::memory::data_type::f32;
  if (!transposed) return Layout(dims, kFloat, LayoutDims{dims[1], 1});
  return Layout({dims[1], dims[0]}, kFloat, LayoutDims{1, dims[1]});
}

}  // namespace

Status make_mat_mul(Program& program, const graph::NodeView& node) {
  for (std::size_t i = 0; i < 2; ++i) {
    const graph::Type& type = node.type(i);
    if (type.dtype != DType::float32 || type.dims.size() != 2) return refusal("works on " + to_string(type));
  }
  const auto [result, bias, attr] = fuse_bias_and_relu(program, node);
  const Layout a = matrix(node.type(0), node.flag("transpose_a"));
  const Layout b = matrix(node.type(1), node.flag("transpose_b"));
  const Layout c = plain_layout(node.result_type());
  const Layout row = plain_layout(LayoutDims{1, c.dims()[1]});
  const dnnl::matmul::primitive_desc desc(bias ? dnnl::matmul::desc(a, b, row, c) : dnnl::matmul::desc(a, b, c), attr,
                                          program.engine());
  std::vector<Program::Operand> operands{{DNNL_ARG_SRC, a, program.read_plain(node.node().inputs[0])},
                                         {DNNL_ARG_WEIGHTS, b, program.read_plain(node.node().inputs[1])}};
  if (bias) operands.push_back({DNNL_ARG_BIAS, row, program.read_plain(*bias)});
  operands.push_back({DNNL_ARG_DST, c, program.write_plain(result)});
  program.add(desc, dnnl::matmul(desc), std::move(operands));
  return {};
}

}  // namespace ckpt::train
