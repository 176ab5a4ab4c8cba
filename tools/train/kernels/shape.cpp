#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/kernels.h"
#include "ops/rules.h"

// What moves values and computes nothing, or sums them: small or rare in training, so plain loops over row-major
// values.
namespace ckpt::train {
namespace {

using Sizes = std::vector<std::size_t>;

Sizes sizes_of(const graph::Type& type) {
  Sizes sizes;
  for (const graph::Dim& dim : type.dims) sizes.push_back(static_cast<std::size_t>(dim.size));
  return sizes;
}

Sizes row_major_strides(const Sizes& sizes) {
  Sizes strides(sizes.size(), 1);
  for (std::size_t i = sizes.size(); i-- > 1;) strides[i - 1] = strides[i] * sizes[i];
  return strides;
}

/// A box of elements between two arrays; a stride of zero repeats.
struct Box {
  Sizes sizes, from_strides, to_strides;
  std::size_t from = 0, to = 0;  ///< where it starts
  std::size_t element = 1;       ///< bytes
};

void copy_box(const Box& box, const std::byte* from, std::byte* to, std::size_t axis = 0) {
  if (axis == box.sizes.size()) {
    std::memcpy(to, from, box.element);
    return;
  }
  const std::size_t from_step = box.from_strides[axis] * box.element, to_step = box.to_strides[axis] * box.element;
  if (axis + 1 == box.sizes.size() && from_step == box.element && to_step == box.element) {
    std::memcpy(to, from, box.sizes[axis] * box.element);
    return;
  }
  for (std::size_t i = 0; i < box.sizes[axis]; ++i) copy_box(box, from + i * from_step, to + i * to_step, axis + 1);
}

/// `cleared`: what the box does not cover is zero.
void add_copy(Program& program, const graph::NodeView& node, Box box, bool cleared = false) {
  const BufferId from = program.read_plain(node.node().inputs[0]), to = program.write_plain(node.node().outputs[0]);
  box.element = size_of(node.type(0).dtype);
  const std::size_t bytes =
      static_cast<std::size_t>(graph::element_count(node.result_type()).value_or(0)) * box.element;
  program.add({from, to}, [=](const Addresses& at) -> Status {
    if (cleared) std::memset(at.at<std::byte>(to), 0, bytes);
    copy_box(box, at.at<std::byte>(from) + box.from * box.element, at.at<std::byte>(to) + box.to * box.element);
    return {};
  });
}

}  // namespace

Status make_reshape(Program& program, const graph::NodeView& node) {
  if (graph::element_count(node.type(0)) != graph::element_count(node.result_type())) {
    return refusal("makes " + to_string(node.result_type()) + " of " + to_string(node.type(0)));
  }
  program.share(node.node().outputs[0], node.node().inputs[0]);
  return {};
}

Status make_pad(Program& program, const graph::NodeView& node) {
  const graph::IntLists& paddings = node.int_lists("paddings");
  const Sizes from = sizes_of(node.type(0)), to = sizes_of(node.result_type());
  if (paddings.size() != from.size()) return refusal("paddings of another rank");
  Box box{.sizes = from, .from_strides = row_major_strides(from), .to_strides = row_major_strides(to)};
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (paddings[i].size() != 2 || paddings[i][0] < 0 || paddings[i][1] < 0) return refusal("paddings below zero");
    box.to += static_cast<std::size_t>(paddings[i][0]) * box.to_strides[i];
  }
  add_copy(program, node, std::move(box), true);
  return {};
}

Status make_slice(Program& program, const graph::NodeView& node) {
  const graph::Ints& begin = node.integers("begin");
  const Sizes from = sizes_of(node.type(0)), to = sizes_of(node.result_type());
  if (begin.size() != from.size() || to.size() != from.size()) return refusal("begin of another rank");
  Box box{.sizes = to, .from_strides = row_major_strides(from), .to_strides = row_major_strides(to)};
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto first = static_cast<std::size_t>(begin[i]);
    if (begin[i] < 0 || first > from[i] || to[i] > from[i] - first) return refusal("a slice outside of its input");
    box.from += first * box.from_strides[i];
  }
  add_copy(program, node, std::move(box));
  return {};
}

Status make_broadcast_to(Program& program, const graph::NodeView& node) {
  const Sizes from = sizes_of(node.type(0)), to = sizes_of(node.result_type());
  if (from.size() > to.size()) return refusal("fewer dimensions than its input has");
  const std::size_t more = to.size() - from.size();
  Box box{.sizes = to, .from_strides = Sizes(to.size(), 0), .to_strides = row_major_strides(to)};
  const Sizes strides = row_major_strides(from);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != 1 && from[i] != to[more + i]) return refusal("makes " + to_string(node.result_type()));
    if (from[i] != 1) box.from_strides[more + i] = strides[i];
  }
  add_copy(program, node, std::move(box));
  return {};
}

