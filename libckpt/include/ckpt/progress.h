#pragma once

#include <cstdint>
#include <functional>

namespace ckpt {

/// Called now and then, on the thread that made the call, with the bytes done and the bytes in all (0 when the
/// total is not known). Return false to stop: the operation fails with Errc::cancelled and leaves nothing behind.
using Progress = std::function<bool(std::uint64_t done, std::uint64_t total)>;

}  // namespace ckpt
