#include <algorithm>
#include <array>
#include <utility>

#include "kernels/kernels.h"
#include "kernels/lanes.h"
#include "kernels/loops.h"
#include "ops/rules.h"
#include "threads.h"

// Conv2D and its gradients. Every primitive chooses its own layouts ("any"); what arrives in another one is reordered
// once, and what leaves keeps the layout, so that a row of convolutions reorders nothing but weights.
namespace ckpt::train {
namespace {

using dnnl::convolution_backward_data;
using dnnl::convolution_backward_weights;
using dnnl::convolution_forward;
using dnnl::prop_kind;

/// What oneDNN is given. Its kernels work on the pixels of one image together, and read the weight once an image: of
/// few pixels that is most of their time. So small images become one, where that can be.
enum class Shape : std::uint8_t {
  images,   ///< as they are
  pixels,   ///< one image, of the pixels of all: a filter of one pixel sees no others
  product,  ///< one image, of a pixel for each: the filter is as large as the image, whose pixels count as channels
};

/// A convolution of images x by weights w to images y, in oneDNN's terms.
struct Convolution {
  LayoutDims x = {}, w = {}, y = {};  ///< w with a dimension for the group, if there is one
  Layout filters = {};                ///< where w lies in the row-major weight: all of it, or what touches the images
  bool cropped = false;
  LayoutDims stride = {}, dilation = {}, begin = {}, end = {};
  std::int64_t group = 1;
  std::int64_t channels_out = 0;
  Shape shape = Shape::images;
  LayoutDims taken = {}, made = {};  ///< the images of x that take part, and y, as the values have them

  bool flat() const { return shape != Shape::images; }
  bool skips = false;     ///< of x only every so many pixels take part:
  LayoutDims steps = {};  ///< so many

  // How values and weights lie in the layouts that oneDNN chose.

  Layout of_x(const Layout& layout) const { return flat() ? unfolded(layout, taken) : layout; }
  Layout of_y(const Layout& layout) const { return flat() ? unfolded(layout, made) : layout; }
  Layout of_w(const Layout& layout) const;

