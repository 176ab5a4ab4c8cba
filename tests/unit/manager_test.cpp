#include "ckpt/manager.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <future>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ckpt/checkpoint.h"
#include "ckpt/run_files.h"
#include "file_bytes.h"
#include "privileges.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::mode_of;
using test::names_in;
using test::NoPrivileges;
using test::read_file;
using test::record;
using test::TempDir;
using test::values;
using test::write_file;

using Clock = std::chrono::system_clock;
using Names = std::vector<std::string>;

std::string text_of(const Status& status) { return status ? "" : to_string(status.error()); }

/// For where it does not matter what is saved.
std::vector<Param> any_params() {
  static constexpr std::byte kByte{1};
  return {{.desc = {.name = "w", .dtype = DType::uint8, .dims = {1}}, .bytes = std::span(&kByte, 1)}};
}

/// What training leaves at a step.
Bytes weight(float step) { return record("w", {1}, "Float32", values<float>({step})); }

/// Training that counts its steps: one parameter, whose value is the step.
class Training {
 public:
  explicit Training(const TempDir& dir, const CheckpointConfig& config = {}, const std::string& prefix = "net",
                    ModelCheckpointOptions options = {})
      : dir_(dir) {
    options.params = [this] { return params(); };
    options.clock = [this] { return time; };
    CheckpointConfig quick = config;
    quick.durable = false;
    auto created = ModelCheckpoint::create(prefix, dir.path(), quick, std::move(options));
    if (!created) throw std::runtime_error(to_string(created.error()));
    saver.emplace(std::move(*created));
  }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  /// Up to this step, four an epoch and a second each.
  Training& train(std::uint64_t to) {
    while (step < to) EXPECT_EQ(text_of(next()), "");
    return *this;
  }
  Status next() {
    ++step;
    time += std::chrono::seconds(1);
    value_ = values<float>({static_cast<float>(step)});
    return saver->step_end(now());
  }
  Status epoch(double metric) { return saver->epoch_end(metric); }
  TrainingStep now() const { return {(step - 1) / 4 + 1, step, 4}; }
  /// The checkpoints there are.
  Names files() const {
    Names names;
    for (std::string& name : names_in(dir_.path()))
      if (name.ends_with(".ckpt")) names.push_back(std::move(name));
    return names;
  }

  std::optional<ModelCheckpoint> saver = {};
  std::uint64_t step = 0;
  Clock::time_point time = Clock::time_point(std::chrono::seconds(1'700'000'000));

 private:
  std::vector<Param> params() const {
    return {{.desc = {.name = "w", .dtype = DType::float32, .dims = {1}}, .bytes = bytes_of(value_)}};
  }

  const TempDir& dir_;
  Bytes value_ = values<float>({0});
};

Error error_of(const CheckpointConfig& config) {
  const auto policy = checkpoint_policy(config);
  return policy ? Error{.message = "no error"} : policy.error();
}

// ---- the configuration ----

TEST(CheckpointConfig, DefaultsAreMindSpores) { EXPECT_EQ(*checkpoint_policy({}), (CheckpointPolicy{1, {}, 5, {}})); }

TEST(CheckpointConfig, StepsGoBeforeSecondsAndNumbersBeforeMinutes) {
  CheckpointConfig config{.save_checkpoint_steps = 32, .save_checkpoint_seconds = 10, .keep_checkpoint_max = 3};
  config.keep_checkpoint_per_n_minutes = 7;
  EXPECT_EQ(*checkpoint_policy(config), (CheckpointPolicy{32, {}, 3, {}}));
  config.save_checkpoint_steps = std::nullopt;
  config.keep_checkpoint_max = 0;
  EXPECT_EQ(*checkpoint_policy(config), (CheckpointPolicy{{}, 10, 0, 7}));
  config.keep_checkpoint_max = std::nullopt;
  EXPECT_EQ(*checkpoint_policy(config), (CheckpointPolicy{{}, 10, {}, 7}));
}

TEST(CheckpointConfig, WithoutARuleForKeepingOneIsKept) {
  EXPECT_EQ(*checkpoint_policy({.keep_checkpoint_max = 0}), (CheckpointPolicy{1, {}, 1, 0}));
  EXPECT_EQ(*checkpoint_policy({.keep_checkpoint_max = {}, .keep_checkpoint_per_n_minutes = {}}),
            (CheckpointPolicy{1, {}, 1, {}}));
}

TEST(CheckpointConfig, WhatMindSporeRefuses) {
  for (const std::optional<std::int64_t> nothing : {std::optional<std::int64_t>(), std::optional<std::int64_t>(0)})
    EXPECT_EQ(error_of({nothing, 0, {}, nothing}).code, Errc::usage);
  EXPECT_EQ(error_of({.save_checkpoint_steps = -1}).message, "save_checkpoint_steps is negative");
  EXPECT_EQ(error_of({.save_checkpoint_seconds = -1}).code, Errc::usage);
  EXPECT_EQ(error_of({.keep_checkpoint_max = -1}).code, Errc::usage);
  EXPECT_EQ(error_of({.keep_checkpoint_per_n_minutes = -1}).code, Errc::usage);
  CheckpointConfig config{.crc_check = true, .format = "safetensors"};
  EXPECT_EQ(error_of(config).code, Errc::usage);
  EXPECT_EQ(error_of({.keep_best = 1, .strict_mindspore = true}).code, Errc::usage);
}

TEST(CheckpointConfig, AFormatWhoseFilesAreNotFoundAgainIsRefused) {
  EXPECT_EQ(error_of({.format = "safetensors"}).message, "no error");
  for (const std::string format : {"xyz", "../x", "", "a.ckpt", "ckpt/../../x", "npz"}) {
    EXPECT_EQ(error_of({.format = format}).code, Errc::usage) << format;
    EXPECT_EQ(error_of({.format = format}).message, "the format is neither ckpt nor safetensors") << format;
  }
}

TEST(ModelCheckpoint, HostilePrefixesAreRefused) {
  const TempDir dir;
  for (const std::string& prefix :
       {std::string("../x"), std::string("/"), std::string("a\0b", 3), std::string(200, 'x')}) {
    const auto saver = ModelCheckpoint::create(prefix, dir.path(), {}, {.params = [] { return std::vector<Param>(); }});
    ASSERT_FALSE(saver) << prefix;
    EXPECT_EQ(saver.error().code, Errc::usage);
  }
  EXPECT_TRUE(names_in(dir.path()).empty());
}

TEST(ModelCheckpoint, AnEmptyPrefixIsOne) {
  const TempDir dir;
  Training(dir, {}, "net").train(1);
  Training(dir, {}, "").train(1);
  EXPECT_EQ(Training(dir, {.resume = true}, "").saver->latest_ckpt_file_name(), dir / "-1_1.ckpt");
  Training run(dir, {}, "");
  EXPECT_EQ(run.train(1).files(), (Names{"-1_1.ckpt", "_1-1_1.ckpt", "net-1_1.ckpt"}));
}

TEST(ModelCheckpoint, WithoutAnythingToSaveItIsAnError) {
  const TempDir dir;
  EXPECT_EQ(ModelCheckpoint::create("net", dir.path()).error().code, Errc::usage);
  EXPECT_EQ(ModelCheckpoint::create("net", std::filesystem::path(), {}, {.params = [] { return std::vector<Param>(); }})
                .error()
                .message,
            "the name of the directory is empty");
}

TEST(ModelCheckpoint, TheDirectoryIsMadeForItsOwnerAlone) {
  const TempDir dir;
  const auto create = [&](const std::string& name) {
    return ModelCheckpoint::create("net", dir / name, {}, {.params = [] { return std::vector<Param>(); }});
  };
  EXPECT_TRUE(create("a/b/c"));
  EXPECT_EQ(mode_of(dir / "a/b/c"), 0700U);
  write_file(dir / "file", "");
  EXPECT_EQ(to_string(create("file").error()), "is no directory");
}

// ---- names and triggers, as tests/interop finds them in MindSpore 2.10 ----

TEST(ModelCheckpoint, SavesEachStepAndKeepsFive) {
  const TempDir dir;
  Training run(dir);
  run.train(12);
  EXPECT_EQ(run.files(), (Names{"net-2_4.ckpt", "net-3_1.ckpt", "net-3_2.ckpt", "net-3_3.ckpt", "net-3_4.ckpt"}));
  EXPECT_TRUE(run.saver->end());
  EXPECT_EQ(run.files().size(), 5U) << "the last step was saved already";
  EXPECT_EQ(run.saver->latest_ckpt_file_name(), dir / "net-3_4.ckpt");
  EXPECT_EQ(read_file(dir / "net-3_4.ckpt"), weight(12));
  EXPECT_EQ(mode_of(dir / "net-3_4.ckpt"), 0400U);
}

TEST(ModelCheckpoint, StepsCountFromTheLastSaveAndTheEndSaves) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = 3, .keep_checkpoint_max = 2});
  run.train(7);
  EXPECT_EQ(run.files(), (Names{"net-1_3.ckpt", "net-2_2.ckpt"}));
  EXPECT_TRUE(run.train(11).saver->end());
  EXPECT_EQ(run.files(), (Names{"net-3_1.ckpt", "net-3_3.ckpt"}));
}

