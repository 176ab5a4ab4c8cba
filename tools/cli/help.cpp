#include "help.h"

#include <fmt/format.h>

#include <algorithm>

#include "version.h"

namespace ckpt::cli {
namespace {

constexpr std::size_t kWidth = 80;

// A term and what it means, folded into two columns.
std::string entry(std::string_view term, std::string_view text, std::size_t column) {
  std::string out = fmt::format("  {}", term);
  std::size_t used = out.size();
  const auto new_line = [&] {
    out += '\n';
    out.append(column, ' ');
    used = column;
  };
  if (used + 2 > column) {
    new_line();
  } else {
    out.append(column - used, ' ');
    used = column;
  }
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (used > column && used + 1 + word.size() > kWidth) new_line();
    if (used > column) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
  }
  return out + "\n";
}

std::string entry(const OptionDoc& option) {
  std::string term = option.names;
  if (term.starts_with("--")) term.insert(0, "    ");
  std::string text = option.text;
  if (option.argument && !option.value.empty()) {
    text += ": " + option.value;
  } else if (!option.value.empty()) {
    term += " " + option.value;
  }
  return entry(term, text, 22);
}

std::string synopsis(std::string command, const VerbDoc& verb) {
  if (std::any_of(verb.options.begin(), verb.options.end(), [](const OptionDoc& o) { return !o.argument; }))
    command += " [OPTION...]";
  for (const OptionDoc& option : verb.options)
    if (option.argument) command += " " + option.names;
  return command;
}

}  // namespace

std::string usage_of(const Documents& documents, const VerbDoc& verb) {
  return synopsis(verb.name == documents.program ? verb.name : documents.program + " " + verb.name, verb);
}

std::string overview_text(const Documents& documents) {
  std::string out = fmt::format("ckpt {}: {}.\n\nUsage: ckpt COMMAND [OPTION...] ARGUMENT...\n\nCommands:\n",
                                CKPT_VERSION, documents.summary);
  for (const VerbDoc& verb : documents.verbs) out += entry(verb.name, verb.summary, 12);
  out += "\nOptions of all commands:\n";
  for (const OptionDoc& option : documents.options) out += entry(option);
  out += "\nTo begin with:\n";
  constexpr std::size_t kEnough = 4;
  for (std::size_t i = 0; i < std::min(kEnough, documents.verbs.size()); ++i)
    out += fmt::format("  {}\n", documents.verbs[i].example);
  return out + "\n`ckpt COMMAND --help` tells more.\n";
}

std::string help_text(const Documents& documents, std::string_view name) {
  const auto verb =
      std::find_if(documents.verbs.begin(), documents.verbs.end(), [&](const VerbDoc& v) { return v.name == name; });
  std::string out = fmt::format("{}.\n\nUsage: {}\n", verb->summary, usage_of(documents, *verb));
  std::string arguments;
  std::string options;
  std::string group;
  const auto add = [&](const OptionDoc& option) {
    if (option.argument) return void(arguments += entry(option));
    if (option.group != group) options += "\n" + option.group + ":\n";
    group = option.group;
    options += entry(option);
  };
  std::ranges::for_each(verb->options, add);
  std::ranges::for_each(documents.options, add);
  if (!arguments.empty()) out += "\n" + arguments;
  return out + options + "\nExample:\n  " + verb->example + "\n";
}

}  // namespace ckpt::cli
