#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"

// The kinds of options that the programs have, and how their command lines are parsed. Only for the files that make
// options: CLI11 compiles slowly.
namespace ckpt::cli {

/// One of a few words, given as "auto|always|never", which is also how the documents show it.
CLI::Option* add_choice(CLI::App& app, const std::string& names, std::string& to, const std::string& text,
                        const std::string& words);
CLI::Option* add_number(CLI::App& app, const std::string& names, int& to, const std::string& text, int low, int high);
/// A number that is not below zero.
CLI::Option* add_real(CLI::App& app, const std::string& names, double& to, const std::string& text);
CLI::Option* add_count(CLI::App& app, const std::string& names, std::optional<std::uint64_t>& to,
                       const std::string& text);
CLI::Option* add_json(CLI::App& app, bool& json);
void add_key(CLI::App& app, KeyOptions& key);
/// An option that may be given several times.
void add_strings(CLI::App& app, const std::string& name, std::vector<std::string>& to, const std::string& text,
                 const std::string& value);
/// --prefix, the only option whose value may be empty: MindSpore saves `-1_32.ckpt` then.
void add_prefix(CLI::App& app, std::optional<std::string>& to, const std::string& text);
void add_patterns(CLI::App& app, PatternOptions& select);
/// --color, --help, --version.
void add_common(CLI::App& app, const std::string& version, std::string& color);

/// The word that `given` was most likely meant to be; empty if none is near.
std::string nearest(std::string_view given, const std::vector<std::string>& words);
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
Parsed parse(CLI::App& app, std::vector<std::string> arguments, const std::string& command);

When when_of(const std::string& color);

std::vector<OptionDoc> describe(const CLI::App& app);

}  // namespace ckpt::cli