TEST(ModelCheckpoint, BeginSaysFromWhereStepsCount) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = 3});
  run.step = 4;
  EXPECT_TRUE(run.saver->begin(4));
  run.train(8);
  EXPECT_EQ(run.files(), (Names{"net-2_3.ckpt"}));
}

TEST(ModelCheckpoint, TheEndWithoutAStepSavesNothing) {
  const TempDir dir;
  Training(dir, {.save_checkpoint_steps = 4}).train(4);
  for (int i = 0; i < 2; ++i) {
    Training run(dir, {.save_checkpoint_steps = 4, .resume = true});
    EXPECT_TRUE(run.saver->end());
    EXPECT_EQ(run.files(), Names{"net-1_4.ckpt"});
    EXPECT_EQ(run.saver->latest()->step, 4U);
  }
}

TEST(ModelCheckpoint, ThereIsNoStep0) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = 4});
  EXPECT_TRUE(run.saver->begin(5));
  EXPECT_EQ(run.saver->step_end({1, 0, 4}).error().code, Errc::usage);
  EXPECT_TRUE(run.saver->end());
  EXPECT_EQ(run.files(), Names{});
}

TEST(ModelCheckpoint, SecondsMustBeMoreThanAsked) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = {}, .save_checkpoint_seconds = 3});
  run.train(11);
  EXPECT_EQ(run.files(), (Names{"net-1_4.ckpt", "net-2_4.ckpt"}));
  EXPECT_TRUE(run.saver->end());
  EXPECT_EQ(run.files(), (Names{"net-1_4.ckpt", "net-2_4.ckpt", "net-3_3.ckpt"}));
}

TEST(ModelCheckpoint, AClockThatIsSetBackDelaysByOneInterval) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = {}, .save_checkpoint_seconds = 3});
  run.time -= std::chrono::hours(5);
  run.train(4);
  EXPECT_EQ(run.files(), Names{});
  run.train(5);
  EXPECT_EQ(run.files(), (Names{"net-2_1.ckpt"}));
}

TEST(ModelCheckpoint, AFailedSaveOfATimePolicyIsTriedAgainAtTheNextStep) {
  for (const int begin : {0, 1'000}) {
    const TempDir dir;
    Clock::time_point time{std::chrono::seconds(begin)};
    bool fails = true;
    ModelCheckpointOptions options;
    options.params = any_params;
    options.clock = [&] { return time; };
    options.save = [&](const auto& path, auto params, auto append, const auto& how) -> Status {
      if (fails) return Error{.code = Errc::io, .message = "no"};
      return save_checkpoint(path, params, append, how);
    };
    auto saver = ModelCheckpoint::create(
        "net", dir.path(), {.save_checkpoint_steps = {}, .save_checkpoint_seconds = 10, .durable = false}, options);
    ASSERT_TRUE(saver);
    time += std::chrono::seconds(11);
    EXPECT_EQ(text_of(saver->step_end({1, 1, 4})), "no");
    fails = false;
    time += std::chrono::seconds(1);
    EXPECT_TRUE(saver->step_end({1, 2, 4}));
    EXPECT_EQ(names_in(dir.path()), (Names{"net-1_2.ckpt", "net-record.txt"}));
  }
}

TEST(ModelCheckpoint, WithoutASavePolicyNothingIsSaved) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = 0, .save_checkpoint_seconds = {}});
  EXPECT_TRUE(run.train(5).saver->end());
  EXPECT_EQ(run.files(), Names{});
  EXPECT_TRUE(run.saver->latest_ckpt_file_name().empty());
}

TEST(ModelCheckpoint, TheGraphIsWrittenOnce) {
  const TempDir dir;
  const Bytes graph = "graph";
  const auto bytes = bytes_of(graph);
  Training run(dir, {}, "net", {.graph = {bytes.begin(), bytes.end()}});
  EXPECT_EQ(names_in(dir.path()), Names{"net-record.txt"});
  run.train(1);
  EXPECT_EQ(read_file(dir / "net-graph.meta"), "graph");
  EXPECT_EQ(mode_of(dir / "net-graph.meta"), 0600U);
  std::filesystem::remove(dir / "net-graph.meta");
  run.train(2);
  EXPECT_FALSE(std::filesystem::exists(dir / "net-graph.meta"));
}

TEST(ModelCheckpoint, AppendedValues) {
  const TempDir dir;
  Training run(dir,
               {.append_info = {.epoch_num = true,
                                .step_num = true,
                                .values = {{"lr", 0.5}, {"step_num", std::int64_t{100}}, {"note", std::string("x")}}}});
  run.train(6);
  EXPECT_EQ(read_file(dir / "net-2_2.ckpt"), record("w", {1}, "Float32", values<float>({6})) +
                                                 record("epoch_num", {}, "Int64", values<std::int64_t>({2})) +
                                                 record("step_num", {}, "Int64", values<std::int64_t>({106})) +
                                                 record("lr", {}, "Float32", values<float>({0.5})) +
                                                 record("note", {0}, "str", test::utf32(U"x")));
}

