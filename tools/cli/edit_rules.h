#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ckpt/edit.h"
#include "ckpt/error.h"
#include "options.h"
#include "select.h"

namespace re2 {
class RE2;
}

namespace ckpt::cli {

/// --rename OLD=NEW, OLD*=NEW*; --rename-regex s/RE/NEW/. Every rule is tried in turn, on what the one before made of
/// the name.
class Renaming {
 public:
  static Result<Renaming> create(const std::vector<std::string>& exact, const std::vector<std::string>& regex);

  bool empty() const noexcept { return rules_.empty(); }
  std::string operator()(std::string_view name) const;
  /// The first rule that changed nothing so far, as it was typed; empty if there is none.
  std::string unused() const;

 private:
  struct Rule {
    std::string text = {};
    std::string from = {};
    std::string to = {};
    bool prefix = false;
    std::shared_ptr<re2::RE2> regex = {};
    mutable bool used = false;
  };
  std::vector<Rule> rules_ = {};
};

/// --cast [PATTERN=]TYPE. A type alone goes for numbers of its own kind: `--cast Float16` leaves an Int32 step counter
/// alone.
class Casting {
 public:
  static Result<Casting> create(const EditCommand& options);

  bool empty() const noexcept { return rules_.empty(); }
  DType operator()(const TensorInfo& tensor) const;
  std::string unused() const;

 private:
  struct Rule {
    std::string text = {};
    DType to = DType::unknown;
    std::shared_ptr<const Selection> selection = {};
    mutable bool used = false;
  };
  std::vector<Rule> rules_ = {};
};

/// --set NAME=VALUE: 3, 0.1, true, text, "text".
Result<AppendValue> value_from(const std::string& text);

}  // namespace ckpt::cli
