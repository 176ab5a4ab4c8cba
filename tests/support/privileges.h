#pragma once

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace ckpt::test {

/// While it is there the permissions of files count for this thread, even if it is root's.
class NoPrivileges {
 public:
  NoPrivileges() {
    if (::syscall(SYS_capget, &header_, old_.data()) != 0) throw std::runtime_error("cannot ask for the capabilities");
    auto less = old_;
    for (const int capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) less[0].effective &= ~(1U << capability);
    if (::syscall(SYS_capset, &header_, less.data()) != 0) throw std::runtime_error("cannot drop capabilities");
  }
  NoPrivileges(const NoPrivileges&) = delete;
  NoPrivileges& operator=(const NoPrivileges&) = delete;
  ~NoPrivileges() { ::syscall(SYS_capset, &header_, old_.data()); }

 private:
  __user_cap_header_struct header_ = {_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> old_ = {};
};

}  // namespace ckpt::test
