#include "ops/ge_expansion.h"

#include <algorithm>
#include <string>

namespace ckpt::graph::ascend {

ValueId Expansion::add(Value value, Ref ref) {
  graph_.values.push_back(std::move(value));
  refs_.push_back(ref);
  return static_cast<ValueId>(refs_.size() - 1);
}

ValueId Expansion::in(std::size_t i) {
  if (!node_.has_input(i)) return kAbsent;
  Value value = node_.input(i);
  if (value.kind == ValueKind::result) value.kind = ValueKind::input;  // of this graph
  return add(std::move(value), target_.of(node_.node().inputs[i]));
}

ValueId Expansion::as(ValueId x, DType dtype) {
  return x == kAbsent || type(x).dtype == dtype ? x : (*this)("Cast", {x}, {{"dtype", dtype}});
}

std::vector<ValueId> Expansion::several(std::string_view op, std::vector<ValueId> inputs, std::size_t results,
                                        Attrs attrs) {
  const Node node = graph_.add_node(std::string(op), std::string(op), std::move(inputs), std::move(attrs), results);
  refs_.resize(graph_.values.size(), Target::kNothing);
  const Op* known = find_op(op);
  const auto there = [&](ValueId id) { return id == kAbsent || refs_[id] != Target::kNothing; };
  if (status_ && (!known || !known->to_ge || !std::ranges::all_of(node.inputs, there))) status_ = refuse("no rule");
  if (status_) status_ = infer_types(graph_, node);
  if (status_) status_ = target_.convert(graph_, node, known->to_ge, refs_);
  return node.outputs;
}

ValueId Expansion::add_constant(Type type, const std::vector<double>& values, Ref ref) {
  const DType dtype = type.dtype;
  return add(
      {.kind = ValueKind::constant, .type = std::move(type), .contents = contents_of(dtype, values), .bound = true},
      ref);
}

ValueId Expansion::number(double value, DType dtype) {
  return add_constant({dtype, {}}, {value}, target_.scalar(value, dtype));
}

ValueId Expansion::numbers(const std::vector<double>& values, DType dtype) {
  const Dim count(static_cast<std::int64_t>(values.size()));
  return add_constant({dtype, {count}}, values, vector_of(target_, dtype, values));
}

ValueId Expansion::reshape(ValueId x, const Dims& dims) {
  if (type(x).dims == dims) return x;
  auto shape = one_unknown(dims);
  if (!shape) return fail(shape.error());
  return (*this)("Reshape", {x}, {{"shape", *shape}});
}

ValueId Expansion::fail(const Status& why) {
  if (status_) status_ = why;
  return add({}, Target::kNothing);
}

Status Expansion::finish(const std::vector<ValueId>& results) {
  for (std::size_t i = 0; status_ && i < std::min(results.size(), node_.node().outputs.size()); ++i) {
    if (results[i] == kAbsent) continue;
    const Type &made = type(results[i]), &wanted = node_.result_type(i);
    const auto one_size = [](const Dim& a, const Dim& b) { return a.known() ? a == b : unify(a, b).has_value(); };
    const bool same = (wanted.dtype == DType::unknown || made.dtype == wanted.dtype) &&
                      std::ranges::equal(made.dims, wanted.dims, one_size);
    if (!same) return refuse("GE's would be " + to_string(made) + ", not " + to_string(wanted));
    target_.result(i, refs_[results[i]]);
  }
  return status_;
}

}  // namespace ckpt::graph::ascend
