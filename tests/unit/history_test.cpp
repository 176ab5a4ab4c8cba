#include "ckpt/history.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>

#include "ckpt/writer.h"
#include "file_bytes.h"
#include "temp_dir.h"
#include "wire_builder.h"

namespace ckpt {
namespace {

using test::Bytes;
using test::bytes_of;
using test::record;

using Values = std::vector<float>;
using File = std::map<std::string, Values>;

Bytes checkpoint_of(const File& file) {
  Bytes bytes;
  for (const auto& [name, values] : file) {
    Bytes content(values.size() * sizeof(float), '\0');
    if (!values.empty()) std::memcpy(content.data(), values.data(), content.size());
    bytes += record(name, {static_cast<std::int64_t>(values.size())}, "Float32", content);
  }
  return bytes;
}

Result<History> history_of(const std::vector<File>& files, const HistoryOptions& options = {}) {
  std::vector<Bytes> bytes;
  for (const File& file : files) bytes.push_back(checkpoint_of(file));
  return history(
      files.size(), [&](std::size_t i) { return Checkpoint::from_bytes(bytes_of(bytes[i])); }, options);
}

const TensorHistory& find(const History& history, const std::string& name) {
  for (const TensorHistory& tensor : history.tensors)
    if (tensor.name == name) return tensor;
  static const TensorHistory kNone;
  ADD_FAILURE() << name << " is not there";
  return kNone;
}

// A run of ten files in which what becomes of each tensor is known.
File synthetic(int i) {
  const auto t = static_cast<float>(i);
  const float moving = 1 + 0.01F * t;
  return {{"learns", {moving, -moving, 2}},
          {"frozen", {0.5F, -0.25F, 3}},
          {"stops", {std::min(t, 5.0F), 1, 1}},  // moves for the first half
          {"creeps", {1 + 1e-7F * t, 1, 1}},     // by less than a millionth
          {"dead", {0, 0, 0, 0}},
          {"dies", {i < 5 ? 1.0F : 0.0F, 0, 0, 0}},
          {"fades", {std::pow(10.0F, -2 * t), 0, 1e-20F}},
          {"explodes", {std::pow(20.0F, t), 1, 1}},
          {"grows", {std::pow(2.0F, t), 1, 1}},  // fast, but no explosion
          {"breaks", {i < 9 ? moving : std::nanf(""), 1, 1}},
          {"awakes", {i < 8 ? 0.0F : 100.0F, 0, 0}},
          {"step", {t}}};
}

std::vector<File> synthetic_run(int files) {
  std::vector<File> run;
  for (int i = 0; i < files; ++i) run.push_back(synthetic(i));
  return run;
}

TEST(History, FindsWhatASyntheticRunHas) {
  const auto history = history_of(synthetic_run(10));
  ASSERT_TRUE(history) << to_string(history.error());
  const auto states = [&](const std::string& name) {
    const Condition c = find(*history, name).condition;
    return std::string(c.frozen ? "frozen " : "") + (c.exploding ? "exploding " : "") + (c.dead ? "dead " : "");
  };
  EXPECT_EQ(states("learns"), "");
  EXPECT_EQ(states("frozen"), "frozen ");
  EXPECT_EQ(states("stops"), "frozen ");
  EXPECT_EQ(states("creeps"), "frozen ");
  EXPECT_EQ(states("dead"), "frozen dead ");
  EXPECT_EQ(states("dies"), "frozen dead ");
  EXPECT_EQ(states("fades"), "dead ");
  EXPECT_EQ(states("explodes"), "exploding ");
  EXPECT_EQ(states("grows"), "");
  EXPECT_EQ(states("breaks"), "exploding ");
  EXPECT_EQ(states("awakes"), "");
  EXPECT_EQ(states("step"), "");
  // In the middle of the run some of it is otherwise.
  const auto half = history_of(synthetic_run(6));
  ASSERT_TRUE(half);
  EXPECT_FALSE(find(*half, "stops").condition.frozen);
  EXPECT_FALSE(find(*half, "dies").condition.dead);
  EXPECT_FALSE(find(*half, "breaks").condition.exploding);
  EXPECT_TRUE(find(*half, "awakes").condition.dead);
}

TEST(History, NumbersAreByDefinition) {
  const auto history = history_of(synthetic_run(10));
  ASSERT_TRUE(history);
  for (const TensorHistory& tensor : history->tensors) {
    ASSERT_EQ(tensor.points.size(), 10U);
    EXPECT_FALSE(tensor.points[0]->update) << "nothing came before";
    for (int i = 0; i < 10; ++i) {
      const Values now = synthetic(i).at(tensor.name);
      double squares = 0;
      double sum = 0;
      for (const float v : now)
        if (std::isfinite(v)) {
          squares += static_cast<double>(v) * v;
          sum += v;
        }
      const auto& point = tensor.points[static_cast<std::size_t>(i)];
      ASSERT_TRUE(point);
      EXPECT_NEAR(point->norm, std::sqrt(squares), 1e-12 * std::sqrt(squares)) << tensor.name;
      if (point->non_finite == 0) {
        EXPECT_NEAR(point->mean, sum / static_cast<double>(now.size()), 1e-9 * (1 + std::fabs(sum)));
      }
      if (i == 0) continue;
      const Values before = synthetic(i - 1).at(tensor.name);
      double change = 0;
      double norm = 0;
      for (std::size_t k = 0; k < now.size(); ++k) {
        if (!std::isfinite(now[k])) continue;
        change += std::pow(static_cast<double>(now[k]) - before[k], 2);
        norm += std::pow(static_cast<double>(before[k]), 2);
      }
      ASSERT_TRUE(point->update) << tensor.name;
      const double expected = change == 0 ? 0 : std::sqrt(change / norm);
      if (std::isinf(expected))
        EXPECT_TRUE(std::isinf(*point->update));
      else
        EXPECT_NEAR(*point->update, expected, 1e-12 * expected) << tensor.name << " " << i;
    }
  }
}

TEST(History, ThresholdsDecide) {
  const auto history = history_of(synthetic_run(10));
  ASSERT_TRUE(history);
  const auto judged = [&](const char* name, const HistoryThresholds& thresholds) {
    return judge(find(*history, name), thresholds);
  };
  EXPECT_FALSE(judged("creeps", {.frozen = 0}).frozen);
  EXPECT_TRUE(judged("learns", {.frozen = 0.1}).frozen);
  EXPECT_TRUE(judged("grows", {.exploding = 1.5}).exploding);
  EXPECT_FALSE(judged("explodes", {.exploding = 100}).exploding);
  EXPECT_FALSE(judged("stops", {.window = 6}).frozen) << "it moved six intervals ago";
  EXPECT_TRUE(judged("stops", {.window = 1}).frozen);
  EXPECT_FALSE(judged("fades", {.dead_rms = 0}).dead);
  EXPECT_TRUE(judged("learns", {.dead_rms = 2}).dead);
}

TEST(History, TensorsComeGoAndChangeShape) {
  const std::vector<File> run = {{{"a", {1, 2}}, {"gone", {1, 1}}},
                                 {{"a", {1, 2, 3}}, {"gone", {1, 1}}, {"new", {1, 1}}},
                                 {{"a", {1, 2, 3}}, {"new", {1, 1}}}};
  const auto history = history_of(run);
  ASSERT_TRUE(history);
  ASSERT_EQ(history->tensors.size(), 3U);
  const TensorHistory& a = find(*history, "a");
  EXPECT_FALSE(a.points[1]->update) << "another shape";
  EXPECT_EQ(a.points[2]->update, 0.0);
  EXPECT_FALSE(a.condition.frozen);
  EXPECT_EQ(a.elements, 3U);
  const TensorHistory& gone = find(*history, "gone");
  EXPECT_FALSE(gone.points[2]);
  EXPECT_FALSE(gone.condition.frozen) << "what is not there is nothing";
  EXPECT_FALSE(find(*history, "new").points[0]);
  EXPECT_TRUE(find(*history, "new").condition.frozen);
}

TEST(History, OfOneFileNothingIsJudgedByChange) {
  const auto history = history_of(synthetic_run(1));
  ASSERT_TRUE(history);
  EXPECT_FALSE(find(*history, "frozen").condition.frozen);
  EXPECT_TRUE(find(*history, "dead").condition.dead);
}

TEST(History, OnlyWhatIsSelectedAndCanBeStopped) {
  HistoryOptions options;
  options.select = [](std::string_view name, Group) { return name == "learns"; };
  const auto one = history_of(synthetic_run(3), options);
  ASSERT_TRUE(one);
  ASSERT_EQ(one->tensors.size(), 1U);
  options.progress = [](std::uint64_t done, std::uint64_t total) { return done < 2 && total == 3; };
  const auto stopped = history_of(synthetic_run(3), options);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
}

TEST(History, AFileThatDoesNotOpenIsAnError) {
  const Bytes whole = checkpoint_of(synthetic(0));
  const auto opened = [&](std::size_t i) {
    return Checkpoint::from_bytes(bytes_of(whole).first(i == 0 ? whole.size() : whole.size() - 3));
  };
  const auto history = ckpt::history(2, opened);
  ASSERT_FALSE(history);
  EXPECT_EQ(history.error().code, Errc::truncated);
}

TEST(History, GrowsAsIfReadAtOnce) {
  std::vector<Bytes> files;
  for (int i = 0; i < 10; ++i) files.push_back(checkpoint_of(synthetic(i)));
  const auto opened = [&](std::size_t i) { return Checkpoint::from_bytes(bytes_of(files[i])); };
  const auto whole = history(files.size(), opened);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->files, 10U);
  auto begun = history(4, opened);
  ASSERT_TRUE(begun);
  HistoryReader reader(std::move(*begun), *opened(3));
  for (std::size_t i = 4; i < files.size(); ++i) {
    // What cannot be added leaves no trace.
    EXPECT_FALSE(reader.add(*opened(0), [](std::uint64_t, std::uint64_t) { return false; }));
    ASSERT_TRUE(reader.add(*opened(i)));
  }
  const History grown = std::move(reader).finish();
  ASSERT_EQ(grown.files, whole->files);
  ASSERT_EQ(grown.tensors.size(), whole->tensors.size());
  for (const TensorHistory& tensor : whole->tensors) {
    const TensorHistory& other = find(grown, tensor.name);
    EXPECT_EQ(tensor.elements, other.elements);
    EXPECT_EQ(tensor.condition.frozen, other.condition.frozen);
    EXPECT_EQ(tensor.condition.exploding, other.condition.exploding);
    EXPECT_EQ(tensor.condition.dead, other.condition.dead);
    for (std::size_t i = 0; i < files.size(); ++i) {
      ASSERT_EQ(tensor.points[i].has_value(), other.points[i].has_value()) << tensor.name;
      if (!tensor.points[i]) continue;
      EXPECT_EQ(tensor.points[i]->norm, other.points[i]->norm) << tensor.name;
      EXPECT_EQ(tensor.points[i]->update, other.points[i]->update) << tensor.name;
    }
  }
}

TEST(RunFiles, Names) {
  const auto parsed = [](const char* name) {
    const auto file = run_file_from_name(name);
    return file ? file->prefix + "|" + std::to_string(file->epoch) + "|" + std::to_string(file->step) +
                      (file->breakpoint ? "|b" : "")
                : "none";
  };
  EXPECT_EQ(parsed("lenet-1_1875.ckpt"), "lenet|1|1875");
  EXPECT_EQ(parsed("run/a-b_1-10_20.ckpt"), "a-b_1|10|20");
  EXPECT_EQ(parsed("CKP-2_2_breakpoint.ckpt"), "CKP|2|2|b");
  EXPECT_EQ(parsed("-1_2.ckpt"), "|1|2");
  for (const char* other :
       {"lenet.ckpt", "lenet-1.ckpt", "lenet-1_.ckpt", "lenet-_1.ckpt", "lenet_1_2.ckpt", "lenet-1_2.pth", "lenet-1_2",
        "lenet-1_x.ckpt", "lenet--1_-2.ckpt", "lenet-99999999999999999999_1.ckpt", ".ckpt", ""})
    EXPECT_EQ(parsed(other), "none") << other;
}

TEST(RunFiles, AreSortedByNumbers) {
  const test::TempDir folder;
  for (const char* name :
       {"b-1_1.ckpt", "a-10_1.ckpt", "a-2_30.ckpt", "a-2_4.ckpt", "a-2_4_breakpoint.ckpt", "notes.txt", "a-graph.meta"})
    std::ofstream(folder.path() / name) << "x";
  std::filesystem::create_directory(folder.path() / "c-1_1.ckpt");
  const auto files = find_run_files(folder.path());
  ASSERT_TRUE(files);
  std::vector<std::string> names;
  for (const RunFile& file : *files) names.push_back(file.path.filename().string());
  EXPECT_EQ(names, (std::vector<std::string>{"a-2_4.ckpt", "a-2_4_breakpoint.ckpt", "a-2_30.ckpt", "a-10_1.ckpt",
                                             "b-1_1.ckpt"}));
  EXPECT_EQ(find_run_files(folder.path() / "none").error().code, Errc::io);
}

}  // namespace
}  // namespace ckpt
