#include "select.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "ckpt/text.h"
#include "usage.h"

namespace ckpt::tools {

struct Selection::Pattern {
  std::string text;
  std::unique_ptr<re2::RE2> expression;
  std::unique_ptr<re2::RE2> bytewise;  // for names that are not UTF-8: they must not be invisible to patterns
  bool anchored = false;
  mutable bool used = false;
};

Selection::Selection() = default;
Selection::Selection(Selection&&) noexcept = default;
Selection::~Selection() = default;

Result<Selection> Selection::create(const PatternOptions& options) {
  Selection selection;
  for (const std::string& text : options.patterns) {
    // It would match no name, or as an expression every one: a variable of a script that was not set.
    if (text.empty()) return usage("a pattern must not be empty");
    std::string expression = text;
    if (!options.regex) {
      auto translated = regex_from_glob(text);
      if (!translated) return std::move(translated).error();
      expression = std::move(*translated);
    }
    re2::RE2::Options how;
    how.set_log_errors(false);
    how.set_dot_nl(true);
    auto bytes = how;
    bytes.set_encoding(re2::RE2::Options::EncodingLatin1);
    auto bytewise = std::make_unique<re2::RE2>(expression, bytes);
    auto compiled = std::make_unique<re2::RE2>(expression, is_utf8(text) ? how : bytes);
    if (!compiled->ok())
      return usage(fmt::format("the pattern {} is wrong: {}", escape(text), escape(compiled->error())));
    selection.patterns_.push_back({text, std::move(compiled), std::move(bytewise), !options.regex});
  }
  return selection;
}

bool Selection::matches(std::string_view name) const {
  bool any = patterns_.empty();
  const bool utf8 = patterns_.empty() || is_utf8(name);
  for (const Pattern& pattern : patterns_) {
    const re2::StringPiece text(name.data(), name.size());
    const re2::RE2& expression = utf8 ? *pattern.expression : *pattern.bytewise;
    const bool hit =
        pattern.anchored ? re2::RE2::FullMatch(text, expression) : re2::RE2::PartialMatch(text, expression);
    pattern.used |= hit;
    any |= hit;
  }
  return any;
}

std::string Selection::unused() const {
  for (const Pattern& pattern : patterns_)
    if (!pattern.used) return pattern.text;
  return {};
}

Result<std::string> regex_from_glob(std::string_view glob) {
  std::string out;
  int braces = 0;
  const auto literal = [&](char c) { out += re2::RE2::QuoteMeta(re2::StringPiece(&c, 1)); };
  for (std::size_t i = 0; i < glob.size(); ++i) {
    const char c = glob[i];
    if (c == '*') {
      out += ".*";
    } else if (c == '?') {
      out += '.';
    } else if (c == '\\' && i + 1 < glob.size()) {
      literal(glob[++i]);
    } else if (c == '[') {
      std::size_t end = i + 1;
      if (end < glob.size() && (glob[end] == '!' || glob[end] == '^')) ++end;
      if (end < glob.size() && glob[end] == ']') ++end;
      end = glob.find(']', end);
      if (end == glob.npos) return usage(fmt::format("the pattern {} has a [ without its ]", escape(glob)));
      std::string_view inside = glob.substr(i + 1, end - i - 1);
      out += '[';
      if (inside.starts_with('!') || inside.starts_with('^')) {
        out += '^';
        inside.remove_prefix(1);
      }
      for (const char member : inside) {
        if (member == '\\' || member == '[' || member == ']' || member == '^') out += '\\';
        out += member;
      }
      out += ']';
      i = end;
    } else if (c == '{') {
      ++braces;
      out += "(?:";
    } else if (c == '}' && braces > 0) {
      --braces;
      out += ')';
    } else if (c == ',' && braces > 0) {
      out += '|';
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      out += c;  // a part of a UTF-8 character
    } else {
      literal(c);
    }
  }
  if (braces > 0) return usage(fmt::format("the pattern {} has a {{ without its }}", escape(glob)));
  return out;
}

}  // namespace ckpt::tools
