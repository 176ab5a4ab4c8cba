#include "faults.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <new>
#include <optional>

namespace ckpt::test {
namespace {

/// Which argument says how many bytes.
std::optional<std::size_t> size_argument(long call) {
  if (call == SYS_pwrite64 || call == SYS_pread64 || call == SYS_read || call == SYS_write) return 2;
  if (call == SYS_copy_file_range) return 4;
  return std::nullopt;
}

}  // namespace

bool concerns_files(long call) {
  constexpr long kOthers[] = {SYS_mmap,  SYS_munmap,  SYS_mprotect,     SYS_mremap,         SYS_brk,  SYS_madvise,
                              SYS_futex, SYS_getppid, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_exit, SYS_exit_group};
  return std::find(std::begin(kOthers), std::end(kOthers), call) == std::end(kOthers);
}

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

bool Injector::look(const Stop& stop, Tracee& tracee) {
  if (!stop.entry || !concerns_files(stop.call)) return false;
  const bool here = calls_++ == index_;
  if (!here && !(fault_.forever && injected_ && stop.call == call_)) return false;
  call_ = stop.call;
  if (fault_.error != 0) {
    injected_ = true;
    tracee.fail_call(fault_.error);
  } else if (const auto size = size_argument(stop.call); size && stop.args[*size] > 1) {
    injected_ = true;
    tracee.set_argument(*size, stop.args[*size] / 2);
  }
  return injected_;
}

SharedText::SharedText()
    : text_(static_cast<char*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
  if (text_ == MAP_FAILED) throw std::bad_alloc();
}

SharedText::~SharedText() { ::munmap(text_, kSize); }

void SharedText::set(const std::string& text) { std::strncpy(text_, text.c_str(), kSize - 1); }

}  // namespace ckpt::test
