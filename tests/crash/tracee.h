#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ckpt::test {

/// Where a traced process stands still: just before or just after one system call.
struct Stop {
  bool entry = false;  ///< before: nothing has happened yet
  long call = 0;       ///< SYS_openat …
  std::array<std::uint64_t, 6> args = {};
  std::int64_t result = 0;  ///< at the exit: what the call returned, or -errno
};

/// A function running in a child process (fork, no exec) that stops at every system call.
///
///     Tracee tracee(work);
///     while (auto stop = tracee.next()) look_at(*stop);
///     EXPECT_EQ(tracee.exit_code(), 0);
class Tracee {
 public:
  /// `work` returns the child's exit code. It must not use threads.
  explicit Tracee(const std::function<int()>& work);
  Tracee(const Tracee&) = delete;
  Tracee& operator=(const Tracee&) = delete;
  ~Tracee();  ///< kills it if it still runs

  /// Lets it run to its next stop; empty when it has ended.
  std::optional<Stop> next();
  void kill();

  /// At an entry: the call is not made, and returns `error` (an errno) instead.
  void fail_call(int error);
  /// At an entry: the call is not made, and says that all went well.
  void skip_call();
  /// At an entry: changes one argument.
  void set_argument(std::size_t index, std::uint64_t value);

  std::string text_at(std::uint64_t address) const;     ///< a C string in its memory
  std::int64_t number_at(std::uint64_t address) const;  ///< eight bytes in its memory
  std::string path_of(std::uint64_t descriptor) const;  ///< a path under /proc that opens the same file

  /// Empty while it runs, and if a signal ended it.
  std::optional<int> exit_code() const { return exit_code_; }

 private:
  bool wait();

  pid_t pid_ = -1;
  bool running_ = false;
  Stop stop_ = {};
  std::optional<std::int64_t> injected_ = {};  // what the call's exit is to return
  std::optional<int> exit_code_ = {};
};

/// Whether this system lets a process trace its child.
bool can_trace();

}  // namespace ckpt::test
