#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string>

#include "faults.h"
#include "scenarios.h"
#include "tracee.h"

namespace ckpt::test {
namespace {

struct Outcome {
  bool injected = false;
  bool ended = false;  // by itself
  bool success = false;
  long call = 0;  // that went wrong
  std::string message = {};
};

/// Runs the write with `fault` at its `index`-th system call that concerns files.
Outcome run(const Scenario& scenario, const std::filesystem::path& target, const Fault& fault, std::size_t index) {
  Outcome outcome;
  SharedText message;
  message.set("");
  Tracee tracee([&] {
    const Status status = scenario.write(target);
    if (!status) message.set(to_string(status.error()));
    return status ? 0 : 1;
  });
  Injector injector(fault, index);
  while (const auto stop = tracee.next()) injector.look(*stop, tracee);
  outcome.injected = injector.injected();
  outcome.call = injector.call();
  outcome.ended = tracee.exit_code() == 0 || tracee.exit_code() == 1;
  outcome.success = tracee.exit_code() == 0;
  outcome.message = message.get();
  return outcome;
}

class Failing : public testing::TestWithParam<Scenario> {};

TEST_P(Failing, EverySystemCallInTurn) {
  if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  const Scenario& scenario = GetParam();
  Site site(scenario);
  for (const Fault& fault : kFaults) {
    std::size_t errors = 0;
    std::size_t index = 0;
    for (;; ++index) {
      site.reset();
      const Outcome outcome = run(scenario, site.target(), fault, index);
      if (outcome.call == 0) break;  // there are no more calls
      SCOPED_TRACE(std::string(fault.name) + " at file call " + std::to_string(index) + ", number " +
                   std::to_string(outcome.call) + ": " + outcome.message);
      ASSERT_TRUE(outcome.ended) << "it crashed";
      const Site::State state = site.state();
      ASSERT_NE(state, Site::State::neither);
      if (outcome.success) {
        EXPECT_EQ(state, Site::State::new_file);
        EXPECT_EQ(outcome.message, "");
      } else {
        ++errors;
        EXPECT_FALSE(must_succeed(fault, outcome.call) && outcome.injected);
        EXPECT_NE(outcome.message, "");
        if (state == Site::State::new_file) {
          EXPECT_TRUE(outcome.message.starts_with("the file is in place, but"));
        }
      }
      if (outcome.call == SYS_pwrite64 && fault.error == ENOSPC) {
        EXPECT_EQ(outcome.message, "cannot write: No space left on device");
      }
      if (outcome.call != SYS_unlinkat) {
        EXPECT_TRUE(site.others().empty()) << site.others().front();
      }
    }
    EXPECT_GT(index, 10U);
    EXPECT_EQ(errors > 0, fault.error != 0) << fault.name;
  }
}

INSTANTIATE_TEST_SUITE_P(, Failing, testing::ValuesIn(scenarios()), [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace ckpt::test