TEST(ModelCheckpoint, AppendedNumbersThatDoNotFitAreRefused) {
  const TempDir dir;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  Training run(dir, {.append_info = {.values = {{"step_num", kMost - 1}}}});
  run.train(1);
  EXPECT_EQ(read_file(dir / "net-1_1.ckpt"),
            weight(1) + record("step_num", {}, "Int64", values<std::int64_t>({kMost})));
  EXPECT_EQ(run.next().error().code, Errc::usage);
  EXPECT_EQ(run.files(), Names{"net-1_1.ckpt"});
}

TEST(ModelCheckpoint, ChecksumAndKeyReachTheFile) {
  const TempDir dir;
  Training run(dir, {.crc_check = true});
  run.train(1);
  EXPECT_EQ(read_file(dir / "net-1_1.ckpt"), test::with_trailer(record("w", {1}, "Float32", values<float>({1}))));
}

TEST(ModelCheckpoint, ThreeRunsAreThreePrefixes) {
  const TempDir dir;
  for (const char* prefix : {"net", "net_1", "net_2"}) {
    Training run(dir, {.keep_checkpoint_max = 1});
    EXPECT_EQ(run.saver->prefix(), prefix);
    run.train(3);
  }
  Training run(dir);
  EXPECT_EQ(run.files(), (Names{"net-1_3.ckpt", "net_1-1_3.ckpt", "net_2-1_3.ckpt"}));
}

TEST(ModelCheckpoint, AHundredRuns) {
  const TempDir dir;
  for (int i = 0; i < 100; ++i) Training(dir).train(1);
  EXPECT_EQ(Training(dir).saver->prefix(), "net_100");
}

TEST(ModelCheckpoint, AnotherNetworkIsSavedButNotForAnException) {
  const TempDir dir;
  const Bytes other = values<float>({7});
  ModelCheckpointOptions options;
  options.saved_network = [&] {
    return std::vector<Param>{{.desc = {.name = "w", .dtype = DType::float32, .dims = {1}}, .bytes = bytes_of(other)}};
  };
  Training run(dir, {.exception_save = true}, "net", std::move(options));
  run.train(1);
  EXPECT_TRUE(run.saver->save_exception(run.now()));
  EXPECT_EQ(read_file(dir / "net-1_1.ckpt"), weight(7));
  EXPECT_EQ(read_file(dir / "net-1_1_breakpoint.ckpt"), weight(1));
}

TEST(ModelCheckpoint, AnExceptionFollowsNoLink) {
  const TempDir dir;
  const TempDir elsewhere;
  std::filesystem::create_symlink(elsewhere / "nothing", dir / "net-1_1_breakpoint.ckpt");
  Training run(dir, {.save_checkpoint_steps = 100, .exception_save = true});
  run.train(1);
  EXPECT_EQ(run.saver->save_exception(run.now()).error().code, Errc::usage);
  EXPECT_EQ(names_in(elsewhere.path()), Names{});
}

TEST(ModelCheckpoint, AnExceptionIsSavedApart) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = 100, .exception_save = true});
  run.train(6);
  EXPECT_TRUE(run.saver->save_exception(run.now()));
  EXPECT_EQ(run.files(), (Names{"net-2_2_breakpoint.ckpt"}));
  EXPECT_TRUE(run.saver->save_exception(run.now()));
  EXPECT_EQ(run.files(), (Names{"net-2_2_breakpoint.ckpt", "net_1-2_2_breakpoint.ckpt"}));
}

// ---- keeping ----

TEST(ModelCheckpoint, TheMostAccurateSoFarIsKept) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = 4, .keep_checkpoint_max = 1, .keep_best = 1});
  const double accuracy[] = {0.5, 0.9, 0.7, 0.8};
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    run.train(4 * (epoch + 1));
    EXPECT_TRUE(run.epoch(accuracy[epoch]));
  }
  EXPECT_EQ(run.files(), (Names{"net-2_4.ckpt", "net-4_4.ckpt"}));
  EXPECT_EQ(run.saver->latest()->metric, 0.8);
  EXPECT_TRUE(run.saver->end());
  ASSERT_TRUE(run.saver->best());
  EXPECT_EQ(run.saver->best()->path.filename(), "net-2_4.ckpt");
  EXPECT_EQ(run.saver->best()->step, 8U);
  EXPECT_EQ(run.saver->best()->metric, 0.9);
}

