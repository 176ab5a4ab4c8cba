#include "plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace ckpt::train {
namespace {

/// What must be alive at one step at least, whatever the plan.
std::uint64_t least(const std::vector<Lifetime>& values) {
  std::uint64_t most = 0;
  for (const Lifetime& at : values) {
    std::uint64_t alive = 0;
    for (const Lifetime& value : values) {
      if (value.first <= at.first && at.first <= value.last) alive += (value.size + 63) / 64 * 64;
    }
    most = std::max(most, alive);
  }
  return most;
}

void expect_sound(const std::vector<Lifetime>& values) {
  const Plan planned = plan(values);
  ASSERT_EQ(planned.offsets.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(planned.offsets[i] % kAlignment, 0U);
    EXPECT_LE(planned.offsets[i] + values[i].size, planned.total);
    for (std::size_t j = 0; j < i; ++j) {
      if (!values[i].meets(values[j])) continue;
      const bool apart = planned.offsets[i] + values[i].size <= planned.offsets[j] ||
                         planned.offsets[j] + values[j].size <= planned.offsets[i];
      EXPECT_TRUE(apart) << i << " and " << j << " overlap";
    }
  }
  EXPECT_GE(planned.total, least(values));
}

TEST(Plan, NothingNeedsNothing) { EXPECT_EQ(plan({}).total, 0U); }

TEST(Plan, WhatIsDeadIsUsedAgain) {
  const std::vector<Lifetime> row{{1000, 0, 1}, {1000, 1, 2}, {1000, 2, 3}, {1000, 3, 4}};
  expect_sound(row);
  EXPECT_EQ(plan(row).total, 2048U);
}

TEST(Plan, AGapIsFilled) {
  const std::vector<Lifetime> values{{4096, 0, 9}, {2048, 0, 3}, {1024, 4, 9}, {1024, 5, 9}};
  expect_sound(values);
  EXPECT_EQ(plan(values).total, 6144U);
}

TEST(Plan, RandomLifetimesNeverOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<Lifetime> values(random() % 40);
    for (Lifetime& value : values) {
      value = {.size = random() % 5000, .first = random() % 30, .last = 0};
      value.last = value.first + random() % 10;
    }
    expect_sound(values);
  }
}

}  // namespace
}  // namespace ckpt::train