 private:
  Layout unfolded(const Layout& layout, const LayoutDims& dims) const;
};

/// A layout of these dimensions that is the same memory as one with pixels among the channels, the first ones the
/// channels of the first pixel.
Layout with_pixels_in_channels(const Layout& layout, const LayoutDims& dims, dnnl_dim_t outer) {
  dnnl_memory_desc_t desc = layout.data;
  dnnl_blocking_desc_t& blocks = desc.format_desc.blocking;
  dnnl_dim_t block = 1;
  for (int i = 0; i < blocks.inner_nblks; ++i) block *= blocks.inner_idxs[i] == 1 ? blocks.inner_blks[i] : 1;
  const dnnl_dim_t pixel = dims[1] / block * blocks.strides[1];
  std::ranges::copy(dims, desc.dims);
  std::ranges::copy(dims, desc.padded_dims);
  std::ranges::copy(std::array{outer, blocks.strides[1], dims[3] * pixel, pixel}, blocks.strides);
  return Layout(desc);
}

Layout Convolution::of_w(const Layout& layout) const {
  if (shape != Shape::product) return layout;
  return with_pixels_in_channels(layout, filters.dims(), layout.data.format_desc.blocking.strides[0]);
}

Layout Convolution::unfolded(const Layout& layout, const LayoutDims& dims) const {
  const dnnl_dim_t pixel = layout.data.format_desc.blocking.strides[2];
  if (shape == Shape::product) return with_pixels_in_channels(layout, dims, pixel);
  dnnl_memory_desc_t desc = layout.data;
  std::ranges::copy(dims, desc.dims);
  std::ranges::copy(dims, desc.padded_dims);
  dnnl_blocking_desc_t& blocks = desc.format_desc.blocking;
  std::ranges::copy(std::array{dims[2] * dims[3] * pixel, blocks.strides[1], dims[3] * pixel, pixel}, blocks.strides);
  return Layout(desc);
}

/// The pixels of x that take part, in its layout.
Layout part_of_x(const Convolution& conv, const Layout& layout) {
  dnnl_memory_desc_t desc = layout.data;
  for (std::size_t i = 2; i < 4; ++i) {
    desc.dims[i] = desc.padded_dims[i] = conv.taken[i];
    desc.format_desc.blocking.strides[i] *= conv.steps[i - 2];
  }
  return Layout(desc);
}

BufferId read_x(Program& program, const Convolution& conv, graph::ValueId x, const Layout& layout) {
  if (!conv.skips) return program.read(x, conv.of_x(layout));
  const BufferId to = program.scratch(layout.get_size());
  program.copy(part_of_x(conv, program.layout(x)), program.read(x), conv.of_x(layout), to);
  return to;
}

LayoutDims grouped(const LayoutDims& weight, std::int64_t group) {
  if (group == 1) return weight;
  return {group, weight[0] / group, weight[1], weight[2], weight[3]};
}

/// Leaves out rows and columns of the filters that only ever touch padding: of three by three over images of one pixel
/// there is one left, and the rest of the weight need not be read.
void crop(Convolution& conv) {
  LayoutDims first(2, 0), last{conv.w[2] - 1, conv.w[3] - 1};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t step = conv.dilation[i] + 1;
    const auto touches = [&, begin = conv.begin[i]](std::int64_t tap) {
      for (std::int64_t o = 0; o < conv.y[i + 2]; ++o) {
        const std::int64_t at = o * conv.stride[i] - begin + tap * step;
        if (at >= 0 && at < conv.x[i + 2]) return true;
      }
      return false;
    };
    while (first[i] < last[i] && conv.begin[i] >= step && !touches(first[i])) ++first[i], conv.begin[i] -= step;
    while (first[i] < last[i] && conv.end[i] >= step && !touches(last[i])) --last[i], conv.end[i] -= step;
  }
  const Layout whole = plain_layout(conv.w);
  conv.w[2] = last[0] - first[0] + 1;
  conv.w[3] = last[1] - first[1] + 1;
  conv.cropped = whole.dims() != conv.w;
  conv.filters = conv.cropped ? whole.submemory_desc(conv.w, {0, 0, first[0], first[1]}) : whole;
}

/// Small images as one, if their channels fill blocks.
void flatten(Convolution& conv) {
  constexpr std::int64_t kBlock = 16, kFew = 4;
  const LayoutDims one{1, 1}, none{0, 0};
  const auto area = [](const LayoutDims& dims) { return LayoutDims(dims.end() - 2, dims.end()); };
  if (conv.x[1] % kBlock != 0 || conv.y[1] % kBlock != 0 || conv.begin != none || conv.end != none) return;
  if (area(conv.w) == one && conv.y[2] * conv.y[3] <= kFew) {
    conv.shape = Shape::pixels;
  } else if (area(conv.y) == one && area(conv.w) == area(conv.x) && conv.dilation == none) {
    conv.shape = Shape::product;
  } else {
    return;
  }
  conv.made = conv.y;
  conv.taken = conv.x;
  std::int64_t pixels = conv.y[0], channels = conv.x[1];
  if (conv.shape == Shape::pixels) {
    std::copy_n(conv.y.begin() + 2, 2, conv.taken.begin() + 2);
    pixels *= conv.y[2] * conv.y[3];
  } else {
    channels *= conv.x[2] * conv.x[3];
    conv.w = {conv.w[0], channels, 1, 1};
  }
  conv.skips = conv.taken != conv.x;
  conv.steps = std::exchange(conv.stride, one);
  conv.dilation = none;
  conv.x = {1, channels, pixels, 1};
  conv.y = {1, conv.y[1], pixels, 1};
}

/// From the attributes that Conv2D and its gradients share, and the types of what it convolves.
Result<Convolution> convolution_of(const graph::NodeView& node, const graph::Type& x, const graph::Type& w,
                                   const graph::Type& y) {
  for (const graph::Type* type : {&x, &w, &y}) {
    if (type->dtype != DType::float32 || type->dims.size() != 4) return refusal("works on " + to_string(*type));
  }
  if (node.text("format") != "NCHW") return refusal("format " + node.text("format"));
  Convolution conv{.x = dims_of(x), .w = dims_of(w), .y = dims_of(y), .group = node.integer("group")};
  if (conv.group < 1 || conv.w[0] % conv.group != 0 || conv.x[1] != conv.w[1] * conv.group || conv.y[1] != conv.w[0]) {
    return refusal("group=" + std::to_string(conv.group) + " for channels that it does not divide");
  }
  auto windows = graph::windows(node, x.dims, {conv.w[2], conv.w[3]});
  if (!windows) return windows.error();
  for (std::size_t i = 0; i < 2; ++i) {
    const graph::Window& window = windows->axes[i];
    conv.stride.push_back(window.stride);
    conv.dilation.push_back(window.dilation - 1);
    conv.begin.push_back(window.begin);
    conv.end.push_back(window.end);
    if (conv.y[i + 2] != (conv.x[i + 2] + window.begin + window.end - window.reach()) / window.stride + 1) {
      return refusal("a result of " + to_string(y));
    }
  }
  conv.channels_out = conv.w[0];
  conv.w = grouped(conv.w, conv.group);
  conv.filters = plain_layout(conv.w);
  if (conv.group != 1) return conv;
  crop(conv);
  flatten(conv);
  return conv;
}

Layout any(const LayoutDims& dims) { return Layout(dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any); }

convolution_forward::primitive_desc forward(const Program& program, const Convolution& conv, const Layout* bias,
                                            const dnnl::primitive_attr& attr) {
  constexpr auto kTraining = prop_kind::forward_training;
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
  const auto desc = bias ? convolution_forward::desc(kTraining, kDirect, any(conv.x), any(conv.w), *bias, any(conv.y),
                                                     conv.stride, conv.dilation, conv.begin, conv.end)
                         : convolution_forward::desc(kTraining, kDirect, any(conv.x), any(conv.w), any(conv.y),
                                                     conv.stride, conv.dilation, conv.begin, conv.end);
  return {desc, attr, program.engine()};
}

/// Filters over one or two channels and their gradient, of which oneDNN would pad the latter to eight: seven eighths of
/// its work would be for nothing. Eight filters at once; a thread takes images, and has sums of its own.
struct FewChannels {
  FilterWindow window;
  Lanes y;                              ///< or its gradient
  std::size_t channels, height, width;  ///< of the images
  std::size_t top, left, padded_height, padded_width;
  std::size_t filter;  ///< elements of one channel's
  std::size_t threads;