TEST(ModelCheckpoint, WhereTheBestHasNoFileItGetsOne) {
  const TempDir dir;
  Training run(
      dir, {.save_checkpoint_steps = 1000, .keep_checkpoint_max = 1, .keep_best = 2, .metric_mode = MetricMode::min});
  EXPECT_FALSE(run.saver->best());
  for (const double loss : {3.0, 2.0, 5.0, 1.0, 4.0}) {
    run.train(run.step + 4);
    EXPECT_TRUE(run.epoch(loss));
  }
  EXPECT_EQ(run.files(), (Names{"net-2_4.ckpt", "net-4_4.ckpt"}));
  EXPECT_TRUE(run.epoch(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ(run.files().size(), 2U);
  EXPECT_EQ(run.saver->best()->path.filename(), "net-4_4.ckpt");
}

TEST(ModelCheckpoint, TheBestIsRememberedOverRestarts) {
  const TempDir dir;
  CheckpointConfig config{.save_checkpoint_steps = 4, .keep_checkpoint_max = 1, .keep_best = 1, .resume = true};
  {
    Training run(dir, config);
    EXPECT_TRUE(run.train(4).epoch(0.9));
  }
  Training run(dir, config);
  EXPECT_EQ(run.saver->prefix(), "net");
  ASSERT_TRUE(run.saver->latest());
  EXPECT_EQ(run.saver->latest()->step, 4U);
  EXPECT_EQ(run.saver->latest()->metric, 0.9);
  run.step = 4;
  for (const double accuracy : {0.1, 0.2}) EXPECT_TRUE(run.train(run.step + 4).epoch(accuracy));
  EXPECT_EQ(run.files(), (Names{"net-1_4.ckpt", "net-3_4.ckpt"}));
}

TEST(ModelCheckpoint, ALossIsNotComparedWithAnAccuracy) {
  const TempDir dir;
  CheckpointConfig config{.save_checkpoint_steps = 4, .keep_checkpoint_max = 1, .keep_best = 1, .resume = true};
  EXPECT_TRUE(Training(dir, config).train(4).epoch(0.3));
  CheckpointConfig other = config;
  other.metric_mode = MetricMode::min;
  const auto refused = ModelCheckpoint::create("net", dir.path(), other, {.params = any_params});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::mismatch);
  EXPECT_EQ(refused.error().message, "of \"net\" the best is what has the largest metric, not the smallest");
  other.keep_best = 0;
  other.keep_checkpoint_max = 2;
  {
    Training run(dir, other);
    run.step = 4;
    EXPECT_TRUE(run.train(8).epoch(0.1)) << "which is not recorded";
  }
  Training run(dir, config);
  EXPECT_EQ(run.saver->latest()->metric, std::nullopt);
  run.step = 8;
  EXPECT_TRUE(run.train(12).epoch(0.2));
  EXPECT_EQ(run.files(), (Names{"net-1_4.ckpt", "net-3_4.ckpt"}));
  other = config;
  other.resume = false;
  other.metric_mode = MetricMode::min;
  EXPECT_TRUE(ModelCheckpoint::create("net", dir.path(), other, {.params = any_params})) << "of another run";
}

TEST(ModelCheckpoint, TheNewestAndOneInSoManyMinutes) {
  const TempDir dir;
  CheckpointConfig config{.keep_checkpoint_max = 2};
  config.keep_every_minutes = 1;
  Training run(dir, config);
  for (int i = 0; i < 5; ++i) {
    run.train(run.step + 1);
    run.time += std::chrono::seconds(29);
  }
  EXPECT_EQ(run.files(), (Names{"net-1_1.ckpt", "net-1_3.ckpt", "net-1_4.ckpt", "net-2_1.ckpt"}));
}

TEST(ModelCheckpoint, PinnedFilesStay) {
  const TempDir dir;
  Training run(dir, {.keep_checkpoint_max = 1});
  run.train(1);
  EXPECT_TRUE(run.saver->pin(run.saver->latest_ckpt_file_name()));
  EXPECT_EQ(run.saver->pin("net-9_9.ckpt").error().code, Errc::usage);
  run.train(5);
  EXPECT_EQ(run.files(), (Names{"net-1_1.ckpt", "net-2_1.ckpt"}));
}

TEST(ModelCheckpoint, ForeignFilesAreNeitherDeletedNorReplaced) {
  const TempDir dir;
  Training run(dir, {.keep_checkpoint_max = 1});
  for (const char* name : {"net-1_1.ckpt", "net-0_9.ckpt", "net.ckpt", "net_7-1_1.ckpt"})
    write_file(dir / name, "mine");
  const Status status = run.next();
  ASSERT_FALSE(status);
  EXPECT_EQ(to_string(status.error()), "there is a file \"net-1_1.ckpt\" that this run has not saved");
  run.train(4);
  EXPECT_EQ(run.files(), (Names{"net-0_9.ckpt", "net-1_1.ckpt", "net-1_4.ckpt", "net.ckpt", "net_7-1_1.ckpt"}));
  EXPECT_EQ(read_file(dir / "net-1_1.ckpt"), "mine");
}

TEST(ModelCheckpoint, ALinkIsNotFollowed) {
  const TempDir dir;
  const TempDir elsewhere;
  write_file(elsewhere / "precious", "mine");
  Training run(dir);
  std::filesystem::create_symlink(elsewhere / "precious", dir / "net-1_1.ckpt");
  std::filesystem::create_symlink(elsewhere / "nothing", dir / "net-1_2.ckpt");
  EXPECT_FALSE(run.next());
  EXPECT_FALSE(run.next());
  EXPECT_EQ(read_file(elsewhere / "precious"), "mine");
  EXPECT_EQ(names_in(elsewhere.path()), Names{"precious"});
}

TEST(ModelCheckpoint, FilesThatVanishAreNotMissed) {
  const TempDir dir;
  Training run(dir, {.keep_checkpoint_max = 2});
  run.train(3);
  std::filesystem::remove(dir / "net-1_2.ckpt");
  run.train(5);
  EXPECT_EQ(run.files(), (Names{"net-1_4.ckpt", "net-2_1.ckpt"}));
}

TEST(ModelCheckpoint, AClockThatIsSetBackCostsNoFile) {
  const TempDir dir;
  Training run(dir, {.keep_checkpoint_max = 0, .keep_checkpoint_per_n_minutes = 1});
  run.train(2);
  run.time -= std::chrono::hours(5);
  run.train(4);
  EXPECT_EQ(run.files(), (Names{"net-1_1.ckpt", "net-1_3.ckpt", "net-1_4.ckpt"}));
  run.time += std::chrono::hours(5);
  run.train(6);
  EXPECT_EQ(run.files(), (Names{"net-1_1.ckpt", "net-1_3.ckpt", "net-2_1.ckpt", "net-2_2.ckpt"}));
}

TEST(ModelCheckpoint, StrictIsMindSporesKeeping) {
  const TempDir dir;
  Training run(dir, {.save_checkpoint_steps = 2,
                     .keep_checkpoint_max = 0,
                     .keep_checkpoint_per_n_minutes = 1,
                     .strict_mindspore = true});
  EXPECT_TRUE(run.train(12).saver->end());
  EXPECT_EQ(run.files(), (Names{"net-1_2.ckpt", "net-3_4.ckpt"}));
}

// ---- who else is there ----

TEST(ModelCheckpoint, TwoOfOnePrefixCannotInterleave) {
  const TempDir dir;
  Training run(dir);
  const auto other = ModelCheckpoint::create("net", dir.path(), {}, {.params = [] { return std::vector<Param>(); }});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::locked);
  EXPECT_EQ(Training(dir, {}, "other").saver->prefix(), "other");
  run.train(1);
  EXPECT_EQ(Training(dir).saver->prefix(), "net_1") << "as soon as there is a file the next run has its number";
  CheckpointConfig resume;
  resume.resume = true;
  EXPECT_EQ(
      ModelCheckpoint::create("net", dir.path(), resume, {.params = [] { return std::vector<Param>(); }}).error().code,
      Errc::locked);
}

TEST(ModelCheckpoint, RunsThatBeginAtOnceHavePrefixesOfTheirOwn) {
  const TempDir dir;
  constexpr std::size_t kRuns = 8;
  std::vector<std::future<Names>> runs;
  for (std::size_t i = 0; i < kRuns; ++i)
    runs.push_back(std::async(std::launch::async, [&] {
      Names prefixes;
      while (prefixes.size() < 5) {
        const Bytes value = values<float>({1});
        const auto params = [&] {
          return std::vector<Param>{
              {.desc = {.name = "w", .dtype = DType::float32, .dims = {1}}, .bytes = bytes_of(value)}};
        };
        auto saver = ModelCheckpoint::create("net", dir.path(), {.durable = false}, {.params = params});
        if (!saver && saver.error().code == Errc::locked) continue;
        if (!saver || !saver->step_end({1, 1, 1})) break;
        prefixes.push_back(saver->prefix());
      }
      return prefixes;
    }));
  Names all;
  for (auto& run : runs)
    for (std::string& prefix : run.get()) all.push_back(std::move(prefix));
  EXPECT_EQ(all.size(), 5 * kRuns);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end());
}

