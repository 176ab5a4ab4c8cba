#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

// The kinds of options that the programs have, and how their command lines are parsed. What CLI11 does for that is
// behind this: it compiles slowly.
namespace ckpt::cli {

/// An option that was made: what else is true of it.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& option_text(const std::string& text);  ///< how its value is called
  Option& excludes(const Option& other);
  Option& needs(const Option& other);
  /// `wrong` says what is wrong with a value; nothing where it is right.
  Option& check(const std::function<std::string(const std::string&)>& wrong);

 private:
  friend class OptionTable;
  CLI::Option* option_;
};

/// The options and arguments of a command, bound to what they set.
class OptionTable {
 public:
  OptionTable();
  ~OptionTable();

  /// Of what is added from here on: a heading of the help.
  void group(std::string title) { group_ = std::move(title); }
  /// Names with dashes are of options, others of arguments.
  Option add_option(const std::string& names, std::string& to, const std::string& text);
  Option add_option(const std::string& names, std::optional<std::string>& to, const std::string& text);
  Option add_option(const std::string& names, std::vector<std::string>& to, const std::string& text);  ///< several
  Option add_flag(const std::string& names, bool& to, const std::string& text);
  bool has(const std::string& name) const;  ///< whether it was given

  CLI::App& app() const { return *app_; }
  Option added(CLI::Option* option) const;

 private:
  std::unique_ptr<CLI::App> app_;
  std::string group_ = {};
};

/// One of a few words, given as "auto|always|never", which is also how the documents show it.
Option add_choice(OptionTable& table, const std::string& names, std::string& to, const std::string& text,
                  const std::string& words);
Option add_number(OptionTable& table, const std::string& names, int& to, const std::string& text, int low, int high);
/// A number that is not below zero.
Option add_real(OptionTable& table, const std::string& names, double& to, const std::string& text);
/// A number that an Int64 of a checkpoint holds, too.
Option add_count(OptionTable& table, const std::string& names, std::optional<std::uint64_t>& to,
                 const std::string& text);
Option add_json(OptionTable& table, bool& json);
void add_key(OptionTable& table, KeyOptions& key);
/// An option that may be given several times.
void add_strings(OptionTable& table, const std::string& name, std::vector<std::string>& to, const std::string& text,
                 const std::string& value);
/// --prefix, the only option whose value may be empty: MindSpore saves `-1_32.ckpt` then.
void add_prefix(OptionTable& table, std::optional<std::string>& to, const std::string& text);
void add_patterns(OptionTable& table, PatternOptions& select);
/// --color, --help, --version.
void add_common(OptionTable& table, const std::string& version, std::string& color);

bool asks_for_help(const std::vector<std::string>& arguments);

/// What parsing came to: all is well, or this is to be said.
struct Parsed {
  bool done = false;      ///< the options have their values
  bool help = false;      ///< is to be shown
  int exit = 0;           ///< otherwise
  std::string text = {};  ///< the version, or an error
  std::string hint = {};
};

/// `command` is what the user typed for it: "ckpt list".
Parsed parse(OptionTable& table, std::vector<std::string> arguments, const std::string& command);

When when_of(const std::string& color);

std::vector<OptionDoc> describe(const OptionTable& table);

}  // namespace ckpt::cli