  std::size_t sums() const { return y.blocks * channels * filter * kLanes; }
  std::size_t plane() const { return padded_height * padded_width; }

  void pad(const float* image, float* to) const {
    std::fill_n(to, plane(), 0.0F);
    for (std::size_t h = 0; h < height && top + h < padded_height; ++h) {
      const std::size_t count = std::min(width, padded_width - left);
      std::copy_n(image + h * width, count, to + (top + h) * padded_width + left);
    }
  }

  void pad_all(std::size_t n, const float* x, float* to) const {
    for (std::size_t c = 0; c < channels; ++c) pad(x + (n * channels + c) * height * width, to + c * plane());
  }

  void add_image(std::size_t n, const float* x, const float* gradients, float* padded, float* all_sums) const {
    for (std::size_t c = 0; c < channels; ++c) {
      pad(x + (n * channels + c) * height * width, padded);
      for (std::size_t block = 0; block < y.blocks; ++block) {
        loops().filter_grad(window, padded, gradients + y.offset(n, block), y.pixel,
                            all_sums + (block * channels + c) * filter * kLanes);
      }
    }
  }

  /// Filters as they lie in a file, by the eight.
  void spread(const float* weight, float* to) const {
    std::fill_n(to, sums(), 0.0F);
    for (std::size_t o = 0; o < y.channels; ++o) {
      for (std::size_t i = 0; i < channels * filter; ++i) to[place(o, i)] = weight[o * channels * filter + i];
    }
  }

  std::size_t place(std::size_t o, std::size_t i) const {
    return (o / kLanes * channels * filter + i) * kLanes + o % kLanes;
  }

