#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/error.h"

namespace re2 {
class RE2;
}

namespace ckpt::tools {

struct PatternOptions {
  std::vector<std::string> patterns = {};
  bool regex = false;
};

/// The names a user's patterns pick. Linear in the name, whatever the pattern.
class Selection {
 public:
  static Result<Selection> create(const PatternOptions& options);  ///< Errc::usage for an empty pattern, or a wrong one
  Selection(Selection&&) noexcept;
  ~Selection();

  bool matches(std::string_view name) const;  ///< any of the patterns; all names without patterns
  /// The first pattern that matched nothing so far; empty if there is none.
  std::string unused() const;

 private:
  Selection();
  struct Pattern;
  std::vector<Pattern> patterns_;
};

/// A glob as a regular expression: `*` any run (dots too), `?` one character, `[a-z]`, `[!a-z]`, `{a,b}`, `\` quotes.
/// Errc::usage for brackets without an end.
Result<std::string> regex_from_glob(std::string_view glob);

}  // namespace ckpt::tools
