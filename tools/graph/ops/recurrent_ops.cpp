#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// MindSpore's weights of one layer in one direction, one behind the other: from the input [4H, I], from the hidden
// state [4H, H], and the sum of both biases [4H]; gates in the order input, forget, cell, output.

struct Shape {
  std::int64_t input = 0, hidden = 0;
  bool has_bias = false;

  std::int64_t elements() const noexcept { return 4 * hidden * (input + hidden + (has_bias ? 1 : 0)); }
};

Result<Shape> lstm_shape(const NodeView& node) {
  constexpr std::int64_t kMost = 1 << 20;
  const Shape shape{node.integer("input_size"), node.integer("hidden_size"), node.flag("has_bias")};
  if (shape.input <= 0 || shape.input > kMost || shape.hidden <= 0 || shape.hidden > kMost) {
    return refuse("input_size or hidden_size");
  }
  if (node.integer("num_layers") != 1)
    return refuse("num_layers=" + std::to_string(node.integer("num_layers")) +
                  ": how the weights of several are laid out is not known");
  if (node.flag("bidirectional")) return refuse("bidirectional: how its weights are laid out is not known");
  if (node.integer("proj_size") != 0) return refuse("proj_size: ONNX has no projection");
  return shape;
}

Types lstm_types(const NodeView& node) {
  auto shape = lstm_shape(node);
  if (!shape) return shape.error();
  if (auto status = want_rank(node, 0, 3); !status) return status.error();
  const Dims& x = node.type(0).dims;
  if (auto size = unify(x[2], Dim(shape->input)); !size) return size.error();
  if (const auto count = element_count(node.type(3));
      count && *count != static_cast<std::uint64_t>(shape->elements())) {
    return refuse("weights of " + std::to_string(*count) + " elements where " + std::to_string(shape->elements()) +
                  " are wanted");
  }
  const DType dtype = node.type(0).dtype;
  const Type state{dtype, {Dim(1), x[1], Dim(shape->hidden)}};
  std::vector<Type> types{{dtype, {x[0], x[1], Dim(shape->hidden)}}, state, state};
  for (std::size_t i = 3; i < node.node().outputs.size() && i < 5; ++i) types.push_back(node.result_type(i));
  return types;
}

/// The gates' rows in ONNX's order: input, output, forget, cell.
void take_gates(std::span<const std::byte> from, std::size_t row_bytes, std::vector<std::byte>& to) {
  for (const std::size_t gate : {0U, 3U, 1U, 2U}) {
    const auto part = from.subspan(gate * row_bytes, row_bytes);
    to.insert(to.end(), part.begin(), part.end());
  }
}

/// A part of the weights, made when it is needed.
Contents gates_of(const Contents& weights, std::uint64_t first, std::uint64_t size, bool doubled) {
  const auto make = [weights, first, size, doubled]() -> Result<std::vector<std::byte>> {
    auto bytes = bytes_of(weights, weights.size);
    if (!bytes) return bytes;
    std::vector<std::byte> out;
    out.reserve(size);
    const std::uint64_t half = doubled ? size / 2 : size;
    take_gates(std::span(*bytes).subspan(first, half), half / 4, out);
    out.resize(size);  // of the second bias nothing is left: it was added to the first
    return out;
  };
  return {.make = make, .size = size};
}

bool all_zero(const NodeView& node, std::size_t i) {
  const auto numbers = node.constant_numbers(i);
  return numbers && std::ranges::all_of(*numbers, [](double number) { return number == 0; });
}

Status lstm(const NodeView& node, Target& target) {
  auto shape = lstm_shape(node);
  if (!shape) return shape.error();
  const Value& weights = node.input(3);
  const DType dtype = node.type(0).dtype;
  if (!weights.bound || node.type(3).dtype != dtype) return refuse("weights that are not constant");
  const auto width = static_cast<std::int64_t>(size_of(dtype));
  const auto part = [&](std::int64_t first, std::int64_t columns, Dims dims, bool doubled) {
    const auto bytes = static_cast<std::uint64_t>(4 * shape->hidden * columns * width);
    return target.tensor({dtype, std::move(dims)}, gates_of(weights.contents, static_cast<std::uint64_t>(first * width),
                                                            doubled ? 2 * bytes : bytes, doubled));
  };
  const std::int64_t rows = 4 * shape->hidden;
  const Ref from_input = part(0, shape->input, {Dim(1), Dim(rows), Dim(shape->input)}, false);
  const Ref from_state = part(rows * shape->input, shape->hidden, {Dim(1), Dim(rows), Dim(shape->hidden)}, false);
  const Ref bias = shape->has_bias ? part(rows * (shape->input + shape->hidden), 1, {Dim(1), Dim(2 * rows)}, true)
                                   : Target::kNothing;
  // a state of zeros is what ONNX begins with, whatever the batch is
  const bool from_zero = all_zero(node, 1) && all_zero(node, 2);
  const Dims state{Dim(1), node.type(0).dims[1], Dim(shape->hidden)};
  for (const std::size_t i : {1U, 2U}) {
    const Dims& given = node.type(i).dims;
    const bool fits = given.size() == 3 && std::ranges::equal(given, state, [](const Dim& a, const Dim& b) {
                        return unify(a, b).has_value();
                      });
    if (!from_zero && !fits) return refuse("its state is " + to_string(node.type(i)) + ", of another batch");
  }
  const std::vector<Ref> found = target.add_many(
      "LSTM",
      {in(node, target, 0), from_input, from_state, bias, Target::kNothing,
       from_zero ? Target::kNothing : in(node, target, 1), from_zero ? Target::kNothing : in(node, target, 2)},
      3, {{"hidden_size", shape->hidden}});
  target.result(0, squeeze(target, found[0], {1}));
  for (std::size_t i = 1; i < node.node().outputs.size() && i < 3; ++i) target.result(i, found[i]);
  return {};
}

}  // namespace

std::vector<Op> recurrent_ops() {
  return {
      {.name = "LSTM",
       .arguments = {tensor("x"), tensor("h"), tensor("c"), tensor("w"), integer("input_size"), integer("hidden_size"),
                     integer("num_layers", whole(1)), flag("has_bias", true), flag("bidirectional", false),
                     number("dropout", 0.0), integer("proj_size", whole(0))},
       .infer = lstm_types,
       .to_onnx = lstm},
  };
}

}  // namespace ckpt::graph
