#include "ckpt/run_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "file_bytes.h"
#include "run_record.h"
#include "temp_dir.h"

namespace ckpt {
namespace {

using test::names_in;
using test::TempDir;
using test::write_file;

using Names = std::vector<std::string>;

Names names_of(const std::vector<CheckpointFile>& files) {
  Names names;
  for (const CheckpointFile& file : files) names.push_back(file.name);
  return names;
}

TEST(CheckpointName, IsReadAndWritten) {
  const auto name = checkpoint_name_from("my-net_3-12_32.ckpt");
  ASSERT_TRUE(name);
  EXPECT_EQ(*name, (CheckpointName{"my-net_3", 12, 32}));
  EXPECT_EQ(to_string(*name), "my-net_3-12_32.ckpt");
  for (const char* text : {"-1_1.ckpt", "a-0_0.ckpt", "a-1_1_breakpoint.ckpt", "a-1_2.safetensors", "..-1_1.ckpt",
                           "a-18446744073709551615_1.ckpt"}) {
    const auto read = checkpoint_name_from(text);
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(to_string(*read), text);
  }
}

TEST(CheckpointName, OthersAreNone) {
  for (const char* text : {"", ".ckpt", "a.ckpt", "a-1.ckpt", "a-1_.ckpt", "a-_1.ckpt", "a_1-1.ckpt", "a-1_1",
                           "a-1_1.ckpt.tmp", "a-1_1.CKPT", "a-01_1.ckpt", "a-1_+1.ckpt", "a-1_1 .ckpt",
                           "a-18446744073709551616_1.ckpt", "a-graph.meta", "a-1_1_breakpoint_breakpoint.ckpt"})
    EXPECT_FALSE(checkpoint_name_from(text)) << text;
}

// The table of MindSpore's behaviour, observed with 2.10 (tests/interop asks it again).
TEST(RerunPrefix, IsMindSpores) {
  const auto next = [](const Names& names, std::string_view prefix = "r") { return rerun_prefix(prefix, names); };
  EXPECT_EQ(next({}), "r");
  EXPECT_EQ(next({"r-1_1.ckpt"}), "r_1");
  EXPECT_EQ(next({"r-1_1.ckpt", "r_1-1_1.ckpt"}), "r_2");
  EXPECT_EQ(next({"r_3-2_32.ckpt"}), "r_4");
  EXPECT_EQ(next({"r_007-1_1.ckpt"}), "r_8");
  EXPECT_EQ(next({"r25-1_1.ckpt"}), "r_6");
  for (const char* name : {"r9-1_1.ckpt", "r.ckpt", "rx-1_1.ckpt", "r_a-1_1.ckpt", "r_1_2-1_1.ckpt", "r",
                           "r-graph.meta", "r-1_1_breakpoint.ckpt", "q-1_1.ckpt", ".r-1_1.ckpt", "r-1_1.txt"})
    EXPECT_EQ(next({name}), "r") << name;
  EXPECT_EQ(next({"r-1_1.safetensors"}), "r_1");
  EXPECT_EQ(next({"r-.ckpt"}), "r_1");
  EXPECT_EQ(next({"-1_1.ckpt"}, ""), "_1");
  EXPECT_EQ(next({"x.ckpt"}, "x.ckpt"), "x.ckpt") << "which MindSpore fails on";
  EXPECT_EQ(next({"r_99999999999999999999999-1_1.ckpt"}), "r_100000000000000000000000");
  EXPECT_EQ(next({"r_9-1_1.ckpt", "r_10-1_1.ckpt"}), "r_11");
  EXPECT_EQ(rerun_prefix("r", Names{"r-1_1.ckpt", "r_4-1_1_breakpoint.ckpt"}, true), "r_5");
}

TEST(FindRuns, ByPrefixInTheOrderOfSaving) {
  const TempDir dir;
  for (const char* name :
       {"b-1_1.ckpt", "a-2_1.ckpt", "a-1_10.ckpt", "a-1_9.ckpt", "a-graph.meta", "a-1_1_breakpoint.ckpt"})
    write_file(dir / name, "x");
  std::filesystem::create_symlink("a-1_9.ckpt", dir / "a-3_1.ckpt");
  std::filesystem::create_directory(dir / "a-4_1.ckpt");
  const auto runs = find_runs(dir.path());
  ASSERT_TRUE(runs) << to_string(runs.error());
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ(runs->front().prefix, "a");
  EXPECT_FALSE(runs->front().recorded);
  EXPECT_EQ(names_of(runs->front().files), (Names{"a-1_9.ckpt", "a-1_10.ckpt", "a-2_1.ckpt"}));
  EXPECT_EQ(runs->front().files[0].size, 1U);
  EXPECT_FALSE(find_runs(dir / "none"));
}

TEST(FindRuns, KnowsWhatTheRecordKnows) {
  const TempDir dir;
  for (const char* name : {"a-1_1.ckpt", "a-2_1.ckpt"}) write_file(dir / name, "x");
  {
    auto record = RunRecord::open(dir.path(), "a", true);
    ASSERT_TRUE(record && *record);
    EXPECT_TRUE((*record)->begin(2, 1, 11));
    EXPECT_TRUE((*record)->begin(1, 1, 1));  // it went back
    EXPECT_TRUE((*record)->done(1, 1, std::chrono::system_clock::time_point(std::chrono::seconds(5))));
    EXPECT_TRUE((*record)->metric(1, 1, 0.25, MetricMode::max));
    EXPECT_TRUE((*record)->pin(2, 1));
  }
  const auto runs = find_runs(dir.path());
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->size(), 1U);
  const auto& files = runs->front().files;
  EXPECT_TRUE(runs->front().recorded);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "a-2_1.ckpt");
  EXPECT_TRUE(files[0].pinned);
  EXPECT_EQ(files[0].total_steps, 11U);
  EXPECT_EQ(files[1].metric, 0.25);
  EXPECT_EQ(files[1].time, std::chrono::system_clock::time_point(std::chrono::seconds(5)));
}

