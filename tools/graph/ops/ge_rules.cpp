#include "ops/ge_rules.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "ops/ge_steps.h"

namespace ckpt::graph {
namespace {

std::vector<NamedGeRule> join_ge_rules() {
  std::vector<NamedGeRule> rules;
  for (auto family :
       {ascend::window_rules, ascend::matrix_rules, ascend::element_rules, ascend::shape_rules, ascend::recurrent_rules,
        ascend::composed_element_rules, ascend::composed_shape_rules, ascend::composed_window_rules}) {
    std::ranges::copy(family(), std::back_inserter(rules));
  }
  std::ranges::sort(rules, {}, &NamedGeRule::op);
  return rules;
}

}  // namespace

std::span<const NamedGeRule> ge_rules() {
  static const std::vector<NamedGeRule> rules = join_ge_rules();
  return rules;
}

GeRule ge_rule(std::string_view op) {
  const auto rules = ge_rules();
  const auto at = std::ranges::lower_bound(rules, op, {}, &NamedGeRule::op);
  return at != rules.end() && at->op == op ? at->rule : nullptr;
}

}  // namespace ckpt::graph
