#include "documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "help.h"
#include "version.h"

namespace ckpt::cli {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::string long_name(const OptionDoc& option) { return option.names.substr(option.names.find("--")); }

bool has_choices(const OptionDoc& option) { return option.value.find('|') != option.value.npos; }

bool is_folder(const OptionDoc& option) { return option.value == "DIR"; }

bool is_file(const OptionDoc& option) {
  return option.value == "FILE" || option.value == "OUT" || option.value == "MANIFEST" || is_folder(option);
}

std::string choices(const OptionDoc& option) { return replaced(option.value, "|", " "); }

// Calls with each option of a verb, its own and those of all verbs.
template <class Call>
void for_each_option(const Documents& documents, const VerbDoc& verb, const Call& call) {
  for (const OptionDoc& option : verb.options)
    if (!option.argument) call(option);
  for (const OptionDoc& option : documents.options) call(option);
}

// A program without verbs has one that is called as the program is.
bool has_verbs(const Documents& documents) { return documents.verbs.front().name != documents.program; }

// ---- completion ----

// What a verb takes: its options, and the words of those that have few to choose from.
std::string bash_of(const Documents& documents, const VerbDoc& verb, const std::string& indent) {
  std::string options;
  std::string values;
  for_each_option(documents, verb, [&](const OptionDoc& option) {
    options += (options.empty() ? "" : " ") + long_name(option);
    if (has_choices(option))
      values += fmt::format("{}  {}) words=\"{}\" ;;\n", indent, long_name(option), choices(option));
  });
  for (const OptionDoc& option : verb.options)
    if (option.argument && has_choices(option))
      values += fmt::format("{}  {}) [[ $word == -* ]] || words=\"{}\" ;;\n", indent, verb.name, choices(option));
  return fmt::format("{0}options=\"{1}\"\n{0}case $previous in\n{2}{0}esac\n", indent, options, values);
}

std::string bash(const Documents& documents) {
  std::string body;
  if (has_verbs(documents)) {
    std::string verbs;
    std::string cases;
    for (const VerbDoc& verb : documents.verbs) {
      verbs += verb.name + " ";
      cases += fmt::format("    {})\n{}      ;;\n", verb.name, bash_of(documents, verb, "      "));
    }
    verbs.pop_back();
    body = fmt::format(
        "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
        "    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- \"$word\")\n"
        "    return\n"
        "  fi\n"
        "  case ${{COMP_WORDS[1]}} in\n{}  esac\n",
        verbs, cases);
  } else {
    body = bash_of(documents, documents.verbs.front(), "  ");
  }
  return fmt::format(
      "# bash completion of {0}\n"
      "_{1}() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} options='' words=''\n"
      "{2}"
      "  if [ -n \"$words\" ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "  elif [[ $word == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F _{1} {0}\n",
      documents.program, replaced(documents.program, "-", "_"), body);
}

std::string zsh_quoted(const std::string& text) { return replaced(replaced(text, "'", "'\\''"), ":", "\\:"); }

// `_arguments` of a verb.
std::string zsh_of(const Documents& documents, const VerbDoc& verb) {
  const auto bracketed = [](const std::string& text) {
    return "[" + replaced(replaced(zsh_quoted(text), "[", "\\["), "]", "\\]") + "]";
  };
  const auto action = [](const OptionDoc& option) {
    if (has_choices(option)) return ":" + std::string("value:(") + choices(option) + ")";
    const char* what = is_folder(option) ? "_files -/" : is_file(option) ? "_files" : " ";
    return option.value.empty() ? "" : ":" + option.value + ":" + what;
  };
  const auto chosen = std::find_if(verb.options.begin(), verb.options.end(),
                                   [](const OptionDoc& o) { return o.argument && has_choices(o); });
  std::string arguments = fmt::format(
      "_arguments '*:{}'", chosen == verb.options.end() ? "file:_files" : "value:(" + choices(*chosen) + ")");
  for_each_option(documents, verb, [&](const OptionDoc& option) {
    arguments += fmt::format(" \\\n        '{}{}{}'", long_name(option), bracketed(option.text), action(option));
  });
  return arguments;
}

std::string zsh(const Documents& documents) {
  const std::string function = replaced(documents.program, "-", "_");
  if (!has_verbs(documents))
    return fmt::format("#compdef {0}\n_{1}() {{\n  {2}\n}}\n_{1} \"$@\"\n", documents.program, function,
                       zsh_of(documents, documents.verbs.front()));
  std::string verbs;
  std::string cases;
  for (const VerbDoc& verb : documents.verbs) {
    verbs += fmt::format("    '{}:{}'\n", verb.name, zsh_quoted(verb.summary));
    cases += fmt::format("    {})\n      {}\n      ;;\n", verb.name, zsh_of(documents, verb));
  }
  return fmt::format(
      "#compdef {0}\n"
      "_{1}() {{\n"
      "  local -a verbs=(\n{2}  )\n"
      "  if (( CURRENT == 2 )); then _describe command verbs; return; fi\n"
      "  local verb=$words[2]\n"
      "  shift words\n  (( CURRENT-- ))\n"
      "  case $verb in\n{3}  esac\n"
      "}}\n_{1} \"$@\"\n",
      documents.program, function, verbs, cases);
}

std::string fish(const Documents& documents) {
  const auto quoted = [](const std::string& text) { return replaced(replaced(text, "\\", "\\\\"), "'", "\\'"); };
  const std::string complete = "complete -c " + documents.program;
  std::string out = "# fish completion of " + documents.program + "\n";
  for (const VerbDoc& verb : documents.verbs) {
    std::string where = complete;
    if (has_verbs(documents)) {
      out += fmt::format("{} -n __fish_use_subcommand -f -a {} -d '{}'\n", complete, verb.name, quoted(verb.summary));
      where += fmt::format(" -n '__fish_seen_subcommand_from {}'", verb.name);
    }
    for (const OptionDoc& option : verb.options)
      if (option.argument && has_choices(option)) out += fmt::format("{} -f -a '{}'\n", where, choices(option));
    for_each_option(documents, verb, [&](const OptionDoc& option) {
      std::string value;
      if (has_choices(option)) value = " -x -a '" + choices(option) + "'";
      if (!has_choices(option) && !option.value.empty()) value = is_file(option) ? " -r -F" : " -x";
      out += fmt::format("{} -l {}{} -d '{}'\n", where, long_name(option).substr(2), value, quoted(option.text));
    });
  }
  return out;
}

// ---- man page and manual ----

std::string roff(const std::string& text) {
  const std::string escaped = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string roff(const OptionDoc& option) {
  const std::string value = option.value.empty() || option.argument ? "" : " \\fI" + roff(option.value) + "\\fR";
  const std::string choice = option.argument && !option.value.empty() ? ": " + roff(option.value) : "";
  return fmt::format(".TP\n\\fB{}\\fR{}\n{}{}\n", roff(option.names), value, roff(option.text), choice);
}

std::string roff_example(const VerbDoc& verb) { return fmt::format(".RS\n.nf\n{}\n.fi\n.RE\n", roff(verb.example)); }

std::string man_of_verbs(const Documents& documents) {
  std::string out = ".SH COMMANDS\n";
  for (const VerbDoc& verb : documents.verbs) {
    out += fmt::format(".SS {}\n{}.\n", roff(verb.name), roff(verb.summary));
    for (const OptionDoc& option : verb.options) out += roff(option);
    out += ".PP\nExample:\n.PP\n" + roff_example(verb);
  }
  out += ".SH OPTIONS OF ALL COMMANDS\n";
  for (const OptionDoc& option : documents.options) out += roff(option);
  return out;
}

std::string man_of_program(const Documents& documents) {
  const VerbDoc& program = documents.verbs.front();
  std::string out = ".SH OPTIONS\n";
  std::string group;
  const auto add = [&](const OptionDoc& option) {
    if (option.group != group) out += ".SS " + roff(option.group) + "\n";
    group = option.group;
    out += roff(option);
  };
  std::ranges::for_each(program.options, add);
  std::ranges::for_each(documents.options, add);
  return out + ".SH EXAMPLE\n" + roff_example(program);
}

std::string man(const Documents& documents) {
  std::string title = documents.program;
  std::ranges::transform(title, title.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
  std::string out = fmt::format(".TH {} 1 \"\" \"ckpt {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.nf\n",
                                roff(title), CKPT_VERSION, roff(documents.program), roff(documents.summary));
  for (const VerbDoc& verb : documents.verbs) out += roff(usage_of(documents, verb)) + "\n";
  out += ".fi\n" + (has_verbs(documents) ? man_of_verbs(documents) : man_of_program(documents)) + ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : documents.exits) out += fmt::format(".TP\n{}\n{}\n", code, roff(meaning));
  return out;
}

std::string markdown_table(const std::vector<OptionDoc>& options) {
  std::string out;
  std::string group;
  for (const OptionDoc& option : options) {
    const auto cell = [](const std::string& text) { return replaced(replaced(text, "|", "\\|"), "*", "\\*"); };
    const std::string value = option.argument || option.value.empty() ? "" : " " + option.value;
    const std::string choice = option.argument && !option.value.empty() ? ": `" + option.value + "`" : "";
    const bool heading = option.group != group && option.group != kNoGroup;
    if (heading) out += fmt::format("\n## {}\n", option.group);
    if (heading || out.empty()) out += "\n| | |\n|---|---|\n";
    group = option.group;
    out += fmt::format("| `{}` | {} |\n", replaced(option.names + value, "|", "\\|"), cell(option.text + choice));
  }
  return out;
}

std::string markdown(const Documents& documents) {
  const std::string how = has_verbs(documents) ? " document markdown" : " --document markdown";
  std::string out = fmt::format("# The {} command\n\n{}. This page is what `{}{}` prints.\n", documents.program,
                                documents.summary, documents.program, how);
  for (const VerbDoc& verb : documents.verbs) {
    if (has_verbs(documents)) out += fmt::format("\n## ckpt {}\n\n{}.\n", verb.name, verb.summary);
    out += fmt::format("\n```\n{}\n```\n", usage_of(documents, verb));
    out += markdown_table(verb.options);
    if (has_verbs(documents)) out += fmt::format("\nExample: `{}`\n", verb.example);
  }
  if (has_verbs(documents)) out += "\n## Options of all commands\n";
  out += markdown_table(documents.options) + "\n## Exit status\n\n| | |\n|---|---|\n";
  for (const auto& [code, meaning] : documents.exits) out += fmt::format("| {} | {} |\n", code, meaning);
  return out;
}

}  // namespace

std::string document(const Documents& documents, std::string_view what) {
  if (what == "bash") return bash(documents);
  if (what == "zsh") return zsh(documents);
  if (what == "fish") return fish(documents);
  if (what == "man") return man(documents);
  return markdown(documents);
}

}  // namespace ckpt::cli
