#include "diff_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <unordered_map>

#include "ckpt/text.h"
#include "input.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return {};
  if constexpr (std::is_floating_point_v<Number>)
    if (!(value >= 0)) return {};
  return value;
}

// At commas, but not at those between braces or brackets.
std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts(1);
  int depth = 0;
  for (const char c : text) {
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth > 0) --depth;
    if (c == ',' && depth == 0)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// A new NaN or infinity, in the entry or a part of it.
bool has_new(const TensorDiff& diff, std::uint64_t Metrics::*count) {
  return (diff.metrics && (*diff.metrics).*count > 0) ||
         std::any_of(diff.parts.begin(), diff.parts.end(),
                     [&](const TensorDiff& part) { return has_new(part, count); });
}

}  // namespace

Result<Tolerances> Tolerances::create(const DiffCommand& options) {
  Tolerances tolerances;
  tolerances.base_ = {.atol = options.atol, .rtol = options.rtol, .ulp = options.ulp};
  for (const std::string& text : options.tolerance) {
    const auto at = text.rfind('=');
    const auto wrong = [&] {
      return usage("--tolerance needs PATTERN=atol:X,rtol:X,ulp:N, not '" + escape(text) + "'");
    };
    if (at == text.npos) return wrong();
    auto selection = Selection::create({.patterns = {text.substr(0, at)}, .regex = options.select.regex});
    if (!selection) return std::move(selection).error();
    Rule rule{.selection = std::move(*selection)};
    for (const std::string& term : split_list(std::string_view(text).substr(at + 1))) {
      const std::string value = term.size() > 4 ? term.substr(term.find(':') + 1) : "";
      bool known = false;
      if (term.starts_with("atol:")) known = (rule.atol = number_from<double>(value)).has_value();
      if (term.starts_with("rtol:")) known = (rule.rtol = number_from<double>(value)).has_value();
      if (term.starts_with("ulp:")) known = (rule.ulp = number_from<std::uint64_t>(value)).has_value();
      if (!known) return wrong();
    }
    tolerances.rules_.push_back(std::move(rule));
  }
  return tolerances;
}

Tolerance Tolerances::operator()(const TensorInfo& entry) const {
  Tolerance tolerance = base_;
  for (const Rule& rule : rules_) {
    if (!rule.selection.matches(entry.name)) continue;
    tolerance = {.atol = rule.atol.value_or(base_.atol),
                 .rtol = rule.rtol.value_or(base_.rtol),
                 .ulp = rule.ulp ? rule.ulp : base_.ulp};
  }
  return tolerance;
}

std::string Tolerances::unused() const {
  for (const Rule& rule : rules_)
    if (std::string pattern = rule.selection.unused(); !pattern.empty()) return pattern;
  return {};
}

Result<FailOn> FailOn::create(const DiffCommand& options) {
  constexpr std::array<std::string_view, 9> kWords = {"any",      "changed", "added", "removed", "renamed",
                                                      "reshaped", "dtype",   "nan",   "inf"};
  FailOn fail_on;
  for (const std::string& text : options.fail_on) {
    if (text.ends_with(',')) return usage("--fail-on: '" + escape(text) + "' ends with a comma");
    for (const std::string& term : split_list(text)) {
      const auto colon = term.find(':');
      const auto word = std::find(kWords.begin(), kWords.end(), term.substr(0, colon));
      if (word == kWords.end())
        return usage("--fail-on: '" + escape(term.substr(0, colon)) +
                     "' is none of any|changed|added|removed|renamed|reshaped|dtype|nan|inf");
      Condition condition{.what = static_cast<What>(word - kWords.begin())};
      if (colon != term.npos) {
        auto selection = Selection::create({.patterns = {term.substr(colon + 1)}, .regex = options.select.regex});
        if (!selection) return std::move(selection).error();
        condition.selection.emplace(std::move(*selection));
      }
      fail_on.conditions_.push_back(std::move(condition));
    }
  }
  if (fail_on.conditions_.empty()) fail_on.conditions_.emplace_back();
  return fail_on;
}

