#pragma once

#include <cerrno>
#include <cstddef>
#include <string>

#include "tracee.h"

namespace ckpt::test {

/// What goes wrong at one system call.
struct Fault {
  const char* name;
  int error;     ///< what the call fails with; 0: it does half of what was asked
  bool forever;  ///< so does every later call of the kind
};

inline constexpr Fault kFaults[] = {
    {"I/O error", EIO, false},
    {"disk full from here on", ENOSPC, true},
    {"not supported", EINVAL, false},
    {"interrupted", EINTR, false},
    {"short", 0, false},
};

/// Faults that must not be noticed: what was interrupted or cut short is done again, hints may fail, and there is
/// another way where a file system does not know this one.
bool must_succeed(const Fault& fault, long call);

/// Memory and process management: not what is tested here.
bool concerns_files(long call);

/// Lets one system call of a process go wrong: the `index`-th that concerns files.
class Injector {
 public:
  Injector(const Fault& fault, std::size_t index) : fault_(fault), index_(index) {}

  /// At each stop. Whether this call goes wrong.
  bool look(const Stop& stop, Tracee& tracee);

  bool injected() const noexcept { return injected_; }
  long call() const noexcept { return call_; }  ///< that went wrong; 0: there were not so many

 private:
  Fault fault_;
  std::size_t index_;
  std::size_t calls_ = 0;
  long call_ = 0;
  bool injected_ = false;
};

/// Text that a child leaves to its parent.
class SharedText {
 public:
  SharedText();
  SharedText(const SharedText&) = delete;
  SharedText& operator=(const SharedText&) = delete;
  ~SharedText();

  void set(const std::string& text);
  std::string get() const { return text_; }

 private:
  static constexpr std::size_t kSize = 4096;
  char* text_;
};

}  // namespace ckpt::test
