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

/// What makes the exit status 1: --fail-on changed:'conv*',nan. Without it any difference.
class FailOn {
 public:
  static Result<FailOn> create(const DiffCommand& options);
  bool operator()(const TensorDiff& diff) const;
  /// The first pattern that matched nothing so far; empty if there is none.
  std::string unused() const;

 private:
  enum class What : std::uint8_t { any, changed, added, removed, renamed, reshaped, dtype, nan, inf };
  struct Condition {
    What what = What::any;
    std::optional<Selection> selection = {};
  };
  static bool holds(What what, const TensorDiff& diff);

  std::vector<Condition> conditions_ = {};
};

/// Names that belong together, one pair a line: the name in A, a tab, the name in B, both escaped.
using NameMap = std::vector<std::pair<std::string, std::string>>;
Result<NameMap> read_name_map(const std::string& path);
std::string text_of(const NameMap& map);

}  // namespace ckpt::cli
