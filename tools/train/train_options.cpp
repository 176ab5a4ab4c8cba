#include "train_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "ckpt/text.h"
#include "documents.h"
#include "help.h"
#include "option_kinds.h"
#include "train_version.h"

namespace ckpt::train {
namespace {

using cli::add_choice;
using cli::add_count;
using cli::add_number;
using cli::add_real;
using cli::add_strings;
using cli::Option;
using cli::OptionTable;

// What is not bound to the command as it is typed.
struct Words {
  std::string channels = {};
  std::string optimizer = "momentum";
  std::string loss = "sparse";
  std::string schedule = "constant";
  std::string labels = {};
  std::string milestones = {};
  std::string save_steps = {};
  std::string save_seconds = {};
  std::string keep_max = {};
  std::string keep_minutes = {};
  std::optional<std::string> prefix = {};
  double learning_rate = 0;
  int warm_up = 0;
  int decay_epochs = 0;
  int keep_best = 1;
  bool no_sync = false;
};

constexpr const char* kNetworks = "lenet5|mlp|resnet18|resnet34|resnet50";
constexpr int kMostEpochs = 1'000'000;
constexpr std::uint64_t kMostSynthetic = 1'000'000;

void add_images(OptionTable& app, TrainCommand& command, Words& words) {
  app.group("Network and images");
  add_choice(app, "--network", command.network, "What to train (lenet5, or what the checkpoint given is of)",
             kNetworks);
  const auto data =
      app.add_option("--data", command.data,
                     "A folder with MNIST's files, perhaps .gz (Fashion-MNIST, where Debian's is installed)")
          .option_text("DIR");
  add_count(app, "--synthetic", command.synthetic, "N images instead, which are made up and can be learnt")
      .excludes(data);
  app.add_option("--labels", words.labels, "Only images with these labels, which become 0, 1, 2 and so on")
      .option_text("3,5-7");
  add_count(app, "--hold-out", command.hold_out, "Validate on the last N training images, not on the test files");
  add_number(app, "--num-classes", command.num_classes, "How many classes there are (10)", 2, 256);
  add_number(app, "--size", command.size, "Resize the images to N x N (28 for mlp, else 32; that of --resume, --eval)",
             1, kLargestSide);
  add_choice(app, "--channels", words.channels, "Of the input, each the same grey (1; 3 for a ResNet)", "1|3");
  add_real(app, "--mean", command.mean, "A pixel p becomes (p / 255 - mean) / std (MNIST's 0.1307)");
  add_real(app, "--std", command.std, "See --mean (MNIST's 0.3081)");
}

void add_training(OptionTable& app, TrainCommand& command, Words& words) {
  app.group("Training");
  add_number(app, "--epochs", command.epochs, "How often all images are seen (5), with those before --resume", 1,
             kMostEpochs);
  add_number(app, "--batch", command.batch, "Images a step (32)", 1, 65536);
  add_choice(app, "--loss", words.loss,
             "Softmax cross entropy with labels as numbers (sparse, the default), or one-hot", "sparse|one-hot");
  add_strings(app, "--freeze", command.freeze, "Parameters that stay as they are, by a glob", "PATTERN");
  add_count(app, "--seed", command.seed, "Of the initial weights and the order of images (1; that of --resume)");
  add_number(app, "--threads", command.threads, "Results are the same for the same N (all cores)", 1, 1024);
}

void add_optimizer(OptionTable& app, TrainCommand& command, Words& words) {
  Optimizer& optimizer = command.training.optimizer;
  app.group("Optimizer");
  add_choice(app, "--optimizer", words.optimizer,
             "As MindSpore's nn.Momentum, nn.SGD, nn.Adam (momentum, or that of --resume)", "momentum|sgd|adam");
  add_real(app, "--momentum", optimizer.momentum, "Of Momentum and SGD (0.9; that of --resume)");
  add_real(app, "--dampening", optimizer.dampening, "Of SGD: how much less the gradient counts (0)");
  app.add_flag("--nesterov", optimizer.nesterov, "SGD's nesterov, Momentum's and Adam's use_nesterov");
  add_real(app, "--beta1", optimizer.beta1, "Of Adam: how much of the first moment stays (0.9)");
  add_real(app, "--beta2", optimizer.beta2, "Of Adam: how much of the second moment stays (0.999)");
  add_real(app, "--eps", optimizer.epsilon, "Of Adam: what is added below the fraction (1e-8)");
  add_real(app, "--weight-decay", optimizer.weight_decay, "Of all but beta and gamma (0)");
  add_real(app, "--loss-scale", optimizer.loss_scale, "Gradients are computed of so many times the loss (1)");
}

void add_rates(OptionTable& app, TrainCommand& command, Words& words) {
  Schedule& schedule = command.schedule;
  app.group("Learning rate");
  add_real(app, "--lr", words.learning_rate, "Where it begins (0.01; 0.001 for Adam; that of --resume)");
  add_choice(app, "--schedule", words.schedule, "How it changes, as MindSpore's lists (constant)",
             "constant|step|exponential|natural_exp|inverse|cosine|polynomial");
  app.add_option("--milestones", words.milestones, "Of step: multiply the rate after these epochs").option_text("2,4");
  add_real(app, "--factor", schedule.factor, "Of step: by this (0.1)");
  add_real(app, "--decay-rate", schedule.decay_rate, "Of exponential, natural_exp, inverse (0.9)");
  add_number(app, "--decay-epochs", words.decay_epochs,
             "How long it decays, of cosine and polynomial (all); or how long each time (1)", 1, kMostEpochs);
  app.add_flag("--stair", schedule.stair, "Of exponential, natural_exp, inverse: each time at once");
  add_real(app, "--lr-min", schedule.least, "Of cosine and polynomial: where it ends (0)");
  add_real(app, "--power", schedule.power, "Of polynomial (1)");
  add_number(app, "--warm-up", words.warm_up, "Let the rate rise from 0 in the first N epochs", 1, kMostEpochs);
}

Option add_policy(OptionTable& app, const std::string& name, std::string& to, const std::string& text) {
  return app.add_option(name, to, text).option_text("N|none").check([](const std::string& given) {
    const bool digits = given.size() < 10 && given.find_first_not_of("0123456789") == given.npos;
    return digits || given == "none" ? std::string() : "'" + escape(given) + "' is not a whole number, and not none";
  });
}

void add_checkpoints(OptionTable& app, TrainCommand& command, Words& words) {
  app.group("Checkpoints");
  add_policy(app, "--save-steps", words.save_steps, "Save when so many steps have passed (1)");
  add_policy(app, "--save-seconds", words.save_seconds, "Or, instead, when so many seconds have passed");
  add_policy(app, "--keep-max", words.keep_max, "Keep the newest so many files (5)");
  add_policy(app, "--keep-per-minutes", words.keep_minutes, "Or, instead, one in so many minutes");
  cli::add_prefix(app, words.prefix, "Files are called PREFIX-EPOCH_STEP.ckpt (CKP; that of --resume)");
  app.add_option("--directory", command.directory, "Where they go; it is made if it is not there (.)")
      .option_text("DIR");
  const auto best = add_choice(app, "--best", command.best, "Validate after each epoch, and keep what is best by this",
                               "accuracy|loss");
  add_number(app, "--keep-best", words.keep_best, "The best so many (1)", 1, 1000000).needs(best);
  app.add_flag("--no-sync", words.no_sync, "Do not wait for the disk: a power cut may cost what was saved last");
  const auto resume =
      app.add_option("--resume", command.resume,
                     "Go on from a checkpoint: weights, optimizer, step, learning rate, order of images")
          .option_text("FILE");
  const auto finetune =
      app.add_option("--finetune", command.finetune, "Begin with the weights of a checkpoint that fit")
          .option_text("FILE")
          .excludes(resume);
  app.group("Metrics");
  const auto metrics =
      app.add_option("--metrics", command.metrics,
                     "Write loss and accuracy to FILE, .csv or .jsonl; `ckpt history` and ckpt-viewer show it")
          .option_text("FILE");
  add_number(app, "--log-steps", command.log_steps, "A line there every N steps, and at the end of an epoch (100)", 1,
             1000000000)
      .needs(metrics);
  app.group("Evaluation");
  const auto eval =
      app.add_option("--eval", command.eval, "Do not train: how good is this checkpoint on the test images?")
          .option_text("FILE")
          .excludes(resume)
          .excludes(finetune);
  app.add_option("--logits", command.logits, "With --eval: what the network says of each image, as a NumPy file")
      .option_text("FILE")
      .needs(eval);
  cli::add_json(app, command.json).needs(eval);
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() ? std::optional(number)
                                                                                   : std::nullopt;
}

// "3,5-7" as 3, 5, 6, 7. Empty where it is no such list, or one of the numbers is above `most`.
std::vector<std::uint64_t> list_of(std::string_view text, std::uint64_t most) {
  std::vector<std::uint64_t> list;
  while (true) {
    const std::string_view part = text.substr(0, text.find(','));
    const std::size_t dash = part.find('-');
    const auto first = number_of(part.substr(0, dash));
    const auto last = dash == part.npos ? first : number_of(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last > most) return {};
    for (std::uint64_t i = *first; i <= *last; ++i) list.push_back(i);
    if (part.size() == text.size()) return list;
    text.remove_prefix(part.size() + 1);
  }
}

// Of a policy that was given the other one of its kind is given up, unless it was given, too.
std::optional<std::int64_t> policy_of(const std::string& word, const std::string& other,
                                      std::optional<std::int64_t> fallback) {
  if (word == "none") return std::nullopt;
  if (!word.empty()) return static_cast<std::int64_t>(*number_of(word));
  return other.empty() || other == "none" ? fallback : std::nullopt;
}

std::string set_checkpoints(TrainCommand& command, const Words& words) {
  CheckpointConfig& config = command.config;
  config.save_checkpoint_steps = policy_of(words.save_steps, words.save_seconds, config.save_checkpoint_steps);
  config.save_checkpoint_seconds = policy_of(words.save_seconds, words.save_steps, config.save_checkpoint_seconds);
  config.keep_checkpoint_max = policy_of(words.keep_max, words.keep_minutes, config.keep_checkpoint_max);
  config.keep_checkpoint_per_n_minutes =
      policy_of(words.keep_minutes, words.keep_max, config.keep_checkpoint_per_n_minutes);
  config.async_save = true;
  config.durable = !words.no_sync;
  if (!command.best.empty()) config.keep_best = static_cast<std::uint64_t>(words.keep_best);
  config.metric_mode = command.best == "loss" ? MetricMode::min : MetricMode::max;
  command.prefix = words.prefix;
  if (checkpoint_policy(config)) return {};
  return "--save-steps, --save-seconds, --keep-max and --keep-per-minutes cannot all be none or 0";
}

bool is_one_of(std::string_view word, std::string_view those) {
  const std::string all = "|" + std::string(those) + "|";
  return all.find("|" + std::string(word) + "|") != all.npos;
}

// An option that only some values of another one know.
struct Belongs {
  const char* option;
  const char* those;
};
constexpr Belongs kOfOptimizers[] = {{"--momentum", "momentum|sgd"},
                                     {"--dampening", "sgd"},
                                     {"--beta1", "adam"},
                                     {"--beta2", "adam"},
                                     {"--eps", "adam"}};
constexpr Belongs kOfSchedules[] = {{"--factor", "step"},
                                    {"--milestones", "step"},
                                    {"--decay-rate", "exponential|natural_exp|inverse"},
                                    {"--decay-epochs", "exponential|natural_exp|inverse|cosine|polynomial"},
                                    {"--stair", "exponential|natural_exp|inverse"},
                                    {"--lr-min", "cosine|polynomial"},
                                    {"--power", "polynomial"}};

std::string name_of(Optimizer::Kind kind) {
  return kind == Optimizer::Kind::sgd ? "sgd" : kind == Optimizer::Kind::adam ? "adam" : "momentum";
}

std::string set_optimizer(const OptionTable& app, TrainCommand& command, const Words& words) {
  using Kind = Optimizer::Kind;
  Optimizer& optimizer = command.training.optimizer;
  optimizer.kind = words.optimizer == "sgd" ? Kind::sgd : words.optimizer == "adam" ? Kind::adam : Kind::momentum;
  command.training.loss = words.loss == "sparse" ? Loss::sparse_softmax_cross_entropy : Loss::softmax_cross_entropy;
  command.optimizer_given = app.has("--optimizer");
  for (const Belongs& rule : kOfOptimizers)
    if (app.has(rule.option)) command.optimizer_options.push_back(rule.option);
  if (const auto status = check_limits(optimizer); !status) return "--" + status.error().message;
  const bool is_known = command.resume.empty() || command.optimizer_given;
  return is_known ? misplaced_option(command) : "";
}

std::string set_rates(const OptionTable& app, TrainCommand& command, const Words& words) {
  using Kind = Schedule::Kind;
  Schedule& schedule = command.schedule;
  if (app.has("--lr")) command.learning_rate = words.learning_rate;
  schedule.warm_up = static_cast<std::uint64_t>(words.warm_up);
  schedule.decay_epochs = static_cast<std::uint64_t>(words.decay_epochs);
  for (const auto& [name, kind] : {std::pair{"step", Kind::step},
                                   {"exponential", Kind::exponential},
                                   {"natural_exp", Kind::natural_exp},
                                   {"inverse", Kind::inverse},
                                   {"cosine", Kind::cosine},
                                   {"polynomial", Kind::polynomial}})
    if (words.schedule == name) schedule.kind = kind;
  command.schedule_given = app.has("--lr") || app.has("--schedule") || app.has("--warm-up");
  if (schedule.kind == Kind::step && words.milestones.empty()) return "--schedule step wants --milestones";
  if (!words.milestones.empty()) schedule.milestones = list_of(words.milestones, kMostEpochs);
  const auto not_rising = std::ranges::adjacent_find(schedule.milestones, std::ranges::greater_equal());
  if (!words.milestones.empty() && (schedule.milestones.empty() || not_rising != schedule.milestones.end()))
    return "--milestones: '" + escape(words.milestones) + "' is no list of epochs that rise, like 2,4";
  if (command.learning_rate && schedule.least > *command.learning_rate) return "--lr-min is above --lr";
  for (const Belongs& rule : kOfSchedules)
    if (app.has(rule.option) && !is_one_of(words.schedule, rule.those))
      return std::string(rule.option) + " is of --schedule " + rule.those;
  return {};
}

std::string set_images(TrainCommand& command, const Words& words) {
  if (!words.channels.empty()) command.channels = words.channels == "3" ? 3 : 1;
  if (command.synthetic && (*command.synthetic == 0 || *command.synthetic > kMostSynthetic))
    return "--synthetic: 1 to 1,000,000 images";
  if (!std::isnormal(static_cast<float>(command.std))) return "--std: must be above 0, and a Float32 must hold it";
  if (words.labels.empty()) return {};
  for (const std::uint64_t label : list_of(words.labels, 255)) {
    if (std::ranges::find(command.labels, label) != command.labels.end()) return "--labels: one of them is there twice";
    command.labels.push_back(static_cast<std::uint8_t>(label));
  }
  if (command.labels.size() < 2) return "--labels: '" + escape(words.labels) + "' is no list of labels, like 3,5-7";
  if (command.num_classes == 0) command.num_classes = static_cast<int>(command.labels.size());
  if (static_cast<std::size_t>(command.num_classes) < command.labels.size())
    return "--labels: there are more of them than --num-classes";
  return {};
}

// - is a pipe elsewhere: the standard input, or the output, which has other text.
std::string not_a_file(const TrainCommand& command) {
  for (const auto& [option, path] : {std::pair{"--resume", &command.resume},
                                     {"--finetune", &command.finetune},
                                     {"--eval", &command.eval},
                                     {"--metrics", &command.metrics},
                                     {"--logits", &command.logits}})
    if (*path == "-") return std::string(option) + " -: this needs a file, not a pipe";
  return {};
}

// What a training does besides training. Its other options may be given, say those of a script for all its commands.
std::string of_no_use_with_eval(const TrainCommand& command) {
  if (command.eval.empty()) return {};
  if (command.hold_out) return "--hold-out is of a training; --eval trains nothing";
  if (!command.best.empty()) return "--best is of a training; --eval trains nothing";
  if (!command.metrics.empty()) return "--metrics is of a training; --eval trains nothing";
  return {};
}

cli::Documents documents_of(std::vector<cli::OptionDoc> options) {
  return {.program = "ckpt-train",
          .summary = "Trains a network on images, saving checkpoints that MindSpore loads",
          .verbs = {{.name = "ckpt-train",
                     .summary = "Trains a network on images, saving checkpoints that MindSpore loads",
                     .example = "ckpt-train --network lenet5 --save-steps 32 --keep-max 10 --directory run",
                     .options = std::move(options)}},
          .exits = {{0, "Trained, or evaluated."},
                    {2,
                     "It could not be done: wrong usage, images or a checkpoint that cannot be read or do not fit; "
                     "or the loss is not finite."},
                    {130, "Stopped by Ctrl-C; what was trained is saved."}}};
}

}  // namespace

std::string misplaced_option(const TrainCommand& command) {
  const std::string chosen = name_of(command.training.optimizer.kind);
  for (const Belongs& rule : kOfOptimizers)
    if (std::ranges::count(command.optimizer_options, rule.option) > 0 && !is_one_of(chosen, rule.those))
      return std::string(rule.option) + " is of --optimizer " + rule.those;
  return {};
}

TrainCommandLine parse_train_command(int argc, const char* const* argv) {
  TrainCommand command;
  Words words;
  OptionTable app;
  add_images(app, command, words);
  add_training(app, command, words);
  add_optimizer(app, command, words);
  add_rates(app, command, words);
  add_checkpoints(app, command, words);
  std::string document;
  app.group("Manual");
  add_choice(app, "--document", document, "Print the completion for a shell, the man page, or a page of the manual",
             cli::kDocuments);
  cli::Documents documents = documents_of(cli::describe(app));
  app.group("Common");
  std::string color;
  cli::add_common(app, "ckpt-train " CKPT_VERSION, color);
  documents.options = cli::describe(app);
  documents.options.erase(documents.options.begin(),
                          documents.options.begin() + static_cast<std::ptrdiff_t>(documents.verbs[0].options.size()));

  const cli::Parsed parsed = cli::parse(app, {argv + (argc > 0), argv + argc}, "ckpt-train");
  if (parsed.help) return {.text = cli::help_text(documents, documents.program)};
  if (!parsed.done) return {.exit = parsed.exit, .text = parsed.text, .hint = parsed.hint};
  if (!document.empty()) return {.text = cli::document(documents, document)};
  for (const std::string& wrong :
       {set_images(command, words), set_optimizer(app, command, words), set_rates(app, command, words),
        set_checkpoints(command, words), not_a_file(command), of_no_use_with_eval(command)})
    if (!wrong.empty()) return {.exit = cli::kFailed, .text = wrong, .hint = "`ckpt-train --help` tells how"};
  return {.command = std::move(command), .color = cli::when_of(color)};
}

}  // namespace ckpt::train
