#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "disk_model.h"
#include "replay.h"
#include "scenarios.h"
#include "tracee.h"

namespace ckpt::test {
namespace {

/// Cuts the power after every system call of a write. Returns what is wrong with what may then be found; empty if the
/// target is always the complete old file or the complete new one, and, once the write has returned, the new one.
std::string power_cuts(const Scenario& scenario, const Abilities& can = {}) {
  Site site(scenario);
  const std::string name = file_name(site.target());
  DiskModel disk;
  std::optional<FileState> old;
  if (scenario.old_bytes) {
    old = FileState{*scenario.old_bytes, kOldMode};
    disk.add_synced(name, status_of(site.target()).st_ino, *old);
  }
  std::string wrong;
  const auto is_new = [&](const std::optional<FileState>& state) {
    return state && state->mode == scenario.new_mode && scenario.is_new(state->bytes);
  };
  const auto look_for = [&](const char* what, const std::function<bool(const std::optional<FileState>&)>& good) {
    if (!wrong.empty()) return;
    disk.after_power_cut(name, [&](const std::optional<FileState>& state) {
      if (good(state)) return true;
      wrong = std::string(what) + ": " +
              (state ? std::to_string(state->bytes.size()) + " bytes, mode " + std::to_string(state->mode)
                     : std::string("no file"));
      return false;
    });
  };
  Tracee tracee([&] { return scenario.write(site.target()) ? 0 : 1; });
  while (const auto stop = tracee.next()) {
    if (stop->entry && stop->call == SYS_renameat2 && !can.rename_no_replace) tracee.fail_call(EINVAL);
    replay(*stop, tracee, can, disk);
    if (!stop->entry) look_for("neither old nor new", [&](const auto& state) { return state == old || is_new(state); });
  }
  if (tracee.exit_code() != 0) return "the write failed";
  look_for("not there after success", is_new);
  return wrong;
}

class PowerCut : public testing::TestWithParam<Scenario> {
  void SetUp() override {
    if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  }
};

TEST_P(PowerCut, TheTargetIsTheOldFileOrTheNewOne) { EXPECT_EQ(power_cuts(GetParam()), ""); }

// The tests of the test: without each of the syncs it has something to find.

TEST_P(PowerCut, WithoutSyncOfTheFileItIsNeither) {
  EXPECT_TRUE(power_cuts(GetParam(), {.file_sync = false}).starts_with("neither old nor new"));
}

TEST_P(PowerCut, WithoutSyncOfTheDirectoryItIsNotThereForSure) {
  EXPECT_TRUE(power_cuts(GetParam(), {.directory_sync = false}).starts_with("not there after success"));
}

INSTANTIATE_TEST_SUITE_P(, PowerCut, testing::ValuesIn(scenarios()), [](const auto& test) { return test.param.name; });

// NFS has no rename that refuses to replace: a second name is made, and the first one removed.
TEST(PowerCutWithoutRenameNoReplace, ASecondNameServes) {
  if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  for (const Scenario& scenario : scenarios())
    if (scenario.name == "make_without_overwrite") {
      EXPECT_EQ(power_cuts(scenario, {.rename_no_replace = false}), "");
    }
}

class PowerCutWithoutDurable : public PowerCut {};

TEST_P(PowerCutWithoutDurable, DataCanBeLost) {
  EXPECT_TRUE(power_cuts(GetParam()).starts_with("neither old nor new"));
}

INSTANTIATE_TEST_SUITE_P(, PowerCutWithoutDurable, testing::ValuesIn(scenarios(false)),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ckpt::test
