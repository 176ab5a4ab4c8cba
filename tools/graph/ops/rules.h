#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "op.h"

/// What rules are made of.
namespace ckpt::graph {

Error refuse(std::string reason);

// ---- types ----

using Types = Result<std::vector<Type>>;

/// One result, as the first input.
Types same(const NodeView& node);

/// ... of booleans.
Types same_boolean(const NodeView& node);

/// The sizes as numbers; -1 where one is not known.
Ints sizes_of(const Dims& dims);

/// The position of an axis that may be counted from behind.
Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank);
/// Sorted positions, each once. An empty list is all of them.
Result<std::vector<std::size_t>> axes_of(const Ints& axes, std::size_t rank);

/// The one size that both are; what is known of either. Named dimensions equal themselves only.
Result<Dim> unify(const Dim& a, const Dim& b);
/// NumPy's rule.
Result<Dims> broadcast(const Dims& a, const Dims& b);

/// The result of an operation on both, as MindSpore's implicit conversion has it: floating point before integers before
/// booleans, then the wider one.
DType common_dtype(DType a, DType b);
bool is_floating(DType dtype) noexcept;

/// The product of dimensions: of those that are known, and of what one that is not is a multiple of. Products of a name
/// are named "N*49".
struct Known {
  std::int64_t product = 1;
  std::size_t unknown = 0;  ///< how many are not known
  std::string symbol = {};  ///< of the only one that is not; empty where nothing is known of it
};
Result<Known> known_part(const Dims& dims);
/// That product as one dimension.
Dim as_dim(const Known& known);
/// What of a product is left when the other one is taken out of it; nothing is known where it is no multiple.
Dim quotient(const Known& all, const Known& part);

/// Both as one, where that is known: "N" and "N" are "N*2".
Dim sum_of(const Dim& a, const Dim& b);

/// A number of a shape as a dimension: that of the input where it is asked for, else the number.
Result<Dim> size_at(const NodeView& node, std::int64_t number);
/// The shape with numbers for all that is asked for and known.
Result<Ints> settled(const NodeView& node, const Ints& shape);
bool asks(const Ints& shape);

Status want_rank(const NodeView& node, std::size_t input, std::size_t rank);
Status want_format(const NodeView& node, std::string_view format);

// ---- windows: convolutions and pools ----

/// How a window moves along one axis, in ONNX's terms: explicit pads.
struct Window {
  std::int64_t kernel = 1, stride = 1, dilation = 1, begin = 0, end = 0;

  std::int64_t reach() const noexcept { return dilation * (kernel - 1) + 1; }
};

/// (1, 2) as (1, 1, 2, 2).
Ints both_sides(const Ints& padding);

/// For each of the axes behind batch and channels. `pad_list` (begin, end an axis) counts where mode is "pad". SAME of
/// an axis whose size is not known needs no number if the stride is 1; else `known` is false.
struct Windows {
  std::vector<Window> axes = {};
  bool known = true;
};
Result<Windows> windows(const Dims& input, const Ints& kernel, const Ints& stride, const Ints& dilation,
                        const std::string& pad_mode, const Ints& pad_list);
/// ... as the attributes say that Conv2D, Conv3D and gradients of convolutions have.
Result<Windows> windows(const NodeView& node, const Dims& input, const Ints& kernel);
/// The pads that are given as numbers; empty where pad_mode is a word.
Ints pad_list(const NodeView& node);
/// What each axis has, as attributes list it; pads: all that are in front, then all behind.
struct WindowLists {
  Ints kernel = {}, strides = {}, dilations = {}, pads = {};
};
WindowLists lists_of(const Windows& windows);
/// Sizes behind batch and channels.
Result<Dims> window_sizes(const Dims& input, const Windows& windows, bool same, bool ceil_mode);
/// As PyTorch and MindSpore count it: the last window starts inside the input or the padding before it.
std::int64_t window_count(std::int64_t size, const Window& window, bool ceil_mode);

// ---- ONNX ----

using Ref = Target::Ref;
using NamedAttrs = std::vector<Target::NamedAttr>;

/// The value of an input; kNothing if it is not given.
Ref in(const NodeView& node, Target& target, std::size_t i);
/// ... converted to that type, if it is another.
Ref in_as(const NodeView& node, Target& target, std::size_t i, DType dtype);
/// Those of all inputs.
std::vector<Ref> inputs_of(const NodeView& node, Target& target);

/// A number as attributes of the targets have it.
float as_float(const NodeView& node, std::string_view name);

/// A name as a template argument: one<"Relu">.
template <std::size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&literal)[N]) { std::copy_n(literal, N, text); }
  constexpr std::string_view view() const { return {text, N - 1}; }
};

/// A step of that name on all the inputs, without attributes.
template <Name kName>
Status one(const NodeView& node, Target& target) {
  target.result(0, target.add(kName.view(), inputs_of(node, target)));
  return {};
}

/// The number of onnx.TensorProto.DataType, as Cast.to has it; 0 for what IR version 8 does not have.
std::int64_t onnx_dtype(DType dtype) noexcept;

/// For a chain of steps on values of one type.
class Chain {
 public:
  Chain(Target& target, Type type) : target_(target), type_(std::move(type)) {}

  Ref operator()(std::string_view op, std::vector<Ref> inputs, NamedAttrs attrs = {}) {
    return target_.add(op, std::move(inputs), std::move(attrs), type_);
  }
  /// A step whose result is a truth for each element.
  Ref truth(std::string_view op, std::vector<Ref> inputs) {
    return target_.add(op, std::move(inputs), {}, {DType::boolean, type_.dims});
  }
  Ref number(double value) { return target_.scalar(value, type_.dtype); }

 private:
  Target& target_;
  Type type_;
};

/// A result computed from the first input, of whose type everything is.
template <Ref (*kFormula)(Chain&, Ref)>
Status formula(const NodeView& node, Target& target) {
  Chain chain(target, node.type(0));
  target.result(0, kFormula(chain, in(node, target, 0)));
  return {};
}

Ref cast(Target& target, Ref x, DType dtype, const Dims& dims = {});
Ref reshape(Target& target, Ref x, const Ints& shape, Type type = {});
Ref transpose(Target& target, Ref x, const Ints& order, Type type = {});
Ref unsqueeze(Target& target, Ref x, const Ints& axes, Type type = {});
Ref squeeze(Target& target, Ref x, const Ints& axes, Type type = {});
/// ReduceSum, ReduceMean …; axes empty: all.
Ref reduce(Target& target, std::string_view op, Ref x, const Ints& axes, bool keep, Type type = {});
Ref slice(Target& target, Ref x, const Ints& starts, const Ints& ends, const Ints& axes, const Ints& steps,
          Type type = {});
std::vector<Ref> split(Target& target, Ref x, std::int64_t axis, const Ints& sizes, std::size_t count);

inline constexpr std::int64_t kToTheEnd = std::int64_t{1} << 62;  ///< as an end of Slice

/// A one-dimensional tensor of that type.
Ref vector_of(Target& target, DType dtype, const std::vector<double>& values);
Contents contents_of(DType dtype, const std::vector<double>& values);

/// A shape as ONNX wants it: a constant, or put together when the network runs.
Ref shape_operand(const NodeView& node, Target& target, const Ints& shape);

/// The shape of x as ONNX's Reshape wants it, from what is known: 0 for the same dimension of its input, -1 for one
/// that is not known. Empty if more than one is not known and not at the place it was.
std::optional<Ints> reshape_to(const Dims& from, const Dims& to);

/// Positions as attributes have them.
Ints as_ints(const std::vector<std::size_t>& axes);

}  // namespace ckpt::graph