TEST(ModelCheckpoint, GoesOnWithTheNewestThatCanBeOpened) {
  const TempDir dir;
  Training(dir).train(2);
  Training(dir).train(3);
  std::filesystem::permissions(dir / "net_1-1_3.ckpt", std::filesystem::perms::owner_all);
  write_file(dir / "net_1-1_3.ckpt", "damaged");
  CheckpointConfig config{.keep_checkpoint_max = 1, .resume = true};
  Training run(dir, config);
  EXPECT_EQ(run.saver->prefix(), "net_1");
  EXPECT_EQ(run.saver->latest_ckpt_file_name(), dir / "net_1-1_2.ckpt");
  ASSERT_EQ(run.saver->passed_over().size(), 1U);
  EXPECT_EQ(run.saver->passed_over()[0].path, dir / "net_1-1_3.ckpt");
  EXPECT_EQ(run.saver->passed_over()[0].error.code, Errc::malformed);
  run.step = 2;
  run.train(3);
  EXPECT_EQ(run.files(), (Names{"net-1_1.ckpt", "net-1_2.ckpt", "net_1-1_3.ckpt"}));
  EXPECT_EQ(read_file(dir / "net_1-1_3.ckpt"), weight(3));
}

TEST(ModelCheckpoint, DoesNotPassOverANewerOneThatIsNotDamaged) {
  const TempDir dir;
  const auto key = [](const char* bytes) { return *Key::from_bytes(bytes_of(Bytes(bytes))); };
  Training(dir, {.save_checkpoint_steps = 2}).train(2);
  {
    CheckpointConfig config{.save_checkpoint_steps = 2, .resume = true};
    config.enc_key = key("0123456789abcdef");
    Training run(dir, config);
    run.step = 2;
    run.train(4);
  }
  const auto resume = [&](const std::optional<Key>& enc_key) {
    CheckpointConfig config{.enc_key = enc_key, .resume = true};
    return ModelCheckpoint::create("net", dir.path(), config, {.params = [] { return std::vector<Param>(); }});
  };
  for (const std::optional<Key>& wrong : {std::optional<Key>(), std::optional(key("another key here"))}) {
    const auto saver = resume(wrong);
    ASSERT_FALSE(saver);
    EXPECT_EQ(saver.error().code, Errc::key);
    EXPECT_TRUE(saver.error().message.starts_with("cannot go on with \"net-1_4.ckpt\": ")) << saver.error().message;
  }
  EXPECT_EQ(resume(key("0123456789abcdef"))->latest()->step, 4U);
  std::filesystem::permissions(dir / "net-1_4.ckpt", std::filesystem::perms::none);
  const NoPrivileges anybody;
  EXPECT_EQ(resume(key("0123456789abcdef")).error().os_error, EACCES);
}

TEST(ModelCheckpoint, WhatCannotBeReadIsNeitherCountedNorDeleted) {
  const TempDir dir;
  Training(dir, {.keep_checkpoint_max = 2}).train(3);
  std::filesystem::permissions(dir / "net-1_2.ckpt", std::filesystem::perms::none);
  const NoPrivileges anybody;
  Training run(dir, {.keep_checkpoint_max = 2, .resume = true});
  EXPECT_EQ(run.saver->latest()->step, 3U);
  EXPECT_TRUE(run.saver->passed_over().empty()) << "it is older";
  run.step = 3;
  run.train(5);
  EXPECT_EQ(run.files(), (Names{"net-1_2.ckpt", "net-1_4.ckpt", "net-2_1.ckpt"}));
}

#if CKPT_CRYPTO
// A wrong key and a damaged first block look the same; that the key opens another file tells them apart.
TEST(ModelCheckpoint, AnEncryptedFileWhoseFirstBlockIsDamagedIsPassedOver) {
  for (const CipherMode mode : {CipherMode::aes_gcm, CipherMode::aes_cbc}) {
    const TempDir dir;
    CheckpointConfig config{.save_checkpoint_steps = 2, .keep_checkpoint_max = 1, .keep_best = 1, .resume = true};
    config.enc_key = *Key::from_bytes(bytes_of(Bytes("0123456789abcdef")));
    config.enc_mode = mode;
    EXPECT_TRUE(Training(dir, config).train(2).epoch(0.5));
    {
      Training run(dir, config);
      run.step = 2;
      run.train(4);
    }
    Bytes bytes = read_file(dir / "net-1_4.ckpt");
    char& byte = bytes[bytes.size() - 17];  // which in CBC changes the last byte of the padding
    byte = static_cast<char>(byte ^ 1);
    std::filesystem::permissions(dir / "net-1_4.ckpt", std::filesystem::perms::owner_all);
    write_file(dir / "net-1_4.ckpt", bytes);
    const auto damaged = Checkpoint::open(dir / "net-1_4.ckpt", {.key = config.enc_key});
    ASSERT_FALSE(damaged);
    ASSERT_EQ(damaged.error().code, Errc::key);

    CheckpointConfig wrong = config;
    wrong.enc_key = *Key::from_bytes(bytes_of(Bytes("another key here")));
    const auto refused = ModelCheckpoint::create("net", dir.path(), wrong, {.params = any_params});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::key);

    Training run(dir, config);
    EXPECT_EQ(run.saver->latest()->step, 2U);
    ASSERT_EQ(run.saver->passed_over().size(), 1U);
    EXPECT_EQ(run.saver->passed_over()[0].path, dir / "net-1_4.ckpt");
    EXPECT_EQ(run.saver->passed_over()[0].error.message, damaged.error().message);
    run.step = 4;
    run.train(6);
    EXPECT_EQ(run.files(), (Names{"net-1_2.ckpt", "net-1_4.ckpt", "net-2_1.ckpt"})) << "it is not deleted either";
  }
}

TEST(ModelCheckpoint, AnEncryptedRunWithNothingTheKeyOpensIsNotGoneOnWith) {
  const TempDir dir;
  CheckpointConfig config;
  config.enc_key = *Key::from_bytes(bytes_of(Bytes("0123456789abcdef")));
  Training(dir, config).train(1);
  Bytes bytes = read_file(dir / "net-1_1.ckpt");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  std::filesystem::permissions(dir / "net-1_1.ckpt", std::filesystem::perms::owner_all);
  write_file(dir / "net-1_1.ckpt", bytes);
  config.resume = true;
  const auto saver = ModelCheckpoint::create("net", dir.path(), config, {.params = any_params});
  ASSERT_FALSE(saver);
  EXPECT_EQ(to_string(saver.error()),
            "cannot go on with \"net-1_1.ckpt\": the tag of cipher block 1 does not match: wrong key, or the file was "
            "altered");
}
#endif

TEST(ModelCheckpoint, ALinkIsNothingToGoOnWith) {
  const TempDir dir;
  const TempDir elsewhere;
  Training(dir).train(3);
  std::filesystem::rename(dir / "net-1_3.ckpt", elsewhere / "precious");
  std::filesystem::create_symlink(elsewhere / "precious", dir / "net-1_3.ckpt");
  Training run(dir, {.resume = true});
  EXPECT_EQ(run.saver->latest_ckpt_file_name(), dir / "net-1_2.ckpt");
}