TEST(RunRecord, SurvivesWhatAPowerCutLeaves) {
  const TempDir dir;
  write_file(dir / "a-record.txt",
             "ckpt-record 1\nbegin 1 1 1\nbegin 1\n" + std::string(20, '\0') +
                 "\nmetric 9 9 1\nmetric 1 1 0.5\nbegin 2 1 99999999999999999999999\nbegin 3 1 3");
  {
    auto record = RunRecord::open(dir.path(), "a", true);
    ASSERT_TRUE(record && *record) << to_string(record.error());
    ASSERT_EQ((*record)->files().size(), 1U);
    EXPECT_EQ((*record)->files().front().metric, 0.5);
    EXPECT_TRUE((*record)->begin(4, 1, 4));
  }
  const auto again = RunRecord::read(dir.path(), "a");
  ASSERT_TRUE(again && *again);
  ASSERT_EQ((*again)->files().size(), 2U) << "half a line is none";
  EXPECT_EQ((*again)->files().back().epoch, 4U);
}

TEST(RunRecord, LinesThatNoLongerMatterGo) {
  const TempDir dir;
  const auto path = dir / "a-record.txt";
  {
    auto record = RunRecord::open(dir.path(), "a", true);
    ASSERT_TRUE(record && *record);
    EXPECT_TRUE((*record)->begin(9, 1, 90));
    EXPECT_TRUE((*record)->metric(9, 1, 0.5, MetricMode::min));
    for (std::uint64_t step = 1; step <= 20'000; ++step) {
      ASSERT_TRUE((*record)->begin(1, step, step));
      ASSERT_TRUE((*record)->drop(1, step));
    }
    EXPECT_LT(std::filesystem::file_size(path), 250'000U) << "while it is open";
    EXPECT_EQ(RunRecord::open(dir.path(), "a", false).error().code, Errc::locked) << "the new one is locked too";
  }
  std::string lines = test::read_file(path);
  for (int i = 0; i < 20'000; ++i) lines += "begin 2 " + std::to_string(i) + " 1\ndrop 2 " + std::to_string(i) + "\n";
  write_file(path, lines);
  const auto record = RunRecord::open(dir.path(), "a", false);
  ASSERT_TRUE(record && *record);
  EXPECT_EQ(test::read_file(path), "ckpt-record 1\nbegin 9 1 90\nmetric 9 1 0.5 min\n");
  EXPECT_EQ(names_in(dir.path()), Names{"a-record.txt"});
}

TEST(RunRecord, ALongOneIsReadInNoTime) {
  const TempDir dir;
  std::string lines = "ckpt-record 1\n";
  for (int i = 0; i < 200'000; ++i) lines += "begin 1 " + std::to_string(i) + " 1\n";
  for (int i = 0; i < 100'000; ++i) lines += "drop 1 " + std::to_string(i) + "\n";
  write_file(dir / "a-record.txt", lines);
  const auto before = std::chrono::steady_clock::now();
  const auto record = RunRecord::open(dir.path(), "a", false);
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->files().size(), 100'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST(FindRuns, TimesThatNoClockHas) {
  const TempDir dir;
  write_file(dir / "a-1_1.ckpt", "x");
  timespec times[2] = {{.tv_sec = 10'413'792'000, .tv_nsec = 0}, {.tv_sec = 10'413'792'000, .tv_nsec = 5}};  // 2300
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir / "a-1_1.ckpt").c_str(), times, 0), 0);
  const auto runs = find_runs(dir.path());
  ASSERT_TRUE(runs);
  EXPECT_GT(runs->front().files[0].time, std::chrono::system_clock::now());
}

TEST(RunRecord, SomethingElseOfThatNameIsLeftAlone) {
  const TempDir dir;
  write_file(dir / "a-record.txt", "my notes");
  const auto record = RunRecord::open(dir.path(), "a", true);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().code, Errc::unsupported);
  EXPECT_EQ(test::read_file(dir / "a-record.txt"), "my notes");
  std::filesystem::create_symlink("a-record.txt", dir / "b-record.txt");
  EXPECT_FALSE(RunRecord::open(dir.path(), "b", true));
}

