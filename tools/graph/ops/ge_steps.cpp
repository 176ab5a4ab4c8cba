#include "ops/ge_steps.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "ge_interface.h"
#include "ge_types.h"

namespace ckpt::graph::ascend {

Status emit_on(const NodeView& node, Target& target, std::string_view type, std::vector<Ref> inputs, NamedAttrs attrs) {
  const GeOp* op = find_ge_op(type);
  if (!op) return refuse("GE's " + std::string(type) + " is not known");
  const std::size_t wanted = node.node().outputs.size();
  const bool dynamic = !op->outputs.empty() && op->outputs.front().dynamic;
  const std::vector<Ref> refs =
      target.add_many(type, std::move(inputs), dynamic ? wanted : op->outputs.size(), std::move(attrs));
  for (std::size_t i = 0; i < std::min(wanted, refs.size()); ++i) target.result(i, refs[i]);
  return {};
}

Status emit(const NodeView& node, Target& target, std::string_view type, NamedAttrs attrs) {
  return emit_on(node, target, type, inputs_of(node, target), std::move(attrs));
}

Status with_operand(const NodeView& node, Target& target, std::string_view type, Result<Ref> operand,
                    NamedAttrs attrs) {
  if (!operand) return operand.error();
  return emit_on(node, target, type, {in(node, target, 0), *operand}, std::move(attrs));
}

Status want_one_type(const NodeView& node) {
  for (std::size_t i = 1; i < node.input_count(); ++i) {
    if (node.type(i).dtype != node.type(0).dtype) {
      return refuse("its inputs are " + to_string(node.type(0)) + " and " + to_string(node.type(i)));
    }
  }
  return {};
}

Result<Ref> as_type(const NodeView& node, Target& target, std::size_t i, DType dtype) {
  const Type& type = node.type(i);
  const Ref x = in(node, target, i);
  if (type.dtype == dtype) return x;
  const std::int64_t number = find_ge_type(&GeType::dtype, dtype).attribute;
  if (number < 0) return refuse("GE has no " + std::string(name(dtype)));
  return target.add("Cast", {x}, {{"dst_type", number}}, {dtype, type.dims});
}

Status emit_alike(const NodeView& node, Target& target, std::string_view type) {
  const Status alike = want_one_type(node);
  if (!alike && node.result_type().dtype == DType::boolean) return alike;
  std::vector<Ref> inputs;
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    auto x = as_type(node, target, i, alike ? node.type(i).dtype : node.result_type().dtype);
    if (!x) return x.error();
    inputs.push_back(*x);
  }
  return emit_on(node, target, type, std::move(inputs));
}

Result<Ref> numbers(Target& target, const Ints& values, Dims dims) {
  std::vector<double> list;
  for (const std::int64_t value : values) {
    if (value > std::numeric_limits<std::int32_t>::max() || value < std::numeric_limits<std::int32_t>::min()) {
      return refuse(std::to_string(value) + " is beyond what GE's Int32 operands hold");
    }
    list.push_back(static_cast<double>(value));
  }
  return target.tensor({.dtype = DType::int32, .dims = std::move(dims)}, contents_of(DType::int32, list));
}

Result<Ref> vector(Target& target, const Ints& values) {
  return numbers(target, values, {Dim(static_cast<std::int64_t>(values.size()))});
}

Result<Ref> whole_number(Target& target, std::int64_t value) { return numbers(target, {value}, {}); }

Result<Ints> one_unknown(const Dims& dims) {
  Ints shape = sizes_of(dims);
  if (std::ranges::count(shape, -1) > 1)
    return refuse("more than one dimension of " + to_string({.dims = dims}) + " is not known");
  return shape;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}

}  // namespace ckpt::graph::ascend
