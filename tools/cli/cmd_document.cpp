#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "commands.h"
#include "help.h"
#include "version.h"

// Shell completion, man page and manual, all from the tables of options.
namespace ckpt::cli {
namespace {

constexpr std::array<std::pair<int, const char*>, 4> kExits = {{
    {kDone, "Done, or the answer is yes."},
    {kNo, "The answer is no: `check` found errors, `salvage` a loss, `hash --check` a difference."},
    {kFailed, "It could not be done: wrong usage, a file that cannot be read, needs another key, or is too damaged."},
    {kInterrupted, "Stopped by Ctrl-C; nothing half-written is left."},
}};

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::string long_name(const OptionDoc& option) { return option.names.substr(option.names.find("--")); }

bool has_choices(const OptionDoc& option) { return option.value.find('|') != option.value.npos; }

bool is_file(const OptionDoc& option) {
  return option.value == "FILE" || option.value == "OUT" || option.value == "MANIFEST";
}

std::string choices(const OptionDoc& option) { return replaced(option.value, "|", " "); }

// Calls with each option of a verb, its own and those of all verbs.
template <class Call>
void for_each_option(const Documents& documents, const VerbDoc& verb, const Call& call) {
  for (const OptionDoc& option : verb.options)
    if (!option.argument) call(option);
  for (const OptionDoc& option : documents.options) call(option);
}

// ---- completion ----

std::string bash(const Documents& documents) {
  std::string verbs;
  std::string cases;
  for (const VerbDoc& verb : documents.verbs) {
    verbs += verb.name + " ";
    std::string options;
    std::string values;
    for_each_option(documents, verb, [&](const OptionDoc& option) {
      options += (options.empty() ? "" : " ") + long_name(option);
      if (has_choices(option))
        values += fmt::format("        {}) words=\"{}\" ;;\n", long_name(option), choices(option));
    });
    for (const OptionDoc& option : verb.options)
      if (option.argument && has_choices(option))
        values += fmt::format("        {}) [[ $word == -* ]] || words=\"{}\" ;;\n", verb.name, choices(option));
    cases += fmt::format("    {})\n      options=\"{}\"\n      case $previous in\n{}      esac\n      ;;\n", verb.name,
                         options, values);
  }
  verbs.pop_back();
  return fmt::format(
      "# bash completion of ckpt\n"
      "_ckpt() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} options='' words=''\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- \"$word\")\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
      "  if [ -n \"$words\" ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
      "  elif [[ $word == -* ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F _ckpt ckpt\n",
      verbs, cases);
}

std::string zsh(const Documents& documents) {
  const auto quoted = [](const std::string& text) { return replaced(replaced(text, "'", "'\\''"), ":", "\\:"); };
  const auto bracketed = [&](const std::string& text) {
    return "[" + replaced(replaced(quoted(text), "[", "\\["), "]", "\\]") + "]";
  };
  const auto action = [](const OptionDoc& option) {
    if (has_choices(option)) return ":" + std::string("value:(") + choices(option) + ")";
    return option.value.empty() ? "" : ":" + option.value + ":" + (is_file(option) ? "_files" : " ");
  };
  std::string verbs;
  std::string cases;
  for (const VerbDoc& verb : documents.verbs) {
    verbs += fmt::format("    '{}:{}'\n", verb.name, quoted(verb.summary));
    const auto chosen = std::find_if(verb.options.begin(), verb.options.end(),
                                     [](const OptionDoc& o) { return o.argument && has_choices(o); });
    cases += fmt::format("    {})\n      _arguments '*:{}'", verb.name,
                         chosen == verb.options.end() ? "file:_files" : "value:(" + choices(*chosen) + ")");
    for_each_option(documents, verb, [&](const OptionDoc& option) {
      cases += fmt::format(" \\\n        '{}{}{}'", long_name(option), bracketed(option.text), action(option));
    });
    cases += "\n      ;;\n";
  }
  return fmt::format(
      "#compdef ckpt\n"
      "_ckpt() {{\n"
      "  local -a verbs=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then _describe command verbs; return; fi\n"
      "  local verb=$words[2]\n"
      "  shift words\n  (( CURRENT-- ))\n"
      "  case $verb in\n{}  esac\n"
      "}}\n_ckpt \"$@\"\n",
      verbs, cases);
}

std::string fish(const Documents& documents) {
  const auto quoted = [](const std::string& text) { return replaced(replaced(text, "\\", "\\\\"), "'", "\\'"); };
  std::string out = "# fish completion of ckpt\n";
  for (const VerbDoc& verb : documents.verbs) {
    out += fmt::format("complete -c ckpt -n __fish_use_subcommand -f -a {} -d '{}'\n", verb.name, quoted(verb.summary));
    const std::string where = fmt::format("complete -c ckpt -n '__fish_seen_subcommand_from {}'", verb.name);
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

std::string man(const Documents& documents) {
  std::string out =
      fmt::format(".TH CKPT 1 \"\" \"ckpt {}\" \"User Commands\"\n.SH NAME\nckpt \\- {}\n.SH SYNOPSIS\n.nf\n",
                  CKPT_VERSION, roff(documents.summary));
  for (const VerbDoc& verb : documents.verbs) out += roff(usage_of(verb)) + "\n";
  out += ".fi\n.SH COMMANDS\n";
  for (const VerbDoc& verb : documents.verbs) {
    out += fmt::format(".SS {}\n{}.\n", roff(verb.name), roff(verb.summary));
    for (const OptionDoc& option : verb.options) out += roff(option);
    out += fmt::format(".PP\nExample:\n.PP\n.RS\n.nf\n{}\n.fi\n.RE\n", roff(verb.example));
  }
  out += ".SH OPTIONS OF ALL COMMANDS\n";
  for (const OptionDoc& option : documents.options) out += roff(option);
  out += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : kExits) out += fmt::format(".TP\n{}\n{}\n", code, roff(meaning));
  return out;
}

std::string markdown(const Documents& documents) {
  std::string out =
      fmt::format("# The ckpt command\n\n{}. This page is what `ckpt document markdown` prints.\n", documents.summary);
  const auto table = [&](const std::vector<OptionDoc>& options) {
    if (options.empty()) return;
    out += "\n| | |\n|---|---|\n";
    for (const OptionDoc& option : options) {
      const auto cell = [](const std::string& text) { return replaced(replaced(text, "|", "\\|"), "*", "\\*"); };
      const std::string value = option.argument || option.value.empty() ? "" : " " + option.value;
      const std::string choice = option.argument && !option.value.empty() ? ": `" + option.value + "`" : "";
      out += fmt::format("| `{}` | {} |\n", replaced(option.names + value, "|", "\\|"), cell(option.text + choice));
    }
  };
  for (const VerbDoc& verb : documents.verbs) {
    out += fmt::format("\n## ckpt {}\n\n{}.\n\n```\n{}\n```\n", verb.name, verb.summary, usage_of(verb));
    table(verb.options);
    out += fmt::format("\nExample: `{}`\n", verb.example);
  }
  out += "\n## Options of all commands\n";
  table(documents.options);
  out += "\n## Exit status\n\n| | |\n|---|---|\n";
  for (const auto& [code, meaning] : kExits) out += fmt::format("| {} | {} |\n", code, meaning);
  return out;
}

}  // namespace

int run(Context& context, const DocumentOptions& options) {
  const Documents documents = describe_commands();
  if (options.what == "bash") context.write(bash(documents));
  if (options.what == "zsh") context.write(zsh(documents));
  if (options.what == "fish") context.write(fish(documents));
  if (options.what == "man") context.write(man(documents));
  if (options.what == "markdown") context.write(markdown(documents));
  return kDone;
}

}  // namespace ckpt::cli
