// What is not a crash: system calls that fail under ModelCheckpoint, and others who meddle with its directory. Training
// goes on, so each call reports what has become of it, and the next one tries again.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "ckpt/manager.h"
#include "faults.h"
#include "file_bytes.h"
#include "short_run.h"
#include "temp_dir.h"
#include "tracee.h"

namespace ckpt::test {
namespace {

namespace fs = std::filesystem;

/// What the child has to say after each of its calls; the parent sees the system call, and looks around.
bool report(std::uint64_t saves, const Status& status, SharedText& messages) {
  if (!status) messages.set(messages.get() + to_string(status.error()) + '\n');
  ::syscall(SYS_getppid, saves, status ? 1 : 0);
  return true;
}

/// A run that is disturbed, and what was seen of it after each of its calls.
struct Seen {
  std::uint64_t reports = 0;           // of saves
  std::set<std::uint64_t> saved = {};  // the steps whose files were there
  std::uint64_t last_good = 0;         // the last step that was saved without an error
  bool last_call_good = false;
  bool half = false;         // there was half a checkpoint
  bool newest_gone = false;  // one that was saved was not there any more, and no newer one
  std::string messages = {};
  std::optional<int> exit_code = {};
};

/// `at_call` is asked at the entry of each other system call, and says whether it has dealt with it. Nothing is really
/// synced: no power cut is tried, and it takes long.
Seen watch(const fs::path& directory, const CheckpointConfig& config,
           const std::function<bool(const Stop&, Tracee&, const Seen&)>& at_call) {
  Seen seen;
  SharedText messages;
  messages.set("");
  Tracee tracee([&] {
    return train(directory, config, [&](std::uint64_t saves, const Status& s) { return report(saves, s, messages); });
  });
  while (const auto stop = tracee.next()) {
    if (!stop->entry) continue;
    if (stop->call != SYS_getppid) {
      if (!at_call(*stop, tracee, seen) && stop->call == SYS_fsync) tracee.skip_call();
      continue;
    }
    const auto there = fs::exists(directory) ? steps_in(directory) : std::set<std::uint64_t>();
    const std::uint64_t saves = stop->args[0];
    seen.last_call_good = stop->args[1] == 1;
    seen.reports += saves != 0 ? 1 : 0;
    if (saves != 0 && there.contains(saves)) seen.saved.insert(saves);
    if (saves != 0 && seen.last_call_good) seen.last_good = saves;
    seen.half = seen.half || there.contains(0);
    seen.newest_gone = seen.newest_gone || seen.last_good > (there.empty() ? 0 : *there.rbegin());
  }
  seen.messages = messages.get();
  seen.exit_code = tracee.exit_code();
  return seen;
}

void expect_to_go_on_from_the_newest(const fs::path& directory, CheckpointConfig config) {
  config.resume = true;
  const auto there = steps_in(directory);
  const auto again = ModelCheckpoint::create("net", directory, config, {.params = [] { return std::vector<Param>(); }});
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(again->latest() ? again->latest()->step : 0, there.empty() ? 0 : *there.rbegin());
  for (const std::string& name : names_in(directory)) EXPECT_FALSE(name.ends_with(".tmp")) << name;
}

std::string underscored(std::string text) {
  for (char& c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return text;
}

// ---- system calls that fail ----

class ManagerFault : public testing::TestWithParam<std::tuple<Policy, Fault>> {};

TEST_P(ManagerFault, EverySystemCallInTurn) {
  if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  const auto& [policy, fault] = GetParam();
  std::size_t errors = 0;
  std::size_t index = 0;
  for (;; ++index) {
    const TempDir dir;
    Injector injector(fault, index);
    const Seen seen = watch(dir.path(), policy.config,
                            [&](const Stop& stop, Tracee& tracee, const Seen&) { return injector.look(stop, tracee); });
    if (injector.call() == 0) break;  // there are no more calls
    SCOPED_TRACE("at file call " + std::to_string(index) + ", number " + std::to_string(injector.call()) + ": " +
                 seen.messages);
    ASSERT_TRUE(seen.exit_code) << "it crashed";
    ASSERT_FALSE(seen.half || seen.newest_gone);
    ASSERT_TRUE(seen.messages.empty() || !must_succeed(fault, injector.call()));
    errors += seen.messages.empty() ? 0 : 1;
    if (fault.error == ENOSPC && injector.call() == SYS_pwrite64) {
      ASSERT_NE(seen.messages.find("cannot write: No space left on device"), std::string::npos);
    }
    // What comes after an error sets everything right again.
    if (policy.name == "newest_two" && !fault.forever && seen.last_call_good && seen.exit_code == 0) {
      std::set<std::uint64_t> newest = seen.saved;
      while (newest.size() > 2) newest.erase(newest.begin());
      ASSERT_EQ(steps_in(dir.path()), newest);
    }
    expect_to_go_on_from_the_newest(dir.path(), policy.config);
    if (HasFailure()) break;
  }
  EXPECT_GT(index, 100U);
  EXPECT_EQ(errors > 0, fault.error != 0);
}

using PolicyAndFault = std::tuple<Policy, Fault>;

std::vector<PolicyAndFault> policies_and_faults() {
  std::vector<PolicyAndFault> list;
  for (const Policy& policy : policies())
    for (const Fault& fault : kFaults)
      if (policy.name == "newest_two" || (policy.name == "all" && fault.error == EIO)) list.emplace_back(policy, fault);
  return list;
}

INSTANTIATE_TEST_SUITE_P(, ManagerFault, testing::ValuesIn(policies_and_faults()), [](const auto& test) {
  return std::get<0>(test.param).name + '_' + underscored(std::get<1>(test.param).name);
});

// ---- others who meddle ----

constexpr std::uint64_t kOccupied = 3;  // the step whose name somebody else takes

struct Meddling {
  std::string name = {};
  /// `precious` is a file outside the directory.
  std::function<void(const fs::path& directory, const fs::path& precious)> act = {};
};

void remove_all_that(const fs::path& directory, const std::function<bool(const std::string&)>& is_meant) {
  for (const std::string& name : names_in(directory))
    if (is_meant(name)) fs::remove(directory / name);
}

std::vector<Meddling> meddlings() {
  return {
      {"the record is deleted", [](const fs::path& dir, const fs::path&) { fs::remove(dir / "net-record.txt"); }},
      {"temporary files are deleted",
       [](const fs::path& dir, const fs::path&) {
         remove_all_that(dir, [](const std::string& name) { return name.ends_with(".tmp"); });
       }},
      {"a foreign file appears",
       [](const fs::path& dir, const fs::path&) {
         if (!fs::exists(dir / name_of(kOccupied))) write_file(dir / name_of(kOccupied), kForeign);
       }},
      {"a link appears",
       [](const fs::path& dir, const fs::path& precious) {
         if (!fs::exists(dir / name_of(kOccupied))) fs::create_symlink(precious, dir / name_of(kOccupied));
       }},
      {"links appear for the graph and the record",
       [](const fs::path& dir, const fs::path& precious) {
         for (const char* name : {"net-graph.meta", "net-record.txt"})
           if (!fs::exists(dir / name)) fs::create_symlink(precious, dir / name);
       }},
      {"the directory is removed", [](const fs::path& dir, const fs::path&) { fs::remove_all(dir); }},
      {"the directory is emptied",
       [](const fs::path& dir, const fs::path&) { remove_all_that(dir, [](const std::string&) { return true; }); }},
  };
}

std::ostream& operator<<(std::ostream& out, const Meddling& meddling) { return out << meddling.name; }

class ManagerMeddling : public testing::TestWithParam<Meddling> {};

TEST_P(ManagerMeddling, BeforeEverySystemCall) {
  if (!can_trace()) GTEST_SKIP() << "this system does not let a process trace its child";
  const Meddling& meddling = GetParam();
  const CheckpointConfig config{.keep_checkpoint_max = 2};
  for (std::size_t index = 0;; ++index) {
    SCOPED_TRACE("before call " + std::to_string(index));
    const TempDir top;
    const fs::path directory = top / "saves";
    fs::create_directory(directory);
    write_file(top / "precious", kForeign);
    std::size_t calls = 0;
    std::uint64_t reports = 0;  // of saves, before
    bool foreign = false;
    const Seen seen = watch(directory, config, [&](const Stop&, Tracee&, const Seen& so_far) {
      if (calls++ != index) return false;
      reports = so_far.reports;
      foreign = !fs::exists(directory / name_of(kOccupied));
      meddling.act(directory, top / "precious");
      foreign = foreign && fs::exists(directory / name_of(kOccupied));
      return false;
    });
    SCOPED_TRACE(seen.messages);
    ASSERT_TRUE(seen.exit_code) << "it crashed";
    ASSERT_FALSE(seen.half);
    ASSERT_EQ(read_file(top / "precious"), kForeign);
    ASSERT_EQ(names_in(top.path()).size(), fs::exists(directory) ? 2U : 1U);
    if (foreign) {
      ASSERT_EQ(read_file(directory / name_of(kOccupied)), kForeign);
      ASSERT_TRUE(!seen.messages.empty() || reports == 0 || reports >= kOccupied);  // later its name is not needed
    }
    if (!fs::exists(directory)) {
      ASSERT_TRUE(seen.messages.find("its directory does not exist") != std::string::npos ||
                  seen.messages.find("No such file or directory") != std::string::npos || reports + 2 > kSteps);
    } else if (seen.exit_code == 0) {
      // Whatever it was, the next save but one is undisturbed.
      ASSERT_TRUE(seen.saved.contains(kSteps) || reports + 2 > kSteps);
      if (fs::is_regular_file(directory / "net-record.txt")) expect_to_go_on_from_the_newest(directory, config);
    }
    if (calls <= index || HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(, ManagerMeddling, testing::ValuesIn(meddlings()),
                         [](const auto& test) { return underscored(test.param.name); });

// ---- a directory that must not be written to ----

constexpr unsigned kNobody = 65534;

/// The line that went wrong, or 0. As somebody whom permissions concern.
int save_without_permission(const fs::path& directory) {
  if (::geteuid() == 0 && (::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0))
    return __LINE__;
  const CheckpointConfig config{.keep_checkpoint_max = 1};
  const float value = 1;
  const ModelCheckpointOptions options{.params = [&] {
    return std::vector<Param>{
        {.desc = {.name = "w", .dtype = DType::float32}, .bytes = std::as_bytes(std::span(&value, 1))}};
  }};
  auto saver = ModelCheckpoint::create("net", directory, config, options);
  if (!saver || !saver->step_end({1, 1, 10})) return __LINE__;
  if (::chmod(directory.c_str(), 0500) != 0) return __LINE__;
  const Status status = saver->step_end({1, 2, 10});
  if (status || to_string(status.error()) != "cannot create a file in its directory: Permission denied")
    return __LINE__;
  const auto other = ModelCheckpoint::create("other", directory, config, options);
  if (other || to_string(other.error()) != "cannot open the run's record: Permission denied") return __LINE__;
  if (names_in(directory) != std::vector<std::string>{"net-1_1.ckpt", "net-record.txt"}) return __LINE__;
  if (::chmod(directory.c_str(), 0700) != 0) return __LINE__;
  if (!saver->step_end({1, 3, 10})) return __LINE__;
  return names_in(directory) == std::vector<std::string>{"net-1_3.ckpt", "net-record.txt"} ? 0 : __LINE__;
}

TEST(ManagerPermissions, AReadOnlyDirectoryIsAnErrorAndNoLoss) {
  const TempDir dir;
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(dir.path().c_str(), kNobody, kNobody), 0);
  }
  EXPECT_EXIT(
      {
        const int line = save_without_permission(dir.path());
        if (line != 0) std::fprintf(stderr, "line %d\n", line);
        ::_exit(line == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ckpt::test