/// Each axis of the result is two: how often, and the input's.
Status make_tile(Program& program, const graph::NodeView& node) {
  Sizes from = sizes_of(node.type(0));
  const Sizes to = sizes_of(node.result_type());
  if (from.size() > to.size()) return refusal("fewer dimensions than its input has");
  from.insert(from.begin(), to.size() - from.size(), 1);
  if (from == to) {
    program.share(node.node().outputs[0], node.node().inputs[0]);
    return {};
  }
  const Sizes strides = row_major_strides(from), to_strides = row_major_strides(to);
  Box box;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (to[i] % from[i] != 0) return refusal("makes " + to_string(node.result_type()));
    box.sizes.insert(box.sizes.end(), {to[i] / from[i], from[i]});
    box.from_strides.insert(box.from_strides.end(), {0, strides[i]});
    box.to_strides.insert(box.to_strides.end(), {to_strides[i] * from[i], to_strides[i]});
  }
  add_copy(program, node, std::move(box));
  return {};
}

// ---- sums ----

namespace {

/// Sums all elements of each place of the result, in double. `strides`: where the result has each axis; 0: summed.
void reduce(const Sizes& sizes, const Sizes& strides, const float* x, double factor, std::vector<double>& sums,
            float* y) {
  std::fill(sums.begin(), sums.end(), 0.0);
  std::size_t total = 1;
  for (const std::size_t size : sizes) total *= size;
  Sizes at(sizes.size(), 0);
  std::size_t to = 0;
  for (std::size_t i = 0; i < total; ++i) {
    sums[to] += static_cast<double>(x[i]);
    for (std::size_t axis = sizes.size(); axis-- > 0;) {
      to += strides[axis];
      if (++at[axis] < sizes[axis]) break;
      to -= strides[axis] * sizes[axis];
      at[axis] = 0;
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) y[i] = static_cast<float>(sums[i] * factor);
}

}  // namespace

Status make_reduce(Program& program, const graph::NodeView& node) {
  if (node.type(0).dtype != DType::float32) return refusal("works on " + to_string(node.type(0)));
  const Sizes sizes = sizes_of(node.type(0));
  auto axes = graph::axes_of(node.is_none("axis") ? graph::Ints() : node.integers("axis"), sizes.size());
  if (!axes) return axes.error();
  Sizes kept = sizes;
  std::size_t summed = 1;
  for (const std::size_t axis : *axes) summed *= std::exchange(kept[axis], 1);
  Sizes strides = row_major_strides(kept);
  for (const std::size_t axis : *axes) strides[axis] = 0;
  const double factor = node.node().op == "ReduceMean" ? 1.0 / static_cast<double>(summed) : 1.0;
  const std::size_t results = std::accumulate(kept.begin(), kept.end(), std::size_t{1}, std::multiplies<>());
  const BufferId x = program.read_plain(node.node().inputs[0]), y = program.write_plain(node.node().outputs[0]);
  program.add({x, y}, [=, sums = std::vector<double>(results)](const Addresses& at) mutable -> Status {
    reduce(sizes, strides, at.floats(x), factor, sums, at.floats(y));
    return {};
  });
  return {};
}

// ---- integers and tables ----

namespace {

std::int64_t integer_at(const std::byte* bytes, DType dtype, std::size_t i) {
  if (dtype == DType::int64) return reinterpret_cast<const std::int64_t*>(bytes)[i];
  return reinterpret_cast<const std::int32_t*>(bytes)[i];
}

Status want_integers(const graph::Type& type) {
  if (type.dtype == DType::int32 || type.dtype == DType::int64) return {};
  return refusal("indices of type " + to_string(type));
}

Error outside(std::int64_t index, std::size_t count) {
  return Error{.code = Errc::mismatch,
               .message = "index " + std::to_string(index) + " where there are " + std::to_string(count)};
}

}  // namespace

Status make_gather(Program& program, const graph::NodeView& node) {
  if (auto status = want_integers(node.type(1)); !status) return status;
  if (node.integer("batch_dims") != 0) return refusal("batch_dims=" + std::to_string(node.integer("batch_dims")));
  const Sizes sizes = sizes_of(node.type(0));
  auto axis = graph::axis_of(node.integer("axis"), sizes.size());
  if (!axis) return axis.error();
  const auto begin = sizes.begin(), middle = begin + static_cast<std::ptrdiff_t>(*axis);
  const std::size_t outer = std::accumulate(begin, middle, std::size_t{1}, std::multiplies<>());
  const std::size_t rows = sizes[*axis];
  const std::size_t row = std::accumulate(middle + 1, sizes.end(), size_of(node.type(0).dtype), std::multiplies<>());
  const DType dtype = node.type(1).dtype;
  const std::size_t count = static_cast<std::size_t>(graph::element_count(node.type(1)).value_or(0));
  const BufferId from = program.read_plain(node.node().inputs[0]), which = program.read_plain(node.node().inputs[1]);
  const BufferId to = program.write_plain(node.node().outputs[0]);
  program.add({from, which, to}, [=](const Addresses& at) -> Status {
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t asked = integer_at(at.at<std::byte>(which), dtype, i);
      const std::int64_t index = asked < 0 ? asked + static_cast<std::int64_t>(rows) : asked;
      if (index < 0 || index >= static_cast<std::int64_t>(rows)) return outside(asked, rows);
      for (std::size_t j = 0; j < outer; ++j) {
        std::memcpy(at.at<std::byte>(to) + (j * count + i) * row,
                    at.at<std::byte>(from) + (j * rows + static_cast<std::size_t>(index)) * row, row);
      }
    }
    return {};
  });
  return {};
}

