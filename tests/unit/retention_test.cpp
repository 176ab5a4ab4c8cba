#include "ckpt/retention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "random.h"

namespace ckpt {
namespace {

using Clock = std::chrono::system_clock;
using std::chrono::minutes;
using std::chrono::seconds;

const Clock::time_point kStart = Clock::time_point(seconds(1'700'000'000));

struct Made {
  double minute = 0;
  std::optional<std::uint64_t> total_steps = {};
  std::optional<double> metric = {};
};

std::vector<CheckpointFile> files(const std::vector<Made>& made) {
  std::vector<CheckpointFile> list;
  for (std::size_t i = 0; i < made.size(); ++i)
    list.push_back({.name = std::to_string(i),
                    .time = kStart + std::chrono::duration_cast<Clock::duration>(
                                         std::chrono::duration<double>(60 * made[i].minute)),
                    .total_steps = made[i].total_steps,
                    .metric = made[i].metric});
  return list;
}

/// The names that stay, in order.
std::string kept(const std::vector<CheckpointFile>& list, const KeepPolicy& policy, double minute = 1000) {
  const auto now = kStart + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(60 * minute));
  const auto decisions = decide_retention(list, policy, now);
  std::string names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    EXPECT_FALSE(decisions[i].why.empty());
    if (decisions[i].keep) names += (names.empty() ? "" : " ") + list[i].name;
  }
  return names;
}

TEST(Retention, NothingIsDeletedWithoutARule) { EXPECT_EQ(kept(files({{0}, {1}, {2}}), {}), "0 1 2"); }

TEST(Retention, TheNewestStay) {
  const auto list = files({{0}, {1}, {2}, {3}});
  EXPECT_EQ(kept(list, {.keep_checkpoint_max = 1}), "3");
  EXPECT_EQ(kept(list, {.keep_checkpoint_max = 3}), "1 2 3");
  EXPECT_EQ(kept(list, {.keep_checkpoint_max = 4}), "0 1 2 3");
  EXPECT_EQ(kept(list, {.keep_checkpoint_max = 100}), "0 1 2 3");
  EXPECT_EQ(kept({}, {.keep_checkpoint_max = 1}), "");
}

TEST(Retention, OrderCountsAndNotTime) { EXPECT_EQ(kept(files({{9}, {8}, {1}}), {.keep_checkpoint_max = 1}), "2"); }

TEST(Retention, OneInSoManyMinutesAndTheNewest) {
  const auto list = files({{0}, {4}, {9.9}, {10}, {15}, {25}, {29}});
  EXPECT_EQ(kept(list, {.keep_checkpoint_per_n_minutes = 10}), "0 3 5 6");
}

TEST(Retention, AClockThatWasSetBackMakesADistance) {
  EXPECT_EQ(kept(files({{100}, {101}, {3}, {4}, {14}, {15}}), {.keep_checkpoint_per_n_minutes = 10}), "0 2 4 5");
}

TEST(Retention, TheBest) {
  const auto list = files({{0, {}, 0.5}, {1, {}, 0.9}, {2, {}, 0.9}, {3, {}, 0.1}, {4}});
  EXPECT_EQ(kept(list, {.keep_best = 1}), "1 4") << "of equal ones the earlier";
  EXPECT_EQ(kept(list, {.keep_best = 2}), "1 2 4");
  EXPECT_EQ(kept(list, {.keep_best = 1, .metric_mode = MetricMode::min}), "3 4");
  EXPECT_EQ(kept(list, {.keep_best = 9}), "0 1 2 3 4");
}

TEST(Retention, NoNumberIsNotTheBest) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto list = files({{0, {}, nan}, {1, {}, -INFINITY}, {2, {}, nan}, {3}});
  EXPECT_EQ(kept(list, {.keep_best = 1}), "1 3");
  EXPECT_EQ(kept(list, {.keep_best = 1, .metric_mode = MetricMode::min}), "1 3");
}

TEST(Retention, TheFirstFromEachMultipleOn) {
  const auto list = files({{0, 300}, {1, 999}, {2, 1200}, {3, 1500}, {4, 2000}, {5, 4100}, {6, 4200}});
  EXPECT_EQ(kept(list, {.keep_every_steps = 1000}), "2 4 5 6");
}

TEST(Retention, WhereStepsAreNotKnownThatRuleKeepsNothing) {
  EXPECT_EQ(kept(files({{0}, {1}, {2}}), {.keep_every_steps = 1}), "2");
}

TEST(Retention, RulesKeepBesidesEachOther) {
  const auto list = files({{0, 10, 0.1}, {1, 20, 0.9}, {2, 100, 0.2}, {3, 110, 0.3}, {4, 120, 0.4}, {5, 130, 0.5}});
  const KeepPolicy policy{.keep_checkpoint_max = 2, .keep_best = 1, .keep_every_steps = 100};
  EXPECT_EQ(kept(list, policy), "1 2 4 5");
  const auto decisions = decide_retention(list, policy, kStart);
  EXPECT_EQ(decisions[0].why, "no rule keeps it");
  EXPECT_EQ(decisions[1].why, "the best (0.9)");
  EXPECT_EQ(decisions[2].why, "the first from step 100 on");
  EXPECT_EQ(decisions[5].why, "one of the newest 2");
}

TEST(Retention, TimesAtTheEndsOfTheClock) {
  auto list = files({{0}, {1}, {2}});
  list[0].time = Clock::time_point::min();
  EXPECT_EQ(kept(list, {.keep_checkpoint_per_n_minutes = 10}), "0 1 2");
  KeepPolicy policy{.keep_checkpoint_per_n_minutes = 10, .strict_mindspore = true};
  policy.last_save = list[2].time;
  EXPECT_EQ(kept(list, policy, 3), "0 1") << "the first is of no last ten minutes";
  policy.last_save = Clock::time_point::min();
  EXPECT_EQ(kept(list, policy, 3), "0 1 2");
}

TEST(Retention, PinnedFilesStay) {
  auto list = files({{0}, {1}, {2}});
  list[0].pinned = true;
  EXPECT_EQ(kept(list, {.keep_checkpoint_max = 1}), "0 2");
  EXPECT_EQ(kept(list, {.keep_checkpoint_max = 1, .strict_mindspore = true}), "0 1 2");
}

TEST(Retention, WhatIsNotWholeDoesNotCountAndIsNotDeleted) {
  auto list = files({{0, 100, 0.1}, {1, 200, 0.9}, {20, 300}});
  for (const FileState state : {FileState::damaged, FileState::unreadable}) {
    list[1].state = list[2].state = state;
    EXPECT_EQ(kept(list, {.keep_checkpoint_max = 1}), "0 1 2");
    EXPECT_EQ(kept(list, {.keep_best = 1}), "0 1 2");
    EXPECT_EQ(kept(list, {.keep_every_steps = 100}), "0 1 2");
    EXPECT_EQ(kept(list, {.keep_checkpoint_max = 1, .strict_mindspore = true}), "1 2");
  }
  list[1].state = FileState::damaged;
  const auto decisions = decide_retention(list, {.keep_checkpoint_max = 1}, kStart);
  EXPECT_EQ(decisions[1].why, "damaged: it does not count, and something may be saved of it");
  EXPECT_EQ(decisions[2].why, "cannot be read: it does not count, and may be whole");
}

// What MindSpore 2.10 decides before it saves (tests/interop holds the manager against it).
TEST(Retention, StrictDeletesOneFileTheOldest) {
  const auto list = files({{3}, {1}, {2}, {4}});
  const auto strict = [](std::uint64_t max) {
    return KeepPolicy{.keep_checkpoint_max = max, .strict_mindspore = true};
  };
  EXPECT_EQ(kept(list, strict(5)), "0 1 2 3");
  EXPECT_EQ(kept(list, strict(4)), "0 2 3");
  EXPECT_EQ(kept(list, strict(1)), "0 2 3") << "over its number it stays";
}

TEST(Retention, StrictKeepsTheOldestOfTheLastMinutes) {
  KeepPolicy policy{.keep_checkpoint_per_n_minutes = 10, .strict_mindspore = true, .last_save = kStart + minutes(19)};
  const auto list = files({{0}, {9}, {12}, {15}, {19}});
  EXPECT_EQ(kept(list, policy, 20), "0 1 2") << "9 is more than 10 minutes ago";
  policy.last_save = kStart + minutes(10);
  EXPECT_EQ(kept(list, policy, 20), "0 1 2 3 4") << "the last save was not less than 10 minutes ago";
}

TEST(Retention, StrictDeletesAllWhereNoneIsOlderThanNow) {
  const KeepPolicy policy{.keep_checkpoint_per_n_minutes = 1, .strict_mindspore = true, .last_save = kStart};
  EXPECT_EQ(kept(files({{0}, {0}}), policy, 0), "");
  EXPECT_EQ(kept(files({{-0.3}, {-0.1}, {0}}), policy, 0), "0");
}

// Whatever the rules: the newest stays, and deciding again over what stayed changes nothing.
TEST(Retention, DecidingAgainChangesNothing) {
  test::Random random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<Made> made;
    double minute = 0;
    std::uint64_t step = 0;
    for (std::uint64_t i = random.below(40); i > 0; --i) {
      minute += static_cast<double>(random.below(200)) / 10 - (random.below(20) == 0 ? 100 : 0);
      step += random.below(70);
      made.push_back({minute, step, {}});
      if (random.below(3) > 0) made.back().metric = static_cast<double>(random.below(10));
    }
    auto list = files(made);
    for (auto& file : list) file.pinned = random.below(20) == 0;
    const KeepPolicy policy{.keep_checkpoint_max = random.below(4),
                            .keep_checkpoint_per_n_minutes = random.below(3) * 15,
                            .keep_best = random.below(3),
                            .metric_mode = random.below(2) == 0 ? MetricMode::min : MetricMode::max,
                            .keep_every_steps = random.below(3) * 50};
    const auto first = decide_retention(list, policy, kStart);
    std::vector<CheckpointFile> left;
    for (std::size_t i = 0; i < list.size(); ++i)
      if (first[i].keep) left.push_back(list[i]);
    for (const auto& decision : decide_retention(left, policy, kStart)) ASSERT_TRUE(decision.keep) << decision.why;
    if (!list.empty()) {
      ASSERT_TRUE(first.back().keep);
    }
  }
}

}  // namespace
}  // namespace ckpt