TEST(FindRuns, FilesThatTheRecordDoesNotHaveAreOthers) {
  const TempDir dir;
  for (const char* name : {"a-1_1.ckpt", "a-2_1.ckpt", "a-9_1.ckpt", "b-1_1.ckpt"}) write_file(dir / name, "x");
  write_file(dir / "a-record.txt", "ckpt-record 1\nbegin 2 1 2\nbegin 1 1 1\n");
  write_file(dir / "b-record.txt", "my notes");
  const auto runs = find_runs(dir.path());
  ASSERT_TRUE(runs);
  ASSERT_EQ(runs->size(), 2U);
  EXPECT_EQ(names_of((*runs)[0].files), (Names{"a-2_1.ckpt", "a-1_1.ckpt"}));
  EXPECT_EQ(names_of((*runs)[0].others), (Names{"a-9_1.ckpt"}));
  EXPECT_FALSE((*runs)[0].error);
  EXPECT_EQ(names_of((*runs)[1].files), (Names{"b-1_1.ckpt"}));
  ASSERT_TRUE((*runs)[1].error) << "and the other run is found all the same";
  EXPECT_EQ((*runs)[1].error->code, Errc::unsupported);
  const auto one = find_runs(dir.path(), "a");
  ASSERT_TRUE(one);
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->front().prefix, "a");
}