TEST(ModelCheckpoint, ARunThatGoesBackKeepsWhatItSavesThen) {
  const TempDir dir;
  Training(dir, {.keep_checkpoint_max = 2}).train(8);
  Training run(dir, {.keep_checkpoint_max = 2, .resume = true});
  run.step = 3;
  EXPECT_TRUE(run.saver->begin(3));
  run.train(4);
  EXPECT_EQ(run.files(), (Names{"net-1_4.ckpt", "net-2_4.ckpt"}));
}

TEST(ModelCheckpoint, ARunThatDoesNotBeginLeavesNothing) {
  const TempDir dir;
  {
    const Training run(dir);
    const auto other = ModelCheckpoint::create("net", dir.path(), {}, {.params = [] { return std::vector<Param>(); }});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Errc::locked);
    EXPECT_EQ(names_in(dir.path()), Names{"net-record.txt"}) << "which is the other one's";
  }
  EXPECT_EQ(names_in(dir.path()), Names{});
  Training(dir).train(1);
  { const Training another(dir); }
  EXPECT_EQ(names_in(dir.path()), (Names{"net-1_1.ckpt", "net-record.txt"}));
}

TEST(ModelCheckpoint, LitterOfKilledRunsGoes) {
  const TempDir dir;
  Training(dir).train(1);
  for (const char* name : {".net-1_2.ckpt.0123456789abcdef.tmp", ".net-graph.meta.0123456789abcdef.tmp",
                           ".net_1-1_1.ckpt.0123456789abcdef.tmp", ".other-1_1.ckpt.0123456789abcdef.tmp",
                           ".net-1_2.ckpt.0123456789ABCDEF.tmp", ".netx-1_1.ckpt.0123456789abcdef.tmp"})
    write_file(dir / name, "x");
  Training run(dir);
  EXPECT_EQ(names_in(dir.path()),
            (Names{".net-1_2.ckpt.0123456789ABCDEF.tmp", ".netx-1_1.ckpt.0123456789abcdef.tmp",
                   ".other-1_1.ckpt.0123456789abcdef.tmp", "net-1_1.ckpt", "net-record.txt", "net_1-record.txt"}));
}

TEST(ModelCheckpoint, TheFilesOfARunThatSavesAreNoLitter) {
  const TempDir dir;
  Training run(dir);
  run.train(1);
  write_file(dir / ".net-1_2.ckpt.0123456789abcdef.tmp", "being written");
  Training other(dir);
  EXPECT_TRUE(std::filesystem::exists(dir / ".net-1_2.ckpt.0123456789abcdef.tmp"));
}

TEST(ModelCheckpoint, ABreakpointFileThatIsBeingWrittenIsNoLitter) {
  const TempDir dir;
  Training(dir).train(1);
  // Numbered apart: this one is being written by a run that may be "net" or "net_1".
  const std::string temporary = ".net_1-1_2_breakpoint.ckpt.0123456789abcdef.tmp";
  write_file(dir / temporary, "x");
  std::optional<Training> run(std::in_place, dir);
  EXPECT_EQ(run->saver->prefix(), "net_1");
  EXPECT_FALSE(std::filesystem::exists(dir / temporary)) << "nobody else was running";
  run->train(1);
  write_file(dir / temporary, "being written");
  write_file(dir / ".net-1_2_breakpoint.ckpt.0123456789abcdef.tmp", "being written");
  EXPECT_EQ(Training(dir).saver->prefix(), "net_2");
  EXPECT_TRUE(std::filesystem::exists(dir / temporary));
  EXPECT_TRUE(std::filesystem::exists(dir / ".net-1_2_breakpoint.ckpt.0123456789abcdef.tmp"));
}

// ---- what fails ----

// `fails` must outlive them.
ModelCheckpointOptions failing_if(const bool& fails) {
  ModelCheckpointOptions options;
  options.save = [&fails](const auto& path, auto params, auto append, const WriteOptions& how) -> Status {
    if (fails) return Error{.code = Errc::io, .message = "no"};
    return save_checkpoint(path, params, append, how);
  };
  return options;
}

TEST(ModelCheckpoint, AfterAFailedSaveNothingIsLostAndTheNextStepTriesAgain) {
  const TempDir dir;
  bool fails = false;
  ModelCheckpointOptions options = failing_if(fails);
  Training run(dir, {.save_checkpoint_steps = 2, .keep_checkpoint_max = 1}, "net", std::move(options));
  run.train(3);
  fails = true;
  EXPECT_EQ(text_of(run.next()), "no");
  EXPECT_EQ(run.files(), Names{"net-1_2.ckpt"});
  EXPECT_EQ(run.saver->latest_ckpt_file_name(), dir / "net-1_2.ckpt");
  fails = false;
  run.train(5);
  EXPECT_EQ(run.files(), Names{"net-2_1.ckpt"});
}

TEST(ModelCheckpoint, WhatAFailedSaveDidNotReplaceKeepsItsMetric) {
  const TempDir dir;
  bool fails = false;
  ModelCheckpointOptions options = failing_if(fails);
  {
    Training run(dir, {.keep_checkpoint_max = 1, .keep_best = 1}, "net", std::move(options));
    EXPECT_TRUE(run.train(1).epoch(0.9));
    EXPECT_TRUE(run.saver->pin("net-1_1.ckpt"));
    EXPECT_TRUE(run.train(2).epoch(0.1));
    run.step = 0;
    EXPECT_TRUE(run.saver->begin(0));
    fails = true;
    EXPECT_EQ(text_of(run.next()), "no");
    fails = false;
  }
  const auto runs = find_runs(dir.path());
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->front().files.size(), 2U);
  EXPECT_EQ(runs->front().files[0].metric, 0.9);
  EXPECT_TRUE(runs->front().files[0].pinned);
  EXPECT_EQ(runs->front().files[1].name, "net-1_2.ckpt") << "the order is that of saving";
  Training again(dir, {.keep_checkpoint_max = 1, .keep_best = 1, .resume = true});
  EXPECT_EQ(again.saver->latest()->step, 2U);
}

