#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "networks/build.h"

// nn.TransformerEncoder over nn.TransformerEncoderLayer with its defaults: [sequence, batch, features], norms behind
// the blocks, ReLU, no masks.
namespace ckpt::graph {
namespace {

// Heads are taken apart and put together by Split, Stack, Unstack and Concat rather than by the Reshapes that MindSpore
// records: those know the length of the sequence and the batch, these need neither.
class Encoder {
 public:
  Encoder(Net& net, std::int64_t width, std::int64_t heads) : net_(net), width_(width), heads_(heads) {}

  ValueId layer(const Cell& at, ValueId x);
  ValueId norm(const Cell& at, ValueId x);

 private:
  ValueId attention(const Cell& at, ValueId x);
  ValueId per_head(const Cell& at, ValueId x);
  ValueId linear(const Cell& at, ValueId x, std::int64_t in, std::int64_t out);

  Net& net_;
  std::int64_t width_;
  std::int64_t heads_;
};

ValueId Encoder::linear(const Cell& at, ValueId x, std::int64_t in, std::int64_t out) {
  const ValueId weight = net_.parameter(at.parameters + "weight", {out, in});
  return net_.node("Dense", at, {x, weight, net_.parameter(at.parameters + "bias", {out})});
}

ValueId Encoder::norm(const Cell& at, ValueId x) {
  const ValueId gamma = net_.parameter(at.parameters + "gamma", {width_});
  const ValueId beta = net_.parameter(at.parameters + "beta", {width_});
  return net_.node("LayerNorm", at, {x, gamma, beta},
                   {{"begin_norm_axis", std::int64_t{-1}}, {"begin_params_axis", std::int64_t{-1}}, {"epsilon", 1e-5}});
}

// [sequence, batch, features] to [heads, batch, sequence, features / heads].
ValueId Encoder::per_head(const Cell& at, ValueId x) {
  std::vector<ValueId> parts = net_.split(at, x, -1, heads_);
  const ValueId stacked = net_.node("Stack", at, std::move(parts), {{"axis", std::int64_t{0}}});
  return net_.node("Transpose", at, {stacked}, {{"dims", Ints{0, 2, 1, 3}}});
}

ValueId Encoder::attention(const Cell& at, ValueId x) {
  const ValueId weight = net_.parameter(at.parameters + "in_proj_weight", {3 * width_, width_});
  const ValueId bias = net_.parameter(at.parameters + "in_proj_bias", {3 * width_});
  const std::vector<ValueId> qkv = net_.split(at, net_.node("Dense", at, {x, weight, bias}), -1, 3);
  const ValueId scale = net_.scalar("attention_scale", 1 / std::sqrt(static_cast<float>(width_ / heads_)));
  const ValueId q = per_head(at, net_.node("Mul", at, {qkv[0], scale}));
  const ValueId scores =
      net_.node("BatchMatMul", at, {q, per_head(at, qkv[1])}, {{"transpose_a", false}, {"transpose_b", true}});
  const ValueId weights = net_.node("Softmax", at, {scores}, {{"axis", Ints{-1}}});
  ValueId y =
      net_.node("BatchMatMul", at, {weights, per_head(at, qkv[2])}, {{"transpose_a", false}, {"transpose_b", false}});
  y = net_.node("Transpose", at, {y}, {{"dims", Ints{0, 2, 1, 3}}});
  std::vector<ValueId> parts = net_.node_of_several("Unstack", at, {y}, static_cast<std::size_t>(heads_),
                                                    {{"axis", std::int64_t{0}}, {"num", heads_}});
  y = heads_ == 1 ? parts.front() : net_.node("Concat", at, std::move(parts), {{"axis", std::int64_t{-1}}});
  return linear(at.in("out_proj", "Dense"), y, width_, width_);
}

ValueId Encoder::layer(const Cell& at, ValueId x) {
  const ValueId attended = attention(at.in("self_attn", "MultiheadAttention"), x);
  x = norm(at.in("norm1", "LayerNorm"), net_.node("Add", at, {x, attended}));
  const std::int64_t hidden = net_.dim(at.parameters + "dense1.weight", 0, 2048);
  ValueId y = net_.node("ReLU", at, {linear(at.in("dense1", "Dense"), x, width_, hidden)});
  y = linear(at.in("dense2", "Dense"), y, hidden, width_);
  return norm(at.in("norm2", "LayerNorm"), net_.node("Add", at, {x, y}));
}

}  // namespace

Result<Graph> make_transformer_encoder(Net net) {
  const Cell root;
  const std::int64_t width = net.dim("layers.0.norm1.gamma", 0, 512);
  const std::int64_t heads = net.options().heads.value_or(0);
  const auto first = [](std::size_t i) { return "layers." + std::to_string(i) + ".norm1.gamma"; };
  if (heads <= 0) net.fail("the number of heads must be given: a checkpoint does not tell");
  if (heads > 0 && width % heads != 0) {
    net.fail(std::to_string(heads) + " heads do not divide a width of " + std::to_string(width));
  }
  ValueId x = net.input({Dim("S"), Dim("N"), width});
  Encoder encoder(net, width, heads);
  for (std::size_t i = 0; !net.failed() && net.has(first(i), i < 6); ++i) {
    x = encoder.layer(root.in("layers", "CellList").in(std::to_string(i), "TransformerEncoderLayer"), x);
  }
  if (!net.failed() && net.has("norm.gamma", false)) x = encoder.norm(root.in("norm", "LayerNorm"), x);
  return std::move(net).finish(x);
}

}  // namespace ckpt::graph