// A pattern is of entries; those of a file that has no partner are not looked at.
bool FailOn::asks_for(What what) const {
  return std::any_of(conditions_.begin(), conditions_.end(),
                     [&](const Condition& c) { return c.what == What::any || c.what == what; });
}

bool FailOn::counts_values() const {
  return std::any_of(conditions_.begin(), conditions_.end(),
                     [](const Condition& c) { return c.what == What::nan || c.what == What::inf; });
}

bool FailOn::holds(What what, const TensorDiff& diff, const NonFinite& uncompared) {
  switch (what) {
    case What::any:
      return differs(diff);
    case What::changed:
      return diff.values == Change::changed;
    case What::added:
      return diff.change == Change::added;
    case What::removed:
      return diff.change == Change::removed;
    case What::renamed:
      return diff.pair.by != PairedBy::map && diff.pair.a != nullptr && diff.pair.b != nullptr &&
             diff.pair.a->name != diff.pair.b->name;
    case What::reshaped:
      return diff.change == Change::reshaped;
    case What::dtype:
      return diff.change == Change::dtype_changed;
    case What::nan:
      return uncompared.nan || has_new(diff, &Metrics::new_nan);
    case What::inf:
      return uncompared.inf || has_new(diff, &Metrics::new_inf);
  }
  return false;
}

// All conditions are asked, so that unused() knows.
bool FailOn::operator()(const TensorDiff& diff, const NonFinite& uncompared) const {
  bool fails = false;
  for (const Condition& condition : conditions_) {
    const auto matches = [&](const TensorInfo* entry) {
      return entry != nullptr && condition.selection->matches(entry->name);
    };
    const bool matched = !condition.selection || matches(diff.pair.a) || matches(diff.pair.b);
    fails |= matched && holds(condition.what, diff, uncompared);
  }
  return fails;
}

std::string FailOn::unused() const {
  for (const Condition& condition : conditions_) {
    if (!condition.selection) continue;
    if (std::string pattern = condition.selection->unused(); !pattern.empty()) return pattern;
  }
  return {};
}

namespace {

Error wrong_line(std::size_t number, const std::string& why) {
  return {.code = Errc::malformed, .message = "line " + std::to_string(number) + " " + why};
}

// Two lines that say the same do no harm.
Status check_contradictions(const NameMap& map) {
  for (const auto side : {&NamePair::a, &NamePair::b}) {
    std::unordered_map<std::string_view, const NamePair*> first;
    for (const NamePair& pair : map) {
      const NamePair& before = *first.try_emplace(pair.*side, &pair).first->second;
      if (before.a != pair.a || before.b != pair.b)
        return wrong_line(pair.line,
                          "contradicts line " + std::to_string(before.line) + " about \"" + escape(pair.*side) + "\"");
    }
  }
  return {};
}

}  // namespace

Result<NameMap> read_name_map(const std::string& path) {
  auto text = read_text(path, std::size_t{64} << 20, "a map");
  if (!text) return std::move(text).error();
  std::string_view rest = *text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);  // editors of Windows write it, and \r\n
  NameMap map;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto tab = line.find('\t');
    const auto a = unescape(line.substr(0, tab));
    const auto b = tab == line.npos ? std::nullopt : unescape(line.substr(tab + 1));
    if (!a || !b) return wrong_line(number, "is not a name, a tab and a name");
    if (line.find('\t', tab + 1) != line.npos) return wrong_line(number, "has more than one tab");
    map.push_back({.a = *a, .b = *b, .line = number});
  }
  if (auto status = check_contradictions(map); !status) return status.error();
  return map;
}

std::string text_of(const NameMap& map) {
  std::string text;
  for (const NamePair& pair : map) text += escape(pair.a) + "\t" + escape(pair.b) + "\n";
  return text;
}

}  // namespace ckpt::cli
