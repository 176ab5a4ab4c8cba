#include "edit_rules.h"

#include <re2/re2.h>

#include <charconv>
#include <utility>

#include "ckpt/cast.h"
#include "ckpt/text.h"
#include "facts.h"
#include "usage.h"

namespace ckpt::cli {
namespace {

bool same_kind(DType a, DType b) { return (is_float(a) && is_float(b)) || (is_integer(a) && is_integer(b)); }

// s/REGEX/NEW/, with any character in the place of the slash.
Result<std::pair<std::string, std::string>> halves_of(const std::string& text) {
  const auto middle = text.size() > 3 && text[0] == 's' ? text.find(text[1], 2) : text.npos;
  // An empty expression is found at every place of a name.
  if (middle == text.npos || middle == 2 || middle == text.size() - 1 || text.back() != text[1])
    return usage("--rename-regex needs s/REGEX/NEW/, not '" + escape(text) + "'");
  return std::pair{text.substr(2, middle - 2), text.substr(middle + 1, text.size() - middle - 2)};
}

}  // namespace

Result<Renaming> Renaming::create(const std::vector<std::string>& exact, const std::vector<std::string>& regex) {
  Renaming renaming;
  for (const std::string& text : exact) {
    const auto at = text.find('=');
    if (at == text.npos || at == 0 || at + 1 == text.size())
      return usage("--rename needs OLD=NEW, not '" + escape(text) + "'");
    Rule rule{.text = text, .from = text.substr(0, at), .to = text.substr(at + 1)};
    rule.prefix = rule.from.ends_with('*') && rule.to.ends_with('*');
    if (rule.prefix) {
      rule.from.pop_back();
      rule.to.pop_back();
    }
    renaming.rules_.push_back(std::move(rule));
  }
  for (const std::string& text : regex) {
    auto halves = halves_of(text);
    if (!halves) return std::move(halves).error();
    auto expression = std::make_shared<re2::RE2>(halves->first, re2::RE2::Quiet);
    std::string why;
    if (!expression->ok()) return usage("--rename-regex: " + escape(expression->error()));
    if (!expression->CheckRewriteString(halves->second, &why)) return usage("--rename-regex: " + escape(why));
    renaming.rules_.push_back({.text = text, .to = std::move(halves->second), .regex = std::move(expression)});
  }
  return renaming;
}

std::string Renaming::operator()(std::string_view name) const {
  std::string text(name);
  for (const Rule& rule : rules_) {
    if (rule.regex) {
      rule.used |= re2::RE2::GlobalReplace(&text, *rule.regex, rule.to) > 0;
    } else if (rule.prefix ? text.starts_with(rule.from) : text == rule.from) {
      text.replace(0, rule.from.size(), rule.to);
      rule.used = true;
    }
  }
  return text;
}

std::string Renaming::unused() const {
  for (const Rule& rule : rules_)
    if (!rule.used) return rule.text;
  return {};
}

Result<Casting> Casting::create(const EditCommand& options) {
  Casting casting;
  for (const std::string& text : options.cast) {
    const auto at = text.rfind('=');
    const std::string word = at == text.npos ? text : text.substr(at + 1);
    Rule rule{.text = text, .to = dtype_from_name(word)};
    if (rule.to == DType::unknown) return usage("--cast: no type is called '" + escape(word) + "'");
    if (!can_cast(rule.to, rule.to)) return usage("--cast: nothing can be cast to " + escape(word));
    if (at == text.npos && !is_float(rule.to) && !is_integer(rule.to))
      return usage("--cast: " + escape(word) + " needs a pattern, PATTERN=" + escape(word));
    if (at != text.npos) {
      auto selection = Selection::create({.patterns = {text.substr(0, at)}, .regex = options.regex});
      if (!selection) return std::move(selection).error();
      rule.selection = std::make_shared<const Selection>(std::move(*selection));
    }
    casting.rules_.push_back(std::move(rule));
  }
  return casting;
}

DType Casting::operator()(const TensorInfo& tensor) const {
  DType to = DType::unknown;
  for (const Rule& rule : rules_) {
    const bool hit = rule.selection ? rule.selection->matches(tensor.name) && can_cast(tensor.dtype, rule.to)
                                    : same_kind(rule.to, tensor.dtype);
    if (hit) to = rule.to;
    rule.used |= hit;
  }
  return to;
}

std::string Casting::unused() const {
  for (const Rule& rule : rules_)
    if (!rule.used) return rule.text;
  return {};
}

Result<AppendValue> value_from(const std::string& text) {
  const auto at = text.find('=');
  if (at == text.npos || at == 0) return usage("--set needs NAME=VALUE, not '" + escape(text) + "'");
  AppendValue value{.name = text.substr(0, at)};
  const std::string word = text.substr(at + 1);
  const char* const end = word.data() + word.size();
  std::int64_t integer = 0;
  double real = 0;
  if (word == "true" || word == "false") {
    value.value = word == "true";
  } else if (const auto [rest, error] = std::from_chars(word.data(), end, integer); rest == end) {
    if (error != std::errc()) return usage("--set " + escape(value.name) + ": no Int64 has that value");
    value.value = integer;
  } else if (const auto [after, failed] = std::from_chars(word.data(), end, real); after == end) {
    if (failed != std::errc()) return usage("--set " + escape(value.name) + ": no number is as large");
    value.value = real;
  } else if (word.size() >= 2 && word.front() == '"' && word.back() == '"') {
    value.value = word.substr(1, word.size() - 2);
  } else {
    value.value = word;
  }
  return value;
}

}  // namespace ckpt::cli