/// No file grows while it is there.
class FullDisk {
 public:
  FullDisk() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit none{0, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit old_ = {};
  void (*handler_)(int);
};

TEST(ModelCheckpoint, AMetricIsRecordedWhereSomethingFailsBehindTheSave) {
  for (const bool early : {true, false}) {  // the error is known before the metric is
    const TempDir dir;
    std::promise<void> go_on;
    std::optional<FullDisk> disk;
    std::atomic<bool> written{false};
    ModelCheckpointOptions options;
    options.save = [&, wait = go_on.get_future().share()](const auto& path, auto params, auto append, const auto& how) {
      wait.wait();
      const Status status = save_checkpoint(path, params, append, how);
      disk.emplace();  // for the line of the record that follows
      written = true;
      return status;
    };
    Training run(dir, {.save_checkpoint_steps = 4, .async_save = true}, "net", std::move(options));
    run.train(4);
    if (!early) {
      EXPECT_TRUE(run.epoch(0.5));
    }
    go_on.set_value();
    while (!written) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    disk.reset();
    EXPECT_EQ((early ? run.epoch(0.5) : run.saver->end()).error().os_error, EFBIG);
    EXPECT_EQ(run.saver->latest()->metric, 0.5);
    const auto runs = find_runs(dir.path());
    ASSERT_TRUE(runs);
    EXPECT_EQ(runs->front().files[0].metric, 0.5);
  }
}

TEST(ModelCheckpoint, ADirectoryThatIsRemoved) {
  const TempDir dir;
  Training run(dir);
  run.train(1);
  for (const std::string& name : names_in(dir.path())) std::filesystem::remove(dir / name);
  std::filesystem::remove(dir.path());
  const Status status = run.next();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::io);
  EXPECT_EQ(to_string(status.error()), "its directory does not exist");
  std::filesystem::create_directory(dir.path());
  run.train(3);
  EXPECT_EQ(run.files(), Names{"net-1_3.ckpt"});
  run.saver.reset();
  Training again(dir, {.resume = true});
  EXPECT_EQ(again.saver->prefix(), "net");
  ASSERT_TRUE(again.saver->latest()) << "the record was lost with the directory, and written anew";
  EXPECT_EQ(again.saver->latest()->step, 3U);
}

TEST(ModelCheckpoint, ARecordThatIsDeletedIsWrittenAnew) {
  const TempDir dir;
  {
    Training run(dir, {.save_checkpoint_steps = 4, .keep_checkpoint_max = 1, .keep_best = 1});
    EXPECT_TRUE(run.train(4).epoch(0.5));
    EXPECT_TRUE(run.saver->pin("net-1_4.ckpt"));
    std::filesystem::remove(dir / "net-record.txt");
    EXPECT_TRUE(run.train(8).epoch(0.25));
  }
  const auto runs = find_runs(dir.path());
  ASSERT_TRUE(runs && runs->front().recorded);
  ASSERT_EQ(runs->front().files.size(), 2U);
  EXPECT_EQ(runs->front().files[0].metric, 0.5);
  EXPECT_TRUE(runs->front().files[0].pinned);
  EXPECT_EQ(runs->front().files[0].total_steps, 4U);
  EXPECT_EQ(runs->front().files[1].metric, 0.25);
}

TEST(ModelCheckpoint, SomebodyElsesRecordStopsIt) {
  const TempDir dir;
  Training run(dir);
  run.train(1);
  std::filesystem::remove(dir / "net-record.txt");
  CheckpointConfig config;
  config.resume = true;
  std::filesystem::remove(dir / "net-1_1.ckpt");  // so that the other one begins
  Training other(dir, config);
  EXPECT_EQ(run.next().error().code, Errc::locked);
  EXPECT_EQ(run.files(), Names{});
}

TEST(ModelCheckpoint, DoesNotGoOnWithWhatItHasNotSaved) {
  const TempDir dir;
  write_file(dir / "net-3_4.ckpt", weight(12));
  CheckpointConfig config;
  config.resume = true;
  const auto saver =
      ModelCheckpoint::create("net", dir.path(), config, {.params = [] { return std::vector<Param>(); }});
  ASSERT_FALSE(saver);
  EXPECT_EQ(to_string(saver.error()),
            "no record says which of the checkpoints of \"net\" this library saved; load one of them, and save under "
            "another prefix");
  EXPECT_EQ(names_in(dir.path()), Names{"net-3_4.ckpt"});
  EXPECT_EQ(Training(dir).saver->prefix(), "net_1") << "without resume it is an earlier run like any other";
}

TEST(ModelCheckpoint, DoesNotBeginFromNothingBesideWhatItCannotOpen) {
  const TempDir dir;
  Training(dir).train(1);
  std::filesystem::permissions(dir / "net-1_1.ckpt", std::filesystem::perms::owner_all);
  write_file(dir / "net-1_1.ckpt", "damaged");
  CheckpointConfig config;
  config.resume = true;
  const auto saver =
      ModelCheckpoint::create("net", dir.path(), config, {.params = [] { return std::vector<Param>(); }});
  ASSERT_FALSE(saver);
  EXPECT_TRUE(saver.error().message.starts_with("no checkpoint of \"net\" can be opened; the newest: "))
      << to_string(saver.error());
}

TEST(ModelCheckpoint, AGraphThatCannotBeSavedCostsNoCheckpoint) {
  const TempDir dir;
  const TempDir elsewhere;
  write_file(elsewhere / "precious", "mine");
  std::filesystem::create_symlink(elsewhere / "precious", dir / "net-graph.meta");
  Training run(dir, {}, "net", {.graph = {std::byte{1}}});
  EXPECT_EQ(text_of(run.next()), "\"net-graph.meta\": is a link, not a file");
  EXPECT_EQ(run.files(), Names{"net-1_1.ckpt"});
  EXPECT_EQ(read_file(elsewhere / "precious"), "mine");
  std::filesystem::remove(dir / "net-graph.meta");
  run.train(2);
  EXPECT_EQ(read_file(dir / "net-graph.meta"), "\1");
}

TEST(ModelCheckpoint, AFullDisk) {
  const TempDir dir;
  const std::size_t size = 1 << 20;
  const std::vector<float> large(size / 4);
  const auto params = [&] {
    return std::vector<Param>{
        {.desc = {.name = "w", .dtype = DType::float32, .dims = {size / 4}}, .bytes = std::as_bytes(std::span(large))}};
  };
  auto saver =
      ModelCheckpoint::create("net", dir.path(), {.keep_checkpoint_max = 1, .durable = false}, {.params = params});
  ASSERT_TRUE(saver);
  ASSERT_TRUE(saver->step_end({1, 1, 10}));
  rlimit old;
  ::getrlimit(RLIMIT_FSIZE, &old);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit low{1 << 16, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &low);
  const Status status = saver->step_end({1, 2, 10});
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::io);
  EXPECT_EQ(names_in(dir.path()), (Names{"net-1_1.ckpt", "net-record.txt"}));
  EXPECT_TRUE(saver->step_end({1, 3, 10}));
  EXPECT_EQ(names_in(dir.path()), (Names{"net-1_3.ckpt", "net-record.txt"}));
}

// ---- asynchronous ----

TEST(ModelCheckpoint, AsynchronousSavesAreOfTheirStep) {
  const TempDir dir;
  CheckpointConfig config{.keep_checkpoint_max = 2, .async_save = true};
  Training run(dir, config);
  EXPECT_TRUE(run.train(7).saver->end());
  EXPECT_EQ(run.files(), (Names{"net-2_2.ckpt", "net-2_3.ckpt"}));
  EXPECT_EQ(read_file(dir / "net-2_2.ckpt"), weight(6));
  EXPECT_EQ(read_file(dir / "net-2_3.ckpt"), weight(7));
  EXPECT_EQ(run.saver->latest_ckpt_file_name(), dir / "net-2_3.ckpt");
}

