#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

#include "version.h"

// The only file that sees CLI11.
namespace ckpt::cli {
namespace {

struct Verb {
  const char* name;
  const char* summary;
  const char* example;
};

constexpr Verb kInfo = {"info", "What a file holds: tensors, bytes, types, dialect, checksum, encryption",
                        "ckpt info lenet.ckpt"};
constexpr Verb kList = {"list", "The tensors of a file: name, type, shape, bytes",
                        "ckpt list lenet.ckpt 'conv*.weight'"};
constexpr Verb kShow = {"show", "The values of a tensor, or of a slice of it",
                        "ckpt show lenet.ckpt 'conv1.weight[0,0,:,2]'"};
constexpr Verb kCheck = {"check", "What is wrong with a file, and what MindSpore would make of it",
                         "ckpt check --for 1.5 lenet.ckpt"};
constexpr Verb kRules = {"rules", "Everything that `check` can find", "ckpt rules"};
constexpr Verb kDocument = {"document", "Shell completion, man page and manual, made from these tables",
                            "ckpt document bash > /usr/share/bash-completion/completions/ckpt"};

constexpr const char* kDescription =
    "Reads, lists, shows and checks MindSpore checkpoint files (.ckpt), without MindSpore.";

// All options of all verbs, bound to one set of structs.
struct Parser {
  CLI::App app{kDescription, "ckpt"};
  InfoOptions info;
  ListOptions list;
  ShowOptions show;
  CheckOptions check;
  RulesOptions rules;
  DocumentOptions document;
  std::string color = "auto";

  Parser() {
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.set_version_flag("--version", "ckpt " CKPT_VERSION, "Print the version");
    app.set_help_flag("-h,--help", "Print this help");
    app.add_option("--color", color, "Colour the output: auto (on a terminal, unless NO_COLOR is set), always, never")
        ->option_text("WHEN")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    app.footer(
        "`ckpt VERB --help` tells more.\n"
        "Exit status: 0 done, 1 the answer is no (`check` found errors), 2 could not do it.");
    add_info();
    add_list();
    add_show();
    add_check();
    add_rules();
    add_document();
    for (CLI::App* verb : app.get_subcommands({})) verb->set_help_flag("-h,--help", "Print this help");
  }

  CLI::App& add(const Verb& verb) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.summary);
    sub->footer(std::string("Example:\n  ") + verb.example);
    return *sub;
  }

  static void add_json(CLI::App& verb, bool& json) {
    verb.add_flag("--json", json, "Machine-readable output (schemas/)");
  }

  static void add_key(CLI::App& verb, KeyOptions& key) {
    auto* file =
        verb.add_option("--key-file", key.file, "Read the key of an encrypted file from FILE: 16, 24 or 32 bytes")
            ->option_text("FILE");
    verb.add_option("--key-env", key.variable, "Take the key from the environment variable NAME, in hexadecimal")
        ->option_text("NAME")
        ->excludes(file);
    verb.add_option("--enc-mode", key.mode, "How it is encrypted, where the file does not tell (MindSpore 1.3 to 1.5)")
        ->option_text("MODE")
        ->check(CLI::IsMember({"AES-GCM", "AES-CBC", "SM4-CBC"}));
  }

  void add_info() {
    CLI::App& verb = add(kInfo);
    verb.add_option("FILE", info.files, "Checkpoints; - is a pipe; of a directory all its *.ckpt")->required();
    add_json(verb, info.json);
    add_key(verb, info.key);
  }

  void add_list() {
    CLI::App& verb = add(kList);
    verb.add_option("FILE", list.file, "A checkpoint; - is a pipe")->required();
    verb.add_option("PATTERN", list.select.patterns, "Only names that match one: a glob, where * passes dots too");
    verb.add_flag("--regex", list.select.regex,
                  "The patterns are regular expressions (RE2), found anywhere in the name");
    verb.add_option("--group", list.group, "Only weights, optimizer state, or other entries")
        ->option_text("GROUP")
        ->check(CLI::IsMember({"weights", "optimizer", "other"}));
    verb.add_option("--sort", list.sort, "By name, size (largest first) or offset (as in the file: the default)")
        ->option_text("KEY")
        ->check(CLI::IsMember({"name", "size", "offset"}));
    auto* tree = verb.add_flag("-t,--tree", list.tree, "As a tree of the dotted names, with sums");
    verb.add_flag("-l,--long", list.details, "With group, offset, slices, and how it is stored")->excludes(tree);
    verb.add_flag("-b,--bytes", list.exact, "Sizes in bytes");
    verb.add_flag("--total", list.total, "A last line with the sums (always there on a terminal)");
    add_json(verb, list.json);
    add_key(verb, list.key);
  }

  void add_show() {
    CLI::App& verb = add(kShow);
    verb.add_option("FILE", show.target, "A checkpoint, or FILE#NAME[SLICE] in one")->required();
    verb.add_option("TENSOR", show.tensor,
                    "A name, perhaps with a NumPy slice: conv1.weight[0,:,3]; \"quoted\" if odd");
    auto* full = verb.add_flag("--full", show.full, "Every value, where else the middle is left out");
    verb.add_option("--precision", show.precision, "Significant digits (as many as the value needs)")
        ->option_text("N")
        ->check(CLI::Range(1, 17));
    auto* raw = verb.add_flag("--raw", show.raw, "The bytes: little-endian, C order")->excludes(full);
    auto* npy = verb.add_flag("--npy", show.npy, "A NumPy file")->excludes(full)->excludes(raw);
    verb.add_option("-o,--output", show.output, "Write to FILE instead of standard output")->option_text("FILE");
    verb.add_flag("-f,--force", show.force, "Replace FILE if it exists");
    verb.add_flag("--json", show.json, "Machine-readable output (schemas/)")->excludes(raw)->excludes(npy);
    add_key(verb, show.key);
  }

