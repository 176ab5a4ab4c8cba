#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ckpt/diff.h"
#include "options.h"
#include "select.h"

namespace ckpt::cli {

/// How far apart values of an entry may be: --atol, --rtol, --ulp, and --tolerance for some names.
class Tolerances {
 public:
  static Result<Tolerances> create(const DiffCommand& options);
  Tolerance operator()(const TensorInfo& entry) const;  ///< what the last pattern that matches says
  /// The first pattern that matched nothing so far; empty if there is none.
  std::string unused() const;

 private:
  struct Rule {
    Selection selection;
    std::optional<double> atol = {};
    std::optional<double> rtol = {};
    std::optional<std::uint64_t> ulp = {};
  };
  Tolerance base_ = {};
  std::vector<Rule> rules_ = {};
};

/// Whether there are such values.
struct NonFinite {
  bool nan = false;
  bool inf = false;
};

/// What makes the exit status 1: --fail-on changed:'conv*',nan. Without it any difference.
class FailOn {
 public:
  static Result<FailOn> create(const DiffCommand& options);
  bool operator()(const TensorDiff& diff, const NonFinite& uncompared) const;
  bool added_file() const { return asks_for(What::added); }
  bool removed_file() const { return asks_for(What::removed); }
  /// Whether it matters what values there are that nothing was compared with.
  bool counts_values() const;
  /// The first pattern that matched nothing so far; empty if there is none.
  std::string unused() const;

 private:
  enum class What : std::uint8_t { any, changed, added, removed, renamed, reshaped, dtype, nan, inf };
  struct Condition {
    What what = What::any;
    std::optional<Selection> selection = {};
  };
  static bool holds(What what, const TensorDiff& diff, const NonFinite& uncompared);
  bool asks_for(What what) const;  // that, or any

  std::vector<Condition> conditions_ = {};
};

/// Two names that belong together: a line of a map, the name in A, a tab, the name in B, both escaped.
struct NamePair {
  std::string a = {};
  std::string b = {};
  std::size_t line = 0;
  bool in_a = false;  ///< the name was met in a file
  bool in_b = false;
};
using NameMap = std::vector<NamePair>;
/// Errc::malformed, with the number of the line, for what is no pair, and where a name is in two that say other things.
Result<NameMap> read_name_map(const std::string& path);
std::string text_of(const NameMap& map);

}  // namespace ckpt::cli
