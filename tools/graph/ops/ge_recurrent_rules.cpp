#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ops/ge_steps.h"

// Networks that go step by step.
namespace ckpt::graph::ascend {
namespace {

/// MindSpore's packed weights [4H (I + H + 1)] as GE's [I + H, 4H] and [4H]: rows become columns, and the gates, which
/// MindSpore has in the order input, forget, cell, output, have the cell's before the forget gate's.
struct PackedLstm {
  Contents packed = {};
  std::size_t width = 0, inputs = 0, hidden = 0;

  static std::size_t gate(std::size_t place) { return std::array<std::size_t, 4>{0, 2, 1, 3}[place]; }

  /// Where in the packed weights a number is that GE has at this row and column.
  std::size_t place(std::size_t row, std::size_t column) const {
    const std::size_t unit = gate(column / hidden) * hidden + column % hidden;
    return row < inputs ? unit * inputs + row : 4 * hidden * inputs + unit * hidden + (row - inputs);
  }
  std::size_t bias_place(std::size_t column) const {
    return 4 * hidden * (inputs + hidden) + gate(column / hidden) * hidden + column % hidden;
  }
};

template <class Place>
Contents unpacked(const PackedLstm& from, std::size_t count, Place place) {
  const auto make = [from, count, place]() -> Result<std::vector<std::byte>> {
    auto bytes = bytes_of(from.packed, from.packed.size);
    if (!bytes) return bytes;
    std::vector<std::byte> out(count * from.width);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(bytes->begin() + static_cast<std::ptrdiff_t>(place(i) * from.width), from.width,
                  out.begin() + static_cast<std::ptrdiff_t>(i * from.width));
    }
    return out;
  };
  return {.make = make, .size = count * from.width};
}

NamedAttrs lstm_attrs() {
  return {{"cell_type", std::string("LSTM")},
          {"direction", std::string("UNIDIRECTIONAL")},
          {"cell_depth", std::int64_t{1}},
          {"use_peephole", false},
          {"keep_prob", 1.0F},
          {"cell_clip", -1.0F},
          {"num_proj", std::int64_t{0}},
          {"time_major", true},
          {"activation", std::string("tanh")},
          {"forget_bias", 0.0F},
          {"is_training", false}};
}

/// The state of the last step of all.
Result<Ref> last_step(Target& target, Ref steps, const Type& type) {
  std::vector<Ref> inputs{steps};
  for (const std::int64_t number : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}}) {
    auto operand = vector(target, {number});
    if (!operand) return operand;
    inputs.push_back(*operand);
  }
  return target.add("StridedSlice", std::move(inputs),
                    {{"begin_mask", std::int64_t{0}},
                     {"end_mask", std::int64_t{1}},
                     {"ellipsis_mask", std::int64_t{0}},
                     {"new_axis_mask", std::int64_t{0}},
                     {"shrink_axis_mask", std::int64_t{0}}},
                    type);
}

/// DynamicRNN, packed as MindSpore's own nn.LSTM packs for it. It has the cell's state of every step as well, which
/// ONNX has not: nothing here could say that what is made of it is right.
Status lstm(const NodeView& node, Target& target) {
  const bool plain = node.integer("num_layers") == 1 && !node.flag("bidirectional") && node.integer("proj_size") == 0;
  if (!plain) return refuse("several layers, both directions or a projection");
  const Value& packed = node.input(3);
  const DType dtype = node.type(0).dtype;
  if (!packed.bound || node.type(3).dtype != dtype) return refuse("weights that are not constant");
  for (const std::size_t i : {1U, 2U}) {
    const Dims& state = node.type(i).dims;
    const bool fits = state.size() == 3 && unify(state[1], node.type(0).dims[1]).has_value();
    if (!fits) return refuse("its state is " + to_string(node.type(i)) + ", of another batch");
  }
  const PackedLstm from{.packed = packed.contents,
                        .width = size_of(dtype),
                        .inputs = static_cast<std::size_t>(node.integer("input_size")),
                        .hidden = static_cast<std::size_t>(node.integer("hidden_size"))};
  const std::size_t rows = from.inputs + from.hidden, columns = 4 * from.hidden;
  const Dim width(static_cast<std::int64_t>(columns));
  const Ref weights = target.tensor(
      {dtype, {Dim(static_cast<std::int64_t>(rows)), width}},
      unpacked(from, rows * columns, [from, columns](std::size_t i) { return from.place(i / columns, i % columns); }));
  const Ref bias = node.flag("has_bias")
                       ? target.tensor({dtype, {width}},
                                       unpacked(from, columns, [from](std::size_t i) { return from.bias_place(i); }))
                       : target.tensor({dtype, {width}}, contents_of(dtype, Doubles(columns, 0.0)));
  const std::vector<Ref> inputs = inputs_of(node, target);
  const std::vector<Ref> found = target.add_many(
      "DynamicRNN", {inputs[0], weights, bias, Target::kNothing, inputs[1], inputs[2]}, 8, lstm_attrs());
  target.result(0, found[0]);
  if (node.node().outputs.size() < 2) return {};
  auto last = last_step(target, found[1], node.result_type(1));
  if (!last) return last.error();
  target.result(1, *last);
  return {};
}

constexpr NamedGeRule kRecurrentRules[] = {
    {"LSTM", lstm},
};

}  // namespace

std::span<const NamedGeRule> recurrent_rules() { return kRecurrentRules; }

}  // namespace ckpt::graph::ascend