/// Inputs: indices, the value where an index is, the value elsewhere. An index that is none is nowhere.
Status make_one_hot(Program& program, const graph::NodeView& node) {
  if (auto status = want_integers(node.type(0)); !status) return status;
  if (node.result_type().dtype != DType::float32) return refusal("makes " + to_string(node.result_type()));
  if (node.integer("axis") != -1) return refusal("axis=" + std::to_string(node.integer("axis")));
  const auto depth = static_cast<std::size_t>(node.integer("depth"));
  const DType dtype = node.type(0).dtype;
  const auto count = static_cast<std::size_t>(graph::element_count(node.type(0)).value_or(0));
  if (graph::element_count(node.result_type()) != count * depth)
    return refusal("makes " + to_string(node.result_type()));
  const BufferId which = program.read_plain(node.node().inputs[0]), on = program.read_plain(node.node().inputs[1]);
  const BufferId off = program.read_plain(node.node().inputs[2]), to = program.write_plain(node.node().outputs[0]);
  program.add({which, on, off, to}, [=](const Addresses& at) -> Status {
    std::fill_n(at.floats(to), count * depth, *at.floats(off));
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t index = integer_at(at.at<std::byte>(which), dtype, i);
      if (index < 0 || static_cast<std::size_t>(index) >= depth) continue;
      at.floats(to)[i * depth + static_cast<std::size_t>(index)] = *at.floats(on);
    }
    return {};
  });
  return {};
}

namespace {

template <class From, class To>
void convert(const std::byte* from, std::byte* to, std::size_t count) {
  const auto* x = reinterpret_cast<const From*>(from);
  auto* y = reinterpret_cast<To*>(to);
  for (std::size_t i = 0; i < count; ++i) y[i] = static_cast<To>(x[i]);
}

using Convert = void (*)(const std::byte*, std::byte*, std::size_t);

template <class From>
Convert convert_to(DType to) {
  if (to == DType::float32) return convert<From, float>;
  if (to == DType::int32) return convert<From, std::int32_t>;
  if (to == DType::int64) return convert<From, std::int64_t>;
  return nullptr;
}

Convert convert_of(DType from, DType to) {
  if (from == DType::float32) return to == DType::float32 ? convert<float, float> : nullptr;
  if (from == DType::int32) return convert_to<std::int32_t>(to);
  if (from == DType::int64) return convert_to<std::int64_t>(to);
  return nullptr;
}

}  // namespace

/// Of integers; a float that is too large for an integer has no defined one.
Status make_cast(Program& program, const graph::NodeView& node) {
  const Convert loop = convert_of(node.type(0).dtype, node.result_type().dtype);
  if (!loop) return refusal("makes " + to_string(node.result_type()) + " of " + to_string(node.type(0)));
  const auto count = static_cast<std::size_t>(graph::element_count(node.type(0)).value_or(0));
  const BufferId from = program.read_plain(node.node().inputs[0]), to = program.write_plain(node.node().outputs[0]);
  program.add({from, to}, [=](const Addresses& at) -> Status {
    loop(at.at<std::byte>(from), at.at<std::byte>(to), count);
    return {};
  });
  return {};
}

}  // namespace ckpt::train
