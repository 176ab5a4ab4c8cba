#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "ckpt/manager.h"
#include "ckpt/run_files.h"
#include "file_bytes.h"
#include "replay.h"
#include "short_run.h"
#include "temp_dir.h"
#include "tracee.h"

namespace ckpt::test {
namespace {

/// A number that a child leaves to its parent.
class SharedNumber {
 public:
  SharedNumber()
      : number_(static_cast<std::uint64_t*>(
            ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (number_ == MAP_FAILED) throw std::bad_alloc();
  }
  SharedNumber(const SharedNumber&) = delete;
  SharedNumber& operator=(const SharedNumber&) = delete;
  ~SharedNumber() { ::munmap(number_, sizeof(std::uint64_t)); }
  std::uint64_t& operator*() const { return *number_; }

 private:
  std::uint64_t* number_;
};

/// The steps of a run, and what it has promised to have on the disk after each of its calls.
struct Promise {
  std::set<std::uint64_t> files = {};  // by step
  std::uint64_t saves = 0;             // the step that the call saves; 0: it saves none
};

/// What each call leaves, by the pure function of retention: index 0 is before the first.
std::vector<Promise> promises(const CheckpointConfig& config) {
  std::vector<Promise> list(1);
  std::vector<CheckpointFile> files;
  const auto policy = *checkpoint_policy(config);
  KeepPolicy keep{
      .keep_checkpoint_max = static_cast<std::uint64_t>(policy.keep_checkpoint_max.value_or(0)),
      .keep_checkpoint_per_n_minutes = static_cast<std::uint64_t>(policy.keep_checkpoint_per_n_minutes.value_or(0)),
      .keep_best = config.keep_best,
      .keep_every_steps = config.keep_every_steps,
      .strict_mindspore = config.strict_mindspore};
  const auto decide = [&](std::uint64_t step) {
    keep.last_save = time_of(step - 1);
    const auto decisions = decide_retention(files, keep, time_of(step));
    std::size_t i = 0;
    std::erase_if(files, [&](const CheckpointFile&) { return !decisions[i++].keep; });
  };
  const auto note = [&](std::uint64_t saves) {
    Promise promise{.saves = saves};
    for (const CheckpointFile& file : files) promise.files.insert(*file.total_steps);
    list.push_back(std::move(promise));
  };
  for (std::uint64_t step = 1; step <= kSteps; ++step) {
    if (config.strict_mindspore) decide(step);
    files.push_back({.time = time_of(step), .total_steps = step});
    if (!config.strict_mindspore) decide(step);
    note(step);
    if (step % kStepsPerEpoch != 0) continue;
    files.back().metric = kMetrics[step / kStepsPerEpoch - 1];
    if (!config.strict_mindspore) decide(step);
    note(0);
  }
  return list;
}

bool has_all(const std::set<std::uint64_t>& there, const std::set<std::uint64_t>& wanted) {
  return std::includes(there.begin(), there.end(), wanted.begin(), wanted.end());
}

/// The run up to its first error; `calls` counts those before.
int count_calls(const std::filesystem::path& directory, const CheckpointConfig& config, std::uint64_t& calls) {
  return train(directory, config, [&](std::uint64_t, const Status& status) {
    calls += status ? 1 : 0;
    return static_cast<bool>(status);
  });
}

/// Whether these files keep what was promised after `calls` calls, of which another one may be on its way.
bool is_kept(const std::set<std::uint64_t>& there, const std::vector<Promise>& list, std::uint64_t calls) {
  const Promise& before = list[calls];
  if (calls + 1 == list.size()) return has_all(there, before.files);
  const Promise& after = list[calls + 1];
  // Nothing goes before the new file is there.
  if (after.saves != 0 && !there.contains(after.saves)) return has_all(there, before.files);
  std::set<std::uint64_t> both = after.saves != 0 ? std::set{after.saves} : std::set<std::uint64_t>();
  std::set_intersection(before.files.begin(), before.files.end(), after.files.begin(), after.files.end(),
                        std::inserter(both, both.end()));
  return has_all(there, both);
}

std::string text_of(const std::set<std::uint64_t>& steps) {
  std::string text;
  for (const std::uint64_t step : steps) text += " " + std::to_string(step);
  return text;
}

class ManagerCrash : public testing::TestWithParam<Policy> {
  void SetUp() override {
    if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  }
};

// kill -9 before and after each system call, in turn, until the run gets through.
TEST_P(ManagerCrash, KilledAnywhereItKeepsItsPromises) {
  CheckpointConfig config = GetParam().config;
  config.durable = false;  // what a kill leaves does not depend on it, and this takes a tenth of the time
  const auto list = promises(config);
  const SharedNumber calls;
  for (std::size_t stops = 0;; ++stops) {
    SCOPED_TRACE("killed at stop " + std::to_string(stops));
    const TempDir dir;
    *calls = 0;
    Tracee tracee([&] { return count_calls(dir.path(), config, *calls); });
    bool ended = false;
    for (std::size_t i = 0; i < stops && !ended; ++i) ended = !tracee.next();
    tracee.kill();
    const auto there = steps_in(dir.path());
    ASSERT_FALSE(there.contains(0)) << "half a checkpoint";
    ASSERT_TRUE(is_kept(there, list, *calls)) << "after " << *calls << " calls:" << text_of(there);
    config.resume = true;
    const auto again =
        ModelCheckpoint::create("net", dir.path(), config, {.params = [] { return std::vector<Param>(); }});
    config.resume = false;
    ASSERT_TRUE(again) << to_string(again.error());
    ASSERT_EQ(again->latest() ? again->latest()->step : 0, there.empty() ? 0 : *there.rbegin());
    for (const std::string& name : names_in(dir.path())) ASSERT_FALSE(name.ends_with(".tmp")) << name;
    if (!ended) continue;
    ASSERT_EQ(tracee.exit_code(), 0);
    ASSERT_EQ(there, list.back().files) << text_of(there);
    ASSERT_GT(stops, 100U);
    break;
  }
}

/// Cuts the power after every system call of the run. Empty if everything promised may be found then.
std::string power_cuts(const CheckpointConfig& config, const Abilities& can = {}) {
  const TempDir dir;
  const auto list = promises(config);
  const SharedNumber calls;
  DiskModel disk;
  std::string wrong;
  Tracee tracee([&] { return count_calls(dir.path(), config, *calls); });
  while (const auto stop = tracee.next()) {
    replay(*stop, tracee, can, disk);
    if (stop->entry || !wrong.empty()) continue;
    disk.names_after_power_cut([&](const std::map<std::string, bool>& names) {
      std::set<std::uint64_t> there;
      for (std::uint64_t step = 1; step <= kSteps; ++step)
        if (const auto name = names.find(name_of(step)); name != names.end()) there.insert(name->second ? step : 0);
      if (!there.contains(0) && is_kept(there, list, *calls)) return true;
      wrong = "after " + std::to_string(*calls) + " calls:" + text_of(there);
      return false;
    });
  }
  return tracee.exit_code() == 0 ? wrong : "the run failed";
}

TEST_P(ManagerCrash, WithoutPowerItKeepsItsPromises) { EXPECT_EQ(power_cuts(GetParam().config), ""); }

// The tests of the test.

TEST_P(ManagerCrash, WithoutSyncOfFilesItWouldNot) {
  EXPECT_NE(power_cuts(GetParam().config, {.file_sync = false}), "");
}

TEST_P(ManagerCrash, WithoutSyncOfTheDirectoryItWouldNot) {
  EXPECT_NE(power_cuts(GetParam().config, {.directory_sync = false}), "");
}

INSTANTIATE_TEST_SUITE_P(, ManagerCrash, testing::ValuesIn(policies()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ckpt::test