  /// The threads' sums, in their order, as the filters lie in a file.
  void gather(const float* all_sums, float* to) const {
    for (std::size_t o = 0; o < y.channels; ++o) {
      for (std::size_t i = 0; i < channels * filter; ++i) {
        const std::size_t from = place(o, i);
        float sum = 0;
        for (std::size_t thread = 0; thread < threads; ++thread) sum += all_sums[thread * sums() + from];
        to[o * channels * filter + i] = sum;
      }
    }
  }
};

FewChannels few_channels(const Convolution& conv, const Lanes& y) {
  const auto size = [](std::int64_t number) { return static_cast<std::size_t>(number); };
  FewChannels job{.window = {.kernel_h = size(conv.w[2]),
                             .kernel_w = size(conv.w[3]),
                             .stride_h = size(conv.stride[0]),
                             .stride_w = size(conv.stride[1]),
                             .out_h = size(conv.y[2]),
                             .out_w = size(conv.y[3])},
                  .y = y,
                  .channels = size(conv.x[1]),
                  .height = size(conv.x[2]),
                  .width = size(conv.x[3]),
                  .top = size(conv.begin[0]),
                  .left = size(conv.begin[1]),
                  .padded_height = 0,
                  .padded_width = 0,
                  .filter = size(conv.w[2] * conv.w[3]),
                  .threads = static_cast<std::size_t>(thread_count())};
  job.padded_height = (job.window.out_h - 1) * job.window.stride_h + job.window.kernel_h;
  job.padded_width = (job.window.out_w - 1) * job.window.stride_w + job.window.kernel_w;
  job.window.width = job.padded_width;
  return job;
}

bool has_few_channels(const Convolution& conv) {
  return conv.group == 1 && conv.x[1] <= 2 && conv.dilation == LayoutDims{0, 0} && !conv.cropped;
}

void make_few_channels(Program& program, const Convolution& conv, graph::ValueId x, graph::ValueId weight,
                       const Fused& fused) {
  const Layout layout = lane_layout(conv.y);
  const FewChannels job = few_channels(conv, *lanes_of(layout));
  const std::size_t biases = job.y.blocks * kLanes;
  const BufferId from = program.read_plain(x), w = program.read_plain(weight);
  const BufferId bias = fused.bias ? program.read_plain(*fused.bias) : w;
  const BufferId filters = program.scratch((job.sums() + biases) * sizeof(float));
  const BufferId planes = program.scratch(job.threads * job.channels * job.plane() * sizeof(float));
  const BufferId to = program.write(fused.result, layout);
  const bool relu = fused.attr.get_post_ops().len() > 0;
  program.add({from, w, bias, filters, planes, to},
              [=, with_bias = fused.bias.has_value()](const Addresses& at) -> Status {
                float* eights = at.floats(filters);
                float* offsets = eights + job.sums();
                job.spread(at.floats(w), eights);
                std::fill_n(offsets, biases, 0.0F);
                if (with_bias) std::copy_n(at.floats(bias), job.y.channels, offsets);
                parallel(job.threads, 1, [&](std::size_t begin, std::size_t end) {
                  for (std::size_t thread = begin; thread < end; ++thread) {
                    float* padded = at.floats(planes) + thread * job.channels * job.plane();
                    const std::size_t first = job.y.batch * thread / job.threads,
                                      last = job.y.batch * (thread + 1) / job.threads;
                    for (std::size_t n = first; n < last; ++n) {
                      job.pad_all(n, at.floats(from), padded);
                      for (std::size_t block = 0; block < job.y.blocks; ++block) {
                        loops().filter(job.window, job.channels, job.plane(), padded,
                                       eights + block * job.channels * job.filter * kLanes, offsets + block * kLanes,
                                       relu, at.floats(to) + job.y.offset(n, block), job.y.pixel);
                      }
                    }
                  }
                });
                return {};
              });
}

}  // namespace

Status make_conv2d(Program& program, const graph::NodeView& node) {
  auto conv = convolution_of(node, node.type(0), node.type(1), node.result_type());
  if (!conv) return conv.error();
  const Fused fused = fuse_bias_and_relu(program, node);
  if (has_few_channels(*conv)) {
    make_few_channels(program, *conv, node.node().inputs[0], node.node().inputs[1], fused);
    return {};
  }
  const auto& [result, bias, attr] = fused;
  const Layout bias_layout = plain_layout(LayoutDims{conv->channels_out});
  const auto desc = forward(program, *conv, bias ? &bias_layout : nullptr, attr);
  const graph::ValueId weight = node.node().inputs[1];
  if (conv->group == 1 && !conv->cropped) program.settle(weight, conv->of_w(desc.weights_desc()));
  std::vector<Program::Operand> operands{
      {DNNL_ARG_SRC, desc.src_desc(), read_x(program, *conv, node.node().inputs[0], desc.src_desc())},
      {DNNL_ARG_WEIGHTS, desc.weights_desc(), program.read_as(weight, conv->filters, conv->of_w(desc.weights_desc()))}};
  if (bias) operands.push_back({DNNL_ARG_BIAS, bias_layout, program.read_plain(*bias)});
  operands.push_back({DNNL_ARG_DST, desc.dst_desc(), program.write(result, conv->of_y(desc.dst_desc()))});
  program.add(desc, convolution_forward(desc), std::move(operands));
  return {};
}

