#include "options.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "ckpt/slice.h"
#include "ckpt/text.h"
#include "documents.h"
#include "help.h"
#include "networks.h"
#include "option_kinds.h"
#include "target_graph.h"
#include "version.h"

// A new verb is a struct in options.h, an add_ function and a line of kVerbs here.
namespace ckpt::cli {
namespace {

// ---- the verbs ----

void add_info(OptionTable& app, Command& command) {
  auto& info = command.emplace<InfoOptions>();
  app.add_option("FILE", info.files, "Checkpoints; - is standard input; a directory stands for its *.ckpt").required();
  add_json(app, info.json);
  add_key(app, info.key);
}

void add_list(OptionTable& app, Command& command) {
  auto& list = command.emplace<ListOptions>();
  app.add_option("FILE", list.file, "A checkpoint; - is standard input").required();
  add_patterns(app, list.select);
  add_choice(app, "--group", list.group, "Only weights, the optimizer's state, or other entries",
             "weights|optimizer|other");
  add_choice(app, "--sort", list.sort, "By name, by size (largest first), or as in the file (offset, the default)",
             "name|size|offset");
  const auto tree = app.add_flag("-t,--tree", list.tree, "As a tree of the dotted names, with sums");
  app.add_flag("-l,--long", list.details, "With group, offset, slices, and how it is stored").excludes(tree);
  app.add_flag("-b,--bytes", list.exact, "Sizes in bytes");
  app.add_flag("--total", list.total, "A last line with the sums (always there on a terminal)");
  add_json(app, list.json).excludes(tree);
  add_key(app, list.key);
}

void add_show(OptionTable& app, Command& command) {
  auto& show = command.emplace<ShowOptions>();
  app.add_option("FILE", show.target, "A checkpoint, or FILE#TENSOR in one").required();
  app.add_option("TENSOR", show.tensor,
                 "A name, perhaps with a slice as in NumPy; \"quoted\" where brackets belong to it");
  const auto full = app.add_flag("--full", show.full, "Every value, where else the middle is left out");
  const auto precision =
      add_number(app, "--precision", show.precision, "Significant digits (else as many as the value needs)", 1, 17);
  const auto raw =
      app.add_flag("--raw", show.raw, "The bytes: little-endian, C order").excludes(full).excludes(precision);
  const auto npy = app.add_flag("--npy", show.npy, "A NumPy file").excludes(full).excludes(precision).excludes(raw);
  app.add_option("-o,--output", show.output, "Write the bytes of --raw or --npy to FILE").option_text("FILE");
  app.add_flag("-f,--force", show.force, "Replace FILE if it exists");
  add_json(app, show.json).excludes(full).excludes(precision).excludes(raw).excludes(npy);
  add_key(app, show.key);
}

void add_stats(OptionTable& app, Command& command) {
  auto& stats = command.emplace<StatsOptions>();
  app.add_option("FILE", stats.file, "A checkpoint; - is standard input").required();
  add_patterns(app, stats.select);
  add_choice(app, "--group", stats.group, "Only weights, the optimizer's state, or other entries",
             "weights|optimizer|other");
  app.add_option("--quantiles", stats.quantiles, "Quantiles too: 0.5 is the median").option_text("0.01,0.5,...");
  app.add_flag("--exact", stats.exact, "Exact quantiles of large tensors too (else good to 1 %), in further passes");
  const auto histogram = app.add_flag("--histogram", stats.histogram, "A histogram of each tensor");
  add_number(app, "--bins", stats.bins, "How many bins it has", 1, 65536).needs(histogram);
  add_choice(app, "--sort", stats.sort,
             "Largest first, bad is by NaN and infinities; offset is as in the file (the default)",
             "offset|name|count|max|std|l2|zeros|bad");
  const auto total =
      app.add_flag("--total", stats.total, "Last lines with the groups together (always there on a terminal)");
  const auto csv = app.add_flag("--csv", stats.csv, "Comma-separated values").excludes(histogram).excludes(total);
  add_json(app, stats.json).excludes(csv);
  add_key(app, stats.key);
}

void add_check(OptionTable& app, Command& command) {
  auto& check = command.emplace<CheckOptions>();
  app.add_option("FILE", check.files, "Checkpoints; - is standard input; a directory stands for its *.ckpt").required();
  const auto values = app.add_flag("--values", check.values, "Read every value too: NaN and infinities");
  app.add_flag("--headers-only", check.headers_only, "Do not verify the checksum and the cipher tags").excludes(values);
  app.add_option("--for", check.version, "Would that MindSpore load it, and what would it get wrong? (1.5, 2.10)")
      .option_text("VERSION");
  app.add_flag("--strict", check.strict, "Warnings count as errors");
  const auto quiet = app.add_flag("-q,--quiet", check.quiet, "No findings, only the exit status");
  add_json(app, check.json).excludes(quiet);
  add_key(app, check.key);
}

void add_diff(OptionTable& app, Command& command) {
  auto& diff = command.emplace<DiffCommand>();
  app.add_option("A", diff.a, "A checkpoint, or a folder of them").required();
  app.add_option("B", diff.b, "What it is compared with; of folders the *.ckpt of the same name").required();
  add_patterns(app, diff.select);
  add_choice(app, "--only", diff.only, "Only weights, the optimizer's state, or other entries",
             "weights|optimizer|other");
  add_real(app, "--atol", diff.atol, "Tolerate |a - b| <= X + RTOL |a|");
  add_real(app, "--rtol", diff.rtol, "Tolerate |a - b| <= ATOL + X |a|");
  add_count(app, "--ulp", diff.ulp,
            "Tolerate N steps from a number to the next one that its type has (units in the last place)");
  add_strings(app, "--tolerance", diff.tolerance, "Others for some names; what is not in it is as above",
              "PATTERN=atol:X,rtol:X,ulp:N");
  const auto no_renames = app.add_flag("--no-renames", diff.no_renames, "Do not look for entries under other names");
  add_strings(app, "--rename-regex", diff.rename_regex,
              "What A's names are in B, if that is there; \\1 is the first group", "s/REGEX/NEW/");
  app.add_option("--map", diff.map, "The same from FILE: a name, a tab and the other name on each line")
      .option_text("FILE");
  app.add_option("--write-map", diff.write_map, "Write the names that were found to FILE, for --map")
      .option_text("FILE")
      .excludes(no_renames);
  app.add_flag("-f,--force", diff.force, "Replace that FILE if it exists");
  add_strings(app, "--fail-on", diff.fail_on,
              "Exit with 1 only for any|changed|added|removed|renamed|reshaped|dtype|nan|inf, perhaps of a PATTERN",
              "WHAT[:PATTERN],...");
  const auto all = app.add_flag("-a,--all", diff.all, "What is identical, too");
  const auto sort = add_choice(app, "--sort", diff.sort, "Largest first; change (the default) is the relative update",
                               "change|file|name|max_abs|max_rel|rms|l2|cosine|elements");
  const auto top = add_number(app, "--top", diff.top, "Only the first N", 1, 1000000000);
  const auto details = app.add_flag("-l,--long", diff.details, "Every metric, and where it is");
  const auto quiet = app.add_flag("-q,--quiet", diff.quiet, "Only the exit status").excludes(details).excludes(top);
  const auto json = add_json(app, diff.json).excludes(quiet).excludes(details);
  const auto junit = app.add_flag("--junit", diff.junit, "As JUnit's XML, a test case a tensor")
                         .excludes(quiet)
                         .excludes(details)
                         .excludes(json)
                         .excludes(all)
                         .excludes(sort)
                         .excludes(top);
  app.add_flag("--markdown", diff.markdown, "As a Markdown table")
      .excludes(quiet)
      .excludes(details)
      .excludes(json)
      .excludes(junit);
  add_key(app, diff.key);
  const auto key_b =
      app.add_option("--key-file-b", diff.key_b.file, "The key of B, where that is another one").option_text("FILE");
  app.add_option("--key-env-b", diff.key_b.variable, "The same from the environment variable NAME")
      .option_text("NAME")
      .excludes(key_b);
}

void add_hash(OptionTable& app, Command& command) {
  auto& hash = command.emplace<HashOptions>();
  app.add_option("FILE", hash.files, "Checkpoints; - is standard input; a directory stands for its *.ckpt").required();
  const auto algorithm =
      add_choice(app, "--algorithm", hash.algorithm,
                 "sha256 (the default), or xxh3: faster, and no protection from intent", "sha256|xxh3");
  const auto check = app.add_option("--check", hash.check, "Compare with MANIFEST, which --json made before")
                         .option_text("MANIFEST")
                         .excludes(algorithm);
  const auto summary = app.add_flag("-s,--summary", hash.summary, "One line a file: the digest of all it says");
  const auto duplicates =
      app.add_flag("--duplicates", hash.duplicates, "Which tensors have the same bytes, in and across files")
          .excludes(check)
          .excludes(summary);
  add_json(app, hash.json).excludes(summary).excludes(duplicates);
  add_key(app, hash.key);
}

void add_history(OptionTable& app, Command& command) {
  auto& history = command.emplace<HistoryCommand>();
  app.add_option("DIR", history.folder, "A folder with the PREFIX-EPOCH_STEP.ckpt of a training run").required();
  add_patterns(app, history.select);
  add_prefix(app, history.prefix, "Only the run of this prefix");
  add_choice(app, "--group", history.group, "Whose history (weights is the default)", "weights|optimizer|other|all");
  add_number(app, "--window", history.window, "How many of the last intervals decide what is frozen or dead (3)", 1,
             1000000);
  add_real(app, "--frozen", history.frozen, "What moves by no more than this share of itself is frozen (1e-6)");
  add_real(app, "--exploding", history.exploding, "What grows by this factor in an interval is exploding (10)");
  add_real(app, "--dead", history.dead, "What has no more than this root mean square is dead (1e-8)");
  app.add_option("--metrics", history.metrics,
                 "Loss, accuracy and so on, as of ckpt-train --metrics (the file in DIR, where it is clear which)")
      .option_text("FILE");
  const auto csv = app.add_flag("--csv", history.csv, "Comma-separated values, a line a tensor and file");
  add_json(app, history.json).excludes(csv);
  add_key(app, history.key);
}

void add_salvage(OptionTable& app, Command& command) {
  auto& salvage = command.emplace<SalvageCommand>();
  app.add_option("FILE", salvage.file, "A damaged checkpoint").required();
  app.add_option("-o,--output", salvage.output, "Write what is whole to OUT; without it, only say what that is")
      .option_text("OUT");
  app.add_flag("--partial", salvage.partial, "Keep tensors of which a part is left, the rest NaN (integers: 0)");
  app.add_flag("-f,--force", salvage.force, "Replace OUT if it exists");
  add_json(app, salvage.json);
  add_key(app, salvage.key);
}

void add_edit(OptionTable& app, Command& command) {
  auto& edit = command.emplace<EditCommand>();
  app.add_option("IN", edit.files, "Checkpoints; several are merged").required();
  const auto output =
      app.add_option("-o,--output", edit.output, "Write to OUT; with --split it has {group} in it").option_text("OUT");
  app.add_flag("--in-place", edit.in_place, "Replace IN, in one durable step").excludes(output);
  app.add_flag("-f,--force", edit.force, "Replace OUT if it exists");
  app.add_flag("-n,--dry-run", edit.dry_run, "Write nothing, show the plan");
  add_strings(app, "--keep", edit.keep, "Keep only names that match", "PATTERN");
  add_strings(app, "--drop", edit.drop, "Leave out names that match", "PATTERN");
  app.add_flag("--regex", edit.regex, "PATTERNs are regular expressions (RE2), found anywhere in the name");
  app.add_flag("--strip-optimizer", edit.strip_optimizer, "Leave out the optimizer's state");
  add_strings(app, "--rename", edit.rename, "Another name; 'OLD.*=NEW.*' for all that start so", "OLD=NEW");
  add_strings(app, "--rename-regex", edit.rename_regex, "Replace what the expression finds; \\1 is its first group",
              "s/REGEX/NEW/");
  add_strings(app, "--cast", edit.cast, "Another type; without a pattern for all numbers of the same kind",
              "[PATTERN=]TYPE");
  add_strings(app, "--set", edit.set, "A scalar or a string, replaced or added: 3, 0.1, true, text", "NAME=VALUE");
  add_choice(app, "--conflict", edit.conflict, "Of a name that several files have: refuse (the default), or which",
             "refuse|first|last");
  app.add_flag("--split", edit.split, "One file for weights, optimizer and other entries each");
  add_choice(app, "--profile", edit.profile, "Write every tensor anew as this MindSpore does: classic 0.6, modern 2.3",
             "classic|modern");
  const auto crc = app.add_flag("--crc", edit.crc, "With a CRC trailer (else as IN)");
  app.add_flag("--no-crc", edit.no_crc, "Without one").excludes(crc);
  const auto decrypt = app.add_flag("--decrypt", edit.decrypt, "Write in clear (else encrypted as IN)");
  const auto key = app.add_option("--new-key-file", edit.new_key.file, "Encrypt with the 16, 24 or 32 bytes of FILE")
                       .option_text("FILE")
                       .excludes(decrypt);
  app.add_option("--new-key-env", edit.new_key.variable, "Encrypt with the key in the environment variable NAME")
      .option_text("NAME")
      .excludes(decrypt)
      .excludes(key);
  add_choice(app, "--new-enc-mode", edit.new_key.mode, "How to encrypt (AES-GCM is the default)",
             "AES-GCM|AES-CBC|SM4-CBC");
  add_json(app, edit.json);
  add_key(app, edit.key);
}

void add_convert(OptionTable& app, Command& command) {
  auto& convert = command.emplace<ConvertOptions>();
  app.add_option("FILE", convert.file, "A checkpoint, or a safetensors, npz, npy or ONNX file").required();
  app.add_option("-o,--output", convert.output, "Write to OUT: .ckpt, .safetensors or .npz")
      .option_text("OUT")
      .required();
  add_choice(app, "--to", convert.format, "The format, where the name of OUT does not say it", "ckpt|safetensors|npz");
  add_choice(app, "--names", convert.names, "Rename the parameters of norms and embeddings as that framework does",
             "pytorch|mindspore");
  add_choice(app, "--profile", convert.profile, "Write a checkpoint as this MindSpore does: classic 0.6, modern 2.3",
             "classic|modern");
  app.add_flag("--crc", convert.crc, "With MindSpore's checksum (a checkpoint's trailer, safetensors' crc_num)");
  app.add_flag("--drop-unsupported", convert.drop_unsupported, "Leave out what the format cannot hold");
  app.add_flag("-f,--force", convert.force, "Replace OUT if it exists");
  add_key(app, convert.key);
}

std::string network_names() {
  std::string names;
  for (const graph::Network& network : graph::networks())
    names += (names.empty() ? "" : ", ") + std::string(network.name);
  return names;
}

void add_export(OptionTable& app, Command& command) {
  auto& to = command.emplace<ExportCommand>();
  app.add_option("FILE", to.file,
                 "A checkpoint, safetensors or NumPy file; or a network with its weights: MindIR, GEIR");
  const auto output = app.add_option("-o,--output", to.output, "Write the model to OUT: .onnx, or .pb or .air for GEIR")
                          .option_text("OUT");
  const auto network =
      app.add_option(
             "--network", to.network,
             "The built-in network of FILE's weights (else one that they fit is looked for): " + network_names())
          .option_text("NAME");
  app.add_option("--graph", to.graph,
                 "The network of FILE's weights: MindIR, PREFIX-graph.meta, GEIR, or ONNX to refresh")
      .option_text("NETWORK")
      .excludes(network);
  add_choice(app, "--format", to.format, "The format, where the name of OUT does not say it", "onnx|geir");
  add_number(app, "--opset", to.opset, "ONNX's version of operators (17)", graph::kMinOpset, graph::kMaxOpset);
  add_strings(
      app, "--input", to.inputs,
      "Shape and type of an input, in order or by name: 32x3x224x224:float32, Nx3x224x224, ids=Nx128:int32 (of a "
      "built-in network as trained, where PREFIX-graph.meta is beside FILE, else as is usual)",
      "SPEC");
  add_number(app, "--num-classes", to.num_classes, "Of a built-in network, where FILE does not tell", 1, 1'000'000'000);
  add_choice(app, "--pad-mode", to.pad_mode, "Of a built-in ResNet, which weights do not tell", "same|pad");
  add_number(app, "--heads", to.heads, "Attention heads of the built-in Transformer, which weights do not tell", 1,
             1'000'000);
  app.add_option("--result", to.result,
                 "Stop at this node, or the last one of a scope (of a graph.meta: else at the loss)")
      .option_text("NODE");
  app.add_flag("--fold-batch-norm", to.fold_batch_norm,
               "Multiply BatchNorms, and add biases, into the layers before them");
  app.add_flag("--half", to.half, "Store weights of two and more dims as Float16 (ONNX)");
  app.add_flag("--external-data", to.external_data, "Values in OUT.data, where they are below 2 GB, too (ONNX)");
  app.add_flag("--digest", to.digest, "Record the checkpoint's SHA-256 in the model (ONNX), as `ckpt hash -s` has it");
  app.add_flag("--allow-missing", to.allow_missing, "Make an input of each parameter that FILE does not have");
  const auto check =
      app.add_flag("--check", to.check, "Write nothing, say what stands in the way; exit with 1 if anything does");
  const auto dump = app.add_flag("--dump", to.dump, "Print the network as text").excludes(output).excludes(check);
  const auto verify =
      app.add_option("--verify", to.verify,
                     "Compare the weights in MODEL (ONNX), and the digest it records, with the checkpoint FILE's")
          .option_text("MODEL")
          .excludes(output)
          .excludes(check)
          .excludes(dump);
  app.add_flag("--operators", to.operators, "List the operators that can be converted")
      .excludes(output)
      .excludes(check)
      .excludes(dump)
      .excludes(verify);
  app.add_flag("-f,--force", to.force, "Replace OUT if it exists");
  add_json(app, to.json).excludes(dump);
  add_key(app, to.key);
}

void add_graph(OptionTable& app, Command& command) {
  auto& graph = command.emplace<GraphCommand>();
  app.add_option("FILE", graph.file, "A network: MindIR, PREFIX-graph.meta, GEIR, ONNX").required();
  app.add_option("--result", graph.result, "Stop at this node, or the last one of a scope").option_text("NODE");
  const auto details = app.add_flag("-l,--long", graph.details, "With the parameters");
  const auto dot =
      app.add_flag("--dot", graph.dot, "As Graphviz has it: `ckpt graph FILE --dot | dot -Tsvg`").excludes(details);
  add_json(app, graph.json).excludes(details).excludes(dot);
}

void add_textconv(OptionTable& app, Command& command) {
  auto& textconv = command.emplace<TextconvOptions>();
  app.add_option("FILE", textconv.file, "A checkpoint, or a safetensors, npz, npy or ONNX file").required();
  add_key(app, textconv.key);
}

void add_prune(OptionTable& app, Command& command) {
  auto& prune = command.emplace<PruneCommand>();
  app.add_option("DIR", prune.directory, "A directory with the checkpoints of training runs").required();
  app.add_option(
         "--policy", prune.policy,
         "What is kept: keep_checkpoint_max=N, keep_checkpoint_per_n_minutes=N, keep_best=N, keep_every_steps=N, "
         "keep_every_minutes=N, joined by commas; N may be none")
      .option_text("RULES")
      .required();
  add_choice(app, "--mode", prune.metric_mode, "Whether keep_best wants large metrics (the default) or small ones",
             "max|min");
  add_prefix(app, prune.prefix, "Only the run that saved under this prefix");
  add_strings(app, "--pin", prune.pinned, "Keep this file whatever the rules say", "NAME");
  add_number(app, "--steps-per-epoch", prune.steps_per_epoch, "For keep_every_steps, where no record tells the steps",
             1, 2'000'000'000);
  app.add_flag("--strict-mindspore", prune.strict_mindspore, "What MindSpore would delete before its next save");
  app.add_flag("--explain", prune.explain, "Every file, and why it stays or goes");
  const auto yes = app.add_flag("--yes", prune.yes, "Delete; else only the plan is shown");
  app.add_flag("-n,--dry-run", prune.dry_run, "Only show the plan, which is what happens without --yes").excludes(yes);
  add_json(app, prune.json);
}

void add_rules(OptionTable& app, Command& command) { add_json(app, command.emplace<RulesOptions>().json); }

void add_document(OptionTable& app, Command& command) {
  auto& document = command.emplace<DocumentOptions>();
  add_choice(app, "WHAT", document.what, "Completion for a shell, the man page, or the manual's chapter", kDocuments)
      .required();
}

struct Verb {
  std::string_view name;
  const char* summary;
  const char* example;
  void (*add)(OptionTable&, Command&);  // its options, bound to a struct that it puts into the Command
};

constexpr std::array kVerbs = {
    Verb{"info", "What a file holds: tensors, bytes, types, dialect, checksum, encryption", "ckpt info lenet.ckpt",
         add_info},
    Verb{"list", "The tensors of a file: name, type, shape, size", "ckpt list lenet.ckpt 'conv*.weight'", add_list},
    Verb{"show", "The values of a tensor, or of a slice of it", "ckpt show lenet.ckpt 'conv1.weight[0,0,:,2]'",
         add_show},
    Verb{"check", "What is wrong with a file, and what MindSpore would make of it", "ckpt check --for 1.5 lenet.ckpt",
         add_check},
    Verb{"stats", "What the values are like: range, mean, zeros, NaN, histograms",
         "ckpt stats lenet.ckpt 'conv*' --quantiles 0.01,0.5,0.99", add_stats},
    Verb{"diff", "What changed between two checkpoints, and how much",
         "ckpt diff before.ckpt after.ckpt --rtol 1e-3 --fail-on changed:'conv*',nan", add_diff},
    Verb{"hash", "Fingerprints of the tensors and of the whole, however they are stored",
         "ckpt hash --json lenet.ckpt > lenet.manifest", add_hash},
    Verb{"history", "What became of each weight over the checkpoints of a training run", "ckpt history checkpoints/",
         add_history},
    Verb{"salvage", "Save what is whole of a damaged file, and say what is not", "ckpt salvage cut.ckpt -o saved.ckpt",
         add_salvage},
    Verb{"edit", "Change, merge or split checkpoints into a new file",
         "ckpt edit train.ckpt --strip-optimizer --cast Float16 -o weights.ckpt", add_edit},
    Verb{"convert", "To and from safetensors and NumPy files, and from ONNX",
         "ckpt convert resnet.ckpt --names pytorch -o resnet.safetensors", add_convert},
    Verb{"export", "A model for inference, ONNX or GEIR, from a checkpoint and its network",
         "ckpt export resnet50-2_32.ckpt --network resnet50 --input 32x3x224x224 -o resnet50-2_32.onnx", add_export},
    Verb{"graph", "What is in a network's file: inputs, outputs, operators, parameters", "ckpt graph lenet5.mindir",
         add_graph},
    Verb{"textconv", "A line an entry, for `git diff` and `git log -p`",
         "git config diff.ckpt.textconv 'ckpt textconv'", add_textconv},
    Verb{"prune", "Delete old checkpoints of training runs by policy, and say why each goes or stays",
         "ckpt prune checkpoints --policy keep_checkpoint_max=5,keep_best=1 --explain", add_prune},
    Verb{"rules", "Everything that `check` can find", "ckpt rules", add_rules},
    Verb{"document", "Shell completion, man page and manual, made from the tables of options",
         "ckpt document bash > ~/.local/share/bash-completion/completions/ckpt", add_document},
};

constexpr const char* kSummary = "Looks into MindSpore checkpoint files (.ckpt), without MindSpore";

constexpr const char* kVersion = "ckpt " CKPT_VERSION;

// ---- parsing ----

CommandLine unknown_verb(const std::string& word) {
  CommandLine line{
      .exit = 2, .text = "no command is called '" + escape(word) + "'", .hint = "`ckpt --help` lists them"};
  std::vector<std::string_view> names;
  for (const Verb& verb : kVerbs) names.emplace_back(verb.name);
  std::error_code ignored;
  if (const std::string near(nearest_name(word, names)); !near.empty()) {
    line.hint = "did you mean `ckpt " + near + "`?";
  } else if (std::filesystem::exists(word, ignored)) {
    line.hint = "did you mean `ckpt info " + escape(word) + "`?";
  } else if (split_uri(word)) {
    line.hint = "did you mean `ckpt show '" + escape(word) + "'`?";
  }
  return line;
}

bool is_common(const std::string& argument) {
  return argument == "--color" || argument.starts_with("--color=") || argument == "--version";
}

// The first argument that is no option.
std::optional<std::string> take_verb(std::vector<std::string>& arguments) {
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (*at == "--color" && at + 1 != arguments.end()) {
      ++at;
    } else if (!at->starts_with('-')) {
      std::string word = std::move(*at);
      arguments.erase(at);
      return word;
    }
  }
  return std::nullopt;
}

VerbDoc describe(const Verb& verb) {
  OptionTable app;
  Command command;
  verb.add(app, command);
  return {
      .name = std::string(verb.name), .summary = verb.summary, .example = verb.example, .options = cli::describe(app)};
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + (argc > 0), argv + argc);
  auto word = take_verb(arguments);
  const bool help_verb = word == "help";  // `ckpt help VERB`
  if (help_verb) word = take_verb(arguments);
  const bool help = help_verb || asks_for_help(arguments);
  const auto* const verb = std::find_if(kVerbs.begin(), kVerbs.end(), [&](const Verb& v) { return v.name == word; });
  const bool known = verb != kVerbs.end();
  if (word && !known) {
    const bool common = help || arguments.empty() || !arguments[0].starts_with('-') || is_common(arguments[0]);
    if (common) return unknown_verb(*word);
    arguments.resize(1);  // `--colour never list`: the word was the value of an option that there is not
  }
  const auto tell = [&] {
    const Documents documents = describe_commands();
    return CommandLine{.text = known ? help_text(documents, *word) : overview_text(documents)};
  };

  CommandLine line;
  OptionTable app;
  Command command;
  std::string color;
  if (known) verb->add(app, command);
  add_common(app, kVersion, color);
  if (help) return tell();
  const Parsed parsed = parse(app, arguments, known ? "ckpt " + *word : "ckpt");
  if (!parsed.done && !parsed.help) return {.exit = parsed.exit, .text = parsed.text, .hint = parsed.hint};
  if (parsed.help || !known) return tell();
  line.color = when_of(color);
  line.command = std::move(command);
  return line;
}

Documents describe_commands() {
  Documents documents{
      .summary = kSummary,
      .exits = {
          {0, "Done, or the answer is yes."},
          {1, "The answer is no: `check` found errors, `salvage` a loss, `hash --check` a difference."},
          {2, "It could not be done: wrong usage, a file that cannot be read, needs another key, or is too damaged."},
          {130, "Stopped by Ctrl-C; nothing half-written is left."}}};
  OptionTable app;
  std::string color;
  add_common(app, kVersion, color);
  documents.options = describe(app);
  for (const Verb& verb : kVerbs) documents.verbs.push_back(describe(verb));
  return documents;
}

}  // namespace ckpt::cli
