#include "kernels/kernels.h"
#include "kernels/loops.h"
#include "ops/rules.h"
#include "threads.h"

// Pools. The maximum is ours: oneDNN's writes and reads an index for each result, and takes a third of a LeNet's step.
namespace ckpt::train {
namespace {

Result<PoolWindow> window_of(const graph::NodeView& node, const graph::Type& x, const graph::Type& y) {
  for (const graph::Type* type : {&x, &y}) {
    if (type->dtype != DType::float32 || type->dims.size() != 4) return refusal("works on " + to_string(*type));
  }
  if (node.text("format") != "NCHW") return refusal("format " + node.text("format"));
  const std::string& mode = node.text("pad_mode");
  if (mode != "same" && mode != "valid") return refusal("pad_mode " + mode);
  auto windows =
      graph::windows(x.dims, node.integers("kernel_size"), node.integers("strides"), graph::Ints{1, 1}, mode, {});
  if (!windows) return windows.error();
  const auto size = [](std::int64_t number) { return static_cast<std::size_t>(number); };
  const graph::Window& h = windows->axes[0];
  const graph::Window& w = windows->axes[1];
  const PoolWindow window{.kernel_h = size(h.kernel),
                          .kernel_w = size(w.kernel),
                          .stride_h = size(h.stride),
                          .stride_w = size(w.stride),
                          .top = size(h.begin),
                          .left = size(w.begin),
                          .out_h = size(y.dims[2].size),
                          .out_w = size(y.dims[3].size)};
  // no window may lie in the padding alone
  const bool inside = (window.out_h - 1) * window.stride_h < size(x.dims[2].size) + window.top &&
                      (window.out_w - 1) * window.stride_w < size(x.dims[3].size) + window.left &&
                      window.top < window.kernel_h && window.left < window.kernel_w;
  if (!inside || x.dims[0] != y.dims[0] || x.dims[1] != y.dims[1]) return refusal("a result of " + to_string(y));
  return window;
}

/// The layout of pooled images that goes with that of the images.
Layout like(const Layout& layout, const graph::Type& type) {
  const LayoutDims dims = dims_of(type);
  if (layout.data.format_desc.blocking.inner_nblks == 0) {
    return Layout(dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::nhwc);
  }
  const bool wide = layout.data.format_desc.blocking.inner_blks[0] == 16;
  return Layout(dims, dnnl::memory::data_type::f32,
                wide ? dnnl::memory::format_tag::nChw16c : dnnl::memory::format_tag::nChw8c);
}

/// Calls f(offset in x, offset in y) for each image and block of channels.
template <class F>
void each_block(const Lanes& in, const Lanes& out, F f) {
  parallel(in.batch * in.blocks, 4, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t n = i / in.blocks, block = i % in.blocks;
      f(in.offset(n, block), out.offset(n, block));
    }
  });
}

}  // namespace

Status make_max_pool(Program& program, const graph::NodeView& node) {
  auto window = window_of(node, node.type(0), node.result_type());
  if (!window) return window.error();
  const Layout from = with_lanes(program, node.node().inputs[0]);
  const Layout to = like(from, node.result_type());
  const auto in = lanes_of(from), out = lanes_of(to);
  if (!in || !out) return refusal("a layout without lanes");
  const BufferId x = program.read(node.node().inputs[0], from);
  const BufferId y = program.write(node.node().outputs[0], to);
  program.add({x, y}, [=, in = *in, out = *out, window = *window](const Addresses& at) -> Status {
    const float* images = at.floats(x);
    float* pooled = at.floats(y);
    each_block(in, out,
               [&](std::size_t i, std::size_t j) { loops().max_pool(in, out, window, images + i, pooled + j); });
    return {};
  });
  return {};
}