/// Inputs: gradient of the result, weight.
Status make_conv2d_backprop_input(Program& program, const graph::NodeView& node) {
  auto conv = convolution_of(node, node.result_type(), node.type(1), node.type(0));
  if (!conv) return conv.error();
  const auto hint = forward(program, *conv, nullptr, program.attr());
  const convolution_backward_data::primitive_desc desc(
      {dnnl::algorithm::convolution_direct, any(conv->x), any(conv->w), any(conv->y), conv->stride, conv->dilation,
       conv->begin, conv->end},
      program.attr(), program.engine(), hint);
  const BufferId dy = program.read(node.node().inputs[0], conv->of_y(desc.diff_dst_desc()));
  const BufferId w = program.read_as(node.node().inputs[1], conv->filters, conv->of_w(desc.weights_desc()));
  const graph::ValueId result = node.node().outputs[0];
  const Layout made = conv->of_x(desc.diff_src_desc());
  const BufferId dx = conv->skips ? program.scratch(made.get_size()) : program.write(result, made);
  program.add(desc, convolution_backward_data(desc),
              {{DNNL_ARG_DIFF_DST, desc.diff_dst_desc(), dy},
               {DNNL_ARG_WEIGHTS, desc.weights_desc(), w},
               {DNNL_ARG_DIFF_SRC, desc.diff_src_desc(), dx}});
  if (!conv->skips) return {};
  const Layout whole = lane_layout(dims_of(node.result_type()));
  program.write_from(result, whole, part_of_x(*conv, whole), made, dx);
  return {};
}

namespace {

void make_filter_of_few_channels(Program& program, const graph::Node& node, const Convolution& conv) {
  const Layout layout = with_lanes(program, node.inputs[0]);
  const FewChannels job = few_channels(conv, *lanes_of(layout));
  const BufferId dy = program.read(node.inputs[0], layout), x = program.read_plain(node.inputs[1]);
  const BufferId to = program.write_plain(node.outputs[0]);
  const BufferId sums = program.scratch(job.threads * job.sums() * sizeof(float));
  const BufferId planes = program.scratch(job.threads * job.plane() * sizeof(float));
  program.add({dy, x, to, sums, planes}, [=](const Addresses& at) -> Status {
    parallel(job.threads, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t thread = begin; thread < end; ++thread) {
        float* own = at.floats(sums) + thread * job.sums();
        std::fill_n(own, job.sums(), 0.0F);
        const std::size_t first = job.y.batch * thread / job.threads, last = job.y.batch * (thread + 1) / job.threads;
        for (std::size_t n = first; n < last; ++n) {
          job.add_image(n, at.floats(x), at.floats(dy), at.floats(planes) + thread * job.plane(), own);
        }
      }
    });
    job.gather(at.floats(sums), at.floats(to));
    return {};
  });
}

// ---- filters as one product ----

/// What the filters see, a row for each pixel of the result: its product with the gradients is that of the filters.
struct Columns {
  std::size_t channels, height, width, kernel_h, kernel_w, out_h, out_w;
  std::int64_t stride_h, stride_w, step_h, step_w, top, left;

  std::size_t length() const { return channels * kernel_h * kernel_w; }

  void fill(const float* image, float* to) const {
    for (std::size_t h = 0; h < out_h; ++h) {
      for (std::size_t w = 0; w < out_w; ++w) {
        for (std::size_t c = 0; c < channels; ++c) {
          to = fill_window(image + c * height * width, static_cast<std::int64_t>(h) * stride_h - top,
                           static_cast<std::int64_t>(w) * stride_w - left, to);
        }
      }
    }
  }

 private:
  float* fill_window(const float* plane, std::int64_t first_row, std::int64_t first_column, float* to) const {
    for (std::size_t i = 0; i < kernel_h; ++i) {
      const std::int64_t row = first_row + static_cast<std::int64_t>(i) * step_h;
      const bool row_inside = row >= 0 && row < static_cast<std::int64_t>(height);
      for (std::size_t j = 0; j < kernel_w; ++j) {
        const std::int64_t column = first_column + static_cast<std::int64_t>(j) * step_w;
        const bool inside = row_inside && column >= 0 && column < static_cast<std::int64_t>(width);
        *to++ = inside ? plane[static_cast<std::size_t>(row) * width + static_cast<std::size_t>(column)] : 0.0F;
      }
    }
    return to;
  }
};

Columns columns_of(const Convolution& conv) {
  const auto size = [](std::int64_t number) { return static_cast<std::size_t>(number); };
  return {.channels = size(conv.x[1]),
          .height = size(conv.x[2]),
          .width = size(conv.x[3]),
          .kernel_h = size(conv.w[2]),
          .kernel_w = size(conv.w[3]),
          .out_h = size(conv.y[2]),
          .out_w = size(conv.y[3]),
          .stride_h = conv.stride[0],
          .stride_w = conv.stride[1],
          .step_h = conv.dilation[0] + 1,
          .step_w = conv.dilation[1] + 1,
          .top = conv.begin[0],
          .left = conv.begin[1]};
}

