#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "op.h"

/// What the files of the table share: how arguments are written, and which families there are.
namespace ckpt::graph {

inline Argument tensor(std::string_view name) { return {.name = name}; }
inline Argument optional(std::string_view name) { return {.name = name, .is = Argument::Is::optional_tensor}; }
inline Argument sizes() { return {.name = "sizes_of", .is = Argument::Is::sizes}; }
inline Argument tensors(std::string_view name) { return {.name = name, .is = Argument::Is::tensors}; }

using Fallback = std::optional<Attr>;

inline Argument flag(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::boolean, .fallback = std::move(fallback), .was = was};
}
inline Argument integer(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::integer, .fallback = std::move(fallback), .was = was};
}
inline Argument number(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::number, .fallback = std::move(fallback), .was = was};
}
inline Argument text(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::text, .fallback = std::move(fallback), .was = was};
}
inline Argument integers(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::integers, .fallback = std::move(fallback), .was = was};
}
inline Argument numbers(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::numbers, .fallback = std::move(fallback), .was = was};
}
inline Argument int_lists(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::int_lists, .fallback = std::move(fallback), .was = was};
}
inline Argument dtype(std::string_view name, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::dtype, .fallback = std::move(fallback), .was = was};
}
/// Integers, one for each axis of an image: a single number stands for all of them.
inline Argument per_axis(std::string_view name, std::size_t axes, Fallback fallback = {}, std::string_view was = {}) {
  return {.name = name, .is = Argument::Is::integers, .fallback = std::move(fallback), .was = was, .numbers = axes};
}

inline Attr words(const char* word) { return std::string(word); }
inline Attr whole(std::int64_t value) { return value; }

std::vector<Op> conv_ops();
std::vector<Op> pool_ops();
std::vector<Op> activation_ops();
std::vector<Op> norm_ops();
std::vector<Op> unary_ops();
std::vector<Op> binary_ops();
std::vector<Op> matmul_ops();
std::vector<Op> reduce_ops();
std::vector<Op> shape_ops();
std::vector<Op> index_ops();
std::vector<Op> diagonal_ops();
std::vector<Op> grid_ops();
std::vector<Op> pad_ops();
std::vector<Op> resize_ops();
std::vector<Op> recurrent_ops();
// Of training only: losses, gradients, updates. They go into no target.
std::vector<Op> gradient_ops();
std::vector<Op> optimizer_ops();
std::vector<Op> detection_ops();
std::vector<Op> scatter_ops();

}  // namespace ckpt::graph
