#include <array>

#include "rules.h"
#include "table.h"

namespace ckpt::graph {

namespace {

// MindSpore's weights of one layer in one direction, one behind the other: from the input [4H, I], from the hidden
// state [4H, H], and the sum of both biases [4H]; gates in the order input, forget, cell, output.

struct Sizes {
  std::int64_t input = 0, hidden = 0;
  bool has_bias = false;

  std::int64_t elements() const noexcept { return 4 * hidden * (input + hidden + (has_bias ? 1 : 0)); }
};

Result<Sizes> lstm_sizes(const NodeView& node) {
  constexpr std::int64_t kMost = 1 << 20;
  const Sizes shape{node.integer("input_size"), node.integer("hidden_size"), node.flag("has_bias")};
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
  auto shape = lstm_sizes(node);
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

bool all_zero(const NodeView& node, std::size_t i, int depth = 0);

/// Zeros that are made when the network runs, as many as its batch, and what is cut out of them.
bool makes_zeros(const NodeView& node, int depth) {
  constexpr int kDeepest = 16;
  static constexpr std::array<std::string_view, 8> kKeep = {"BroadcastTo", "ExpandDims", "Identity", "Reshape",
                                                            "Slice",       "Split",      "Squeeze",  "StridedSlice"};
  const std::string& op = node.node().op;
  if (std::ranges::find(kKeep, op) != kKeep.end()) return depth < kDeepest && all_zero(node, 0, depth + 1);
  return op == "Zeros" || op == "ZerosLike" || (op == "FillV2" && node.constant_numbers(0) == Doubles{0});
}

bool all_zero(const NodeView& node, std::size_t i, int depth) {
  if (const auto numbers = node.constant_numbers(i)) {
    return std::ranges::all_of(*numbers, [](double number) { return number == 0; });
  }
  const auto maker = node.maker(i);
  return maker && makes_zeros(*maker, depth);
}

Status lstm(const NodeView& node, Target& target) {
  auto shape = lstm_sizes(node);
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

// ---- DynamicRNN, which Ascend has for it: weights [I + H, 4H], first those of the input; gates in columns, in the
// order input, cell, forget, output ----

/// What only has one value that means an LSTM of one layer in one direction.
Status plain_rnn(const NodeView& node) {
  if (node.text("cell_type") != "lstm") return refuse("cell_type " + node.text("cell_type"));
  if (node.text("direction") != "unidirectional") return refuse("direction " + node.text("direction"));
  if (node.text("activation") != "tanh") return refuse("activation " + node.text("activation"));
  if (node.text("gate_order") != "ijfo") return refuse("gate_order " + node.text("gate_order"));
  const bool plain = node.integer("cell_depth") == 1 && !node.flag("use_peephole") && node.number("keep_prob") == 1 &&
                     node.number("cell_clip") == -1 && node.integer("num_proj") == 0 && node.flag("time_major") &&
                     node.number("forget_bias") == 0;
  if (!plain) return refuse("another cell than that of an LSTM");
  if (node.has_input(3)) return refuse("seq_length: sequences of different lengths");
  return {};
}

Types dynamic_rnn_types(const NodeView& node) {
  if (auto status = plain_rnn(node); !status) return status.error();
  if (auto status = want_rank(node, 0, 3); !status) return status.error();
  if (auto status = want_rank(node, 1, 2); !status) return status.error();
  const Dims &x = node.type(0).dims, &w = node.type(1).dims;
  if (!x[2].known() || !w[0].known() || !w[1].known() || w[1].size % 4 != 0) {
    return refuse("its weights are " + to_string(node.type(1)));
  }
  const std::int64_t hidden = w[1].size / 4;
  if (x[2].size + hidden != w[0].size || hidden == 0) return refuse("its weights are " + to_string(node.type(1)));
  if (node.type(2).dims != Dims{w[1]}) return refuse("its bias is " + to_string(node.type(2)));
  return std::vector<Type>(8, {node.type(0).dtype, {x[0], x[1], Dim(hidden)}});
}

/// The gates along an axis in ONNX's order.
Ref ordered_gates(Target& target, Ref x, std::int64_t axis, std::int64_t hidden, const Type& type) {
  const std::vector<Ref> gates = split(target, x, axis, Ints(4, hidden), 4);
  return target.add("Concat", {gates[0], gates[3], gates[2], gates[1]}, {{"axis", axis}}, type);
}

/// The rows of the weights from `first` on, as ONNX has them: [1, 4H, rows].
Ref weight_part(Target& target, Ref ordered, std::int64_t first, std::int64_t rows, const Type& weights) {
  const Dim &columns = weights.dims[1], many(rows);
  const Ref part = slice(target, ordered, {first}, {first + rows}, {0}, {1}, {weights.dtype, {many, columns}});
  const Ref turned = transpose(target, part, {1, 0}, {weights.dtype, {columns, many}});
  return unsqueeze(target, turned, {0}, {weights.dtype, {Dim(1), columns, many}});
}

Status dynamic_rnn(const NodeView& node, Target& target) {
  const Type &x = node.type(0), &weights = node.type(1), &bias = node.type(2);
  const std::int64_t inputs = x.dims[2].size, hidden = weights.dims[1].size / 4;
  const Ref ordered = ordered_gates(target, in(node, target, 1), 1, hidden, weights);
  const Ref from_input = weight_part(target, ordered, 0, inputs, weights);
  const Ref from_state = weight_part(target, ordered, inputs, hidden, weights);
  const Ref first = ordered_gates(target, in(node, target, 2), 0, hidden, bias);
  const Dim both(8 * hidden);
  const Ref none = vector_of(target, bias.dtype, std::vector<double>(static_cast<std::size_t>(4 * hidden), 0.0));
  const Ref line = target.add("Concat", {first, none}, {{"axis", std::int64_t{0}}}, {bias.dtype, {both}});
  const Ref biases = unsqueeze(target, line, {0}, {bias.dtype, {Dim(1), both}});
  const std::vector<Ref> found = target.add_many(
      "LSTM",
      {in(node, target, 0), from_input, from_state, biases, Target::kNothing, in(node, target, 4), in(node, target, 5)},
      3, {{"hidden_size", hidden}});
  const Ref y = squeeze(target, found[0], {1}, node.result_type());
  target.result(0, y);
  if (node.node().outputs.size() > 1) target.result(1, y);  // the hidden state of every step
  return {};
}

std::vector<Argument> dynamic_rnn_arguments() {
  return {tensor("x"),
          tensor("w"),
          tensor("b"),
          optional("seq_length"),
          optional("init_h"),
          optional("init_c"),
          text("cell_type", words("lstm")),
          text("direction", words("unidirectional")),
          integer("cell_depth", whole(1)),
          flag("use_peephole", false),
          number("keep_prob", 1.0),
          number("cell_clip", -1.0),
          integer("num_proj", whole(0)),
          flag("time_major", true),
          text("activation", words("tanh")),
          number("forget_bias", 0.0),
          text("gate_order", words("ijfo"))};
}

}  // namespace

std::vector<Op> recurrent_ops() {
  return {
      {.name = "DynamicRNN", .arguments = dynamic_rnn_arguments(), .infer = dynamic_rnn_types, .to_onnx = dynamic_rnn},
      {.name = "LSTM",
       .arguments = {tensor("x"), tensor("h"), tensor("c"), tensor("w"), integer("input_size"), integer("hidden_size"),
                     integer("num_layers", whole(1)), flag("has_bias", true), flag("bidirectional", false),
                     number("dropout", 0.0), integer("proj_size", whole(0))},
       .infer = lstm_types,
       .to_onnx = lstm},
  };
}

}  // namespace ckpt::graph
