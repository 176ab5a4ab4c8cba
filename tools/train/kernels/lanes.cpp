#include "kernels/lanes.h"

namespace ckpt::train {

std::optional<Lanes> lanes_of(const Layout& layout) {
  const dnnl_memory_desc_t& desc = layout.data;
  if (desc.ndims != 4 || desc.format_kind != dnnl_blocked || desc.data_type != dnnl_f32 || desc.offset0 != 0) return {};
  const dnnl_blocking_desc_t& blocking = desc.format_desc.blocking;
  const auto size = [](dnnl_dim_t dim) { return static_cast<std::size_t>(dim); };
  Lanes lanes{.batch = size(desc.dims[0]),
              .channels = size(desc.dims[1]),
              .blocks = size(desc.padded_dims[1]) / kLanes,
              .height = size(desc.dims[2]),
              .width = size(desc.dims[3]),
              .image = size(blocking.strides[0]),
              .pixel = size(blocking.strides[3])};
  if (blocking.strides[2] != desc.dims[3] * blocking.strides[3] && desc.dims[2] != 1) return {};
  if (blocking.inner_nblks == 0) {  // channels last
    if (blocking.strides[1] != 1 || lanes.channels % kLanes != 0 || lanes.pixel < lanes.channels) return {};
    lanes.outer = 0;
    lanes.inner = lanes.blocks;
    return lanes;
  }
  const dnnl_dim_t block = blocking.inner_blks[0];
  if (blocking.inner_nblks != 1 || blocking.inner_idxs[0] != 1 || block % static_cast<dnnl_dim_t>(kLanes) != 0)
    return {};
  lanes.outer = size(blocking.strides[1]);
  lanes.inner = size(block) / kLanes;
  return lanes;
}

Layout lane_layout(const LayoutDims& dims) {
  const bool wide = dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core;
  using Tag = dnnl::memory::format_tag;
  return Layout(dims, dnnl::memory::data_type::f32, wide ? Tag::nChw16c : Tag::nChw8c);
}

Layout with_lanes(const Program& program, graph::ValueId value) {
  const Layout& layout = program.layout(value);
  return lanes_of(layout) ? layout : lane_layout(dims_of(program.graph().value(value).type));
}

}  // namespace ckpt::train
