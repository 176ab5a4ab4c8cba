#include <fmt/format.h>

#include <algorithm>

#include "context.h"
#include "version.h"

// Shell completion, man page and manual, all from the option tables.
namespace ckpt::cli {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

std::vector<std::string> long_names(const VerbDoc& verb) {
  std::vector<std::string> names;
  for (const OptionDoc& option : verb.options) {
    const auto at = option.names.find("--");
    if (!option.argument && at != option.names.npos) names.push_back(option.names.substr(at));
  }
  return names;
}

std::string bash(const std::vector<VerbDoc>& verbs) {
  std::string names;
  std::string cases;
  for (const VerbDoc& verb : verbs) {
    if (verb.name.empty()) continue;
    names += (names.empty() ? "" : " ") + verb.name;
    cases += fmt::format("    {}) options=\"{}\" ;;\n", verb.name, fmt::join(long_names(verb), " "));
  }
  return fmt::format(
      "# bash completion of ckpt\n"
      "_ckpt() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}} options=\"--help --version --color\"\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W \"{} $options\" -- \"$word\")); return; fi\n"
      "  case $verb in\n{}  esac\n"
      "  case $word in\n"
      "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
      "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
      "  esac\n"
      "}}\n"
      "complete -o filenames -F _ckpt ckpt\n",
      names, cases);
}

std::string zsh(const std::vector<VerbDoc>& verbs) {
  std::string list;
  std::string cases;
  const auto quoted = [](const std::string& text) { return replaced(replaced(text, "'", "'\\''"), ":", "\\:"); };
  for (const VerbDoc& verb : verbs) {
    if (verb.name.empty()) continue;
    list += fmt::format("    '{}:{}'\n", verb.name, quoted(verb.summary));
    cases += fmt::format("    {})\n      _arguments '*:file:_files'", verb.name);
    for (const OptionDoc& option : verb.options) {
      const auto at = option.names.find("--");
      if (option.argument || at == option.names.npos) continue;
      std::string text = replaced(replaced(quoted(option.text), "[", "("), "]", ")");
      cases +=
          fmt::format(" \\\n        '{}[{}]{}'", option.names.substr(at), text,
                      option.value.empty() ? "" : ":" + option.value + ":" + (option.value == "FILE" ? "_files" : ""));
    }
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
      list, cases);
}

std::string fish(const std::vector<VerbDoc>& verbs) {
  std::string out = "# fish completion of ckpt\n";
  const auto quoted = [](const std::string& text) { return replaced(replaced(text, "\\", "\\\\"), "'", "\\'"); };
  for (const VerbDoc& verb : verbs) {
    if (verb.name.empty()) continue;
    out += fmt::format("complete -c ckpt -n __fish_use_subcommand -a {} -d '{}'\n", verb.name, quoted(verb.summary));
    for (const OptionDoc& option : verb.options) {
      const auto at = option.names.find("--");
      if (option.argument || at == option.names.npos) continue;
      out += fmt::format("complete -c ckpt -n '__fish_seen_subcommand_from {}' -l {}{} -d '{}'\n", verb.name,
                         option.names.substr(at + 2), option.value.empty() ? "" : " -r", quoted(option.text));
    }
  }
  return out;
}

std::string man(const std::vector<VerbDoc>& verbs) {
  const auto quoted = [](const std::string& text) { return replaced(replaced(text, "\\", "\\e"), "-", "\\-"); };
  std::string out = fmt::format(".TH CKPT 1 \"\" \"ckpt {}\" \"User Commands\"\n.SH NAME\nckpt \\- {}\n.SH SYNOPSIS\n",
                                CKPT_VERSION, quoted(verbs.front().summary));
  for (const VerbDoc& verb : verbs)
    if (!verb.name.empty()) out += fmt::format(".B {}\n.br\n", quoted(verb.usage));
  out += ".SH COMMANDS\n";
  for (const VerbDoc& verb : verbs) {
    out += fmt::format(".SS {}\n{}.\n", verb.name.empty() ? "Options of all commands" : quoted(verb.name),
                       quoted(verb.summary));
    for (const OptionDoc& option : verb.options)
      out += fmt::format(".TP\n.B {}{}\n{}\n", quoted(option.names),
                         option.value.empty() ? "" : " \\fI" + option.value + "\\fR", quoted(option.text));
    out += fmt::format(".PP\nExample: \\fB{}\\fR\n", quoted(verb.example));
  }
  return out +
         ".SH EXIT STATUS\n0 done, or the answer is yes; 1 the answer is no (`check` found errors); 2 could not do it; "
         "130 after "
         "Ctrl\\-C.\n";
}

std::string markdown(const std::vector<VerbDoc>& verbs) {
  std::string out = "# The ckpt command\n\nMade from the option tables by `ckpt document markdown`.\n";
  for (const VerbDoc& verb : verbs) {
    out +=
        verb.name.empty() ? "\n## All commands\n\n" : fmt::format("\n## ckpt {}\n\n{}.\n\n", verb.name, verb.summary);
    out += fmt::format("```\n{}\n```\n\n| | |\n|---|---|\n", verb.usage);
    for (const OptionDoc& option : verb.options)
      out += fmt::format("| `{}{}` | {} |\n", option.names, option.value.empty() ? "" : " " + option.value,
                         replaced(option.text, "|", "\\|"));
    out += fmt::format("\nExample: `{}`\n", verb.example);
  }
  return out +
         "\n## Exit status\n\n0: done, or the answer is yes. 1: the answer is no (`check` found errors). 2: could not "
         "do it "
         "(usage, I/O, damaged, no key). 130: Ctrl-C.\n";
}

}  // namespace

int run_document(Context& context, const DocumentOptions& options) {
  const auto verbs = describe_commands();
  if (options.what == "bash") context.write(bash(verbs));
  if (options.what == "zsh") context.write(zsh(verbs));
  if (options.what == "fish") context.write(fish(verbs));
  if (options.what == "man") context.write(man(verbs));
  if (options.what == "markdown") context.write(markdown(verbs));
  return kDone;
}

}  // namespace ckpt::cli
