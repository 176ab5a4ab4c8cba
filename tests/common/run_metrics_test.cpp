#include "run_metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "ckpt/writer.h"
#include "file_bytes.h"
#include "temp_dir.h"

namespace ckpt::tools {
namespace {

using test::TempDir;
using test::write_file;

class RunMetricsFiles : public ::testing::Test {
 protected:
  RunMetrics read(const std::string& text, const std::string& name = "run.csv") {
    write_file(dir / name, text);
    MetricsReader reader;
    const Status status = reader.read(dir / name);
    EXPECT_TRUE(status) << to_string(status.error());
    return reader.metrics();
  }
  std::string refusal(const std::string& text) {
    write_file(dir / "run.csv", text);
    const Status status = MetricsReader().read(dir / "run.csv");
    return status ? "" : status.error().message;
  }
  void append(const std::string& text, const std::string& name = "run.csv") {
    std::ofstream(dir / name, std::ios::app | std::ios::binary) << text;
  }

  TempDir dir;
};

TEST_F(RunMetricsFiles, CsvAsTheTrainerWritesIt) {
  const RunMetrics metrics = read(
      "step,epoch,loss,accuracy,validation_loss\n"
      "4,1,2.5,0.125,\n"
      "10,1,1.5e-1,0.5,0.75\n"
      "14,2,0.1,1,\n");
  EXPECT_EQ(metrics.columns, (std::vector<std::string>{"loss", "accuracy", "validation_loss"}));
  ASSERT_EQ(metrics.rows.size(), 3U);
  EXPECT_EQ(metrics.rows[0].step, 4U);
  EXPECT_EQ(metrics.rows[2].epoch, 2U);
  EXPECT_EQ(metrics.rows[0].value(0), 2.5);
  EXPECT_EQ(metrics.rows[0].value(2), std::nullopt);
  EXPECT_EQ(metrics.rows[1].value(0), 0.15);
  EXPECT_EQ(metrics.rows[1].value(2), 0.75);
  EXPECT_EQ(metrics.steps_per_epoch, 10U);
  EXPECT_EQ(metrics.lines, 4U);
  EXPECT_EQ(metrics.damaged, 0U);
  EXPECT_FALSE(metrics.half_line);
}

TEST_F(RunMetricsFiles, JsonLinesAsTheTrainerAndPythonWriteThem) {
  const RunMetrics metrics = read(
      "{\"step\":4,\"epoch\":1,\"loss\":2.5,\"validation_loss\":null}\n"
      " { \"loss\" : NaN , \"step\" : 8, \"tags\": [1, {\"a\": \"}\"}], \"who\": \"a \\\"b\\\"\", \"n\": \"7\" } \n"
      "{\"step\":9,\"loss\":\"-Infinity\",\"validation_loss\":0.5,\"ok\":true}\n");
  EXPECT_EQ(metrics.columns, (std::vector<std::string>{"loss", "validation_loss"}));
  ASSERT_EQ(metrics.rows.size(), 3U) << metrics.why;
  EXPECT_TRUE(std::isnan(*metrics.rows[1].value(0)));
  EXPECT_EQ(metrics.rows[1].epoch, std::nullopt);
  EXPECT_EQ(metrics.rows[2].value(0), -HUGE_VAL);
  EXPECT_EQ(metrics.rows[2].value(1), 0.5);
  EXPECT_EQ(metrics.damaged, 0U);
}

TEST_F(RunMetricsFiles, OtherColumnsAreTakenAsTheyAre) {
  const RunMetrics metrics = read(
      "\xEF\xBB\xBFwhen,\"step\",grad_norm,\"what, and why\"\r\n"
      "2026-01-01,1.0,7,\"a, b\"\r\n"
      "\r\n"
      "2026-01-02,2,inf,c\r\n");
  EXPECT_EQ(metrics.columns, std::vector<std::string>{"grad_norm"});
  ASSERT_EQ(metrics.rows.size(), 2U) << metrics.why;
  EXPECT_EQ(metrics.rows[1].step, 2U);
  EXPECT_EQ(metrics.rows[1].value(0), HUGE_VAL);
  EXPECT_EQ(metrics.steps_per_epoch, std::nullopt);
}

TEST_F(RunMetricsFiles, DamagedLinesAreLeftOutAndCounted) {
  const std::string head = "step,epoch,loss\n1,1,3\n";
  const auto why = [&](const std::string& line) {
    const RunMetrics metrics = read(head + line + "\n5,1,2\n");
    EXPECT_EQ(metrics.rows.size(), 2U) << line;
    EXPECT_EQ(metrics.damaged, 1U) << line;
    EXPECT_EQ(metrics.first_damaged, 3U) << line;
    return metrics.why;
  };
  EXPECT_EQ(why("2,1"), "has 2 cells, the first line 3");
  EXPECT_EQ(why("2,1,3,4"), "has 4 cells, the first line 3");
  EXPECT_EQ(why("2,1,0.2#3"), "has something that is no number");
  EXPECT_EQ(why("x,1,2"), "has something that is no number");
  EXPECT_EQ(why(",1,2"), "has no step");
  EXPECT_EQ(why("2.5,1,2"), "has no whole number as its step or epoch");
  EXPECT_EQ(why("-2,1,2"), "has no whole number as its step or epoch");
  EXPECT_EQ(why("1e300,1,2"), "has no whole number as its step or epoch");
  EXPECT_EQ(why("nan,1,2"), "has no whole number as its step or epoch");
  EXPECT_EQ(why("1,1,2"), "is of step 1, behind step 1");
  EXPECT_EQ(why(std::string(100'000, '7')), "is longer than 64 KiB");
  EXPECT_EQ(why(std::string(1'000'000, '7')), "is longer than 64 KiB");
  EXPECT_EQ(why(std::string(5, '\0')), "has 1 cell, the first line 3");
}

TEST_F(RunMetricsFiles, DamagedJsonLinesAreLeftOut) {
  for (const std::string line : {"{\"step\":2", "{\"step\":}", "{\"step\" 2}", "{\"step\":2}}", "[2]", "{\"step\":2,}",
                                 "{\"loss\":2}", "{\"step\":2,\"loss\":0x2}", "{\"step\":2,\"a\":[[}", "{\"step\":\"2",
                                 "{\"step\":2,\"a\":\"\\", "{", "{]", "2,1,3"}) {
    const RunMetrics metrics = read("{\"step\":1,\"loss\":3}\n" + line + "\n{\"step\":5,\"loss\":1}\n");
    EXPECT_EQ(metrics.rows.size(), 2U) << line;
    EXPECT_EQ(metrics.damaged, 1U) << line;
  }
}

TEST_F(RunMetricsFiles, EveryCutOfAFileIsRead) {
  for (const std::string whole : {"step,epoch,loss\n1,1,3\n2,1,2\n", "{\"step\":1,\"loss\":3}\n{\"step\":2}\n"}) {
    const std::size_t first = whole.find('\n') + 1;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const RunMetrics metrics = read(whole.substr(0, size));
      EXPECT_EQ(metrics.damaged, 0U) << size;
      EXPECT_EQ(metrics.half_line, size > 0 && whole[size - 1] != '\n') << size;
      if (size < first) {
        EXPECT_TRUE(metrics.rows.empty());
      }
    }
  }
}

TEST_F(RunMetricsFiles, WhatIsNoneIsRefused) {
  const std::string none = "is no metrics file: its first line has no step";
  EXPECT_EQ(refusal("loss,accuracy\n1,2\n"), none);
  EXPECT_EQ(refusal("\n"), none);
  EXPECT_EQ(refusal("{\"loss\":1}\n"), none);
  EXPECT_EQ(refusal("steps,loss\n1,2\n"), none);
  EXPECT_EQ(refusal(std::string(100'000, 'x')), none);
  EXPECT_EQ(refusal(std::string(100'000, 'x') + "\n1\n"), none);
  EXPECT_EQ(MetricsReader().read(dir.path()).error().message, "is no regular file");
  EXPECT_EQ(MetricsReader().read(dir / "nowhere").error().code, Errc::io);
}

TEST_F(RunMetricsFiles, AGrowingFileIsGoneOnWith) {
  write_file(dir / "run.csv", "");
  MetricsReader reader;
  const auto now = [&]() -> const RunMetrics& {
    EXPECT_TRUE(reader.read(dir / "run.csv"));
    return reader.metrics();
  };
  EXPECT_TRUE(now().rows.empty());
  append("step,lo");
  EXPECT_TRUE(now().half_line);
  append("ss\n1,0.5\n2,0.");
  EXPECT_EQ(now().rows.size(), 1U);
  append("25\n");
  ASSERT_EQ(now().rows.size(), 2U);
  EXPECT_EQ(reader.metrics().rows[1].value(0), 0.25);
  EXPECT_FALSE(now().half_line);
  EXPECT_EQ(now().rows.size(), 2U);

  // Gone on with behind an earlier step, and already longer than before.
  write_file(dir / "run.csv", "step,loss\n1,0.5\n2,0.125\n3,1\n");
  ASSERT_EQ(now().rows.size(), 3U);
  EXPECT_EQ(reader.metrics().rows[1].value(0), 0.125);
  write_file(dir / "run.csv", "step,loss\n7,0.5\n");
  ASSERT_EQ(now().rows.size(), 1U);
  EXPECT_EQ(reader.metrics().rows[0].step, 7U);
  write_file(dir / "other", "{\"step\":9}\n{\"step\":10}\n");
  std::filesystem::rename(dir / "other", dir / "run.csv");
  EXPECT_EQ(now().rows.size(), 2U);
}

TEST_F(RunMetricsFiles, OnlyWhatIsNewIsRead) {
  std::string text = "step,note\n";
  for (int step = 1; step <= 4000; ++step) text += std::to_string(step) + "," + std::string(300, 'x') + "\n";
  write_file(dir / "run.csv", text);
  MetricsReader reader;
  const auto blocks = [&] {
    int count = 0;
    const auto counted = [&](std::uint64_t, std::uint64_t) { return ++count > 0; };
    EXPECT_TRUE(reader.read(dir / "run.csv", counted));
    return count;
  };
  EXPECT_GT(blocks(), 2);
  append("4001,y\n");
  EXPECT_EQ(blocks(), 1);
  EXPECT_EQ(reader.metrics().rows.size(), 4001U);
}

// ckpt-train writes a validation into a line that is there.
TEST_F(RunMetricsFiles, ALastLineThatChangedIsReadAgain) {
  write_file(dir / "run.csv", "step,loss,validation_loss\n1,0.5,\n");
  MetricsReader reader;
  ASSERT_TRUE(reader.read(dir / "run.csv"));
  write_file(dir / "run.csv", "step,loss,validation_loss\n1,0.5,0.25\n2,0.5,\n");
  ASSERT_TRUE(reader.read(dir / "run.csv"));
  EXPECT_EQ(reader.metrics().damaged, 0U);
  ASSERT_EQ(reader.metrics().rows.size(), 2U);
  EXPECT_EQ(reader.metrics().rows[0].value(1), 0.25);
}

TEST_F(RunMetricsFiles, MoreLinesThanRowsAreJoined) {
  std::string text = "step,loss,validation\n";
  constexpr std::uint64_t kLines = 100'003;
  for (std::uint64_t step = 1; step <= kLines; ++step)
    text += std::to_string(step) + "," + std::to_string(step) + (step == 50'001 ? ",5\n" : ",\n");
  const RunMetrics metrics = read(text);
  EXPECT_EQ(metrics.lines, kLines + 1);
  EXPECT_EQ(metrics.lines_a_row, 4U);
  EXPECT_EQ(metrics.rows.size(), kLines / 4 + 1);
  EXPECT_EQ(metrics.rows[0].step, 4U);
  EXPECT_EQ(metrics.rows[0].value(0), 4);
  EXPECT_EQ(metrics.rows.back().step, kLines);
  EXPECT_EQ(metrics.at(50'004)->value(1), 5) << "what a later line lacks is of the one before";
  EXPECT_EQ(metrics.at(50'004)->value(0), 50'004);
}

TEST_F(RunMetricsFiles, ManyColumnsAreBounded) {
  std::string head = "step";
  std::string line = "1";
  for (int i = 0; i < 1000; ++i) head += ",c" + std::to_string(i), line += "," + std::to_string(i);
  const RunMetrics metrics = read(head + "\n" + line + "\n");
  EXPECT_EQ(metrics.columns.size(), 64U);
  EXPECT_EQ(metrics.rows.at(0).value(63), 63);
}

TEST_F(RunMetricsFiles, ReadingCanBeStopped) {
  write_file(dir / "run.csv", "step,loss\n1,2\n");
  MetricsReader reader;
  EXPECT_EQ(reader.read(dir / "run.csv", [](std::uint64_t, std::uint64_t) { return false; }).error().code,
            Errc::cancelled);
}

TEST_F(RunMetricsFiles, TheLineUpToAStep) {
  const RunMetrics metrics = read("step,loss\n4,1\n8,2\n");
  EXPECT_EQ(metrics.at(3), nullptr);
  EXPECT_EQ(metrics.at(4)->step, 4U);
  EXPECT_EQ(metrics.at(7)->step, 4U);
  EXPECT_EQ(metrics.at(1000)->step, 8U);
}

TEST_F(RunMetricsFiles, EpochsThatDifferTellNothing) {
  EXPECT_EQ(read("step,epoch,loss\n10,1,1\n20,2,1\n30,3,1\n").steps_per_epoch, 10U);
  EXPECT_EQ(read("step,epoch,loss\n10,1,1\n25,2,1\n30,3,1\n").steps_per_epoch, std::nullopt);
  EXPECT_EQ(read("step,epoch,loss\n10,1,1\n24,2,1\n30,3,1\n").steps_per_epoch, std::nullopt);
  EXPECT_EQ(read("step,epoch,loss\n10,0,1\n24,1,1\n").steps_per_epoch, std::nullopt);
}

TEST(StepOfACheckpoint, ByItsName) {
  RunMetrics metrics;
  EXPECT_EQ(step_by_name(2, 3, metrics), std::nullopt);
  metrics.steps_per_epoch = 10;
  EXPECT_EQ(step_by_name(2, 3, metrics), 13U);
  EXPECT_EQ(step_by_name(0, 3, metrics), std::nullopt);
  EXPECT_EQ(step_by_name(2, 11, metrics), std::nullopt);
  EXPECT_EQ(step_by_name(~std::uint64_t{0}, 3, metrics), std::nullopt);
}

TEST(StepOfACheckpoint, ByWhatItSays) {
  const TempDir dir;
  const float weight = 1;
  const std::int32_t count = 7;
  const std::vector<Param> params = {
      {.desc = {.name = "w", .dtype = DType::float32, .dims = {1}}, .bytes = std::as_bytes(std::span(&weight, 1))},
      {.desc = {.name = "global_step", .dtype = DType::int32, .dims = {1}},
       .bytes = std::as_bytes(std::span(&count, 1))}};
  const auto step_with = [&](std::size_t some, const std::vector<AppendValue>& append) {
    EXPECT_TRUE(save_checkpoint(dir / "a.ckpt", std::span(params).first(some), append));
    return step_in(*Checkpoint::open(dir / "a.ckpt"));
  };
  EXPECT_EQ(step_with(1, {}), std::nullopt);
  EXPECT_EQ(step_with(2, {}), 7U);
  EXPECT_EQ(step_with(2, {{"step_num", std::int64_t{9}}}), 9U);
  EXPECT_EQ(step_with(1, {{"step_num", std::int64_t{-9}}}), std::nullopt);
  EXPECT_EQ(step_with(1, {{"step_num", 9.5}}), std::nullopt);
}

class FindMetrics : public ::testing::Test {
 protected:
  std::string found(const std::string& prefix, const std::vector<std::string>& prefixes) {
    const FoundMetrics found = find_metrics(dir.path(), prefix, prefixes);
    return found.several ? "several" : found.path.filename().string();
  }
  void make(const std::string& name, const std::string& text = "step,loss\n1,2\n") { write_file(dir / name, text); }

  TempDir dir;
};

TEST_F(FindMetrics, TheOnlyOneOfTheOnlyRun) {
  EXPECT_EQ(found("lenet", {"lenet"}), "");
  make("table.csv", "a,b\n1,2\n");
  make("empty.jsonl", "");
  make("log.txt");
  std::filesystem::create_directory(dir / "folder.csv");
  EXPECT_EQ(found("lenet", {"lenet"}), "");
  make("losses.jsonl", "{\"step\":1}\n");
  EXPECT_EQ(found("lenet", {"lenet"}), "losses.jsonl");
  EXPECT_EQ(found("lenet", {"lenet", "lenet_1"}), "several");
  make("more.csv");
  EXPECT_EQ(found("lenet", {"lenet"}), "several");
}

TEST_F(FindMetrics, TheOneOfTheRunsName) {
  make("losses.csv");
  make("lenet-metrics.csv");
  make("lenet_1.jsonl", "{\"step\":1}\n");
  const std::vector<std::string> runs = {"lenet", "lenet_1", "lenet_10"};
  EXPECT_EQ(found("lenet", runs), "lenet-metrics.csv");
  EXPECT_EQ(found("lenet_1", runs), "lenet_1.jsonl");
  EXPECT_EQ(found("lenet_10", runs), "several");
  make("lenet.csv");
  EXPECT_EQ(found("lenet", runs), "several");
}

}  // namespace
}  // namespace ckpt::tools