/// Inputs: images, pooled images, gradient of the latter. With a ReluGrad behind it in the same step, if the images are
/// what that ReLU made.
Status make_max_pool_grad(Program& program, const graph::NodeView& node) {
  auto window = window_of(node, node.type(0), node.type(2));
  if (!window) return window.error();
  const graph::ValueId images = node.node().inputs[0];
  graph::ValueId result = node.node().outputs[0];
  const graph::Node* relu = program.only_user(result, "ReluGrad");
  const bool with_relu = relu && relu->inputs[0] == result && relu->inputs[1] == images;
  if (with_relu) {
    program.fuse(*relu);
    result = relu->outputs[0];
  }
  const Layout layout = with_lanes(program, images);
  const Layout pooled = like(layout, node.type(2));
  const auto in = lanes_of(layout), out = lanes_of(pooled);
  if (!in || !out) return refusal("a layout without lanes");
  const BufferId x = program.read(images, layout);
  const BufferId dy = program.read(node.node().inputs[2], pooled);
  const BufferId dx = program.write(result, layout);
  program.add({x, dy, dx}, [=, in = *in, out = *out, window = *window](const Addresses& at) -> Status {
    each_block(in, out, [&](std::size_t i, std::size_t j) {
      loops().max_pool_grad(in, out, window, at.floats(x) + i, at.floats(dy) + j, with_relu, at.floats(dx) + i);
    });
    return {};
  });
  return {};
}

namespace {

struct Average {
  LayoutDims x, y, stride, kernel, begin, end;

  dnnl::pooling_forward::primitive_desc forward(const Program& program, const Layout& from) const {
    const Layout to(y, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any);
    return {{dnnl::prop_kind::forward_training, dnnl::algorithm::pooling_avg_exclude_padding, from, to, stride, kernel,
             begin, end},
            program.attr(),
            program.engine()};
  }
};

Average average_of(const PoolWindow& window, const graph::Type& x, const graph::Type& y) {
  const auto number = [](std::size_t size) { return static_cast<std::int64_t>(size); };
  Average average{.x = dims_of(x),
                  .y = dims_of(y),
                  .stride = {number(window.stride_h), number(window.stride_w)},
                  .kernel = {number(window.kernel_h), number(window.kernel_w)},
                  .begin = {number(window.top), number(window.left)},
                  .end = {}};
  for (std::size_t i = 0; i < 2; ++i) {
    average.end.push_back((average.y[i + 2] - 1) * average.stride[i] + average.kernel[i] - average.x[i + 2] -
                          average.begin[i]);
  }
  return average;
}

}  // namespace

Status make_avg_pool(Program& program, const graph::NodeView& node) {
  auto window = window_of(node, node.type(0), node.result_type());
  if (!window) return window.error();
  const graph::ValueId x = node.node().inputs[0];
  const auto desc = average_of(*window, node.type(0), node.result_type()).forward(program, program.layout(x));
  program.add(desc, dnnl::pooling_forward(desc),
              {{DNNL_ARG_SRC, desc.src_desc(), program.read(x, desc.src_desc())},
               {DNNL_ARG_DST, desc.dst_desc(), program.write(node.node().outputs[0], desc.dst_desc())}});
  return {};
}

/// Inputs: images, pooled images, gradient of the latter.
Status make_avg_pool_grad(Program& program, const graph::NodeView& node) {
  auto window = window_of(node, node.type(0), node.type(2));
  if (!window) return window.error();
  const Average average = average_of(*window, node.type(0), node.type(2));
  const Layout to = program.layout(node.node().inputs[0]);
  const auto hint = average.forward(program, to);
  const dnnl::pooling_backward::primitive_desc desc({dnnl::algorithm::pooling_avg_exclude_padding, to, hint.dst_desc(),
                                                     average.stride, average.kernel, average.begin, average.end},
                                                    program.attr(), program.engine(), hint);
  program.add(desc, dnnl::pooling_backward(desc),
              {{DNNL_ARG_DIFF_DST, desc.diff_dst_desc(), program.read(node.node().inputs[2], desc.diff_dst_desc())},
               {DNNL_ARG_DIFF_SRC, desc.diff_src_desc(), program.write(node.node().outputs[0], desc.diff_src_desc())}});
  return {};
}

}  // namespace ckpt::train
