#include "option_kinds.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>

#include "ckpt/text.h"

namespace ckpt::cli {
namespace {

using Check = std::function<std::string(const std::string&)>;

constexpr char kPrefix[] = "--prefix";

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

OptionDoc describe(const CLI::Option& option) {
  OptionDoc doc{.text = option.get_description(), .group = option.get_group(), .argument = option.get_positional()};
  if (doc.argument) {
    doc.names = option.get_name(true);
    if (option.get_items_expected_max() > 1) doc.names += "...";
    if (!option.get_required()) doc.names = "[" + doc.names + "]";
  } else {
    for (const std::string& name : names_of(option)) doc.names += (doc.names.empty() ? "" : ", ") + name;
  }
  if (option.get_items_expected_max() > 0) doc.value = option.get_option_text();
  return doc;
}

// CLI11's errors in this program's words.
Parsed usage_error(const CLI::App& app, const std::string& command, const CLI::ParseError& error) {
  Parsed line{.exit = 2, .text = error.what(), .hint = "`" + command + " --help` tells how"};
  // What was not understood comes first: other errors may follow from it.
  bool only_arguments = false;
  for (const std::string& extra : app.remaining()) {
    if (extra == "--") {
      only_arguments = true;
      continue;
    }
    if (only_arguments || extra.size() < 2 || extra[0] != '-') {
      line.text = "one argument too many: '" + escape(extra) + "'";
      return line;
    }
    const std::string name = extra.substr(0, extra.find('='));
    line.text = "no option is called '" + escape(name) + "'";
    std::vector<std::string> known;
    for (const CLI::Option* option : app.get_options()) {
      for (std::string& n : names_of(*option)) known.push_back(std::move(n));
    }
    const std::vector<std::string_view> words(known.begin(), known.end());
    if (const std::string near(nearest_name(name, words)); !near.empty()) line.hint = "did you mean `" + near + "`?";
    return line;
  }
  std::string subject = line.text.substr(0, line.text.find_first_of(" :"));
  if (error.get_name() == "RequiredError") line.text = subject + " is missing";
  if (error.get_name() == "ArgumentMismatch") {
    const bool flag = line.text.find("override") != line.text.npos;  // there the dashes are left out
    line.text = flag ? "--" + subject + " takes no value" : subject + " needs a value";
  }
  if (error.get_name() == "ExcludesError")
    line.text = subject + " and " + line.text.substr(line.text.rfind(' ') + 1) + " do not go together";
  return line;
}

// CLI11 takes an argument of the form `[a,b]` for a list and splits it; here it is a glob. It is marked in front of the
// parser and unmarked behind it.
constexpr char kNoList = '\1';

void mark_brackets(std::vector<std::string>& arguments) {
  for (std::string& argument : arguments)
    if (argument.starts_with('[') && argument.ends_with(']')) argument.insert(0, 1, kNoList);
}

// Of `--prefix=` CLI11 would take the next argument for the value.
void split_empty_prefix(std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  const auto at = std::find(arguments.begin(), end, std::string(kPrefix) + '=');
  if (at == end) return;
  *at = kPrefix;
  arguments.insert(at + 1, "");
}

// Digits and nothing else.
std::optional<std::uint64_t> decimal_from(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// CLI11 would take 010 for 8.
CLI::Option* decimal(CLI::Option* option) {
  return option->transform([](const std::string& text) {
    const auto number = decimal_from(text);
    return number ? std::to_string(*number) : text;
  });
}

void tune_options(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 0)
      option->transform([](std::string text) { return text.starts_with(kNoList) ? text.substr(1) : text; });
    if (option->get_positional()) continue;
    if (option->get_items_expected_max() > 0) {
      if (option->get_multi_option_policy() != CLI::MultiOptionPolicy::TakeAll)
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
      if (option->get_name() != kPrefix)
        option->check([](const std::string& text) { return text.empty() ? std::string("must not be empty") : ""; });
    } else {
      option->disable_flag_override();
    }
  }
}

}  // namespace

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::option_text(const std::string& text) {
  option_->option_text(text);
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::needs(const Option& other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::check(const std::function<std::string(const std::string&)>& wrong) {
  option_->check(wrong);
  return *this;
}

// --help is one of the common ones.
OptionTable::OptionTable() : app_(std::make_unique<CLI::App>()) { app_->set_help_flag(); }
OptionTable::~OptionTable() = default;

Option OptionTable::added(CLI::Option* option) const {
  option->group(group_.empty() ? kNoGroup : group_);
  return Option(option);
}

Option OptionTable::add_option(const std::string& names, std::string& to, const std::string& text) {
  return added(app_->add_option(names, to, text));
}

Option OptionTable::add_option(const std::string& names, std::optional<std::string>& to, const std::string& text) {
  return added(app_->add_option(names, to, text));
}

Option OptionTable::add_option(const std::string& names, std::vector<std::string>& to, const std::string& text) {
  return added(app_->add_option(names, to, text));
}

Option OptionTable::add_flag(const std::string& names, bool& to, const std::string& text) {
  return added(app_->add_flag(names, to, text));
}

bool OptionTable::has(const std::string& name) const { return app_->count(name) > 0; }

Option add_choice(OptionTable& table, const std::string& names, std::string& to, const std::string& text,
                  const std::string& words) {
  const Check check = [words](const std::string& given) {
    const std::string all = "|" + words + "|";
    if (!given.empty() && given.find('|') == given.npos && all.find("|" + given + "|") != all.npos)
      return std::string();
    return "'" + escape(given) + "' is none of " + words;
  };
  return table.add_option(names, to, text).option_text(words).check(check);
}

Option add_number(OptionTable& table, const std::string& names, int& to, const std::string& text, int low, int high) {
  const Check check = [low, high](const std::string& given) {
    const auto number = decimal_from(given);
    if (number && std::cmp_greater_equal(*number, low) && std::cmp_less_equal(*number, high)) return std::string();
    return "'" + escape(given) + "' is not a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  };
  return table.added(decimal(table.app().add_option(names, to, text))).option_text("N").check(check);
}

Option add_real(OptionTable& table, const std::string& names, double& to, const std::string& text) {
  const Check check = [](const std::string& given) {
    double value = 0;
    if (CLI::detail::lexical_cast(given, value) && value >= 0 && std::isfinite(value)) return std::string();
    return "'" + escape(given) + "' is not a number of 0 or more";
  };
  return table.added(table.app().add_option(names, to, text)).option_text("X").check(check);
}

Option add_count(OptionTable& table, const std::string& names, std::optional<std::uint64_t>& to,
                 const std::string& text) {
  const Check check = [](const std::string& given) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    const auto number = decimal_from(given);
    if (number && std::cmp_less_equal(*number, kMost)) return std::string();
    return "'" + escape(given) + "' is not a whole number from 0 to " + std::to_string(kMost);
  };
  return table.added(decimal(table.app().add_option(names, to, text))).option_text("N").check(check);
}

Option add_json(OptionTable& table, bool& json) {
  return table.add_flag("--json", json, "Machine-readable output, as described in schemas/");
}

void add_key(OptionTable& table, KeyOptions& key) {
  const Option file =
      table.add_option("--key-file", key.file, "The key of an encrypted file: the 16, 24 or 32 bytes of FILE")
          .option_text("FILE");
  table.add_option("--key-env", key.variable, "The key, in hexadecimal, from the environment variable NAME")
      .option_text("NAME")
      .excludes(file);
  add_choice(table, "--enc-mode", key.mode, "How it is encrypted, where the file does not tell (MindSpore 1.3 to 1.5)",
             "AES-GCM|AES-CBC|SM4-CBC");
}

void add_strings(OptionTable& table, const std::string& name, std::vector<std::string>& to, const std::string& text,
                 const std::string& value) {
  table.added(table.app().add_option(name, to, text)->allow_extra_args(false)->take_all()).option_text(value);
}

void add_prefix(OptionTable& table, std::optional<std::string>& to, const std::string& text) {
  const auto set = [&to](const std::string& prefix) { to = prefix; };
  table.added(table.app().add_option_function<std::string>(kPrefix, set, text)).option_text("PREFIX");
}

void add_patterns(OptionTable& table, PatternOptions& select) {
  table.add_option("PATTERN", select.patterns, "Only names that match one of these globs; * passes dots too");
  table.add_flag("--regex", select.regex, "The patterns are regular expressions (RE2), found anywhere in the name");
}

void add_common(OptionTable& table, const std::string& version, std::string& color) {
  add_choice(table, "--color", color, "Colours: auto is on a terminal, unless NO_COLOR is set", "auto|always|never");
  table.added(table.app().set_help_flag("-h,--help", "Print this help"));
  table.added(table.app().set_version_flag("--version", version, "Print the version"));
}

bool asks_for_help(const std::vector<std::string>& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end, [](const std::string& a) { return a == "-h" || a == "--help"; });
}

Parsed parse(OptionTable& table, std::vector<std::string> arguments, const std::string& command) {
  CLI::App& app = table.app();
  if (asks_for_help(arguments)) return {.help = true};
  tune_options(app);
  mark_brackets(arguments);
  split_empty_prefix(arguments);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForVersion& version) {
    return {.text = std::string(version.what()) + "\n"};
  } catch (const CLI::CallForHelp&) {
    return {.help = true};
  } catch (const CLI::ParseError& error) {
    return usage_error(app, command, error);
  }
  return {.done = true};
}

When when_of(const std::string& color) {
  return color == "always" ? When::always : color == "never" ? When::never : When::automatic;
}

std::vector<OptionDoc> describe(const OptionTable& table) {
  std::vector<OptionDoc> docs;
  for (const CLI::Option* option : table.app().get_options()) docs.push_back(describe(*option));
  return docs;
}

}  // namespace ckpt::cli
