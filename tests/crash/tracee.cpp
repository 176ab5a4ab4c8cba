#include "tracee.h"

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#if !defined(__x86_64__)
#error "the registers are those of x86-64"
#endif

namespace ckpt::test {
namespace {

void check(long result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
}

user_regs_struct registers(pid_t pid) {
  user_regs_struct values;
  check(::ptrace(PTRACE_GETREGS, pid, nullptr, &values), "PTRACE_GETREGS");
  return values;
}

void set_registers(pid_t pid, const user_regs_struct& values) {
  check(::ptrace(PTRACE_SETREGS, pid, nullptr, &values), "PTRACE_SETREGS");
}

}  // namespace

Tracee::Tracee(const std::function<int()>& work) : pid_(::fork()) {
  check(pid_, "fork");
  if (pid_ == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
    ::raise(SIGSTOP);
    ::_exit(work());
  }
  running_ = true;
  if (!wait()) throw std::runtime_error("the process cannot be traced");
  constexpr long kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  check(::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, kOptions), "PTRACE_SETOPTIONS");
}

Tracee::~Tracee() { kill(); }

// Until it stops (true) or ends (false).
bool Tracee::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  if (WIFSTOPPED(status)) return true;
  running_ = false;
  if (WIFEXITED(status)) exit_code_ = WEXITSTATUS(status);
  return false;
}

std::optional<Stop> Tracee::next() {
  while (running_) {
    check(::ptrace(PTRACE_SYSCALL, pid_, nullptr, nullptr), "PTRACE_SYSCALL");
    if (!wait()) break;
    struct __ptrace_syscall_info info;
    check(::ptrace(PTRACE_GET_SYSCALL_INFO, pid_, sizeof info, &info), "PTRACE_GET_SYSCALL_INFO");
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
      stop_ = {.entry = true, .call = static_cast<long>(info.entry.nr)};
      std::copy(std::begin(info.entry.args), std::end(info.entry.args), stop_.args.begin());
      return stop_;
    }
    if (info.op != PTRACE_SYSCALL_INFO_EXIT) continue;  // a signal; none is expected, and none is passed on
    if (injected_) {
      auto values = registers(pid_);
      info.exit.rval = *std::exchange(injected_, std::nullopt);
      values.rax = static_cast<unsigned long long>(info.exit.rval);
      set_registers(pid_, values);
    }
    stop_.entry = false;
    stop_.result = info.exit.rval;
    return stop_;
  }
  return std::nullopt;
}

void Tracee::kill() {
  if (!running_) return;
  ::kill(pid_, SIGKILL);
  while (running_) wait();
}

void Tracee::fail_call(int error) {
  skip_call();
  injected_ = -error;
}

void Tracee::skip_call() {
  auto values = registers(pid_);
  values.orig_rax = ~0ULL;  // no such call
  set_registers(pid_, values);
  injected_ = 0;
}

void Tracee::set_argument(std::size_t index, std::uint64_t value) {
  auto values = registers(pid_);
  unsigned long long* const places[] = {&values.rdi, &values.rsi, &values.rdx, &values.r10, &values.r8, &values.r9};
  *places[index] = value;
  set_registers(pid_, values);
}

std::string Tracee::text_at(std::uint64_t address) const {
  std::string text;
  for (char c = 0;; text += c) {
    const iovec here{&c, 1};
    const iovec there{reinterpret_cast<void*>(address + text.size()), 1};
    check(::process_vm_readv(pid_, &here, 1, &there, 1, 0), "process_vm_readv");
    if (c == '\0') return text;
  }
}

std::int64_t Tracee::number_at(std::uint64_t address) const {
  std::int64_t number = 0;
  const iovec here{&number, sizeof number};
  const iovec there{reinterpret_cast<void*>(address), sizeof number};
  check(::process_vm_readv(pid_, &here, 1, &there, 1, 0), "process_vm_readv");
  return number;
}

std::string Tracee::path_of(std::uint64_t descriptor) const {
  return "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(descriptor);
}

bool can_trace() {
  try {
    Tracee tracee([] { return 0; });
    while (tracee.next()) {
    }
    return tracee.exit_code() == 0;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace ckpt::test
