#pragma once

#include <cstddef>
#include <functional>

namespace ckpt {

/// 0 means all cores.
unsigned thread_count(unsigned asked) noexcept;

/// Calls work(i) for i in [0, count) on up to `threads` threads, the caller's included, in increasing order of start.
/// Returns when all are done. `work` returning false stops handing out further ones.
void parallel_for(unsigned threads, std::size_t count, const std::function<bool(std::size_t)>& work);

}  // namespace ckpt