TEST(DeleteRunFiles, OnlyOfTheRunAndOnlyIfNobodySaves) {
  const TempDir dir;
  for (const char* name : {"a-1_1.ckpt", "a-2_1.ckpt", "b-1_1.ckpt"}) write_file(dir / name, "x");
  const auto refused = [&](const std::filesystem::path& directory, const char* prefix, const char* name) {
    const std::vector<CheckpointFile> files{{.name = name}};
    return delete_run_files(directory, prefix, files).error().code;
  };
  EXPECT_EQ(refused(dir.path(), "a", "b-1_1.ckpt"), Errc::usage);
  EXPECT_EQ(refused(dir.path(), "a", "../a-1_1.ckpt"), Errc::usage);
  EXPECT_EQ(refused(dir / "sub", "../a", "../a-1_1.ckpt"), Errc::usage);
  {
    auto record = RunRecord::open(dir.path(), "a", true);
    ASSERT_TRUE(record && *record);
    EXPECT_TRUE((*record)->begin(1, 1, 1));
    EXPECT_EQ(refused(dir.path(), "a", "a-1_1.ckpt"), Errc::locked);
  }
  EXPECT_EQ(names_in(dir.path()).size(), 4U);
  auto files = find_runs(dir.path(), "a")->front().files;
  files.push_back({.name = "a-7_7.ckpt"});
  const auto deletions = delete_run_files(dir.path(), "a", files);
  ASSERT_TRUE(deletions);
  for (const Deletion& deletion : *deletions) EXPECT_TRUE(deletion.deleted && deletion.status);
  EXPECT_EQ(names_in(dir.path()), (Names{"a-2_1.ckpt", "a-record.txt", "b-1_1.ckpt"}));
  const auto record = RunRecord::read(dir.path(), "a");
  EXPECT_TRUE((*record)->files().empty());
}

TEST(DeleteRunFiles, WhatChangedSinceStaysAndTheOthersGo) {
  const TempDir dir;
  for (const char* name : {"a-1_1.ckpt", "a-2_1.ckpt", "a-3_1.ckpt", "a-4_1.ckpt", "a-5_1.ckpt"})
    write_file(dir / name, "x");
  write_file(dir / "a-record.txt", "ckpt-record 1\nbegin 1 1 1\nbegin 2 1 2\nbegin 3 1 3\nbegin 4 1 4\nbegin 5 1 5\n");
  const auto files = find_runs(dir.path())->front().files;
  ASSERT_EQ(files.size(), 5U);
  {
    auto record = RunRecord::open(dir.path(), "a", false);
    EXPECT_TRUE((*record)->pin(1, 1));
  }
  write_file(dir / "a-2_1.ckpt", "saved anew");
  const auto when = std::filesystem::last_write_time(dir / "a-3_1.ckpt");
  std::filesystem::last_write_time(dir / "a-3_1.ckpt", when + std::chrono::seconds(1));
  std::filesystem::remove(dir / "a-4_1.ckpt");
  std::filesystem::create_symlink("a-1_1.ckpt", dir / "a-4_1.ckpt");
  const auto deletions = delete_run_files(dir.path(), "a", files);
  ASSERT_TRUE(deletions);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE((*deletions)[i].deleted);
    ASSERT_FALSE((*deletions)[i].status);
    EXPECT_EQ((*deletions)[i].status.error().code, Errc::changed);
  }
  EXPECT_TRUE((*deletions)[4].deleted && (*deletions)[4].status);
  EXPECT_EQ(names_in(dir.path()), (Names{"a-1_1.ckpt", "a-2_1.ckpt", "a-3_1.ckpt", "a-4_1.ckpt", "a-record.txt"}));
  EXPECT_EQ((*RunRecord::read(dir.path(), "a"))->files().size(), 4U);
}

TEST(DeleteRunFiles, TheRecordStaysForTheSameStepInTheOtherFormat) {
  const TempDir dir;
  for (const char* name : {"a-1_1.ckpt", "a-1_1.safetensors"}) write_file(dir / name, "x");
  write_file(dir / "a-record.txt", "ckpt-record 1\nbegin 1 1 1\nmetric 1 1 0.5\n");
  const auto files = find_runs(dir.path())->front().files;
  ASSERT_EQ(files.size(), 2U);
  ASSERT_TRUE(delete_run_files(dir.path(), "a", std::span(files).first(1)));
  EXPECT_EQ(find_runs(dir.path())->front().files.front().metric, 0.5);
  ASSERT_TRUE(delete_run_files(dir.path(), "a", std::span(files).last(1)));
  EXPECT_TRUE((*RunRecord::read(dir.path(), "a"))->files().empty());
}

}  // namespace
}  // namespace ckpt