  void add_check() {
    CLI::App& verb = add(kCheck);
    verb.add_option("FILE", check.files, "Checkpoints; - is a pipe")->required();
    auto* values = verb.add_flag("--values", check.values, "Read every value too: NaN and infinities");
    verb.add_flag("--headers-only", check.headers_only, "Do not verify the checksum and the cipher tags")
        ->excludes(values);
    verb.add_option("--for", check.version, "Would that MindSpore load it, and what would it get wrong? (1.5, 2.10, …)")
        ->option_text("VERSION");
    verb.add_flag("--strict", check.strict, "Warnings count as errors");
    verb.add_flag("-q,--quiet", check.quiet, "No output, only the exit status");
    add_json(verb, check.json);
    add_key(verb, check.key);
  }

  void add_rules() { add_json(add(kRules), rules.json); }

  void add_document() {
    CLI::App& verb = add(kDocument);
    verb.add_option("WHAT", document.what, "bash, zsh or fish completion; man; markdown")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish", "man", "markdown"}));
  }
};

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j)
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
  }
  return row[b.size()];
}

// CLI11 calls an unknown verb "extra arguments"; this names it and the nearest there is.
std::optional<CommandLine> unknown_verb(Parser& parser, const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--color") ++i;
    if (word.starts_with("-")) continue;
    CLI::App* best = nullptr;
    std::size_t distance = 3;
    for (CLI::App* verb : parser.app.get_subcommands({})) {
      if (verb->get_name() == word) return std::nullopt;
      if (const std::size_t d = edit_distance(word, verb->get_name()); d < distance) {
        distance = d;
        best = verb;
      }
    }
    CommandLine line{.exit = 2, .text = "no command is called '" + word + "'"};
    line.hint = best != nullptr ? "did you mean `ckpt " + best->get_name() + "`?" : "`ckpt --help` lists them";
    return line;
  }
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

OptionDoc describe(const CLI::Option& option) {
  OptionDoc doc{.text = option.get_description()};
  doc.argument = option.get_positional();
  if (doc.argument) {
    doc.names = option.get_name(true);
    if (option.get_items_expected_max() > 1) doc.names += "...";
    if (!option.get_required()) doc.names = "[" + doc.names + "]";
    return doc;
  }
  std::vector<std::string> names;
  for (const std::string& n : option.get_snames()) names.push_back("-" + n);
  for (const std::string& n : option.get_lnames()) names.push_back("--" + n);
  doc.names = joined(names, ", ");
  if (option.get_items_expected_max() > 0)
    doc.value = option.get_option_text().empty() ? "VALUE" : option.get_option_text();
  return doc;
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  Parser parser;
  const std::vector<std::string> arguments(argv + (argc > 0), argv + argc);
  if (auto line = unknown_verb(parser, arguments)) return *line;
  const auto help_of = [&]() {
    const auto chosen = parser.app.get_subcommands();
    return chosen.empty() ? parser.app.help() : chosen[0]->help();
  };
  try {
    parser.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return {.text = help_of()};
  } catch (const CLI::CallForVersion& version) {
    return {.text = std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    const auto chosen = parser.app.get_subcommands();
    const std::string verb = chosen.empty() ? "" : chosen[0]->get_name() + " ";
    return {.exit = 2, .text = error.what(), .hint = "`ckpt " + verb + "--help` tells how"};
  }
  CommandLine line;
  line.color = parser.color == "always" ? When::always : parser.color == "never" ? When::never : When::automatic;
  const auto chosen = parser.app.get_subcommands();
  if (chosen.empty()) return {.exit = 2, .text = "a command is needed", .hint = "`ckpt --help` lists them"};
  const std::string verb = chosen[0]->get_name();
  if (verb == kInfo.name) line.command = parser.info;
  if (verb == kList.name) line.command = parser.list;
  if (verb == kShow.name) line.command = parser.show;
  if (verb == kCheck.name) line.command = parser.check;
  if (verb == kRules.name) line.command = parser.rules;
  if (verb == kDocument.name) line.command = parser.document;
  return line;
}

std::vector<VerbDoc> describe_commands() {
  Parser parser;
  std::vector<VerbDoc> docs;
  const auto describe_app = [&](const CLI::App& app, std::string name, std::string example) {
    VerbDoc doc{.name = std::move(name), .summary = app.get_description(), .example = std::move(example)};
    std::string arguments;
    for (const CLI::Option* option : app.get_options({})) {
      doc.options.push_back(describe(*option));
      if (doc.options.back().argument) arguments += " " + doc.options.back().names;
    }
    doc.usage = "ckpt" + (doc.name.empty() ? std::string(" VERB") : " " + doc.name) + " [OPTION...]" + arguments;
    docs.push_back(std::move(doc));
  };
  describe_app(parser.app, "", "ckpt info lenet.ckpt");
  for (const Verb& verb : {kInfo, kList, kShow, kCheck, kRules, kDocument})
    describe_app(*parser.app.get_subcommand(verb.name), verb.name, verb.example);
  return docs;
}

}  // namespace ckpt::cli