/// Where oneDNN has no kernel it multiplies image by image; of the small ones deep in a network that is a matrix of
/// next to nothing each time. All images at once are one good product, and its result lies as the weight does.
void make_filter_of_columns(Program& program, const graph::Node& node, const Convolution& conv) {
  constexpr auto kFloat = dnnl::memory::data_type::f32;
  const Columns job = columns_of(conv);
  const std::int64_t pixels = conv.y[0] * conv.y[2] * conv.y[3], outs = conv.y[1];
  const auto length = static_cast<std::int64_t>(job.length());
  const Layout gradients({outs, pixels}, kFloat, LayoutDims{1, outs});
  const Layout columns = plain_layout(LayoutDims{pixels, length}), product = plain_layout(LayoutDims{outs, length});
  const dnnl::matmul::primitive_desc desc({gradients, columns, product}, program.attr(), program.engine());

  const BufferId dy = program.read(node.inputs[0], conv.of_y(Layout(conv.y, kFloat, dnnl::memory::format_tag::nhwc)));
  const BufferId x = read_x(program, conv, node.inputs[1], plain_layout(conv.x)),
                 seen = program.scratch(columns.get_size());
  program.add({x, seen}, [=, images = static_cast<std::size_t>(conv.x[0])](const Addresses& at) -> Status {
    const std::size_t image = job.channels * job.height * job.width, rows = job.out_h * job.out_w * job.length();
    parallel(images, 1, [&](std::size_t begin, std::size_t end) {
      for (std::size_t n = begin; n < end; ++n) job.fill(at.floats(x) + n * image, at.floats(seen) + n * rows);
    });
    return {};
  });
  const graph::ValueId result = node.outputs[0];
  const bool as_it_is = !conv.cropped && conv.shape != Shape::product;
  const BufferId to = as_it_is ? program.write_plain(result) : program.scratch(product.get_size());
  program.add(desc, dnnl::matmul(desc),
              {{DNNL_ARG_SRC, gradients, dy}, {DNNL_ARG_WEIGHTS, columns, seen}, {DNNL_ARG_DST, product, to}});
  if (!as_it_is)
    program.write_from(result, plain_layout(program.graph().value(result).type), conv.filters,
                       conv.of_w(plain_layout(conv.w)), to);
}

}  // namespace

/// Inputs: gradient of the result, images.
Status make_conv2d_backprop_filter(Program& program, const graph::NodeView& node) {
  auto conv = convolution_of(node, node.type(1), node.result_type(), node.type(0));
  if (!conv) return conv.error();
  if (has_few_channels(*conv)) {
    make_filter_of_few_channels(program, node.node(), *conv);
    return {};
  }
  const auto hint = forward(program, *conv, nullptr, program.attr());
  const convolution_backward_weights::primitive_desc desc(
      {dnnl::algorithm::convolution_direct, any(conv->x), any(conv->w), any(conv->y), conv->stride, conv->dilation,
       conv->begin, conv->end},
      program.attr(), program.engine(), hint);
  if (conv->group == 1 && std::string_view(desc.impl_info_str()).find("gemm") != std::string_view::npos) {
    make_filter_of_columns(program, node.node(), *conv);
    return {};
  }
  const graph::ValueId result = node.node().outputs[0];
  const Layout made = conv->of_w(desc.diff_weights_desc());
  const BufferId dy = program.read(node.node().inputs[0], conv->of_y(desc.diff_dst_desc()));
  const BufferId x = read_x(program, *conv, node.node().inputs[1], desc.src_desc());
  const bool as_it_is = conv->group == 1 && !conv->cropped;
  const BufferId to = as_it_is ? program.write(result, made) : program.scratch(made.get_size());
  program.add(desc, convolution_backward_weights(desc),
              {{DNNL_ARG_DIFF_DST, desc.diff_dst_desc(), dy},
               {DNNL_ARG_SRC, desc.src_desc(), x},
               {DNNL_ARG_DIFF_WEIGHTS, desc.diff_weights_desc(), to}});
  if (!as_it_is) program.write_from(result, plain_layout(node.result_type()), conv->filters, made, to);
  return {};
}

}  // namespace ckpt::train
