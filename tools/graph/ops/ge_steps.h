#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/ge_rules.h"
#include "ops/rules.h"

/// What rules for Ascend's graph engine are made of. What was an argument of MindSpore's constructor is an attribute
/// there; what was an operand is one too where the D form of an operator wants it so. Everything that GE and MindSpore
/// have different defaults for is written.
namespace ckpt::graph::ascend {

inline const std::string kNchw = "NCHW";
inline const std::string kNcdhw = "NCDHW";

/// A step that is the whole node. Results that GE has and MindSpore has not are there, and nothing uses them.
Status emit_on(const NodeView& node, Target& target, std::string_view type, std::vector<Ref> inputs,
               NamedAttrs attrs = {});
/// ... on all its inputs.
Status emit(const NodeView& node, Target& target, std::string_view type, NamedAttrs attrs = {});
/// ... on the first one, and an operand that MindSpore has as an argument.
Status with_operand(const NodeView& node, Target& target, std::string_view type, Result<Ref> operand,
                    NamedAttrs attrs = {});

template <Name kType>
Status same_inputs(const NodeView& node, Target& target) {
  return emit(node, target, kType.view());
}

/// GE does not convert: refused unless all inputs are of the first one's type.
Status want_one_type(const NodeView& node);

/// An input converted to that type, if it is another.
Result<Ref> as_type(const NodeView& node, Target& target, std::size_t i, DType dtype);

/// A step whose inputs are all of one type, or converted to that of the result; refused if that is of a comparison.
Status emit_alike(const NodeView& node, Target& target, std::string_view type);

template <Name kType>
Status same_types(const NodeView& node, Target& target) {
  return emit_alike(node, target, kType.view());
}

/// A constant operand. The shapes and indices of a GEIR file are Int32, as MindSpore's are there; refused where a
/// number is larger.
Result<Ref> numbers(Target& target, const Ints& values, Dims dims);
/// ... of one dimension.
Result<Ref> vector(Target& target, const Ints& values);
/// ... of none.
Result<Ref> whole_number(Target& target, std::int64_t value);

/// The sizes as an operand has them: -1 for the one that may be unknown.
Result<Ints> one_unknown(const Dims& dims);

/// A word of MindSpore's as GE writes it.
std::string upper(std::string text);

// The families, which ge_rules() joins.
std::span<const NamedGeRule> window_rules();
std::span<const NamedGeRule> matrix_rules();
std::span<const NamedGeRule> element_rules();
std::span<const NamedGeRule> shape_rules();
std::span<const NamedGeRule> recurrent_rules();
std::span<const NamedGeRule> composed_element_rules();
std::span<const NamedGeRule> composed_shape_rules();
std::span<const NamedGeRule> composed_window_rules();

}  // namespace ckpt::graph::ascend
