#include "train_options.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace ckpt::train {
namespace {

using Words = std::vector<std::string>;

TrainCommandLine parsed(const Words& words) {
  std::vector<const char*> argv = {"ckpt-train"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return parse_train_command(static_cast<int>(argv.size()), argv.data());
}

TrainCommand command_of(const Words& words) {
  TrainCommandLine line = parsed(words);
  if (!line.command) throw std::runtime_error(line.text);
  return std::move(*line.command);
}

TEST(TrainOptions, EachRefusalIsASentence) {
  struct Case {
    Words words;
    const char* text;
  };
  const Case cases[] = {
      {{"--synthetic", "0"}, "--synthetic: 1 to 1,000,000 images"},
      {{"--synthetic", "1000001"}, "--synthetic: 1 to 1,000,000 images"},
      {{"--std", "0"}, "--std: must be above 0, and a Float32 must hold it"},
      {{"--std", "1e-40"}, "--std: must be above 0, and a Float32 must hold it"},
      {{"--weight-decay", "1e39"}, "--weight-decay: is more than a Float32 holds"},
      {{"--labels", "3,3"}, "--labels: one of them is there twice"},
      {{"--labels", "1-4,3"}, "--labels: one of them is there twice"},
      {{"--labels", "3"}, "--labels: '3' is no list of labels, like 3,5-7"},
      {{"--labels", "3,256"}, "--labels: '3,256' is no list of labels, like 3,5-7"},
      {{"--labels", "7-5"}, "--labels: '7-5' is no list of labels, like 3,5-7"},
      {{"--labels", "3,,5"}, "--labels: '3,,5' is no list of labels, like 3,5-7"},
      {{"--labels", "3,5,"}, "--labels: '3,5,' is no list of labels, like 3,5-7"},
      {{"--labels", "3-4-5"}, "--labels: '3-4-5' is no list of labels, like 3,5-7"},
      {{"--labels", "0-3", "--num-classes", "3"}, "--labels: there are more of them than --num-classes"},
      {{"--schedule", "step"}, "--schedule step wants --milestones"},
      {{"--schedule", "step", "--milestones", "4,2"}, "--milestones: '4,2' is no list of epochs that rise, like 2,4"},
      {{"--schedule", "step", "--milestones", "2,2"}, "--milestones: '2,2' is no list of epochs that rise, like 2,4"},
      {{"--schedule", "step", "--milestones", "x"}, "--milestones: 'x' is no list of epochs that rise, like 2,4"},
      {{"--schedule", "step", "--milestones", "1000001"},
       "--milestones: '1000001' is no list of epochs that rise, like 2,4"},
      {{"--schedule", "cosine", "--lr", "0.5", "--lr-min", "0.6"}, "--lr-min is above --lr"},
      {{"--beta1", "1", "--optimizer", "adam"}, "--beta1: must be between 0 and 1, as a Float32, too"},
      {{"--beta2", "0", "--optimizer", "adam"}, "--beta2: must be between 0 and 1, as a Float32, too"},
      {{"--eps", "0", "--optimizer", "adam"}, "--eps: must be above 0, and neither so large"},
      {{"--optimizer", "sgd", "--nesterov", "--momentum", "0"},
       "--nesterov: SGD wants a momentum above 0 with it, and no dampening"},
      {{"--optimizer", "sgd", "--nesterov", "--dampening", "0.5"},
       "--nesterov: SGD wants a momentum above 0 with it, and no dampening"},
      {{"--loss-scale", "0"}, "--loss-scale: must be above 0, and neither so large"},
      {{"--loss-scale", "1e39"}, "--loss-scale: must be above 0, and neither so large"},
      {{"--loss-scale", "1e38"}, "--loss-scale: must be above 0, and neither so large"},
      {{"--momentum", "0.5", "--optimizer", "adam"}, "--momentum is of --optimizer momentum|sgd"},
      {{"--dampening", "0.5"}, "--dampening is of --optimizer sgd"},
      {{"--beta1", "0.5"}, "--beta1 is of --optimizer adam"},
      {{"--beta2", "0.5"}, "--beta2 is of --optimizer adam"},
      {{"--eps", "0.5"}, "--eps is of --optimizer adam"},
      {{"--factor", "0.5"}, "--factor is of --schedule step"},
      {{"--milestones", "2"}, "--milestones is of --schedule step"},
      {{"--decay-rate", "0.5", "--schedule", "cosine"},
       "--decay-rate is of --schedule exponential|natural_exp|inverse"},
      {{"--decay-epochs", "2"}, "--decay-epochs is of --schedule exponential|natural_exp|inverse|cosine|polynomial"},
      {{"--stair"}, "--stair is of --schedule exponential|natural_exp|inverse"},
      {{"--lr-min", "0"}, "--lr-min is of --schedule cosine|polynomial"},
      {{"--power", "2", "--schedule", "cosine"}, "--power is of --schedule polynomial"},
      {{"--save-steps", "none", "--keep-max", "0"},
       "--save-steps, --save-seconds, --keep-max and --keep-per-minutes cannot all be none or 0"},
  };
  for (const Case& one : cases) {
    const TrainCommandLine line = parsed(one.words);
    EXPECT_FALSE(line.command) << one.text;
    EXPECT_EQ(line.exit, cli::kFailed) << one.text;
    EXPECT_TRUE(line.text.starts_with(one.text)) << line.text;
    EXPECT_EQ(line.hint, "`ckpt-train --help` tells how");
  }
}

TEST(TrainOptions, WhatIsNoValueIsRefused) {
  const Words cases[] = {{"--network", "lenet6"},
                         {"--synthetic", "-1"},
                         {"--synthetic", "many"},
                         {"--epochs", "0"},
                         {"--epochs", "1000001"},
                         {"--batch", "0"},
                         {"--batch", "65537"},
                         {"--threads", "0"},
                         {"--threads", "1025"},
                         {"--size", "0"},
                         {"--channels", "2"},
                         {"--num-classes", "1"},
                         {"--optimizer", "rmsprop"},
                         {"--loss", "hinge"},
                         {"--schedule", "linear"},
                         {"--best", "speed"},
                         {"--lr", "inf"},
                         {"--lr", "nan"},
                         {"--lr", "-1"},
                         {"--std", "1e400"},
                         {"--save-steps", "many"},
                         {"--save-steps", "-1"},
                         {"--save-steps", "1000000000"},
                         {"--keep-max", ""},
                         {"--keep-per-minutes", "1.5"},
                         {"--keep-best", "2"},  // without --best
                         {"--log-steps", "5"},  // without --metrics
                         {"--json"},            // without --eval
                         {"--logits", "l.npy"},
                         {"--synthetic", "10", "--data", "."},
                         {"--resume", "a", "--finetune", "b"},
                         {"--eval", "a", "--resume", "b"},
                         {"--document", "html"},
                         {"--bach", "32"},
                         {"more"}};
  for (const Words& words : cases) {
    const TrainCommandLine line = parsed(words);
    EXPECT_FALSE(line.command) << words.front();
    EXPECT_EQ(line.exit, cli::kFailed) << words.front();
    EXPECT_FALSE(line.text.empty()) << words.front();
  }
}

TEST(TrainOptions, Lists) {
  const TrainCommand labels = command_of({"--labels", "3,5-7"});
  EXPECT_EQ(labels.labels, (std::vector<std::uint8_t>{3, 5, 6, 7}));
  EXPECT_EQ(labels.num_classes, 4);
  EXPECT_EQ(command_of({"--labels", "0,255", "--num-classes", "10"}).num_classes, 10);
  const TrainCommand steps = command_of({"--schedule", "step", "--milestones", "2-3,1000000"});
  EXPECT_EQ(steps.schedule.milestones, (std::vector<std::uint64_t>{2, 3, 1000000}));
}

TEST(TrainOptions, OfTwoPoliciesTheOneThatIsGiven) {
  using Number = std::optional<std::int64_t>;
  struct Case {
    Words words;
    Number steps, seconds, most, minutes;
  };
  const Case cases[] = {
      {{}, 1, 0, 5, 0},
      {{"--save-steps", "32", "--keep-max", "10"}, 32, {}, 10, {}},
      {{"--save-seconds", "60", "--keep-per-minutes", "3"}, {}, 60, {}, 3},
      {{"--save-steps", "none"}, {}, 0, 5, 0},
      {{"--keep-max", "none"}, 1, 0, {}, 0},
      {{"--save-seconds", "none", "--keep-per-minutes", "none"}, 1, {}, 5, {}},
      {{"--save-steps", "32", "--save-seconds", "60", "--keep-max", "10", "--keep-per-minutes", "3"}, 32, 60, 10, 3},
      {{"--save-steps", "0"}, 0, {}, 5, 0},
      {{"--keep-max", "0"}, 1, 0, 0, {}},
  };
  for (const Case& one : cases) {
    const CheckpointConfig config = command_of(one.words).config;
    EXPECT_EQ(config.save_checkpoint_steps, one.steps);
    EXPECT_EQ(config.save_checkpoint_seconds, one.seconds);
    EXPECT_EQ(config.keep_checkpoint_max, one.most);
    EXPECT_EQ(config.keep_checkpoint_per_n_minutes, one.minutes);
  }
}

TEST(TrainOptions, TheBestIsLargestOrSmallest) {
  EXPECT_EQ(command_of({"--keep-max", "2"}).config.keep_best, 0U);
  const CheckpointConfig accuracy = command_of({"--best", "accuracy"}).config;
  EXPECT_EQ(accuracy.keep_best, 1U);
  EXPECT_EQ(accuracy.metric_mode, MetricMode::max);
  const CheckpointConfig loss = command_of({"--best", "loss", "--keep-best", "3"}).config;
  EXPECT_EQ(loss.keep_best, 3U);
  EXPECT_EQ(loss.metric_mode, MetricMode::min);
}

TEST(TrainOptions, WhatWasGivenIsToldFromWhatIsUsual) {
  const TrainCommand usual = command_of({});
  EXPECT_FALSE(usual.learning_rate || usual.schedule_given || usual.optimizer_given);
  EXPECT_EQ(command_of({"--lr", "0"}).learning_rate, 0.0);
  for (const Words& words : {Words{"--lr", "0.01"}, Words{"--schedule", "constant"}, Words{"--warm-up", "1"}})
    EXPECT_TRUE(command_of(words).schedule_given);
  EXPECT_TRUE(command_of({"--optimizer", "momentum"}).optimizer_given);
}

// The optimizer is the file's, which is read later.
TEST(TrainOptions, WithResumeAnOptionMayBeOfAnotherOptimizer) {
  TrainCommand command = command_of({"--resume", "a.ckpt", "--beta1", "0.5"});
  EXPECT_EQ(misplaced_option(command), "--beta1 is of --optimizer adam");
  command.training.optimizer.kind = Optimizer::Kind::adam;
  EXPECT_EQ(misplaced_option(command), "");
  EXPECT_FALSE(parsed({"--resume", "a.ckpt", "--beta1", "0.5", "--optimizer", "sgd"}).command);
}

TEST(TrainOptions, HelpAndVersionAreNoCommands) {
  for (const char* option : {"--help", "--version"}) {
    const TrainCommandLine line = parsed({option});
    EXPECT_FALSE(line.command);
    EXPECT_EQ(line.exit, cli::kDone);
    EXPECT_NE(line.text.find("ckpt-train"), std::string::npos);
  }
}

}  // namespace
}  // namespace ckpt::train
