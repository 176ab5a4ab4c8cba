#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <string>

#include "scenarios.h"
#include "tracee.h"

namespace ckpt::test {
namespace {

/// What goes wrong at one system call.
struct Fault {
  const char* name;
  int error;     // what the call fails with; 0: it does half of what was asked
  bool forever;  // so does every later call of the kind
};

constexpr Fault kFaults[] = {
    {"I/O error", EIO, false},
    {"disk full from here on", ENOSPC, true},
    {"not supported", EINVAL, false},
    {"interrupted", EINTR, false},
    {"short", 0, false},
};

/// Memory and process management: not what is tested here.
bool concerns_files(long call) {
  constexpr long kOthers[] = {SYS_mmap,  SYS_munmap,       SYS_mprotect,       SYS_mremap, SYS_brk,       SYS_madvise,
                              SYS_futex, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_exit,   SYS_exit_group};
  return std::find(std::begin(kOthers), std::end(kOthers), call) == std::end(kOthers);
}

/// Which argument says how many bytes.
std::optional<std::size_t> size_argument(long call) {
  if (call == SYS_pwrite64 || call == SYS_pread64 || call == SYS_read) return 2;
  if (call == SYS_copy_file_range) return 4;
  return std::nullopt;
}

/// Text that a child leaves to its parent.
class SharedText {
 public:
  SharedText()
      : text_(static_cast<char*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (text_ == MAP_FAILED) throw std::bad_alloc();
  }
  SharedText(const SharedText&) = delete;
  SharedText& operator=(const SharedText&) = delete;
  ~SharedText() { ::munmap(text_, kSize); }

  void set(const std::string& text) { std::strncpy(text_, text.c_str(), kSize - 1); }
  std::string get() const { return text_; }

 private:
  static constexpr std::size_t kSize = 4096;
  char* text_;
};

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
  for (std::size_t calls = 0; auto stop = tracee.next();) {
    if (!stop->entry || !concerns_files(stop->call)) continue;
    const bool here = calls++ == index;
    if (!here && !(fault.forever && outcome.injected && stop->call == outcome.call)) continue;
    outcome.call = stop->call;
    if (fault.error != 0) {
      outcome.injected = true;
      tracee.fail_call(fault.error);
    } else if (const auto size = size_argument(stop->call); size && stop->args[*size] > 1) {
      outcome.injected = true;
      tracee.set_argument(*size, stop->args[*size] / 2);
    }
  }
  outcome.ended = tracee.exit_code() == 0 || tracee.exit_code() == 1;
  outcome.success = tracee.exit_code() == 0;
  outcome.message = message.get();
  return outcome;
}

/// Faults that must not be noticed: what was interrupted or cut short is done again, hints may fail, and there is
/// another way where a file system does not know this one.
bool must_succeed(const Fault& fault, long call) {
  const auto is_one_of = [call](std::initializer_list<long> calls) {
    return std::find(calls.begin(), calls.end(), call) != calls.end();
  };
  if (is_one_of({SYS_fallocate, SYS_sync_file_range, SYS_copy_file_range})) return true;
  if (fault.error == EINVAL) return is_one_of({SYS_renameat2});
  if (fault.error == EINTR)
    return is_one_of({SYS_pwrite64, SYS_pread64, SYS_fsync, SYS_fchmod, SYS_ftruncate, SYS_close});
  return fault.error == 0;
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