TEST(ModelCheckpoint, TrainingGoesOnWhileAnAsynchronousSaveIsOnItsWay) {
  const TempDir dir;
  std::promise<void> go_on;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  ModelCheckpointOptions options;
  options.save = [&, wait = go_on.get_future().share()](const auto& path, auto params, auto append, const auto& how) {
    most = std::max(most.load(), ++running);
    wait.wait();
    const Status status = save_checkpoint(path, params, append, how);
    --running;
    return status;
  };
  Training run(dir, {.save_checkpoint_steps = 4, .async_save = true}, "net", std::move(options));
  run.train(7);  // would never come here if it waited
  EXPECT_EQ(run.files(), Names{});
  EXPECT_TRUE(run.epoch(0.5));
  go_on.set_value();
  EXPECT_TRUE(run.train(12).saver->end());
  EXPECT_EQ(run.files(), (Names{"net-1_4.ckpt", "net-2_4.ckpt", "net-3_4.ckpt"}));
  EXPECT_EQ(most, 1) << "one at a time";
}

TEST(ModelCheckpoint, WhatTrainingChangesMeanwhileIsNotSaved) {
  const TempDir dir;
  Bytes large((std::size_t{9} << 20) + 5, '\0');  // more than one thread copies
  Bytes small(3, '\1');
  const auto params = [&] {
    const auto param = [](const std::string& name, const Bytes& bytes) {
      return Param{{.name = name, .dtype = DType::uint8, .dims = {static_cast<std::int64_t>(bytes.size())}},
                   bytes_of(bytes)};
    };
    return std::vector<Param>{param("small", small), param("large", large), param("none", Bytes())};
  };
  auto saver = ModelCheckpoint::create("net", dir.path(), {.async_save = true, .durable = false}, {.params = params});
  ASSERT_TRUE(saver);
  for (std::uint64_t step = 1; step <= 2; ++step) {
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * step >> 3);
    const Bytes expected = large;
    ASSERT_TRUE(saver->step_end({1, step, 9}));
    std::fill(large.begin(), large.end(), '\7');
    ASSERT_TRUE(saver->end());
    const auto file = Checkpoint::open(saver->latest_ckpt_file_name());
    ASSERT_TRUE(file);
    Bytes saved(large.size(), '\0');
    ASSERT_TRUE(file->read(*file->find("large"), 0, std::as_writable_bytes(std::span(saved))));
    EXPECT_TRUE(saved == expected);
    Bytes three(3, '\0');
    ASSERT_TRUE(file->read(*file->find("small"), 0, std::as_writable_bytes(std::span(three))));
    EXPECT_EQ(three, small);
  }
}

TEST(ModelCheckpoint, AnAsynchronousErrorIsReported) {
  const TempDir dir;
  std::atomic<bool> fails{true};
  ModelCheckpointOptions options;
  options.save = [&](const auto& path, auto params, auto append, const auto& how) -> Status {
    if (fails) return Error{.code = Errc::io, .message = "no"};
    return save_checkpoint(path, params, append, how);
  };
  Training run(dir, {.save_checkpoint_steps = 4, .async_save = true}, "net", std::move(options));
  run.train(4);
  EXPECT_EQ(text_of(run.saver->end()), "no") << "and tries once more";
  fails = false;
  EXPECT_EQ(text_of(run.saver->end()), "");
  EXPECT_EQ(run.files(), Names{"net-1_4.ckpt"});
}

TEST(ModelCheckpoint, ParametersThatCannotBeHadCostNoStep) {
  for (const bool async : {false, true}) {
    const TempDir dir;
    bool fails = true;
    bool no_memory = true;
    const auto params = [&]() -> std::vector<Param> {
      if (fails && no_memory) throw std::bad_alloc();
      if (fails) throw std::runtime_error("mine");
      return any_params();
    };
    auto saver = ModelCheckpoint::create(
        "net", dir.path(), {.save_checkpoint_steps = 4, .async_save = async, .durable = false}, {.params = params});
    ASSERT_TRUE(saver);
    EXPECT_EQ(saver->step_end({1, 4, 9}).error().os_error, ENOMEM);
    no_memory = false;
    EXPECT_THROW((void)saver->step_end({1, 4, 9}), std::runtime_error);
    fails = false;
    EXPECT_TRUE(saver->step_end({1, 5, 9}));
    EXPECT_TRUE(saver->end());
    EXPECT_EQ(names_in(dir.path()), (Names{"net-1_5.ckpt", "net-record.txt"}));
  }
}

TEST(ModelCheckpoint, WhatASaveFunctionThrowsCostsNoStep) {
  for (const bool async : {false, true}) {
    const TempDir dir;
    bool fails = false;
    ModelCheckpointOptions options{.params = any_params};
    options.save = [&fails](const auto& path, auto params, auto append, const auto& how) {
      if (fails) throw std::runtime_error("mine");
      return save_checkpoint(path, params, append, how);
    };
    auto saver = ModelCheckpoint::create("net", dir.path(), {.async_save = async, .durable = false}, options);
    ASSERT_TRUE(saver);
    ASSERT_TRUE(saver->step_end({1, 1, 9}));
    ASSERT_TRUE(saver->epoch_end(0.5));
    ASSERT_TRUE(saver->end());
    fails = true;
    const auto again = [&] {  // the same name
      if (auto status = saver->begin(0); !status) return status;
      if (auto status = saver->step_end({1, 1, 9}); !status) return status;
      return saver->pin(saver->latest_ckpt_file_name());  // waits
    };
    EXPECT_THROW((void)again(), std::runtime_error);
    fails = false;
    EXPECT_EQ(find_runs(dir.path())->front().files[0].metric, 0.5) << "the old file is there, and is not forgotten";
    EXPECT_TRUE(saver->epoch_end(0.25));
    EXPECT_EQ(saver->latest()->metric, 0.25);
    EXPECT_TRUE(saver->step_end({1, 2, 9}));
    EXPECT_TRUE(saver->end());
    EXPECT_EQ(names_in(dir.path()), (Names{"net-1_1.ckpt", "net-1_2.ckpt", "net-record.txt"}));
  }
}

TEST(ModelCheckpoint, AMetricReachesAnAsynchronousSave) {
  const TempDir dir;
  {
    Training run(dir, {.save_checkpoint_steps = 4, .keep_checkpoint_max = 1, .async_save = true, .keep_best = 1});
    for (const double accuracy : {0.5, 0.9, 0.1, 0.2}) EXPECT_TRUE(run.train(run.step + 4).epoch(accuracy));
    EXPECT_TRUE(run.saver->end());
    EXPECT_EQ(run.files(), (Names{"net-2_4.ckpt", "net-4_4.ckpt"}));
  }
  const auto runs = find_runs(dir.path());
  ASSERT_TRUE(runs);
  EXPECT_EQ(runs->front().files[0].metric, 0.9);
  EXPECT_EQ(runs->front().files[1].metric, 0.2);
}

}  // namespace
}  // namespace ckpt
