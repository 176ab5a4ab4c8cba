#include <gtest/gtest.h>

#include <set>

#include "file_bytes.h"
#include "scenarios.h"
#include "tracee.h"

namespace ckpt::test {
namespace {

class Killed : public testing::TestWithParam<Scenario> {};

// kill -9 before and after each system call, in turn, until the write gets through.
TEST_P(Killed, TheTargetIsTheOldFileOrTheNewOne) {
  if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  const Scenario& scenario = GetParam();
  Site site(scenario);
  std::set<Site::State> seen;
  for (std::size_t stops = 0;; ++stops) {
    SCOPED_TRACE("killed at stop " + std::to_string(stops));
    site.reset();
    Tracee tracee([&] { return scenario.write(site.target()) ? 0 : 1; });
    bool ended = false;
    for (std::size_t i = 0; i < stops && !ended; ++i) ended = !tracee.next();
    tracee.kill();
    if (ended) {
      EXPECT_EQ(tracee.exit_code(), 0);
      EXPECT_EQ(site.state(), Site::State::new_file);
      EXPECT_TRUE(site.others().empty());
      break;
    }
    ASSERT_NE(site.state(), Site::State::neither);
    seen.insert(site.state());
    const auto others = site.others();
    ASSERT_LE(others.size(), 1U);
    for (const std::string& name : others) {
      EXPECT_TRUE(name.starts_with(".net.ckpt.") && name.ends_with(".tmp")) << name;
      if (site.state() == Site::State::old_file) {
        EXPECT_EQ(mode_of(site.directory() / name) & ~(0600U | scenario.new_mode), 0U) << "readable by others";
      }
    }
  }
  EXPECT_EQ(seen.size(), 2U) << "it was killed before and after the file was put into place";
}

INSTANTIATE_TEST_SUITE_P(, Killed, testing::ValuesIn(scenarios()), [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ckpt::test
