#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph.h"

namespace ckpt::graph {

/// A constant or an attribute of MindSpore's own graph, before anybody knows what it is for.
struct Literal {
  enum class Is : std::uint8_t { none, monad, boolean, integer, number, text, dtype, tensor, list, other };

  Is is = Is::none;
  std::int64_t integer = 0;  ///< a boolean, too
  double number = 0;
  std::string text = {};  ///< of `other`: what it is, for a refusal
  std::string name = {};  ///< of a constant, where the file names it
  Type type = {};         ///< of a tensor; of a dtype: its dtype
  Contents contents = {};
  bool recorded = true;  ///< false: a tensor whose values the file does not have
  std::vector<Literal> items = {};

  static Literal of(bool value) { return {.is = Is::boolean, .integer = value ? 1 : 0}; }
  static Literal of(std::int64_t value) { return {.is = Is::integer, .integer = value}; }
  static Literal of(double value) { return {.is = Is::number, .number = value}; }
  static Literal of(std::string value) { return {.is = Is::text, .text = std::move(value)}; }
  static Literal of(DType value) { return {.is = Is::dtype, .type = {.dtype = value}}; }
  static Literal other(std::string what) { return {.is = Is::other, .text = std::move(what)}; }
};

/// Of a constant: its value as an attribute; empty if it has none (a tensor of two dims, nested lists, values that are
/// not recorded).
std::optional<Attr> attr_of(const Literal& literal);

/// Numbers where an operator wants a tensor: one of the type that MindSpore would make of them. Empty for what is none.
std::optional<Literal> as_tensor(const Literal& literal);

/// "an integer", "a tuple": for a refusal.
std::string_view kind_of(const Literal& literal);

}  // namespace ckpt::graph
